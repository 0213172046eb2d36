package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"breakglass/internal/msapi"
)

// simEnv names the directory of a running simulated tenant. It is the one environment
// variable of ours that changes what a command talks to.
const simEnv = "BREAKGLASS_SIM"

// simCredentials is what we need of the simulator's credentials.json.
type simCredentials struct {
	TenantID     string         `json:"tenantId"`
	ControlToken string         `json:"controlToken"`
	Reader       simApplication `json:"reader"`
	Operator     simApplication `json:"operator"`
}

type simApplication struct {
	ClientID        string `json:"clientId"`
	CertificateFile string `json:"certificateFile"`
}

// useSimulator points the client at the simulated tenant of dir, as its reader or, for
// writes, its operator, unless flags say otherwise; from then on our clock is its clock.
func (a *access) useSimulator(dir string, d *deps, opts *msapi.Options) error {
	c, err := loadSimCredentials(dir)
	if err != nil {
		return badFile{withHint(fmt.Errorf("%s=%s: %w", simEnv, dir, err), "start it with `breakglass sim --dir %s`", dir)}
	}
	if opts.Endpoints, err = msapi.LoadEndpoints(filepath.Join(dir, "endpoints.json")); err != nil {
		return badFile{err}
	}
	if opts.Roots, err = trust(filepath.Join(dir, "ca.pem"), false); err != nil {
		return err
	}
	opts.TenantID = firstOf(opts.TenantID, c.TenantID)
	if a.auth == "" && a.clientID == "" {
		app := c.Reader
		if a.operator {
			app = c.Operator
		}
		opts.SignIn = msapi.SignIn{
			Method: msapi.MethodCertificate, ClientID: app.ClientID,
			CertificateFile: filepath.Join(dir, app.CertificateFile),
		}
	}
	opts.SignIn.TenantID = opts.TenantID
	offset, err := simOffset(opts.Endpoints.Base, c.ControlToken, opts.Roots)
	if err != nil {
		return withHint(fmt.Errorf("ask the simulated tenant for its clock: %w", err), "is it running? `breakglass sim --dir %s`", dir)
	}
	d.now = func() time.Time { return time.Now().Add(offset) }
	opts.Now = d.now
	return nil
}

func loadSimCredentials(dir string) (simCredentials, error) {
	var c simCredentials
	data, err := os.ReadFile(filepath.Join(dir, "credentials.json"))
	if err != nil {
		return c, err
	}
	return c, json.Unmarshal(data, &c)
}

// simOffset is how far the simulated clock is ahead of ours.
func simOffset(base, token string, roots *x509.CertPool) (time.Duration, error) {
	req, err := http.NewRequest(http.MethodGet, base+"/_sim/clock", nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	client := &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}},
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	var answer struct {
		Now time.Time `json:"now"`
	}
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("it answered %s", resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return 0, err
	}
	return time.Until(answer.Now), nil
}
