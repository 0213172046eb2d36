package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"breakglass/internal/config"
	"breakglass/internal/entra"
	"breakglass/internal/msapi"
	"breakglass/internal/plan"
)

// azureCLI is the public client that onboarding signs people in with when none is named:
// every tenant knows it, and it may ask for what onboarding needs (from memory; another
// public client is named with --client-id).
const azureCLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"

type onboardOptions struct {
	access
	registering
	// certificate to upload for the watch identity, or where to make one.
	upload, makeIn string
	federated      string
	optional       []string
	people         []string
	noWatch        bool
	enable         bool
	disable        bool
}

// registering is what onboard and offboard share.
type registering struct {
	apply bool
	yes   bool
	print string
	// left is, for offboard, what still protects the tenant.
	left *leftBehind
}

func (r *registering) flags(f *pflag.FlagSet) {
	f.BoolVar(&r.apply, "apply", false, "write the steps; otherwise they are only shown")
	f.BoolVarP(&r.yes, "yes", "y", false, "do not ask before writing")
	f.StringVar(&r.print, "print", "", "print the steps for a person to do: script (Azure CLI) or portal")
}

func (r *registering) check() error {
	switch {
	case r.print != "" && r.print != "script" && r.print != "portal":
		return usageError{fmt.Errorf("--print is script or portal, not %q", r.print)}
	case r.print != "" && r.apply:
		return usageError{errors.New("--print shows what to do, --apply does it: one of them")}
	case r.yes && !r.apply:
		return usageError{errors.New("--yes goes with --apply")}
	}
	return nil
}

func newOnboardCommand(d *deps) *cobra.Command {
	var o onboardOptions
	cmd := &cobra.Command{
		Use:   "onboard",
		Short: "Register the two identities that breakglass uses",
		Long: `onboard shows, and with --apply writes, the registrations of two applications:

  breakglass watch     reads the tenant, alone, with a certificate or a
                       federated credential; it cannot change the directory
  breakglass operator  a public client through which named people write,
                       under their own sign-in; switched off between uses

Nothing is written that was not shown. A second run writes nothing. Where another person
has the rights, --print gives them a script or the portal's pages.
Without --client-id people sign in through Azure CLI's public client.`,
		Example: `  breakglass onboard --tenant-id ID --make-certificate ~/.config/breakglass --operator ada@contoso.com
  breakglass onboard --tenant-id ID --make-certificate ~/.config/breakglass --operator ada@contoso.com --apply
  breakglass onboard --enable-operator --apply
  breakglass onboard --federated https://token.actions.githubusercontent.com,repo:contoso/tenant:ref:refs/heads/main --print script`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runOnboard(cmd.Context(), o, d) },
	}
	o.operator = true
	o.planFlags(cmd.Flags())
	o.signInFlags(cmd.Flags())
	o.registering.flags(cmd.Flags())
	f := cmd.Flags()
	f.StringVar(&o.upload, "watch-certificate", "", "certificate (PEM or DER) whose public part watch signs in with")
	f.StringVar(&o.makeIn, "make-certificate", "", "directory to make watch's key and certificate in (or to find them again)")
	f.StringVar(&o.federated, "federated", "", "ISSUER,SUBJECT of tokens that sign in as watch, instead of a certificate")
	f.StringSliceVar(&o.optional, "optional", nil, "optional permissions of watch (docs/permissions.md), by name, or all")
	f.StringSliceVar(&o.people, "operator", nil, "user who may use operator, by name or object id (repeat); they are all who may")
	f.BoolVar(&o.noWatch, "no-watch", false, "leave watch as it is")
	f.BoolVar(&o.enable, "enable-operator", false, "switch operator on, for a use")
	f.BoolVar(&o.disable, "disable-operator", false, "switch operator off, after a use")
	return cmd
}

func (o *onboardOptions) check() error {
	ways := 0
	for _, w := range []string{o.upload, o.makeIn, o.federated} {
		if w != "" {
			ways++
		}
	}
	switch {
	case o.enable && o.disable:
		return usageError{errors.New("--enable-operator and --disable-operator exclude each other")}
	case ways > 1:
		return usageError{errors.New("one way to sign in: --make-certificate, --watch-certificate or --federated")}
	case o.noWatch && (ways > 0 || len(o.optional) > 0):
		return usageError{errors.New("--no-watch, and options for watch beside it")}
	}
	return o.registering.check()
}

func runOnboard(ctx context.Context, o onboardOptions, d *deps) error {
	if err := o.check(); err != nil {
		return err
	}
	t, want, err := o.register(d)
	if err != nil {
		return err
	}
	identities, err := o.identities(d)
	if err != nil {
		return err
	}
	tenantPlan := func() (*plan.Onboarding, error) {
		r, err := t.client.ReadRegistrations(ctx, o.people)
		d.endProgress()
		if e, ok := errors.AsType[*msapi.Error](err); ok && e.Status == http.StatusNotFound && len(o.people) > 0 {
			err = withHint(err, "--operator takes the user principal name or the object id of a user of this tenant")
		}
		if err != nil {
			return nil, err
		}
		o.resolve(&identities, r)
		ob, err := plan.Onboard(identities, r, d.now())
		return ob, refused(err)
	}
	ob, err := tenantPlan()
	if err != nil {
		return err
	}
	switch o.print {
	case "script":
		fmt.Fprint(d.stdout, ob.Script(t.endpoints.Graph))
		return nil
	case "portal":
		fmt.Fprint(d.stdout, plan.Portal(identities))
		return nil
	}
	return o.showOrWrite(ctx, d, t, want, ob, tenantPlan, func(clients map[string]string) { afterOnboard(d, o, t, clients) })
}

// register is a client for onboarding: of the plan's tenant, or of --tenant-id before there
// is a plan.
func (a *access) register(d *deps) (*tenant, *config.Desired, error) {
	want, err := a.desired()
	if _, none := errors.AsType[noPlanError](err); none {
		want, err = new(config.Desired), nil
	}
	if err != nil {
		return nil, nil, err
	}
	if a.clientID == "" && d.getenv("AZURE_CLIENT_ID") == "" && (d.getenv(simEnv) == "" || a.auth != "") {
		a.clientID = azureCLI
	}
	t, err := a.connect(d, want)
	return t, want, err
}

// identities are what the flags ask for, as far as it does not take the tenant to say.
func (o *onboardOptions) identities(d *deps) (plan.Wanted, error) {
	var w plan.Wanted
	if !o.noWatch && (!o.enable && !o.disable || o.upload+o.makeIn+o.federated != "") {
		watch, err := o.watch(d)
		if err != nil {
			return w, err
		}
		w.Watch = watch
	}
	if len(o.people) > 0 || o.enable || o.disable {
		w.Operator = &plan.OperatorIdentity{Scopes: operatorScopes()}
		if o.enable || o.disable {
			w.Operator.Enabled = &o.enable
		}
	}
	return w, nil
}

func (o *onboardOptions) resolve(w *plan.Wanted, r *entra.Registrations) {
	if w.Operator != nil && len(o.people) > 0 {
		w.Operator.Users = r.People
	}
}

// operatorScopes are what plans write and read, and what a sign-in itself asks for.
func operatorScopes() []string {
	out := append(plan.OperatorScopes(), "openid", "profile", "offline_access")
	for _, p := range msapi.WatchPermissions() {
		if p.Core {
			out = append(out, p.Name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (o *onboardOptions) watch(d *deps) (*plan.WatchIdentity, error) {
	w := new(plan.WatchIdentity)
	for _, p := range msapi.WatchPermissions() {
		switch {
		case p.Core || slices.Contains(o.optional, p.Name) || slices.Contains(o.optional, "all"):
			w.Permissions = append(w.Permissions, p.Name)
		default:
			w.Tolerated = append(w.Tolerated, p.Name)
		}
	}
	for _, name := range o.optional {
		if name != "all" && !slices.Contains(w.Permissions, name) {
			return nil, withHint(usageError{fmt.Errorf("%s is not an optional permission of watch", name)}, "they are: all, %s", strings.Join(w.Tolerated, ", "))
		}
	}
	var err error
	switch {
	case o.federated != "":
		issuer, subject, ok := strings.Cut(o.federated, ",")
		if !ok || !strings.HasPrefix(issuer, "https://") || subject == "" {
			return nil, usageError{errors.New("--federated is ISSUER,SUBJECT, and the issuer begins with https://")}
		}
		w.Federated = &entra.FederatedCredential{Issuer: issuer, Subject: subject}
	case o.upload != "":
		w.Certificate, err = loadPublicPart(o.upload)
	case o.makeIn != "":
		w.Certificate, err = watchCertificate(d, o.makeIn)
	}
	if err == nil && w.Certificate != nil && !w.Certificate.NotAfter.After(d.now()) {
		err = badFile{fmt.Errorf("the certificate was valid until %s", w.Certificate.NotAfter.UTC().Format("2 January 2006"))}
	}
	return w, err
}

// onboardingResult is `onboard --json` and `offboard --json`. Result is there after --apply.
type onboardingResult struct {
	*plan.Onboarding
	Applied *plan.Result `json:"applied,omitempty"`
	Left    *leftBehind  `json:"stillProtects,omitempty"`
}

// showOrWrite shows the steps; with --apply it asks, looks whether the tenant moved since,
// and writes them. again makes the same plan from a fresh reading.
func (r registering) showOrWrite(ctx context.Context, d *deps, t *tenant, want *config.Desired, ob *plan.Onboarding,
	again func() (*plan.Onboarding, error), after func(clients map[string]string),
) error {
	if !d.global.json || r.apply && !r.yes {
		printOnboarding(d, d.shown(), ob)
	}
	if !r.apply || len(ob.Steps) == 0 {
		if d.global.json {
			return d.printJSON(onboardingResult{Onboarding: ob, Left: r.left})
		}
		if len(ob.Steps) == 0 {
			after(ob.Clients)
		} else {
			d.say("nothing was written; next: the same command with --apply")
		}
		return nil
	}
	if err := r.agree(d, ob); err != nil {
		return err
	}
	if err := unmovedSince(ob, again); err != nil {
		return err
	}
	result, err := plan.Carry(ctx, ob, world{t.client, readOptions(want)}, plan.Options{Graph: t.endpoints.Graph, Now: d.now, Progress: d.stepProgress})
	if err != nil {
		if hintOf(err) == "" {
			err = withHint(err, "the same command goes on where this one stopped")
		}
		return refused(err)
	}
	return r.report(d, ob, result, again, after)
}

func (r registering) agree(d *deps, ob *plan.Onboarding) error {
	if r.yes {
		return nil
	}
	if !d.asks {
		return withHint(usageError{errors.New("nobody is here to agree to the writes above")}, "say so with --yes")
	}
	ok, err := d.confirm(fmt.Sprintf("Write these %d steps to tenant %s?", len(ob.Steps), ob.TenantID))
	if err == nil && !ok {
		err = errors.New("nothing was written")
	}
	return err
}

// unmovedSince refuses to write other steps than those shown.
func unmovedSince(ob *plan.Onboarding, again func() (*plan.Onboarding, error)) error {
	now, err := again()
	if err != nil {
		return err
	}
	was, _ := json.Marshal(ob.Steps) // plain data
	is, _ := json.Marshal(now.Steps)
	if string(was) != string(is) {
		return refusal{withHint(errors.New("refused: the registrations moved since the steps were shown"), "run it again and look at the new steps")}
	}
	return nil
}

func (r registering) report(d *deps, ob *plan.Onboarding, result plan.Result, again func() (*plan.Onboarding, error), after func(map[string]string)) error {
	left, err := again()
	if err != nil {
		return fmt.Errorf("look at what was written: %w", err)
	}
	for part, id := range left.Clients {
		ob.Clients[part] = id
	}
	if d.global.json {
		err = d.printJSON(onboardingResult{Onboarding: ob, Applied: &result, Left: r.left})
	} else {
		fmt.Fprintf(d.stdout, "%d of %d steps done now, %d were so already, %d writes sent; every one was read back.\n",
			len(result.Done), len(ob.Steps), len(result.Skipped), result.Writes)
		after(ob.Clients)
	}
	if err == nil && len(left.Steps) > 0 {
		return withHint(fmt.Errorf("%d steps are still to do: somebody changes the registrations at the same time, or the service shows them late", len(left.Steps)), "run it again in a minute")
	}
	return err
}

func printOnboarding(d *deps, w io.Writer, ob *plan.Onboarding) {
	switch len(ob.Steps) {
	case 0:
		fmt.Fprintln(w, "Nothing to write: the registrations are as wanted.")
	default:
		fmt.Fprintf(w, "%s\n", d.paint(bold, fmt.Sprintf("%d steps, in this order", len(ob.Steps))))
	}
	for n, s := range ob.Steps {
		printStep(d, w, n+1, s)
		printUnlocks(d, w, s)
	}
	for _, o := range ob.Open {
		fmt.Fprintf(w, "\n  %s %s\n      %s\n      next: %s\n", d.paint(yellow, "!"), d.wrap(o.What, 90, "    "), d.wrap(o.Why, 88, "      "), d.wrap(o.Next, 82, "            "))
	}
}

// printUnlocks says below a consent which checks rest on it.
func printUnlocks(d *deps, w io.Writer, s plan.Step) {
	for _, p := range msapi.WatchPermissions() {
		if s.ID == "watch-grant-"+p.Name {
			fmt.Fprintf(w, "     %s %s\n", d.paint(dim, "for:"), d.wrap(strings.Join(p.Checks, " ")+ifNote(p.Note), 84, "           "))
		}
	}
}

func ifNote(note string) string {
	if note == "" {
		return ""
	}
	return "; " + note
}

// afterOnboard says how the new identities are used.
func afterOnboard(d *deps, o onboardOptions, t *tenant, clients map[string]string) {
	if id := clients["watch"]; id != "" {
		line := "breakglass doctor --client-id " + id
		if o.makeIn != "" {
			line += " --certificate " + watchKeyFile(o.makeIn)
		}
		fmt.Fprintf(d.stdout, "\nwatch     client id %s\n          try it: %s\n", id, line)
	}
	if id := clients["operator"]; id != "" {
		fmt.Fprintf(d.stdout, "operator  client id %s\n          before a use: breakglass onboard --enable-operator --apply\n          then: breakglass apply PLAN --client-id %s --auth browser\n", id, id)
	}
}
