// Command breakglass plans, sets up and judges the emergency access accounts of a
// Microsoft Entra ID tenant.
//
// One file per command; this file wires them. Commands read flags, call judgement and
// deeds, and print; they decide nothing themselves.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// version is set by the release script.
var version = "development"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	code := run(ctx, processDeps(), os.Args[1:])
	stop()
	os.Exit(code)
}

// run is the whole program but for the process around it: it prints, and returns the exit code.
func run(ctx context.Context, d *deps, args []string) int {
	d.done = ctx.Done()
	root := newRootCommand(d)
	root.SetArgs(args)
	root.SetIn(d.stdin)
	root.SetOut(d.stdout)
	root.SetErr(d.stderr)
	cmd, err := root.ExecuteContextC(ctx)
	d.endProgress()
	if err == nil {
		return exitOK
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		err = interrupted{err}
	}
	return explain(d, cmd, err)
}

// interrupted is what Ctrl-C left undone.
type interrupted struct{ error }

func (e interrupted) Unwrap() error { return e.error }
func (e interrupted) Error() string {
	return "interrupted: " + strings.TrimSuffix(e.error.Error(), ": "+context.Canceled.Error())
}

func newRootCommand(d *deps) *cobra.Command {
	root := &cobra.Command{
		Use:   "breakglass",
		Short: "Emergency access for Microsoft Entra ID",
		Long: `breakglass looks after the few accounts that can still get into a Microsoft
Entra ID tenant when everything else has failed: it reads the tenant, says
whether it could be recovered tonight, plans what is missing and applies it.

No tenant at hand? Try:  breakglass demo

Exit codes: 0 fine; 1 failed or incomplete; 2 usage, or a bad file; 3 a check failed or
could not be told; 4 a lockout was shown; 5 refused, because it would break a promise.

Environment: BREAKGLASS_SIM=DIR talks to a simulated tenant; NO_COLOR switches colour off;
AZURE_CLIENT_ID, AZURE_CLIENT_CERTIFICATE_PATH and AZURE_FEDERATED_TOKEN_FILE stand for
the flags that name them.`,
		Version:           version,
		SilenceUsage:      true,
		SilenceErrors:     true,
		DisableAutoGenTag: true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { printHelp(d, cmd) })
	d.addGlobalFlags(root.PersistentFlags())
	root.AddGroup(
		&cobra.Group{ID: "judge", Title: "Look and judge (change nothing):"},
		&cobra.Group{ID: "change", Title: "Set up and change:"},
		&cobra.Group{ID: "try", Title: "Try without a tenant:"},
	)
	add := func(group string, cmds ...*cobra.Command) {
		for _, c := range cmds {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add("judge", newStatusCommand(d), newCheckCommand(d), newLockoutCommand(d), newSnapshotCommand(d), newDoctorCommand(d))
	add("change", newOnboardCommand(d), newInitCommand(d), newConfigCommand(d), newPlanCommand(d), newApplyCommand(d), newOffboardCommand(d))
	add("try", newDemoCommand(d), newSimCommand(d))
	root.AddCommand(newManCommand(root))
	return root
}

// exactArgs and noArgs are cobra's rules with our exit code, and with words that name what is missing.
func noArgs(cmd *cobra.Command, args []string) error {
	return asUsage(cobra.NoArgs(cmd, args))
}

func exactArgs(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == n {
			return nil
		}
		return usageError{fmt.Errorf("it takes %d argument(s), %d given: %s", n, len(args), cmd.UseLine())}
	}
}

func asUsage(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}
