package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"breakglass/internal/config"
	"breakglass/internal/entra"
	"breakglass/internal/phrase"
	"breakglass/internal/report"
)

func newConfigCommand(d *deps) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Judge, print and exchange the plan (breakglass.yaml) without a tenant",
		Long: `config works on breakglass.yaml and people.age alone: it never opens a network
connection. docs/configuration.md has every key, docs/lint.md every rule.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newConfigLintCommand(d), newConfigSchemaCommand(d), newConfigRunbookCommand(d),
		newConfigExportCommand(d), newConfigImportCommand(d), newConfigPeopleCommand(d))
	return cmd
}

type lintOptions struct {
	people   peopleFlags
	snapshot string
}

func newConfigLintCommand(d *deps) *cobra.Command {
	var o lintOptions
	cmd := &cobra.Command{
		Use:   "lint [FILE]",
		Short: "Judge a plan on paper: who reaches what alone, what one loss takes, who does two things",
		Long: `lint reads the plan and judges it without a tenant. Errors mean that it cannot be
carried out as written (exit code 2); everything else is a finding (exit code 3).
With people.age opened it also judges names and telephones, which it never prints.`,
		Args: atMostOneArg,
		RunE: func(_ *cobra.Command, args []string) error { return runConfigLint(o, planFile(args), d) },
	}
	o.people.add(cmd.Flags())
	cmd.Flags().StringVar(&o.snapshot, "snapshot", "", "snapshot file: which domains are the tenant's")
	return cmd
}

func atMostOneArg(cmd *cobra.Command, args []string) error {
	return asUsage(cobra.MaximumNArgs(1)(cmd, args))
}

// planFile is the argument, else the plan's usual name.
func planFile(args []string) string { return firstOf(append(args, "breakglass.yaml")...) }

func runConfigLint(o lintOptions, path string, d *deps) error {
	data, want, err := loadDesired(path)
	if err != nil {
		return err
	}
	var known config.Known
	if known.People, err = o.people.open(d, path); err != nil {
		return err
	}
	if o.snapshot != "" {
		s, err := loadSnapshot(o.snapshot)
		if err != nil {
			return err
		}
		known.Domains = domainsOf(s)
	}
	problems := config.LintKnown(want, known)
	if d.global.json {
		err = d.printJSON(lintResult(path, data, problems))
	} else {
		printProblems(d, path, data, problems)
	}
	return firstError(err, lintVerdict(problems))
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// loadDesired reads a plan and keeps its text, for the places of findings.
func loadDesired(path string) ([]byte, *config.Desired, error) {
	want, err := config.Load(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, noPlanError{withHint(err, "write a plan with `breakglass init`")}
	}
	if err != nil {
		return nil, nil, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, badFile{fmt.Errorf("read the configuration: %w", err)}
	}
	return data, want, nil
}

// domainsOf are the verified domains; nil when they were not read whole.
func domainsOf(s *entra.Snapshot) []string {
	if !s.Complete(entra.PartDomains) {
		return nil
	}
	domains := []string{}
	for _, x := range s.Domains {
		domains = append(domains, x.ID)
	}
	return domains
}

// lintVerdict is the exit code: 2 for errors, 3 for findings that nobody accepted.
func lintVerdict(problems []config.Problem) error {
	if len(config.Refusals(problems)) > 0 {
		return verdict(exitUsage)
	}
	for _, p := range problems {
		if p.Accepted == nil {
			return verdict(exitFinding)
		}
	}
	return nil
}

// placed is a finding with its place, as --json has it.
type placed struct {
	config.Problem
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

func lintResult(path string, data []byte, problems []config.Problem) any {
	all := []placed{}
	for _, p := range problems {
		line, column := config.Locate(data, p.Path)
		all = append(all, placed{p, path, line, column})
	}
	return struct {
		Findings []placed `json:"findings"`
	}{all}
}

func printProblems(d *deps, path string, data []byte, problems []config.Problem) {
	if len(problems) == 0 {
		fmt.Fprintf(d.stdout, "%s: %s\n", path, d.paint(green, "nothing to find"))
		return
	}
	for _, p := range problems {
		line, column := config.Locate(data, p.Path)
		fmt.Fprintf(d.stdout, "%s:%d:%d: %s %s\n", path, line, column, d.paint(severityColour(p.Severity), weight(p)), p.Code)
		fmt.Fprintf(d.stdout, "    %s\n", d.wrap(p.Message, 88, "    "))
		if p.Advice != "" {
			fmt.Fprintf(d.stdout, "    next: %s\n", d.wrap(p.Advice, 82, "          "))
		}
		if p.Accepted != nil {
			fmt.Fprintf(d.stdout, "    accepted by %s (unsigned): %s\n", p.Accepted.Person, d.wrap(p.Accepted.Reason, 82, "          "))
		}
	}
	d.say("%d finding(s); docs/lint.md explains each rule", len(problems))
}

func weight(p config.Problem) string {
	if p.CouldNotTell {
		return "could not tell"
	}
	return string(p.Severity)
}

func severityColour(s config.Severity) colour {
	switch s {
	case config.SeverityError, config.SeverityHigh:
		return red
	case config.SeverityMedium:
		return yellow
	}
	return dim
}

func newConfigSchemaCommand(d *deps) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of breakglass.yaml, for editors",
		Long: `schema prints the JSON Schema (draft 2020-12) of breakglass.yaml. An editor that is given
it completes keys and marks mistakes; the program itself checks more (config lint).`,
		Example: `  breakglass config schema > breakglass.schema.json`,
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := d.stdout.Write(config.Schema())
			return err
		},
	}
}

type runbookOptions struct {
	people   peopleFlags
	html     bool
	out      string
	language string
}

func newConfigRunbookCommand(d *deps) *cobra.Command {
	var o runbookOptions
	cmd := &cobra.Command{
		Use:   "runbook [FILE]",
		Short: "Print the emergency runbook, with names when people.age is opened",
		Long: `runbook writes what to do in which outage, for a person who has nothing but paper.
Without people.age it has opaque ids and blanks, and may lie where the plan lies. With
--identity it has names, telephones and addresses: print it, do not keep the file.`,
		Example: `  breakglass config runbook > runbook.md
  breakglass config runbook --html --identity key.txt --out /dev/shm/runbook.html`,
		Args: atMostOneArg,
		RunE: func(_ *cobra.Command, args []string) error { return runConfigRunbook(o, planFile(args), d) },
	}
	o.people.add(cmd.Flags())
	cmd.Flags().BoolVar(&o.html, "html", false, "a page to print, instead of Markdown")
	cmd.Flags().StringVarP(&o.out, "out", "o", "", "write to this file, mode 0600, instead of stdout")
	cmd.Flags().StringVar(&o.language, "language", string(phrase.English), "language of the text")
	return cmd
}

func runConfigRunbook(o runbookOptions, path string, d *deps) error {
	if d.global.json {
		return usageError{errors.New("the runbook is for people: Markdown, or a page with --html")}
	}
	_, want, err := loadDesired(path)
	if err != nil {
		return err
	}
	r := report.Runbook{Desired: want, Language: phrase.Language(o.language), Now: d.now()}
	if r.People, err = o.people.open(d, path); err != nil {
		return err
	}
	if _, err := phrase.Runbook(r.Language); err != nil {
		return usageError{err}
	}
	write := report.WriteRunbookMarkdown
	if o.html {
		write = report.WriteRunbookHTML
	}
	var b bytes.Buffer
	if err := write(&b, r); err != nil {
		return err
	}
	if o.out == "" {
		_, err := d.stdout.Write(b.Bytes())
		return err
	}
	if err := replaceFile(o.out, b.Bytes(), 0o600); err != nil {
		return err
	}
	if r.People != nil {
		d.say("wrote %s; it has names and addresses: print it, then destroy the file", o.out)
	} else {
		d.say("wrote %s", o.out)
	}
	return nil
}

func newConfigExportCommand(d *deps) *cobra.Command {
	return &cobra.Command{
		Use:   "export [FILE]",
		Short: "Print the account list that Maester and the Zero Trust assessment read",
		Long: `export prints GlobalSettings.EmergencyAccessAccounts, with which those two tools know the
plan's accounts and leave them out of their findings.`,
		Example: `  breakglass config export > maester-config.json`,
		Args:    atMostOneArg,
		RunE: func(_ *cobra.Command, args []string) error {
			_, want, err := loadDesired(planFile(args))
			if err != nil {
				return err
			}
			_, err = d.stdout.Write(config.ExportAccounts(want))
			return err
		},
	}
}

func newConfigImportCommand(d *deps) *cobra.Command {
	return &cobra.Command{
		Use:   "import FILE",
		Short: "Show the accounts of a Maester or Zero Trust assessment configuration",
		Long: `import reads GlobalSettings.EmergencyAccessAccounts and shows what init would adopt.
To write a plan from it:  breakglass init --import FILE`,
		Args: exactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return runConfigImport(args[0], d) },
	}
}

func runConfigImport(path string, d *deps) error {
	list, err := importAccounts(path)
	if err != nil {
		return err
	}
	if d.global.json {
		return d.printJSON(struct {
			Accounts []config.EmergencyAccessAccount `json:"accounts"`
		}{list})
	}
	for _, e := range list {
		fmt.Fprintf(d.stdout, "%-5s  %s\n", e.Type, firstOf(e.ID, e.UserPrincipalName))
	}
	d.say("next: breakglass init --import %s", path)
	return nil
}

func importAccounts(path string) ([]config.EmergencyAccessAccount, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, badFile{fmt.Errorf("read the accounts: %w", err)}
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, 1<<20+1))
	if err != nil {
		return nil, badFile{fmt.Errorf("read the accounts: %w", err)}
	}
	return config.ImportAccounts(path, data)
}

func newConfigPeopleCommand(d *deps) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "people",
		Short: "Show people.age, or write it anew",
		Long: `people.age lies beside the plan and holds what the plan must not: names, addresses and
telephones of the people and places that the plan knows by opaque ids. It is encrypted
to the age recipients who may read it.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newPeopleShowCommand(d), newPeopleWriteCommand(d))
	return cmd
}

func newPeopleShowCommand(d *deps) *cobra.Command {
	var p peopleFlags
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Decrypt people.age to the terminal",
		Long: `show decrypts people.age with an age identity file or a passphrase and prints it. Nothing
of it is written to a file.`,
		Example: `  breakglass config people show --identity key.txt`,
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			if !p.asked() {
				return withHint(usageError{errors.New("people.age needs a key")}, "give --identity FILE, or --passphrase to be asked")
			}
			people, err := p.open(d, "breakglass.yaml")
			if err != nil {
				return err
			}
			if d.global.json {
				return d.printJSON(people)
			}
			return config.WritePeople(d.stdout, people)
		},
	}
	p.add(cmd.Flags())
	return cmd
}

type peopleWriteOptions struct {
	recipientFlags
	file  string
	force bool
}

func newPeopleWriteCommand(d *deps) *cobra.Command {
	var o peopleWriteOptions
	cmd := &cobra.Command{
		Use:   "write",
		Short: "Check the text on stdin and encrypt it as people.age",
		Long: `write reads the text of people.age from stdin, checks it as strictly as the plan, and
encrypts it to every --recipient. It replaces a file that is there only with --force.`,
		Example: `  breakglass config people show --identity key.txt | vipe |
    breakglass config people write --recipient age1… --recipient age1… --force`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error { return runPeopleWrite(o, d) },
	}
	o.add(cmd.Flags())
	cmd.Flags().StringVar(&o.file, "people", peopleName, "the people file")
	cmd.Flags().BoolVar(&o.force, "force", false, "replace an existing file")
	return cmd
}

func runPeopleWrite(o peopleWriteOptions, d *deps) error {
	if !o.asked() {
		return withHint(usageError{errors.New("nobody could open the file")}, "give --recipient age1… (age-keygen makes a key)")
	}
	if err := refuseExisting(o.force, o.file); err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(d.stdin, 1<<20+1))
	if err != nil {
		return fmt.Errorf("read the people: %w", err)
	}
	defer clear(text)
	people, err := config.ParsePeople("stdin", text)
	if err != nil {
		return err
	}
	recipients, err := o.resolve(d)
	if err != nil {
		return err
	}
	var sealed bytes.Buffer
	if err := config.EncryptPeople(&sealed, people, recipients...); err != nil {
		return err
	}
	if err := replaceFile(o.file, sealed.Bytes(), 0o600); err != nil {
		return err
	}
	d.say("wrote %s for %d recipient(s)", o.file, len(recipients))
	return nil
}
