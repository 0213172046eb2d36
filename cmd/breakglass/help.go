package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpWidth is how wide help is where no terminal says otherwise.
const helpWidth = 96

// signInFlagNames are flags that most commands share; help shows them after a command's own.
var signInFlagNames = []string{"auth", "ca", "certificate", "client-id", "endpoints", "patience", "secret-file", "tenant-id", "token-file"}

// printHelp is the manual page of a command, as wide as the terminal.
func printHelp(d *deps, cmd *cobra.Command) {
	w, width := d.stdout, min(helpWidth, d.columns)
	if d.columns == 0 {
		width = helpWidth
	}
	fmt.Fprintf(w, "%s\n\nUsage:\n", reflow(firstOf(cmd.Long, cmd.Short), width))
	if cmd.Runnable() {
		fmt.Fprintf(w, "  %s\n", cmd.UseLine())
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(w, "  %s COMMAND\n", cmd.CommandPath())
	}
	if cmd.Example != "" {
		fmt.Fprintf(w, "\nExamples:\n%s\n", cmd.Example)
	}
	printCommands(w, cmd, width)
	printFlags(w, cmd, width)
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(w, "\nMore about one: %s COMMAND --help\n", cmd.CommandPath())
	}
}

// printCommands lists the subcommands by group, what has no group last.
func printCommands(w io.Writer, cmd *cobra.Command, width int) {
	list := func(title, group string) {
		for _, c := range cmd.Commands() {
			if c.GroupID != group || !c.IsAvailableCommand() && c.Name() != "help" {
				continue
			}
			if title != "" {
				fmt.Fprintf(w, "\n%s\n", title)
				title = ""
			}
			fmt.Fprintf(w, "  %-11s %s\n", c.Name(), wrap(c.Short, width-14, strings.Repeat(" ", 14)))
		}
	}
	for _, g := range cmd.Groups() {
		list(g.Title, g.ID)
	}
	list(map[bool]string{true: "Besides:", false: "Commands:"}[len(cmd.Groups()) > 0], "")
}

// printFlags lists a command's own flags, how to sign in, and what every command takes.
func printFlags(w io.Writer, cmd *cobra.Command, width int) {
	own, signIn := pflag.NewFlagSet("", pflag.ContinueOnError), pflag.NewFlagSet("", pflag.ContinueOnError)
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if slices.Contains(signInFlagNames, f.Name) {
			signIn.AddFlag(f)
			return
		}
		own.AddFlag(f)
	})
	for _, group := range []struct {
		title string
		flags *pflag.FlagSet
	}{{"Flags:", own}, {"Flags for signing in:", signIn}, {"Flags of every command:", cmd.InheritedFlags()}} {
		if group.flags.HasAvailableFlags() {
			fmt.Fprintf(w, "\n%s\n%s", group.title, group.flags.FlagUsagesWrapped(width))
		}
	}
}

// reflow breaks paragraphs anew for a width; indented lines stay as they are.
func reflow(text string, width int) string {
	var out []string
	var paragraph []string
	flush := func() {
		if paragraph != nil {
			out = append(out, wrap(strings.Join(paragraph, " "), width, ""))
			paragraph = nil
		}
	}
	for _, line := range strings.Split(text, "\n") {
		if line == "" || strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t") {
			flush()
			out = append(out, line)
			continue
		}
		paragraph = append(paragraph, line)
	}
	flush()
	return strings.Join(out, "\n")
}
