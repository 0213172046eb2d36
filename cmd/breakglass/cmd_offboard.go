package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"breakglass/internal/config"
	"breakglass/internal/entra"
	"breakglass/internal/lockout"
	"breakglass/internal/plan"
)

type offboardOptions struct {
	access
	registering
}

func newOffboardCommand(d *deps) *cobra.Command {
	var o offboardOptions
	cmd := &cobra.Command{
		Use:   "offboard",
		Short: "Take away the registrations that onboard made",
		Long: `offboard shows, and with --apply takes away, every grant, assignment, service principal
and registration that onboard made. It keeps the emergency accounts, their exclusions,
the restricted unit and all custody, and says what of these still protects the tenant.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runOffboard(cmd.Context(), o, d) },
	}
	o.operator = true
	o.planFlags(cmd.Flags())
	o.signInFlags(cmd.Flags())
	o.registering.flags(cmd.Flags())
	return cmd
}

func runOffboard(ctx context.Context, o offboardOptions, d *deps) error {
	if err := o.check(); err != nil {
		return err
	}
	t, want, err := o.register(d)
	if err != nil {
		return err
	}
	// What still protects is read first: the identity that reads may be the one that goes.
	left, err := stillProtects(ctx, d, t, want)
	if err != nil {
		return err
	}
	again := func() (*plan.Onboarding, error) {
		r, err := t.client.ReadRegistrations(ctx, nil)
		d.endProgress()
		if err != nil {
			return nil, err
		}
		return plan.Offboard(r, d.now()), nil
	}
	ob, err := again()
	if err != nil {
		return err
	}
	switch o.print {
	case "script":
		fmt.Fprint(d.stdout, ob.Script(t.endpoints.Graph))
		return nil
	case "portal":
		printOffboardPortal(d, ob)
		return nil
	}
	o.left = &left
	err = o.showOrWrite(ctx, d, t, want, ob, again, func(map[string]string) {})
	if !d.global.json {
		left.print(d)
	}
	return err
}

func printOffboardPortal(d *deps, ob *plan.Onboarding) {
	if len(ob.Clients) == 0 {
		fmt.Fprintln(d.stdout, "Nothing bears our tags.")
	}
	for _, part := range slices.Sorted(maps.Keys(ob.Clients)) {
		fmt.Fprintf(d.stdout, "entra.microsoft.com > Applications > App registrations > All applications > breakglass %s (client id %s) > Delete.\n", part, ob.Clients[part])
	}
	fmt.Fprintln(d.stdout, "App registrations > Deleted applications: delete them for good, or they can be restored, with their certificates, for 30 days.")
}

// leftBehind is what protects the tenant without us.
type leftBehind struct {
	Accounts []keptAccount `json:"accounts"`
	Unit     string        `json:"restrictedUnit,omitempty"`
	Group    string        `json:"exclusionGroup,omitempty"`
	// Note says why there is nothing to tell.
	Note string `json:"note,omitempty"`
}

type keptAccount struct {
	ID      string `json:"id"`
	Name    string `json:"userPrincipalName"`
	Verdict string `json:"verdict"`
	// Policies is how many policies there are, Excluded how many of them do not target it.
	Policies int `json:"policies"`
	Excluded int `json:"excludedFrom"`
}

func stillProtects(ctx context.Context, d *deps, t *tenant, want *config.Desired) (leftBehind, error) {
	left := leftBehind{Accounts: []keptAccount{}}
	if len(want.Accounts) == 0 {
		left.Note = "no breakglass.yaml names the emergency accounts, so what protects the tenant was not looked at: breakglass check --account NAME"
		return left, nil
	}
	s, err := t.client.Read(ctx, readOptions(want))
	d.endProgress()
	if err != nil {
		return left, err
	}
	for _, acc := range want.Accounts {
		left.Accounts = append(left.Accounts, keptOf(acc, s))
	}
	if g := want.ExclusionGroup; g != nil {
		for _, have := range s.Groups {
			if strings.EqualFold(have.MailNickname.Or(""), g.MailNickname) || strings.EqualFold(have.ID, g.ObjectID) {
				left.Group = have.DisplayName.Or(have.ID)
			}
		}
	}
	if u := want.RestrictedUnit; u != nil {
		for _, have := range s.AdministrativeUnits {
			if strings.EqualFold(have.DisplayName.Or(""), u.DisplayName) || strings.EqualFold(have.ID, u.ObjectID) {
				left.Unit = have.DisplayName.Or(have.ID)
			}
		}
	}
	return left, nil
}

func keptOf(acc config.Account, s *entra.Snapshot) keptAccount {
	a := lockout.Analyze(s, acc.KnownAs(s), acc.Allowed()...)
	k := keptAccount{ID: acc.ID, Name: acc.UserPrincipalName, Verdict: string(a.Verdict), Policies: len(a.Standings)}
	if acc.Resolve(s) == nil {
		k.Verdict = "not found"
	}
	for _, st := range a.Standings {
		if st.Targets == lockout.False {
			k.Excluded++
		}
	}
	return k
}

func (l leftBehind) print(d *deps) {
	fmt.Fprintf(d.stdout, "\n%s\n", d.paint(bold, "What still protects the tenant, and is not touched"))
	if l.Note != "" {
		fmt.Fprintf(d.stdout, "  %s\n", d.wrap(l.Note, 90, "  "))
	}
	for _, a := range l.Accounts {
		fmt.Fprintf(d.stdout, "  %s (%s): %s; out of reach of %d of %d policies\n", a.ID, a.Name, a.Verdict, a.Excluded, a.Policies)
	}
	if l.Group != "" {
		fmt.Fprintf(d.stdout, "  exclusion group %s\n", l.Group)
	}
	if l.Unit != "" {
		fmt.Fprintf(d.stdout, "  restricted unit %s\n", l.Unit)
	}
	if len(l.Accounts) > 0 {
		fmt.Fprintln(d.stdout, "  and every sheet and key in its safe. Nobody watches them any more: look yourself, breakglass check.")
	}
}
