package simtenant

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"breakglass/internal/simtenant/state"
)

// Endpoints say where the services are; endpoints.json. Every address is without a slash
// at the end.
type Endpoints struct {
	// Name is the cloud's name.
	Name string `json:"name"`
	// Base is the one base URL of all services.
	Base string `json:"base"`
	// Login, Graph, ARM, LogAnalytics and Portal are the services.
	Login        string `json:"login"`
	Graph        string `json:"graph"`
	ARM          string `json:"arm"`
	LogAnalytics string `json:"logAnalytics"`
	Portal       string `json:"portal"`
	// TenantID and InitialDomain are the tenant's.
	TenantID      string `json:"tenantId"`
	InitialDomain string `json:"initialDomain"`
	// CAFile is the certificate authority to trust, in the same directory.
	CAFile string `json:"caFile"`
	// Limits is an empty list where nothing is throttled, so that clients need not pace
	// themselves; absent means the limits of Graph's throttling guidance.
	Limits *[]struct{} `json:"limits,omitempty"`
}

// Endpoints are the addresses of the running tenant.
func (t *Tenant) Endpoints() Endpoints {
	u := t.URL()
	e := Endpoints{
		Name: "Simulated", Base: u, Login: u, Graph: u, ARM: u, LogAnalytics: u, Portal: u,
		TenantID: t.creds.TenantID, InitialDomain: t.creds.InitialDomain, CAFile: caFile,
	}
	t.state.View(func(tx *state.Tx) {
		if !tx.World().Throttle {
			e.Limits = &[]struct{}{}
		}
	})
	return e
}

// WriteDir writes what a client needs into dir, which it makes when missing: ca.pem,
// endpoints.json, and for its owner alone credentials.json, reader.pem, operator.pem and ca-key.pem.
func (t *Tenant) WriteDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the directory: %w", err)
	}
	endpoints, err := json.MarshalIndent(t.Endpoints(), "", "  ")
	if err != nil {
		return fmt.Errorf("encode the endpoints: %w", err)
	}
	creds, err := json.MarshalIndent(t.creds, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the credentials: %w", err)
	}
	key, err := t.ca.keyPEM()
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		data []byte
		mode os.FileMode
	}{
		{caFile, t.ca.pem(), 0o644},
		{caKeyFile, key, 0o600},
		{t.creds.Reader.CertificateFile, t.creds.Reader.pemData, 0o600},
		{t.creds.Operator.CertificateFile, t.creds.Operator.pemData, 0o600},
		{"credentials.json", append(creds, '\n'), 0o600},
		{"endpoints.json", append(endpoints, '\n'), 0o644}, // last: who waits for it finds the rest
	} {
		if err := writeFile(filepath.Join(dir, f.name), f.data, f.mode); err != nil {
			return err
		}
	}
	return nil
}

// writeFile puts a whole file in the place of another at once.
func writeFile(name string, data []byte, mode os.FileMode) error {
	tmp, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	defer os.Remove(tmp.Name()) // gone already when all went well
	_, err = tmp.Write(data)
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Chmod(tmp.Name(), mode)
	}
	if err == nil {
		err = os.Rename(tmp.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}
