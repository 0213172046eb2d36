package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"breakglass/internal/config"
	"breakglass/internal/entra"
	"breakglass/internal/lockout"
	"breakglass/internal/posture"
)

type checkOptions struct {
	access
	all bool
}

func newCheckCommand(d *deps) *cobra.Command {
	var o checkOptions
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Judge the tenant by every check",
		Long: `check reads the tenant (or a snapshot file) and judges it by every check: what is,
with --all where that was read, and the next command. A check that could not look says
"could not tell", never "pass". Each check has a page in docs/checks.`,
		Example: `  breakglass check
  breakglass check --account ops-x7k2@contoso.onmicrosoft.com --json
  breakglass check --snapshot monday.json --offline`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runCheck(cmd.Context(), o, d) },
	}
	o.readFlags(cmd.Flags())
	cmd.Flags().BoolVarP(&o.all, "all", "a", false, "show every finding in full, the passed ones too, with where and when each fact was read")
	return cmd
}

// judgement is one reading, judged.
type judgement struct {
	want     *config.Desired
	snapshot *entra.Snapshot
	findings []posture.Finding
	answer   posture.Answer
	locked   bool // an emergency account cannot get in: shown, not merely feared
}

// judge reads and judges. A reading from a file is judged at the instant it was taken, so
// that the same file always gives the same answer.
func judge(ctx context.Context, a *access, d *deps) (judgement, error) {
	want, err := a.desired()
	if err != nil {
		return judgement{}, err
	}
	s, err := a.reading(ctx, d, want)
	if err != nil {
		return judgement{}, err
	}
	now := d.now()
	if a.snapshot != "" {
		now = s.TakenAt
	}
	return judgeSnapshot(want, s, now), nil
}

func judgeSnapshot(want *config.Desired, s *entra.Snapshot, now time.Time) judgement {
	j := judgement{want: want, snapshot: s}
	j.findings = posture.Run(posture.Input{Desired: want, Snapshot: s, Now: now})
	j.answer = posture.Ready(j.findings)
	for _, acc := range want.Accounts {
		if a := lockout.Analyze(s, acc.KnownAs(s), acc.Allowed()...); a.Verdict == lockout.Fails && acc.Resolve(s) != nil {
			j.locked = true
		}
	}
	return j
}

// exit is the command's end: 4 for a lockout, 3 for anything short of pass.
func (j judgement) exit() error {
	if j.locked {
		return verdict(exitLockout)
	}
	for _, f := range j.findings {
		if f.Verdict == posture.Fail || f.Verdict == posture.CouldNotTell {
			return verdict(exitFinding)
		}
	}
	return nil
}

func runCheck(ctx context.Context, o checkOptions, d *deps) error {
	j, err := judge(ctx, &o.access, d)
	if err != nil {
		return err
	}
	if d.global.json {
		err = d.printJSON(checkResult{
			TenantID: j.snapshot.Tenant.ID, ReadAt: j.snapshot.TakenAt, Ready: j.answer.Ready, Headline: j.answer.Headline,
			Locked: j.locked, Findings: j.findings,
		})
	} else {
		printFindings(d, j, o.all)
		sayNoPlan(o.access, j, d)
	}
	if err != nil {
		return err
	}
	return j.exit()
}

// checkResult is `check --json`.
type checkResult struct {
	TenantID string            `json:"tenantId"`
	ReadAt   time.Time         `json:"readAt"`
	Ready    posture.Readiness `json:"ready"`
	Headline string            `json:"headline"`
	Locked   bool              `json:"lockoutShown"`
	Findings []posture.Finding `json:"findings"`
}

// printFindings is the table for people: what failed first, what passed last.
func printFindings(d *deps, j judgement, all bool) {
	printTenantLine(d, j)
	order := []posture.Verdict{posture.Fail, posture.CouldNotTell, posture.Pass, posture.NotApplicable}
	counts := map[posture.Verdict]int{}
	for _, v := range order {
		group := findingsOf(j.findings, v)
		counts[v] = len(group)
		if len(group) == 0 {
			continue
		}
		fmt.Fprintf(d.stdout, "\n%s\n", d.paint(bold, strings.ToUpper(string(v))))
		for _, f := range group {
			printFinding(d, f, all || v == posture.Fail || v == posture.CouldNotTell)
			if all {
				printEvidence(d, f)
			}
		}
	}
	fmt.Fprintf(d.stdout, "\n%d failed, %d could not be told, %d passed, %d not applicable\n",
		counts[posture.Fail], counts[posture.CouldNotTell], counts[posture.Pass], counts[posture.NotApplicable])
	fmt.Fprintf(d.stdout, "Could this tenant be recovered tonight?  %s\n", d.paintReady(j.answer))
}

func findingsOf(all []posture.Finding, v posture.Verdict) []posture.Finding {
	var out []posture.Finding
	for _, f := range all {
		if f.Verdict == v {
			out = append(out, f)
		}
	}
	rank := []posture.Severity{posture.Critical, posture.High, posture.Medium, posture.Low}
	slices.SortStableFunc(out, func(a, b posture.Finding) int {
		return slices.Index(rank, a.Severity) - slices.Index(rank, b.Severity)
	})
	return out
}

func printFinding(d *deps, f posture.Finding, full bool) {
	title := f.Title
	if f.Account != "" {
		title = f.Account + ": " + title
	}
	fmt.Fprintf(d.stdout, "%s %s  %-8s  %s\n", d.mark(f.Verdict), f.Check, f.Severity, d.wrap(title, 200, "                    "))
	if !full {
		return
	}
	const indent = "                    "
	fmt.Fprintf(d.stdout, "%s%s\n", indent, d.wrap(f.Summary, 88, indent))
	if f.Remedy != "" && f.Verdict != posture.Pass {
		fmt.Fprintf(d.stdout, "%s%s %s\n", indent, d.paint(dim, "next:"), d.wrap(f.Remedy, 82, indent+"      "))
	}
}

// printEvidence says where the facts of a finding were read, and when.
func printEvidence(d *deps, f posture.Finding) {
	const indent = "                    "
	for _, e := range f.Evidence {
		line := string(e.Part)
		if !e.ReadAt.IsZero() {
			line += ", read " + e.ReadAt.UTC().Format("15:04:05 UTC") + " from " + e.Source
		}
		if e.Fact != f.Summary {
			line += ": " + e.Fact
		}
		fmt.Fprintf(d.stdout, "%s%s %s\n", indent, d.paint(dim, "from:"), d.wrap(line, 82, indent+"      "))
	}
}

// mark is one character that reads without colour too.
func (d *deps) mark(v posture.Verdict) string {
	switch v {
	case posture.Pass:
		return d.paint(green, "✓")
	case posture.Fail:
		return d.paint(red, "✗")
	case posture.CouldNotTell:
		return d.paint(yellow, "?")
	}
	return d.paint(dim, "-")
}

func (d *deps) paintReady(a posture.Answer) string {
	c := red
	switch a.Ready {
	case posture.Yes:
		c = green
	case posture.CouldNotTellR:
		c = yellow
	}
	return d.paint(c, a.Headline)
}

func printTenantLine(d *deps, j judgement) {
	s := j.snapshot
	unread := 0
	for _, r := range s.Readings {
		if r.Unread != "" {
			unread++
		}
	}
	fmt.Fprintf(d.stdout, "%s  %s\n", d.paint(bold, s.Tenant.DisplayName.Or("tenant")), s.Tenant.ID)
	line := fmt.Sprintf("read %s by %s %s, %d parts", s.TakenAt.UTC().Format("2006-01-02 15:04:05 UTC"), s.Reader.Kind,
		firstOf(s.Reader.AppID, s.Reader.ObjectID), len(s.Readings))
	if unread > 0 {
		line += fmt.Sprintf(", %d of them not read", unread)
	}
	fmt.Fprintln(d.stdout, fit(line, d.columns))
}
