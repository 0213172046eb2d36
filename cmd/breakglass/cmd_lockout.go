package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"breakglass/internal/config"
	"breakglass/internal/entra"
	"breakglass/internal/lockout"
)

type lockoutOptions struct {
	access
	scenarios bool
}

func newLockoutCommand(d *deps) *cobra.Command {
	var o lockoutOptions
	cmd := &cobra.Command{
		Use:   "lockout [POLICY.json…]",
		Short: "Can every emergency account get in, and what would stop it",
		Long: `lockout says for each emergency account whether it can get in, and which policy or
state stops it or could. With policy files (as Graph exports them: one policy, a
list, or {"value": […]}) it answers the question before the change: would these
policies, added or replaced by id, lock an account out?

Exit code 4 means that a lockout was shown, 3 that it could not be told.`,
		Example: `  breakglass lockout
  breakglass lockout --scenarios
  breakglass lockout new-policy.json --snapshot monday.json --offline`,
		RunE: func(cmd *cobra.Command, args []string) error { return runLockout(cmd.Context(), o, args, d) },
	}
	o.readFlags(cmd.Flags())
	cmd.Flags().BoolVar(&o.scenarios, "scenarios", false, "which accounts survive which outage")
	return cmd
}

func runLockout(ctx context.Context, o lockoutOptions, files []string, d *deps) error {
	want, err := o.desired()
	if err != nil {
		return err
	}
	changes, err := loadPolicies(files)
	if err != nil {
		return err
	}
	s, err := o.reading(ctx, d, want)
	if err != nil {
		return err
	}
	s = withPolicies(s, changes)
	if o.scenarios {
		return showScenarios(d, want, s)
	}
	return showLockout(d, want, s)
}

// accountAnalysis is one account's part of `lockout --json`.
type accountAnalysis struct {
	Account string `json:"account"`
	lockout.Analysis

	missing bool // not created yet: nobody is locked out of it
}

func showLockout(d *deps, want *config.Desired, s *entra.Snapshot) error {
	list := []accountAnalysis{}
	for _, acc := range want.Accounts {
		a := accountAnalysis{Account: acc.ID, Analysis: lockout.Analyze(s, acc.KnownAs(s), acc.Allowed()...)}
		a.missing = acc.Resolve(s) == nil
		list = append(list, a)
	}
	if d.global.json {
		if err := d.printJSON(map[string]any{"tenantId": s.Tenant.ID, "readAt": s.TakenAt, "accounts": list}); err != nil {
			return err
		}
	} else {
		for _, a := range list {
			printAnalysis(d, a)
		}
	}
	return lockoutExit(list)
}

func lockoutExit(list []accountAnalysis) error {
	worst := exitOK
	for _, a := range list {
		switch {
		case a.Verdict == lockout.Fails && !a.missing:
			return verdict(exitLockout)
		case a.Verdict != lockout.Survives, a.Excluded != lockout.True:
			worst = exitFinding
		}
	}
	if worst != exitOK {
		return verdict(worst)
	}
	return nil
}

func printAnalysis(d *deps, a accountAnalysis) {
	w := d.stdout
	verdict := d.paintVerdict(a.Verdict)
	if a.missing && a.Verdict == lockout.Fails {
		verdict = d.paint(yellow, "does not exist")
	}
	fmt.Fprintf(w, "%s  %s  %s\n", d.paint(bold, a.Account), a.AccountID, verdict)
	fmt.Fprintf(w, "  excluded from every policy, in any state: %s\n", a.Excluded)
	for _, b := range a.Blockers {
		sure := ""
		if !b.Certain {
			sure = ", not certain"
		}
		fmt.Fprintf(w, "  %s %s\n      %s\n", d.threat(b.When), d.wrap(fmt.Sprintf("%s: %s%s", b.Title, whenSays[b.When], sure), 92, "    "), d.wrap(b.Why, 88, "      "))
	}
	fmt.Fprintln(w)
}

// whenSays is when a blocker stops an account, for people.
var whenSays = map[lockout.When]string{
	lockout.Now:         "stops it now",
	lockout.MaySwitchOn: "would stop it, and may switch on (report-only)",
	lockout.OneClick:    "would stop it, one click away",
	lockout.Later:       "will or may stop it later",
	lockout.Never:       "applies and does not stop it",
}

// threat is one character for how near a blocker is.
func (d *deps) threat(w lockout.When) string {
	switch w {
	case lockout.Now:
		return d.paint(red, "✗")
	case lockout.Never:
		return d.paint(dim, "·")
	}
	return d.paint(yellow, "!")
}

func (d *deps) paintVerdict(v lockout.Verdict) string {
	switch v {
	case lockout.Survives:
		return d.paint(green, "gets in")
	case lockout.Fails:
		return d.paint(red, "locked out")
	}
	return d.paint(yellow, "could not tell")
}

func showScenarios(d *deps, want *config.Desired, s *entra.Snapshot) error {
	var names []string
	ids := map[string]string{}
	may := map[string][]string{}
	for _, acc := range want.Accounts {
		name := acc.KnownAs(s)
		names, ids[name], may[name] = append(names, name), acc.ID, acc.Allowed()
	}
	m := lockout.Scenarios(s, names, may)
	if d.global.json {
		if err := d.printJSON(m); err != nil {
			return err
		}
	} else {
		printMatrix(d, m, ids)
	}
	return matrixExit(m, func(account string) bool { return s.User(account) != nil })
}

func printMatrix(d *deps, m lockout.Matrix, ids map[string]string) {
	for _, sc := range m.Scenarios {
		fmt.Fprintf(d.stdout, "%s\n  %s\n", d.paint(bold, sc.Title), d.paint(dim, d.wrap(sc.Breaks, 90, "  ")))
		for _, c := range m.Cells {
			if c.Scenario == sc.ID {
				fmt.Fprintf(d.stdout, "  %-10s %-14s %s\n", ids[c.AccountID], c.Verdict, d.wrap(c.Reason, 70, "                            "))
			}
		}
		fmt.Fprintln(d.stdout)
	}
}

// matrixExit asks of each outage whether some account survives it: none of those that exist
// does, for certain, is a lockout; none is known to is a finding.
func matrixExit(m lockout.Matrix, exists func(account string) bool) error {
	worst := exitOK
	for _, sc := range m.Scenarios {
		survives, maybe, fails := false, false, false
		for _, c := range m.Cells {
			if c.Scenario == sc.ID {
				survives = survives || c.Verdict == lockout.Survives
				maybe = maybe || c.Verdict == lockout.CouldNotTell
				fails = fails || c.Verdict == lockout.Fails && exists(c.AccountID)
			}
		}
		switch {
		case survives:
		case fails && !maybe:
			worst = exitLockout
		default:
			worst = max(worst, exitFinding)
		}
	}
	if worst != exitOK {
		return verdict(worst)
	}
	return nil
}

// loadPolicies reads policies from files, in any of the forms that exports have.
func loadPolicies(files []string) ([]entra.Policy, error) {
	var out []entra.Policy
	for _, file := range files {
		data, err := readFile(file)
		if err != nil {
			return nil, badFile{fmt.Errorf("read the policy: %w", err)}
		}
		raws, err := policyDocuments(data)
		if err != nil {
			return nil, badFile{fmt.Errorf("read the policy %s: %w", file, err)}
		}
		for i, raw := range raws {
			p, err := decodePolicy(raw, fmt.Sprintf("%s#%d", filepath.Base(file), i+1))
			if err != nil {
				return nil, badFile{fmt.Errorf("read the policy %s: %w", file, err)}
			}
			out = append(out, p)
		}
	}
	return out, nil
}

// unsetPolicy is a policy in which nothing is set. A reading tells what is not set; the body
// of a policy that is yet to be made leaves it out ("Create conditionalAccessPolicy").
const unsetPolicy = `{
	"conditions": {
		"users": {"includeUsers": [], "excludeUsers": [], "includeGroups": [], "excludeGroups": [], "includeRoles": [], "excludeRoles": [],
			"includeGuestsOrExternalUsers": null, "excludeGuestsOrExternalUsers": null},
		"applications": {"includeApplications": [], "excludeApplications": [], "includeUserActions": [],
			"includeAuthenticationContextClassReferences": [], "applicationFilter": null},
		"clientAppTypes": ["all"], "clientApplications": null, "platforms": null, "locations": null, "devices": null, "authenticationFlows": null,
		"userRiskLevels": [], "signInRiskLevels": [], "servicePrincipalRiskLevels": [], "insiderRiskLevels": null
	},
	"grantControls": null,
	"sessionControls": null
}`

// decodePolicy reads one policy; name is its id where it has none, because it is not made yet.
func decodePolicy(raw json.RawMessage, name string) (entra.Policy, error) {
	var unset, p map[string]any
	if err := json.Unmarshal(raw, &p); err != nil {
		return entra.Policy{}, err
	}
	if p["state"] == nil || p["conditions"] == nil {
		return entra.Policy{}, errors.New(`no "state" or no "conditions": this is no Conditional Access policy`)
	}
	if p["id"] == nil {
		p["id"] = name
	}
	if err := json.Unmarshal([]byte(unsetPolicy), &unset); err != nil {
		return entra.Policy{}, err
	}
	whole, err := json.Marshal(overlay(unset, p))
	if err != nil {
		return entra.Policy{}, err
	}
	return entra.DecodePolicy(whole, whole)
}

// overlay puts over's members in the place of base's, object by object.
func overlay(base, over map[string]any) map[string]any {
	for k, v := range over {
		was, isObject := base[k].(map[string]any)
		if now, ok := v.(map[string]any); ok && isObject {
			v = overlay(was, now)
		}
		base[k] = v
	}
	return base
}

// policyDocuments takes apart one policy, a list of them, or Graph's {"value": […]}.
func policyDocuments(data []byte) ([]json.RawMessage, error) {
	data = bytes.TrimPrefix(bytes.TrimSpace(data), []byte("\ufeff"))
	if !json.Valid(data) {
		var v any
		err := json.Unmarshal(data, &v)
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			before := string(data[:syntax.Offset])
			return nil, fmt.Errorf("line %d: %w", strings.Count(before, "\n")+1, err)
		}
		return nil, err
	}
	if bytes.HasPrefix(data, []byte("[")) {
		var list []json.RawMessage
		err := json.Unmarshal(data, &list)
		return list, err
	}
	var page struct {
		Value []json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal(data, &page); err == nil && page.Value != nil {
		return page.Value, nil
	}
	return []json.RawMessage{data}, nil
}

// withPolicies is the reading as it would be with these policies, replaced by id or added.
func withPolicies(s *entra.Snapshot, changes []entra.Policy) *entra.Snapshot {
	if len(changes) == 0 {
		return s
	}
	s = s.Clone()
	for _, c := range changes {
		replaced := false
		for i := range s.Policies {
			if strings.EqualFold(s.Policies[i].ID, c.ID) {
				s.Policies[i], replaced = c, true
			}
		}
		if !replaced {
			s.Policies = append(s.Policies, c)
		}
	}
	return s
}
