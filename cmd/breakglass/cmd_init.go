package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"breakglass/internal/config"
	"breakglass/internal/report"
)

type initOptions struct {
	access
	recipientFlags
	yes           bool
	force         bool
	initialDomain string
	cloud         string
	profile       string
	policy        string
	usageLocation string
	managedBy     string
	guardedGroup  bool
	upns          []string
	adopt         []string
	noAdopt       bool
	importFile    string
}

func newInitCommand(d *deps) *cobra.Command {
	var o initOptions
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write breakglass.yaml, people.age and the runbook, by questions or from flags",
		Long: `init writes the plan of a tenant and the runbook beside it. On a terminal it asks; with
--yes it takes what flags and the tenant say and proposes the rest. Where it can sign in
(or has a --snapshot) it finds the tenant's id, initial domain and licence by itself, and
accounts that are emergency accounts already: those are adopted, not duplicated.
It writes nothing to the tenant, and never over a file without --force.`,
		Example: `  breakglass init
  breakglass init --yes --tenant-id 72f988bf-86f1-41af-91ab-2d7cd011db47 --initial-domain contoso.onmicrosoft.com
  breakglass init --yes --snapshot tenant.json --recipient age1…`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runInit(cmd.Context(), o, d) },
	}
	f := cmd.Flags()
	o.planFlags(f)
	o.signInFlags(f)
	o.recipientFlags.add(f)
	f.StringVar(&o.snapshot, "snapshot", "", "take the tenant's facts from this snapshot file")
	f.BoolVarP(&o.yes, "yes", "y", false, "ask nothing: take flags, the tenant's facts and the proposals")
	f.BoolVar(&o.force, "force", false, "replace existing files")
	f.StringVar(&o.initialDomain, "initial-domain", "", "the domain the tenant was created with")
	f.StringVar(&o.cloud, "cloud", "", "public, usgov-l4, usgov-l5, china or other")
	f.StringVar(&o.profile, "profile", "", "standard, strict, classic or free (default: by the licence)")
	f.StringVar(&o.policy, "policy", "", "for profile strict: object id of the one policy over the second account")
	f.StringVar(&o.usageLocation, "usage-location", "", "two-letter country code of the accounts")
	f.StringVar(&o.managedBy, "managed-by", "", "who writes the policies: breakglass, terraform, microsoft365dsc or other")
	f.BoolVar(&o.guardedGroup, "guarded-group", false, "add an exclusion group in a restricted unit, as a second layer")
	f.StringArrayVar(&o.upns, "upn", nil, "user principal name of an account to create (repeat; default: names that nobody guesses)")
	f.StringArrayVar(&o.adopt, "adopt", nil, "existing account to adopt, by name or object id (repeat)")
	f.BoolVar(&o.noAdopt, "no-adopt", false, "propose no existing account")
	f.StringVar(&o.importFile, "import", "", "adopt the accounts of this Maester or Zero Trust assessment configuration")
	f.BoolVar(&o.recipientFlags.passphrase, "passphrase", false, "ask at the terminal for a passphrase that opens people.age")
	return cmd
}

// initFile is one file that init writes.
type initFile struct {
	path string
	data []byte
	mode fs.FileMode
}

func runInit(ctx context.Context, o initOptions, d *deps) error {
	if !o.yes && !d.asks {
		return withHint(usageError{errors.New("no terminal to ask at")}, "give --yes, with --tenant-id and --initial-domain or --snapshot FILE")
	}
	if err := refuseExisting(o.force, o.targets()...); err != nil {
		return err
	}
	facts, err := o.facts(ctx, d)
	if err != nil {
		return err
	}
	want, err := o.draft(facts, d)
	if err != nil {
		return err
	}
	people, err := o.team(want, d)
	if err != nil {
		return err
	}
	files, err := o.files(want, people, d)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := replaceFile(f.path, f.data, f.mode); err != nil {
			return err
		}
	}
	return o.tellWritten(d, files, want, people, facts)
}

// beside is a file next to the plan.
func (o *initOptions) beside(name string) string { return filepath.Join(filepath.Dir(o.config), name) }

func (o *initOptions) targets() []string {
	targets := []string{o.config, o.beside("runbook.md"), o.beside("runbook.html")}
	if o.recipientFlags.asked() {
		targets = append(targets, o.beside(peopleName))
	}
	return targets
}

// team is people.age: from the interview, or an empty one to fill in; nil when nobody could
// open it.
func (o *initOptions) team(want *config.Desired, d *deps) (*config.People, error) {
	if !o.yes {
		return o.interview(want, d)
	}
	if !o.recipientFlags.asked() {
		return nil, nil
	}
	return &config.People{Version: 1}, nil
}

// files are the texts to write, made and checked before the first one is written.
func (o *initOptions) files(want *config.Desired, people *config.People, d *deps) ([]initFile, error) {
	text, err := config.Format(want)
	if err != nil {
		return nil, err
	}
	checked, err := config.Parse(o.config, text)
	if err != nil {
		return nil, wrongAnswers(err)
	}
	var md, page bytes.Buffer
	r := report.Runbook{Desired: checked, Now: d.now()} // without people: it lies beside the plan
	if err := firstError(report.WriteRunbookMarkdown(&md, r), report.WriteRunbookHTML(&page, r)); err != nil {
		return nil, err
	}
	files := []initFile{{o.config, text, 0o644}, {o.beside("runbook.md"), md.Bytes(), 0o644}, {o.beside("runbook.html"), page.Bytes(), 0o644}}
	if people == nil {
		return files, nil
	}
	recipients, err := o.recipientFlags.resolve(d)
	if err != nil {
		return nil, err
	}
	sealed, err := sealPeople(people, recipients)
	if err != nil {
		return nil, err
	}
	return append(files, initFile{o.beside(peopleName), sealed, 0o600}), nil
}

func sealPeople(people *config.People, recipients []age.Recipient) ([]byte, error) {
	var b bytes.Buffer
	if err := config.EncryptPeople(&b, people, recipients...); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// wrongAnswers says of flags and answers what the loader says of a file.
func wrongAnswers(err error) error {
	errs, ok := errors.AsType[config.Errors](err)
	if !ok {
		return err
	}
	var lines []string
	for _, e := range errs {
		lines = append(lines, fmt.Sprintf("%s: %s; %s", e.Path, e.Problem, e.Fix))
	}
	return usageError{errors.New(strings.Join(lines, "\n"))}
}

// initResult is `init --json`.
type initResult struct {
	Files    []string           `json:"files"`
	Accounts []string           `json:"accounts"`
	Adopted  []string           `json:"adopted"`
	Findings []config.Problem   `json:"findings"`
	Facts    initFactsForPeople `json:"facts"`
}

type initFactsForPeople struct {
	TenantID      string `json:"tenantId"`
	InitialDomain string `json:"initialDomain"`
	Licence       string `json:"licence,omitempty"`
	Source        string `json:"source"`
}

func (o *initOptions) tellWritten(d *deps, files []initFile, want *config.Desired, people *config.People, facts *initFacts) error {
	known := config.Known{People: people, Domains: facts.domains}
	result := initResult{
		Adopted: []string{}, Findings: config.LintKnown(want, known),
		Facts: initFactsForPeople{want.Tenant.ID, want.Tenant.InitialDomain, string(facts.licence), facts.source},
	}
	for _, f := range files {
		result.Files = append(result.Files, f.path)
	}
	for _, a := range want.Accounts {
		result.Accounts = append(result.Accounts, a.UserPrincipalName)
		if a.ObjectID != "" {
			result.Adopted = append(result.Adopted, a.UserPrincipalName)
		}
	}
	if d.global.json {
		return d.printJSON(result)
	}
	for _, f := range result.Files {
		fmt.Fprintf(d.stdout, "wrote %s\n", f)
	}
	for _, a := range want.Accounts {
		how := "will be created by apply"
		if a.ObjectID != "" {
			how = "exists, is adopted"
		}
		fmt.Fprintf(d.stdout, "  %s  %s  (%s, password %s; %s)\n", a.ID, a.UserPrincipalName, a.Posture, a.Password, how)
	}
	if people != nil && len(people.People) > 0 {
		d.say("the runbook has blanks where names belong; to print it with them: breakglass config runbook --html %s --out FILE, print, delete FILE", o.recipientFlags.opener())
	}
	if people == nil {
		d.say("%s was not written: nobody was named who could open it (--recipient age1…)", peopleName)
	}
	if n := len(result.Findings); n > 0 {
		d.say("%d finding(s), mostly people still to be named: breakglass config lint %s", n, o.config)
	}
	d.say("next: breakglass check, then breakglass plan --out tonight.plan, read it, then breakglass apply tonight.plan")
	return nil
}
