package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"breakglass/internal/config"
	"breakglass/internal/entra"
	"breakglass/internal/msapi"
)

type doctorOptions struct {
	access
	as string
}

func newDoctorCommand(d *deps) *cobra.Command {
	var o doctorOptions
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "What this identity can and cannot do, and which permission is too much",
		Long: `doctor signs in and shows who that is: the tenant, the clock, the licences, which
permissions are there, which are missing (and what stays "could not tell" without them),
which are too much for a standing identity, and what of Microsoft's services answers.
It always talks to the tenant; there is nothing it could say offline.`,
		Example: `  breakglass doctor
  breakglass doctor --client-id ID --certificate breakglass-watch.pem
  breakglass doctor --as operator --client-id ID --auth browser`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runDoctor(cmd.Context(), o, d) },
	}
	o.planFlags(cmd.Flags())
	o.signInFlags(cmd.Flags())
	cmd.Flags().StringVar(&o.as, "as", "", "judge it as watch or operator (default: an application is watch, a person operator)")
	return cmd
}

func runDoctor(ctx context.Context, o doctorOptions, d *deps) error {
	if o.as != "" && o.as != asWatch && o.as != asOperator {
		return usageError{fmt.Errorf("--as is watch or operator, not %q", o.as)}
	}
	if d.global.offline {
		return withHint(usageError{errors.New("doctor asks the tenant, so it cannot work with --offline")}, "judge a file instead: breakglass check --snapshot FILE")
	}
	o.operator = o.as == asOperator
	want, err := o.desired()
	if _, none := errors.AsType[noPlanError](err); none {
		want, err = new(config.Desired), nil
	}
	if err != nil {
		return err
	}
	t, err := o.connect(d, want)
	if err != nil {
		return err
	}
	e, err := examine(ctx, o, t, want)
	d.endProgress()
	if err != nil {
		return err
	}
	r := diagnose(e)
	if d.global.json {
		err = d.printJSON(r)
	} else {
		printDiagnosis(d, r)
	}
	if err == nil && !r.Healthy {
		return verdict(exitFinding)
	}
	return err
}

// examined is what doctor looked at.
type examined struct {
	as        string
	endpoints msapi.Endpoints
	snapshot  *entra.Snapshot
	skew      time.Duration
	roles     []msapi.DirectoryRole
	rolesErr  error
	reach     []reached
}

// examine signs in and reads. Its error means that nothing could be seen at all.
func examine(ctx context.Context, o doctorOptions, t *tenant, want *config.Desired) (examined, error) {
	e := examined{as: o.as, endpoints: t.endpoints}
	s, err := t.client.Read(ctx, readOptions(want))
	if err != nil {
		return e, err
	}
	e.snapshot, e.skew = s, t.client.ClockSkew()
	if e.as == "" {
		e.as = asWatch
		if s.Reader.Kind == "user" {
			e.as = asOperator
		}
	}
	e.roles, e.rolesErr = t.client.RolesOf(ctx, s.Reader.ObjectID)
	e.reach = reach(ctx, t)
	return e, nil
}

// reached is one service that was asked.
type reached struct {
	Service string `json:"service"`
	Host    string `json:"host"`
	OK      bool   `json:"answers"`
	// Needed says whether anything of today's commands rests on it.
	Needed bool   `json:"needed"`
	Detail string `json:"detail"`
}

// probeTime is how long one service may take to answer; somebody waits for the whole.
const probeTime = 15 * time.Second

// reach asks each service something small. A refusal is an answer.
func reach(ctx context.Context, t *tenant) []reached {
	out := []reached{{Service: "sign-in", Host: t.endpoints.Login, OK: true, Needed: true, Detail: "gave a token"}}
	for _, version := range []string{"v1.0", "beta"} {
		probe, done := context.WithTimeout(ctx, probeTime)
		_, err := t.client.Send(probe, "GET", version, "/organization?$select=id", nil)
		done()
		out = append(out, answered("Graph "+version, t.endpoints.Graph, true, err, "answers"))
	}
	probe, done := context.WithTimeout(ctx, probeTime)
	defer done()
	subs, err := t.client.ARM().Subscriptions(probe)
	return append(out, answered("Azure Resource Manager", t.endpoints.ARM, false, err, fmt.Sprintf("answers; sees %d subscriptions", len(subs))))
}

func answered(service, host string, needed bool, err error, detail string) reached {
	r := reached{Service: service, Host: host, Needed: needed, OK: true, Detail: detail}
	if e, ok := errors.AsType[*msapi.Error](err); ok && e.Kind == msapi.KindPermission {
		r.Detail = "answers, and refuses this identity"
	} else if err != nil {
		r.OK, r.Detail = false, err.Error()
	}
	return r
}

func printDiagnosis(d *deps, r diagnosis) {
	w := tabwriter.NewWriter(d.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "identity\t%s\n", r.identityLine())
	fmt.Fprintf(w, "judged as\t%s\n", r.As)
	fmt.Fprintf(w, "tenant\t%s %s (%s cloud)\n", r.Tenant, r.TenantID, r.Cloud)
	fmt.Fprintf(w, "clock\t%s\n", r.Clock)
	fmt.Fprintf(w, "licence\t%s\n", r.Licence)
	_ = w.Flush() // a buffer of ours
	fmt.Fprintf(d.stdout, "\n%s\n", d.paint(bold, "Services"))
	for _, s := range r.Services {
		fmt.Fprintf(d.stdout, "  %s %-24s %s\n", d.tick(s.OK, s.Needed), s.Service, d.wrap(s.Detail, 74, strings.Repeat(" ", 29)))
	}
	fmt.Fprintf(d.stdout, "\n%s\n", d.paint(bold, "Permissions"))
	for _, p := range r.Permissions {
		printPermission(d, p)
	}
	fmt.Fprintf(d.stdout, "\n%s\n", d.paint(bold, "Directory roles"))
	if len(r.Roles) == 0 && r.RolesNote == "" {
		fmt.Fprintln(d.stdout, "  none")
	}
	for _, role := range r.Roles {
		fmt.Fprintf(d.stdout, "  %s %s\n", d.tick(!role.TooMuch, true), role.text())
	}
	if r.RolesNote != "" {
		fmt.Fprintf(d.stdout, "  ? %s\n", d.wrap(r.RolesNote, 90, "    "))
	}
	printFindingsOf(d, r)
}

func printFindingsOf(d *deps, r diagnosis) {
	if r.Healthy {
		fmt.Fprintf(d.stdout, "\n%s\n", d.paint(green, "It can do what it is for, and nothing dangerous besides."))
		return
	}
	fmt.Fprintf(d.stdout, "\n%s\n", d.paint(bold, "To do"))
	for _, f := range r.Findings {
		fmt.Fprintf(d.stdout, "  %s %s\n", d.paint(red, "✗"), d.wrap(f, 90, "    "))
	}
}

// tick is a mark: right, wrong, or not needed.
func (d *deps) tick(ok, needed bool) string {
	switch {
	case ok:
		return d.paint(green, "✓")
	case needed:
		return d.paint(red, "✗")
	}
	return d.paint(dim, "-")
}

func printPermission(d *deps, p heldPermission) {
	state := p.State
	if p.Core && p.State == permissionMissing {
		state = "missing, core"
	}
	fmt.Fprintf(d.stdout, "  %s %-44s %s\n", d.tick(p.good(), p.Core || p.State == permissionTooMuch), p.Name, state)
	if p.State == permissionMissing && len(p.Checks) > 0 {
		fmt.Fprintf(d.stdout, "      %s\n", d.wrap("could not tell without it: "+strings.Join(p.Checks, " "), 88, "      "))
	}
	if p.Note != "" && p.State != permissionHave {
		fmt.Fprintf(d.stdout, "      %s\n", d.wrap(p.Note, 88, "      "))
	}
}
