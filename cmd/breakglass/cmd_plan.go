package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"breakglass/internal/config"
	"breakglass/internal/plan"
)

type planOptions struct {
	access
	out      string
	exitCode bool
}

func newPlanCommand(d *deps) *cobra.Command {
	var o planOptions
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show the exact difference between the wanted and the live tenant",
		Long: `plan reads the tenant and shows, step by step, what apply would write: the sentence,
the exact request, what undoes it and who may do it. It writes nothing to the tenant.`,
		Example: `  breakglass plan --out tonight.plan
  breakglass apply tonight.plan`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runPlan(cmd.Context(), o, d) },
	}
	o.planFlags(cmd.Flags())
	o.signInFlags(cmd.Flags())
	cmd.Flags().StringVar(&o.snapshot, "snapshot", "", "plan on this snapshot file instead of the tenant")
	cmd.Flags().StringVarP(&o.out, "out", "o", "", "write the plan to this file, for apply")
	cmd.Flags().BoolVar(&o.exitCode, "exit-code", false, "exit with 3 when there are steps")
	return cmd
}

func runPlan(ctx context.Context, o planOptions, d *deps) error {
	want, err := o.wanted()
	if err != nil {
		return err
	}
	if err := refuseUnworkable(want); err != nil {
		return err
	}
	s, err := o.reading(ctx, d, want)
	if err != nil {
		return err
	}
	p, err := plan.Make(want, s, d.now())
	if err != nil {
		return refused(err)
	}
	if o.out != "" {
		if err := writePlan(o.out, p); err != nil {
			return err
		}
	}
	if d.global.json {
		if err := printPlanJSON(d, p); err != nil {
			return err
		}
	} else {
		printPlan(d, d.stdout, p)
	}
	if o.out != "" {
		d.say("wrote %s; next: breakglass apply %s", o.out, o.out)
	}
	if o.exitCode && len(p.Steps) > 0 {
		return verdict(exitFinding)
	}
	return nil
}

// wanted is the plan of --config; here no named account can stand for it.
func (a *access) wanted() (*config.Desired, error) {
	want, err := a.desired()
	if _, missing := errors.AsType[noPlanError](err); missing {
		err = withHint(err, "write one with `breakglass init`")
	}
	return want, err
}

// refuseUnworkable stops on a plan that cannot be carried out as written. Findings short of
// that (missing people, say) are check's to show.
func refuseUnworkable(want *config.Desired) error {
	var b strings.Builder
	for _, p := range config.Lint(want) {
		if p.Severity == config.SeverityError {
			fmt.Fprintf(&b, "\n  %s: %s (%s)", p.Path, p.Message, p.Code)
			if p.Advice != "" {
				fmt.Fprintf(&b, "\n    %s", p.Advice)
			}
		}
	}
	if b.Len() == 0 {
		return nil
	}
	return badFile{withHint(errors.New("the plan cannot be carried out as written:"+b.String()), "each rule is explained in docs/lint.md")}
}

// refused gives a refusal of plan its exit code.
func refused(err error) error {
	if errors.Is(err, plan.ErrRefused) {
		return refusal{err}
	}
	return err
}

type refusal struct{ error }

func (e refusal) Unwrap() error { return e.error }
func (refusal) ExitCode() int   { return exitRefused }

func writePlan(path string, p *plan.Plan) error {
	data, err := p.Encode()
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return fmt.Errorf("write the plan: %w", err)
	}
	return nil
}

func printPlanJSON(d *deps, p *plan.Plan) error {
	data, err := p.Encode()
	if err != nil {
		return err
	}
	_, err = d.stdout.Write(data)
	return err
}

func printPlan(d *deps, w io.Writer, p *plan.Plan) {
	switch len(p.Steps) {
	case 0:
		fmt.Fprintln(w, "Nothing to write: the tenant is as wanted, as far as a plan can bring it there.")
	case 1:
		fmt.Fprintf(w, "%s\n", d.paint(bold, "1 step"))
	default:
		fmt.Fprintf(w, "%s\n", d.paint(bold, fmt.Sprintf("%d steps, in this order", len(p.Steps))))
	}
	for i, s := range p.Steps {
		printStep(d, w, i+1, s)
	}
	for _, e := range p.Emitted {
		fmt.Fprintf(w, "\n%s for %s, which manages %q (%s):\n%s\n", d.paint(yellow, "change"), e.Tool, e.Title, e.Why, e.Text)
	}
	if len(p.Open) > 0 {
		fmt.Fprintf(w, "\n%s\n", d.paint(bold, "Left to people"))
	}
	for _, o := range p.Open {
		who := o.Account
		if who != "" {
			who += ": "
		}
		fmt.Fprintf(w, "  %s %s\n      %s\n", d.paint(yellow, "!"), d.wrap(who+o.What, 90, "    "), d.wrap(o.Why, 88, "      "))
		if o.Next != "" {
			fmt.Fprintf(w, "      next: %s\n", d.wrap(o.Next, 82, "            "))
		}
	}
}

func printStep(d *deps, w io.Writer, n int, s plan.Step) {
	fmt.Fprintf(w, "\n%3d  %s\n", n, d.paint(bold, d.wrap(s.Sentence, 90, "     ")))
	fmt.Fprintf(w, "     %s /%s%s\n", s.Request.Method, s.Request.Version, s.Request.Path)
	if len(s.Request.Body) > 0 {
		fmt.Fprintf(w, "     %s\n", indentJSON(s.Request.Body, "     "))
	}
	fmt.Fprintf(w, "     %s %s\n", d.paint(dim, "undo:"), d.wrap(s.Undo.Sentence, 84, "           "))
	who := strings.Join(s.Needs.Delegated, " or ")
	if len(s.Needs.Roles) > 0 {
		who += "; as " + strings.Join(s.Needs.Roles, " or ")
	}
	fmt.Fprintf(w, "     %s  %s\n", d.paint(dim, "who:"), d.wrap(who, 84, "           "))
}

func indentJSON(raw []byte, prefix string) string {
	var b bytes.Buffer
	if json.Indent(&b, raw, prefix, "  ") != nil {
		return string(raw)
	}
	return b.String()
}
