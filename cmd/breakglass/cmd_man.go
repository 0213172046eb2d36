package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// newManCommand writes the man pages; the release script packs them.
func newManCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "Write the man pages into a directory",
		Long: `man writes one manual page for each command into DIR, which it makes when it is missing.
Release archives hold them already.`,
		Example: `  breakglass man /usr/local/share/man/man1`,
		Args:    exactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fmt.Errorf("write man pages: %w", err)
			}
			header := &doc.GenManHeader{Title: "BREAKGLASS", Section: "1", Source: "breakglass " + version, Manual: "Emergency access"}
			return doc.GenManTree(root, header, args[0])
		},
	}
}
