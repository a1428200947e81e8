package cli

import (
	"context"
	"errors"
	"flag"
	"io"
	"strings"

	"github.com/gitlab-mattermost/sdk/internal/english"
	"github.com/gitlab-mattermost/sdk/internal/version"
)

// Command is one subcommand; it parses its own flags.
type Command struct {
	Name string
	Run  func(ctx context.Context, args []string, s Streams) error
}

// Dispatch runs the subcommand of program that the first argument names; -h
// prints help instead. A wrong call inside a subcommand is marked with its
// name, so that the hint leads to that command's help.
func Dispatch(ctx context.Context, program, help string, commands []Command, args []string, s Streams) error {
	var names []string
	for _, c := range commands {
		names = append(names, c.Name)
	}
	if len(args) == 0 {
		return Usagef("a command is missing: %s", english.List(names, "or"))
	}
	switch args[0] {
	case "-h", "-help", "--help", "help":
		_, err := io.WriteString(s.Out, help)
		return err
	}
	for _, c := range commands {
		if c.Name == args[0] {
			return within(program+" "+c.Name, c.Run(ctx, args[1:], s))
		}
	}
	return Usagef("unknown command %q: want %s", args[0], english.List(names, "or"))
}

// within says in which command a wrong call was made.
func within(command string, err error) error {
	var usage *UsageError
	if errors.As(err, &usage) && usage.Command == "" {
		usage.Command = command
	}
	return err
}

// Arguments parses flags, which may stand before, between and behind the
// arguments, and returns the arguments; "--" ends the flags. Their number must
// be that of names, where a last "[NAME]" in brackets may be left out and a
// last "NAME..." stands for one or more.
func Arguments(f *flag.FlagSet, args []string, names ...string) ([]string, error) {
	var got []string
	for {
		if err := Parse(f, args); err != nil {
			return nil, err
		}
		rest := f.Args()
		if len(rest) == 0 {
			break
		}
		if i := len(args) - len(rest); i > 0 && args[i-1] == "--" {
			got = append(got, rest...)
			break
		}
		got, args = append(got, rest[0]), rest[1:]
	}
	least, most := len(names), len(names)
	switch last := strings.Join(names[max(0, len(names)-1):], ""); {
	case strings.HasPrefix(last, "["):
		least--
	case strings.HasSuffix(last, "..."):
		most = len(got)
	}
	if len(got) < least || len(got) > most {
		// The arguments are not repeated: one may be a secret.
		return nil, Usagef("want %s, got %s", wanted(names), english.Count(len(got), "argument"))
	}
	return got, nil
}

func wanted(names []string) string {
	if len(names) == 0 {
		return "flags only"
	}
	return english.List(names, "and")
}

// Given tells whether a flag was given.
func Given(f *flag.FlagSet, name string) bool {
	given := false
	f.Visit(func(x *flag.Flag) { given = given || x.Name == name })
	return given
}

// Exclusive refuses two of the named flags in one call. A switch that is given
// as false counts as not given.
func Exclusive(f *flag.FlagSet, names ...string) error {
	first := ""
	for _, name := range names {
		switch {
		case !Given(f, name) || f.Lookup(name).Value.String() == "false":
		case first == "":
			first = name
		default:
			return Usagef("-%s and -%s exclude each other", first, name)
		}
	}
	return nil
}

// Needs refuses the named flags in a call without the flag that they belong to.
func Needs(f *flag.FlagSet, needed string, names ...string) error {
	if Given(f, needed) && f.Lookup(needed).Value.String() != "false" {
		return nil
	}
	for _, name := range names {
		if Given(f, name) && f.Lookup(name).Value.String() != "false" {
			return Usagef("-%s goes with -%s only", name, needed)
		}
	}
	return nil
}

// CheckGitLabVersion refuses a value of -gitlab-version that is no version, or
// one that is older than GitLab's first Mattermost.
func CheckGitLabVersion(text string) error {
	v, err := version.Parse(text)
	if err != nil {
		return Usagef("-gitlab-version: %s", err)
	}
	if !v.AtLeast(version.Version{Major: 7, Minor: 14, Patch: -1}) {
		return Usagef("-gitlab-version %s: Mattermost came with 7.14, nothing is known before it", v)
	}
	return nil
}
