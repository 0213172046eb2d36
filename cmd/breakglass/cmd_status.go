package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"breakglass/internal/entra"
	"breakglass/internal/posture"
)

func newStatusCommand(d *deps) *cobra.Command {
	var a access
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Could the tenant be recovered tonight? One screen",
		Long: `status gives the one answer: could this tenant be recovered tonight, and if not, why.
A "yes" carries the age of its proof and its assumptions.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runStatus(cmd.Context(), a, d) },
	}
	a.readFlags(cmd.Flags())
	return cmd
}

func runStatus(ctx context.Context, a access, d *deps) error {
	j, err := judge(ctx, &a, d)
	if err != nil {
		return err
	}
	if d.global.json {
		if err := d.printJSON(statusResult{TenantID: j.snapshot.Tenant.ID, ReadAt: j.snapshot.TakenAt, Locked: j.locked, Answer: j.answer}); err != nil {
			return err
		}
	} else {
		printStatus(d, j)
		sayNoPlan(a, j, d)
	}
	switch {
	case j.locked:
		return verdict(exitLockout)
	case j.answer.Ready != posture.Yes:
		return verdict(exitFinding)
	}
	return nil
}

// sayNoPlan says what the commands that change something need, where accounts were named instead.
func sayNoPlan(a access, j judgement, d *deps) {
	for _, acc := range j.want.Accounts {
		if len(a.accounts) > 0 && a.snapshot != "" && acc.Resolve(j.snapshot) == nil {
			d.say("%s is not in %s, which has: %s", acc.ID, a.snapshot, strings.Join(someUsers(j.snapshot), ", "))
		}
	}
	if len(a.accounts) > 0 {
		d.say("accounts were named, so nothing is known of what is wanted; plan and apply need a configuration: breakglass init")
	}
}

// someUsers are names that a reading has, for a person who does not know them.
func someUsers(s *entra.Snapshot) []string {
	var names []string
	for _, u := range s.Users {
		if len(names) < 8 {
			names = append(names, u.UserPrincipalName.Or(u.ID))
		}
	}
	return names
}

// statusResult is `status --json`.
type statusResult struct {
	TenantID string    `json:"tenantId"`
	ReadAt   time.Time `json:"readAt"`
	Locked   bool      `json:"lockoutShown"`
	posture.Answer
}

// maxReasons keeps the answer on one screen; check has them all.
const maxReasons = 8

func printStatus(d *deps, j judgement) {
	printTenantLine(d, j)
	fmt.Fprintf(d.stdout, "\nCould it be recovered tonight?  %s\n", d.paintReady(j.answer))
	if len(j.answer.Reasons) > 0 {
		fmt.Fprintln(d.stdout)
	}
	for i, f := range j.answer.Reasons {
		if i == maxReasons {
			fmt.Fprintf(d.stdout, "  and %d more: breakglass check\n", len(j.answer.Reasons)-maxReasons)
			break
		}
		who := f.Account
		if who != "" {
			who += ": "
		}
		fmt.Fprintf(d.stdout, "  %s %s  %s\n", d.mark(f.Verdict), f.Check, d.wrap(who+f.Summary, 84, "            "))
	}
	printProofs(d, j.answer)
	if len(j.answer.Reasons) > 0 && j.answer.Reasons[0].Remedy != "" {
		fmt.Fprintf(d.stdout, "\nnext: %s\n", d.wrap(j.answer.Reasons[0].Remedy, 90, "      "))
	}
}

func printProofs(d *deps, a posture.Answer) {
	for _, p := range a.Proofs {
		fmt.Fprintf(d.stdout, "  %s %s: %s, %s ago\n", d.paint(dim, "·"), p.Account, p.What, p.Age)
	}
	for _, s := range a.Assumptions {
		fmt.Fprintf(d.stdout, "  %s %s\n", d.paint(dim, "assumes"), d.wrap(s, 80, "          "))
	}
}
