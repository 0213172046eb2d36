package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"breakglass/internal/simtenant"
)

type simOptions struct {
	dir    string
	listen string
	hosts  []string
	tenant string
}

func newSimCommand(d *deps) *cobra.Command {
	var o simOptions
	cmd := &cobra.Command{
		Use:   "sim --dir DIR",
		Short: "Run a simulated tenant for other tools and tests",
		Long: `sim serves a Microsoft Entra tenant over HTTPS on loopback until it is told to stop:
sign-in, Graph and Azure Resource Manager under one base URL. It writes into DIR
what a client needs (ca.pem, endpoints.json, credentials.json) and then prints
"ready". Every breakglass command talks to it when BREAKGLASS_SIM=DIR is set.

The shipped tenants: empty, healthy, broken-lockout (policies lock everybody out),
broken-dead (the accounts rest on federation and a telephone) and broken-free (no licence).
docs/simulator.md says how to change them and how to break things.`,
		Example: `  breakglass sim --dir /tmp/sim --tenant broken-lockout
  BREAKGLASS_SIM=/tmp/sim breakglass snapshot`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runSim(cmd.Context(), o, d) },
	}
	f := cmd.Flags()
	f.StringVar(&o.dir, "dir", "", "directory for ca.pem, endpoints.json and credentials.json (required)")
	f.StringVar(&o.listen, "listen", "", "address to listen on (default: a free port of 127.0.0.1)")
	f.StringArrayVar(&o.hosts, "host", nil, "further host name for the certificate (repeat)")
	f.StringVar(&o.tenant, "tenant", "empty", "a shipped tenant's name, or a tenant file")
	return cmd
}

// refuseOffline is the error of a command that is nothing without a network, under --offline.
func refuseOffline(d *deps, command string) error {
	if !d.global.offline {
		return nil
	}
	return withHint(usageError{fmt.Errorf("--offline, and %s opens a socket for its simulated tenant", command)}, "leave --offline out: it listens on loopback only, unless told otherwise")
}

func runSim(ctx context.Context, o simOptions, d *deps) error {
	if err := refuseOffline(d, "sim"); err != nil {
		return err
	}
	if o.dir == "" {
		return usageError{errors.New("sim needs --dir DIR")}
	}
	t, err := simtenant.New(simtenant.Options{Tenant: o.tenant, Listen: o.listen, Hosts: o.hosts, Dir: o.dir})
	if err != nil {
		return usageError{fmt.Errorf("prepare the simulated tenant: %w", err)}
	}
	if err := t.Start(""); err != nil {
		return fmt.Errorf("start the simulated tenant: %w", err)
	}
	defer t.Close()
	if err := t.WriteDir(o.dir); err != nil {
		return fmt.Errorf("write %s: %w", o.dir, err)
	}
	d.say("simulated tenant %s at %s; stop it with Ctrl-C", o.tenant, t.URL())
	fmt.Fprintln(d.stdout, "ready")
	<-ctx.Done()
	return nil
}
