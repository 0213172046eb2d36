package main

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"breakglass/internal/entra"
)

type snapshotOptions struct {
	access
	out       string
	anonymise bool
}

func newSnapshotCommand(d *deps) *cobra.Command {
	var o snapshotOptions
	cmd := &cobra.Command{
		Use:   "snapshot",
		Short: "Write one whole reading of the tenant to a file",
		Long: `snapshot reads everything that judgement needs, once, and writes it as JSON
(docs/snapshot.md). Every judging command takes the file with --snapshot and then
needs no network. The file says of each part when it was read, or why it was not.

It holds names and telephone numbers; --anonymise replaces names and ids, each by
the same substitute everywhere.`,
		Example: `  breakglass snapshot --out monday.json
  breakglass check --snapshot monday.json --offline
  breakglass snapshot --snapshot monday.json --anonymise --out to-show.json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runSnapshot(cmd.Context(), o, d) },
	}
	o.readFlags(cmd.Flags())
	cmd.Flags().Lookup("snapshot").Usage = "take this snapshot file instead of the tenant, to anonymise it"
	cmd.Flags().StringVarP(&o.out, "out", "o", "", "file to write (default: stdout)")
	cmd.Flags().BoolVar(&o.anonymise, "anonymise", false, "replace names and ids, each by the same substitute everywhere")
	return cmd
}

func runSnapshot(ctx context.Context, o snapshotOptions, d *deps) error {
	want, err := o.desired()
	if err != nil {
		return err
	}
	s, err := o.reading(ctx, d, want)
	if err != nil {
		return err
	}
	sayUnread(d, s)
	if o.anonymise {
		s = s.Anonymise()
	}
	data, err := s.Encode()
	if err != nil {
		return err
	}
	if o.out == "" {
		_, err = d.stdout.Write(data)
		return err
	}
	if err := os.WriteFile(o.out, data, 0o600); err != nil {
		return fmt.Errorf("write the snapshot: %w", err)
	}
	d.say("wrote %s: %d users, %d policies, %d parts", o.out, len(s.Users), len(s.Policies), len(s.Readings))
	return nil
}

// sayUnread names what could not be read, and what would help.
func sayUnread(d *deps, s *entra.Snapshot) {
	var parts []entra.Part
	for p, r := range s.Readings {
		if r.Unread != "" {
			parts = append(parts, p)
		}
	}
	slices.Sort(parts)
	for _, p := range parts {
		r := s.Readings[p]
		line := fmt.Sprintf("not read: %s (%s)", p, r.Unread)
		if r.Needs != "" {
			line += ", needs " + r.Needs
		}
		d.say("%s", line)
	}
}
