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
	"syscall"

	"github.com/spf13/cobra"
)

// version is set by the release script.
var version = "development"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, processDeps(), os.Args[1:])
	stop()
	os.Exit(code)
}

// run is the whole program but for the process around it: it prints, and returns the exit code.
func run(ctx context.Context, d *deps, args []string) int {
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
		err = fmt.Errorf("interrupted: %w", err)
	}
	return explain(d, cmd, err)
}

func newRootCommand(d *deps) *cobra.Command {
	root := &cobra.Command{
		Use:   "breakglass",
		Short: "Emergency access for Microsoft Entra ID",
		Long: `breakglass looks after the few accounts that can still get into a Microsoft
Entra ID tenant when everything else has failed: it reads the tenant, says
whether it could be recovered tonight, plans what is missing and applies it.

No tenant at hand? Try:  breakglass demo`,
		Version:           version,
		SilenceUsage:      true,
		SilenceErrors:     true,
		DisableAutoGenTag: true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
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

// exactArgs and noArgs are cobra's rules with our exit code.
func noArgs(cmd *cobra.Command, args []string) error {
	return asUsage(cobra.NoArgs(cmd, args))
}

func exactArgs(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error { return asUsage(cobra.ExactArgs(n)(cmd, args)) }
}

func asUsage(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}
