package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"breakglass/internal/config"
	"breakglass/internal/lockout"
	"breakglass/internal/plan"
	"breakglass/internal/posture"
	"breakglass/internal/simtenant"
	"breakglass/internal/simtenant/state"
)

type demoOptions struct {
	once bool
	dir  string
}

func newDemoCommand(d *deps) *cobra.Command {
	var o demoOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "The whole story on a simulated tenant",
		Long: `demo starts a simulated tenant that would be lost tonight and does the main job on it:
read, judge, say why, plan, apply, judge again. Then it keeps the tenant running and
says what to try next. With --once it ends by itself: 0 when everything it claims was
checked and holds, else 1.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runDemo(cmd.Context(), o, d) },
	}
	cmd.Flags().BoolVar(&o.once, "once", false, "end when the story is told")
	cmd.Flags().StringVar(&o.dir, "dir", "", "directory for the demo's files (default: a temporary one, removed at the end)")
	return cmd
}

// demo is one telling of the story.
type demo struct {
	d       *deps
	dir     string
	access  access
	started time.Time
	// broken are the claims that did not hold.
	broken []string
}

func runDemo(ctx context.Context, o demoOptions, d *deps) error {
	if err := refuseOffline(d, "demo"); err != nil {
		return err
	}
	dir, cleanup, err := demoDir(o.dir)
	if err != nil {
		return err
	}
	defer cleanup()
	t, err := demoTenant(dir)
	if err != nil {
		return err
	}
	defer t.Close()
	getenv := d.getenv
	d.getenv = func(key string) string {
		if key == simEnv {
			return dir
		}
		return getenv(key)
	}
	m := &demo{d: d, dir: dir, started: time.Now(), access: access{config: filepath.Join(dir, "breakglass.yaml")}}
	if err := m.tell(ctx); err != nil {
		return fmt.Errorf("the demo broke off: %w", err)
	}
	if len(m.broken) > 0 {
		return errors.New("the demo claimed what did not hold:\n  " + strings.Join(m.broken, "\n  "))
	}
	if o.once {
		return nil
	}
	m.whatNext(t.URL())
	<-ctx.Done()
	return nil
}

func demoDir(dir string) (string, func(), error) {
	if dir != "" {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return "", nil, err
		}
		return abs, func() {}, os.MkdirAll(abs, 0o700)
	}
	tmp, err := os.MkdirTemp("", "breakglass-demo-")
	if err != nil {
		return "", nil, fmt.Errorf("make the demo's directory: %w", err)
	}
	return tmp, func() { _ = os.RemoveAll(tmp) }, nil
}

// demoTenant starts the tenant of the story and writes the plan for it.
func demoTenant(dir string) (*simtenant.Tenant, error) {
	t, err := simtenant.New(simtenant.Options{Tenant: "broken-lockout"})
	if err != nil {
		return nil, err
	}
	// A real tenant lets nobody touch its policies more than once a second; a story need not wait.
	err = t.State().Update(func(tx *state.Tx) error { tx.World().Throttle = false; return nil })
	if err != nil {
		return nil, err
	}
	if err := t.Start(""); err != nil {
		return nil, err
	}
	if err := t.WriteDir(dir); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	e := t.Endpoints()
	text, err := config.Format(demoPlan(e.TenantID, e.InitialDomain))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "breakglass.yaml"), text, 0o600)
	}
	if err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

// demoPlan is what the people of the demo's tenant want: the two accounts they have, adopted.
func demoPlan(tenantID, domain string) *config.Desired {
	sheets := func(people ...config.PersonID) *config.Quorum {
		q := &config.Quorum{Locations: 2}
		for i, loc := range []config.LocationID{"north", "south", "west"} {
			q.Sheets = append(q.Sheets, config.LocationSheets{Location: loc, Need: 1, Custodians: people[i : i+1]})
		}
		return q
	}
	return &config.Desired{
		Version: 1,
		Tenant:  config.Tenant{ID: tenantID, InitialDomain: domain, Cloud: "public", Profile: "standard"},
		Accounts: []config.Account{
			{
				ID: "a", UserPrincipalName: "ops-x7k2@" + domain, DisplayName: "Operations x7k2", UsageLocation: "DE",
				Posture: config.PostureExcluded, Password: "sealed", Quorum: sheets("p1", "p2", "p3"),
			},
			{
				ID: "b", UserPrincipalName: "ops-m3q9@" + domain, DisplayName: "Operations m3q9", UsageLocation: "DE",
				Posture: config.PostureExcluded, Password: "sealed", Quorum: sheets("p4", "p5", "p6"),
			},
		},
		ExclusionGroup: &config.ExclusionGroup{DisplayName: "CA exclusions", MailNickname: "CAexclusions"},
		RestrictedUnit: &config.RestrictedUnit{DisplayName: "Emergency access"},
		Custodians:     []config.PersonID{"p1", "p2", "p3", "p4", "p5", "p6"},
		Locations: []config.Location{
			{ID: "north", Code: "N", Access: []config.PersonID{"p1", "p4"}},
			{ID: "south", Code: "S", Access: []config.PersonID{"p2", "p5"}},
			{ID: "west", Code: "W", Access: []config.PersonID{"p3", "p6"}},
		},
		Approvers: []config.PersonID{"p7", "p8"},
	}
}

func (m *demo) tell(ctx context.Context) error {
	m.act(1, "A tenant that would be lost tonight")
	before, err := judge(ctx, &m.access, m.d)
	if err != nil {
		return err
	}
	m.showBefore(before)

	m.act(2, "Why")
	m.showWhy(before)

	m.act(3, "The plan")
	want := before.want
	p, err := plan.Make(want, before.snapshot, m.d.now())
	if err != nil {
		return err
	}
	m.showPlan(p)

	m.act(4, "The writes")
	if err := m.apply(ctx, want, p); err != nil {
		return err
	}

	m.act(5, "The same judgement again")
	after, err := judge(ctx, &m.access, m.d)
	if err != nil {
		return err
	}
	m.showAfter(before, after)
	return m.secondPlan(after)
}

func (m *demo) act(n int, title string) {
	m.d.endProgress()
	fmt.Fprintf(m.d.stdout, "\n%s\n\n", m.d.paint(bold, fmt.Sprintf("── %d. %s", n, title)))
}

// claim records a claim of the story that does not hold.
func (m *demo) claim(holds bool, what string, args ...any) {
	if !holds {
		m.broken = append(m.broken, fmt.Sprintf(what, args...))
	}
}

func (m *demo) showBefore(j judgement) {
	printTenantLine(m.d, j)
	fmt.Fprintf(m.d.stdout, "\nCould it be recovered tonight?  %s\n\n", m.d.paintReady(j.answer))
	for _, f := range findingsOf(j.findings, posture.Fail) {
		if f.Severity == posture.Critical || f.Severity == posture.High {
			m.line(f)
		}
	}
	m.claim(j.answer.Ready == posture.No, "the tenant of the demo starts as one that could not be recovered, but the answer was %q", j.answer.Headline)
	m.claim(j.locked, "a lockout is shown before apply")
}

func (m *demo) line(f posture.Finding) {
	who := ""
	if f.Account != "" {
		who = f.Account + ": "
	}
	fmt.Fprintf(m.d.stdout, "  %s %s  %s\n", m.d.mark(f.Verdict), f.Check, m.d.wrap(who+f.Summary, 84, "            "))
}

func (m *demo) showWhy(j judgement) {
	for _, acc := range j.want.Accounts {
		a := lockout.Analyze(j.snapshot, acc.KnownAs(j.snapshot), acc.Allowed()...)
		fmt.Fprintf(m.d.stdout, "  %s (%s) is %s\n", m.d.paint(bold, acc.ID), acc.UserPrincipalName, m.d.paintVerdict(a.Verdict))
		for _, b := range a.Blockers {
			if b.When == lockout.Never {
				continue
			}
			fmt.Fprintf(m.d.stdout, "    %s %s\n", m.d.paint(dim, fmt.Sprintf("%-13s", b.When)), m.d.wrap(b.Why, 78, "                  "))
		}
	}
}

func (m *demo) showPlan(p *plan.Plan) {
	for i, s := range p.Steps {
		fmt.Fprintf(m.d.stdout, "  %2d  %s\n      %s\n", i+1, m.d.wrap(s.Sentence, 88, "      "), m.d.paint(dim, s.Request.Method+" /"+s.Request.Version+s.Request.Path))
	}
	for _, o := range p.Open {
		fmt.Fprintf(m.d.stdout, "   %s  %s\n", m.d.paint(yellow, "!"), m.d.wrap("left to people: "+o.What, 88, "      "))
	}
	m.claim(len(p.Steps) > 0, "the plan has steps")
}

func (m *demo) apply(ctx context.Context, want *config.Desired, p *plan.Plan) error {
	operator := m.access
	operator.operator = true
	t, err := operator.connect(m.d, want)
	if err != nil {
		return err
	}
	result, err := plan.Apply(ctx, p, world{t.client, readOptions(want)}, plan.Options{
		Journal: filepath.Join(m.dir, "demo.plan.journal"), Graph: t.endpoints.Graph, Now: m.d.now, Progress: m.d.stepProgress,
	})
	if err != nil {
		return err
	}
	m.claim(len(result.Done) == len(p.Steps), "every step was done: %d of %d were", len(result.Done), len(p.Steps))
	return reportApplied(m.d, result, p)
}

func (m *demo) showAfter(before, after judgement) {
	was := map[string]posture.Verdict{}
	for _, f := range before.findings {
		was[f.Check+f.Account] = f.Verdict
	}
	green := 0
	for _, f := range after.findings {
		switch {
		case f.Verdict == posture.Pass && was[f.Check+f.Account] != posture.Pass:
			m.line(f)
			green++
		case f.Mends && f.Verdict == posture.Fail:
			m.claim(false, "apply mends %s (%s), which still fails: %s", f.Check, f.Account, f.Summary)
		}
	}
	fmt.Fprintf(m.d.stdout, "\n%d verdicts turned green. What apply cannot mend:\n\n", green)
	for _, f := range findingsOf(after.findings, posture.Fail) {
		m.line(f)
	}
	fmt.Fprintf(m.d.stdout, "\nCould it be recovered tonight?  %s\n", m.d.paintReady(after.answer))
	m.claim(green > 0, "verdicts turned green")
	m.claim(!after.locked, "no account is locked out after apply")
	m.claim(after.answer.Headline == "no: no account is sealed", "the headline ends as \"no: no account is sealed\", it was %q", after.answer.Headline)
}

// secondPlan shows that a second apply would write nothing.
func (m *demo) secondPlan(after judgement) error {
	p, err := plan.Make(after.want, after.snapshot, m.d.now())
	if err != nil {
		return err
	}
	m.claim(len(p.Steps) == 0, "a second plan has no steps, it has %d", len(p.Steps))
	fmt.Fprintf(m.d.stdout, "A second plan has %d steps. Told in %s; every claim was checked.\n", len(p.Steps), time.Since(m.started).Round(time.Second/10))
	return nil
}

func (m *demo) whatNext(url string) {
	self, err := os.Executable()
	if err != nil {
		self = "breakglass"
	}
	fmt.Fprintf(m.d.stdout, `
The simulated tenant stays up at %s
until you press Ctrl-C. In another terminal:

  cd %s
  export %s=%s
  alias breakglass=%s

  breakglass status                    the one answer
  breakglass check --all               every check, with what was read
  breakglass lockout --scenarios       who survives which outage
  breakglass plan                      what is left to write: nothing
  breakglass snapshot --out now.json   one reading as a file; with
                                       --anonymise to show it to others
  breakglass doctor                    what this identity can and cannot do

docs/simulator.md says how to break things there.
`, url, m.dir, simEnv, m.dir, self)
}
