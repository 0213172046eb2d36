package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"breakglass/internal/config"
	"breakglass/internal/entra"
	"breakglass/internal/msapi"
)

// access is how a command gets at the plan and the tenant.
type access struct {
	config      string
	endpoints   string
	authority   string
	snapshot    string
	accounts    []string
	auth        string
	tenantID    string
	clientID    string
	certificate string
	secretFile  string
	tokenFile   string
	patience    time.Duration
	// operator asks for the identity that may write, where the environment knows two.
	operator bool
}

// planFlags are for commands that read breakglass.yaml.
func (a *access) planFlags(f *pflag.FlagSet) {
	f.StringVarP(&a.config, "config", "c", "breakglass.yaml", "the tenant's plan")
}

// signInFlags are for commands that talk to the tenant.
func (a *access) signInFlags(f *pflag.FlagSet) {
	f.StringVar(&a.endpoints, "endpoints", "", "file with the hosts of a cloud of your own (docs/clouds.md)")
	f.StringVar(&a.authority, "ca", "", "PEM file with further certificate authorities to trust")
	f.StringVar(&a.auth, "auth", "", "how to sign in: browser, device-code, certificate, workload-identity, managed-identity, secret")
	f.StringVar(&a.tenantID, "tenant-id", "", "tenant to sign in to (default: the plan's)")
	f.StringVar(&a.clientID, "client-id", "", "application to sign in as (default: AZURE_CLIENT_ID)")
	f.StringVar(&a.certificate, "certificate", "", "file with the application's certificate and key (default: AZURE_CLIENT_CERTIFICATE_PATH)")
	f.StringVar(&a.secretFile, "secret-file", "", "file with a client secret, mode 0600; prefer a certificate")
	f.StringVar(&a.tokenFile, "token-file", "", "file with a federated token (default: AZURE_FEDERATED_TOKEN_FILE)")
	f.DurationVar(&a.patience, "patience", 5*time.Minute, "how long one reading or write may wait for throttling and retries")
}

// readFlags are for commands that judge a reading, live or from a file.
func (a *access) readFlags(f *pflag.FlagSet) {
	a.planFlags(f)
	a.signInFlags(f)
	f.StringVar(&a.snapshot, "snapshot", "", "judge this snapshot file instead of the tenant")
	f.StringArrayVar(&a.accounts, "account", nil, "emergency account, by name or object id, instead of a plan (repeat)")
}

// desired is the plan of --config, or with --account one that names only these accounts.
func (a *access) desired() (*config.Desired, error) {
	if len(a.accounts) == 0 {
		d, err := config.Load(a.config)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, noPlanError{withHint(err, "write a plan with `breakglass init`, or name accounts with --account")}
		}
		if err != nil && exitCode(err) != exitUsage {
			err = badFile{err}
		}
		return d, err
	}
	d := &config.Desired{Version: 1}
	for _, name := range a.accounts {
		acc := config.Account{ID: name, UserPrincipalName: name}
		if !strings.Contains(name, "@") {
			acc.ObjectID, acc.UserPrincipalName = name, ""
		}
		d.Accounts = append(d.Accounts, acc)
	}
	d.SetDefaults()
	return d, nil
}

// noPlanError is a missing breakglass.yaml: a bad file, by its exit code.
type noPlanError struct{ error }

func (e noPlanError) Unwrap() error { return e.error }
func (noPlanError) ExitCode() int   { return exitUsage }

// reading is the tenant as the command judges it: the snapshot file, or one live reading.
func (a *access) reading(ctx context.Context, d *deps, want *config.Desired) (*entra.Snapshot, error) {
	if a.snapshot != "" {
		s, err := loadSnapshot(a.snapshot)
		if err == nil && want.Tenant.ID != "" && s.Tenant.ID != "" && !strings.EqualFold(want.Tenant.ID, s.Tenant.ID) {
			err = badFile{withHint(fmt.Errorf("%s: the reading is of tenant %s, wanted is %s", a.snapshot, s.Tenant.ID, want.Tenant.ID),
				"name the accounts in it with --account instead of a plan")}
		}
		return s, err
	}
	t, err := a.connect(d, want)
	if err != nil {
		return nil, err
	}
	s, err := t.client.Read(ctx, readOptions(want))
	d.endProgress()
	return s, err
}

func loadSnapshot(path string) (*entra.Snapshot, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, badFile{fmt.Errorf("read the snapshot: %w", err)}
	}
	s, err := entra.Decode(data)
	if err != nil {
		return nil, badFile{fmt.Errorf("read the snapshot %s: %w", path, err)}
	}
	return s, nil
}

// badFile is a file that is not what it should be.
type badFile struct{ error }

func (e badFile) Unwrap() error { return e.error }
func (badFile) ExitCode() int   { return exitUsage }

// readOptions say what a reading must hold for a plan.
func readOptions(want *config.Desired) msapi.ReadOptions {
	var o msapi.ReadOptions
	for _, acc := range want.Accounts {
		o.Accounts = append(o.Accounts, firstOf(acc.ObjectID, acc.UserPrincipalName))
	}
	if g := want.ExclusionGroup; g != nil {
		o.Groups = append(o.Groups, firstOf(g.ObjectID, g.MailNickname))
	}
	if u := want.RestrictedUnit; u != nil {
		o.Units = append(o.Units, firstOf(u.ObjectID, u.DisplayName))
	}
	return o
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// tenant is a client and the hosts it talks to.
type tenant struct {
	client    *msapi.Client
	endpoints msapi.Endpoints
}

// connect makes the client for the plan's tenant. Nothing is sent yet.
func (a *access) connect(d *deps, want *config.Desired) (*tenant, error) {
	if d.global.offline {
		return nil, withHint(usageError{errors.New("--offline, and this needs the tenant")}, "judge a file: --snapshot FILE")
	}
	opts := msapi.Options{TenantID: firstOf(a.tenantID, want.Tenant.ID), Now: d.now, Patience: a.patience, Progress: d.clientProgress}
	opts.SignIn = a.signIn(d, opts.TenantID)
	if dir := d.getenv(simEnv); dir != "" {
		if err := a.useSimulator(dir, d, &opts); err != nil {
			return nil, err
		}
	} else if err := a.useCloud(want, &opts); err != nil {
		return nil, err
	}
	if opts.TenantID == "" {
		return nil, withHint(usageError{errors.New("no tenant to sign in to")}, "name it with --tenant-id, or in the plan (tenant.id)")
	}
	if opts.Credential == nil && opts.SignIn.ClientID == "" && opts.SignIn.Method != msapi.MethodManagedIdentity {
		return nil, withHint(usageError{errors.New("no application to sign in as")},
			"register one with `breakglass onboard`, then give --client-id (or AZURE_CLIENT_ID)")
	}
	if w := opts.SignIn.Warning(); w != "" {
		d.say("warning: %s", w)
	}
	client, err := msapi.New(opts)
	if err != nil {
		return nil, usageError{err} // nothing was sent yet: flags, or the files they name
	}
	return &tenant{client, opts.Endpoints}, nil
}

func (a *access) useCloud(want *config.Desired, opts *msapi.Options) error {
	var err error
	if a.endpoints != "" {
		opts.Endpoints, err = msapi.LoadEndpoints(a.endpoints)
	} else {
		opts.Endpoints, err = msapi.Cloud(want.Tenant.Cloud)
	}
	if err != nil {
		return badFile{err}
	}
	opts.TenantID = firstOf(opts.TenantID, opts.Endpoints.TenantID)
	opts.SignIn.TenantID = opts.TenantID
	if a.authority != "" {
		opts.Roots, err = trust(a.authority, true)
	}
	return err
}

// signIn chooses the way to sign in: the flag, else what the environment offers, else a browser.
func (a *access) signIn(d *deps, tenant string) msapi.SignIn {
	s := msapi.SignIn{
		Method:          a.auth,
		TenantID:        tenant,
		ClientID:        firstOf(a.clientID, d.getenv("AZURE_CLIENT_ID")),
		CertificateFile: firstOf(a.certificate, d.getenv("AZURE_CLIENT_CERTIFICATE_PATH")),
		SecretFile:      a.secretFile,
		TokenFile:       firstOf(a.tokenFile, d.getenv("AZURE_FEDERATED_TOKEN_FILE")),
		Prompt:          func(message string) { d.say("%s", message) },
	}
	if s.Method == "" {
		switch {
		case s.SecretFile != "":
			s.Method = msapi.MethodSecret
		case s.CertificateFile != "":
			s.Method = msapi.MethodCertificate
		case s.TokenFile != "":
			s.Method = msapi.MethodWorkloadIdentity
		default:
			s.Method = msapi.MethodBrowser
		}
	}
	return s
}

// clientProgress shows what the client is doing; warnings stay on the screen.
func (d *deps) clientProgress(p msapi.Progress) {
	switch {
	case p.Warning:
		d.say("warning: %s", p.Text)
	case p.Total > 0 && d.live: // dozens of parts: no line for each in a log
		d.tell("%s (%d)", p.Text, p.Done)
	case p.Total > 0:
	default:
		d.tell("%s", p.Text)
	}
}

// trust is the authorities of a PEM file, beside the system's where asked for.
func trust(path string, system bool) (*x509.CertPool, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, badFile{fmt.Errorf("read the certificate authorities: %w", err)}
	}
	pool := x509.NewCertPool()
	if system {
		if pool, err = x509.SystemCertPool(); err != nil {
			return nil, fmt.Errorf("read the system's certificate authorities: %w", err)
		}
	}
	if !pool.AppendCertsFromPEM(data) {
		return nil, badFile{fmt.Errorf("read the certificate authorities: %s holds no PEM certificate", path)}
	}
	return pool, nil
}
