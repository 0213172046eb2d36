package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"breakglass/internal/entra"
	"breakglass/internal/msapi"
	"breakglass/internal/plan"
)

type applyOptions struct {
	access
	yes bool
}

func newApplyCommand(d *deps) *cobra.Command {
	var o applyOptions
	cmd := &cobra.Command{
		Use:   "apply PLAN",
		Short: "Write just what a plan showed",
		Long: `apply reads the tenant again, refuses when it moved since the plan, and then sends the
plan's steps one by one, reading each back. A step that is done already is skipped,
so the same command continues after a crash; what was begun is in PLAN.journal.`,
		Example: `  breakglass plan --out tonight.plan
  breakglass apply tonight.plan`,
		Args: exactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return runApply(cmd.Context(), o, args[0], d) },
	}
	o.operator = true
	o.planFlags(cmd.Flags())
	o.signInFlags(cmd.Flags())
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	return cmd
}

func runApply(ctx context.Context, o applyOptions, file string, d *deps) error {
	p, err := loadPlan(file)
	if err != nil {
		return err
	}
	want, err := o.wanted()
	if err != nil {
		return err
	}
	if want.Tenant.ID != p.TenantID {
		return refusal{withHint(fmt.Errorf("%s is for tenant %s, %s for tenant %s", file, p.TenantID, o.config, want.Tenant.ID),
			"make a new plan: breakglass plan --out %s", file)}
	}
	if err := agree(o, p, d); err != nil {
		return err
	}
	t, err := o.connect(d, want)
	if err != nil {
		return err
	}
	result, err := plan.Apply(ctx, p, world{t.client, readOptions(want)}, plan.Options{
		Journal: file + ".journal", Graph: t.endpoints.Graph, Now: d.now, Progress: d.stepProgress,
	})
	if err == nil {
		return reportApplied(d, result, p)
	}
	if !errors.Is(err, plan.ErrRefused) && hintOf(err) == "" {
		err = withHint(err, "the same command continues where this one stopped: breakglass apply %s", file)
	}
	return refused(err)
}

func loadPlan(file string) (*plan.Plan, error) {
	data, err := readFile(file)
	if err != nil {
		return nil, badFile{withHint(fmt.Errorf("read the plan: %w", err), "make one: breakglass plan --out %s", file)}
	}
	p, err := plan.Decode(file, data)
	if err != nil {
		return nil, badFile{err}
	}
	return p, nil
}

// agree shows what will be written and asks, unless --yes said so already.
func agree(o applyOptions, p *plan.Plan, d *deps) error {
	if o.yes || len(p.Steps) == 0 {
		return nil
	}
	printPlan(d, d.shown(), p)
	if !d.asks {
		return withHint(usageError{errors.New("nobody is here to agree to the writes above")}, "say so with --yes")
	}
	ok, err := d.confirm(fmt.Sprintf("Write these %d steps to tenant %s?", len(p.Steps), p.TenantID))
	if err != nil {
		return err
	}
	if !ok {
		return errors.New("nothing was written")
	}
	return nil
}

// stepProgress shows each step as it goes; what is done stays on the screen.
func (d *deps) stepProgress(e plan.Event) {
	head := fmt.Sprintf("%d/%d", e.Index+1, e.Total)
	note := ""
	if e.Note != "" {
		note = " (" + e.Note + ")"
	}
	switch e.State {
	case plan.Done:
		d.say("%s %s %s%s", d.paint(green, "✓"), head, e.Step.Sentence, note)
	case plan.Skipped:
		d.say("%s %s %s%s", d.paint(dim, "="), head, e.Step.Sentence, " (done already)")
	case plan.Failed:
		d.say("%s %s %s%s", d.paint(red, "✗"), head, e.Step.Sentence, note)
	case plan.Waiting:
		if d.live {
			d.tell("  %s %s: %s%s", head, e.State, e.Step.Sentence, note)
		} else if d.waiting != e.Step.ID { // minutes of silence look like a hang
			d.waiting = e.Step.ID
			d.say("  %s %s: %s%s", head, e.State, e.Step.Sentence, note)
		}
	default:
		if d.live {
			d.tell("  %s %s: %s%s", head, e.State, e.Step.Sentence, note)
		}
	}
}

func reportApplied(d *deps, r plan.Result, p *plan.Plan) error {
	if d.global.json {
		return d.printJSON(r)
	}
	for _, s := range r.Restored {
		d.say("%s put back what another writer had added and lost: %s", d.paint(yellow, "!"), s)
	}
	if n := len(r.Unchecked); n > 0 {
		d.say("%s the audit log, minutes late, does not show yet whether %d of the exclusions overwrote another writer's entry; the same command looks again later",
			d.paint(yellow, "!"), n)
	}
	fmt.Fprintf(d.stdout, "%d of %d steps done now, %d were done already, %d writes sent; every one was read back.\n",
		len(r.Done), len(p.Steps), len(r.Skipped), r.Writes)
	return nil
}

// world lets plan.Apply act on a tenant through msapi.
type world struct {
	client *msapi.Client
	read   msapi.ReadOptions
}

func (w world) Read(ctx context.Context) (*entra.Snapshot, error) { return w.client.Read(ctx, w.read) }

func (w world) Send(ctx context.Context, r plan.Request) (plan.Response, error) {
	resp, err := w.client.Send(ctx, r.Method, r.Version, r.Path, r.Body)
	out := plan.Response{Status: resp.Status, Body: json.RawMessage(resp.Body)}
	if e, ok := errors.AsType[*msapi.Error](err); ok {
		out.Status = e.Status
		switch {
		case e.Unknown:
			out.Status = 0
		case e.Status == 0 && e.Kind != msapi.KindNetwork:
			out.Status = http.StatusForbidden // our own client refused: surely not done
		}
	}
	return out, err
}

// The two packages agree on the placeholder for a password nobody keeps without importing
// each other; a difference would not compile.
const _ = uint(len(plan.RandomPassword)-len(msapi.PasswordPlaceholder)) + uint(len(msapi.PasswordPlaceholder)-len(plan.RandomPassword))
