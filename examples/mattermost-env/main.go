// Command mattermost-env works on the environment of a Mattermost server: it
// makes it from GitLab's gitlab.rb, converts old settings, says what a server of
// a given version will honour of it, and shows what the server then runs with.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/gitlab-mattermost/sdk/envmap"
	"github.com/gitlab-mattermost/sdk/internal/cli"
)

const usage = `Usage: mattermost-env COMMAND [flags] [arguments]

  from-gitlab-rb    the environment that GitLab's package made of gitlab.rb
  convert           old mattermost['...'] keys (GitLab 7.14 to 10.8) to variables
  from-config       config.json, or the changes between two, to variables
  check             what a Mattermost of a version will honour, and what not
  explain NAME      all about a variable, a config.json path or a gitlab.rb key
  effective         what a server runs with: defaults, config.json, environment
  diff A B          two environments compared, and what each change means

An environment is given as a directory (chpst -e), a file, or pid:1234 for a
running process. 'mattermost-env COMMAND -h' tells more.

  mattermost-env check -version 10.11 /opt/gitlab/etc/mattermost/env

Exit status: 0 ok, 1 error, 2 wrong call, 3 something will not be honoured.
`

func main() { os.Exit(cli.Main("mattermost-env", run)) }

// command is one sub-command: it parses its own flags and runs.
type command func(args []string, s cli.Streams) error

func run(_ context.Context, args []string, s cli.Streams) error {
	commands := map[string]command{
		"from-gitlab-rb": fromGitLabRB, "convert": convert, "from-config": fromConfig, "check": check,
		"explain": explain, "effective": effective, "diff": diff,
	}
	if len(args) == 0 {
		return cli.Usagef("a command is missing")
	}
	switch args[0] {
	case "-h", "-help", "--help", "help":
		_, err := io.WriteString(s.Out, usage)
		return err
	}
	c, ok := commands[args[0]]
	if !ok {
		return cli.Usagef("unknown command %q", args[0])
	}
	return c(args[1:], s)
}

// source reads an environment and names its place in errors.
func source(name, format string) (*envmap.Environment, error) {
	return envmap.ReadSource(name, envmap.Format(format))
}

// parseVersion reads the -version flag.
func parseVersion(text string) (envmap.Version, error) {
	v, err := envmap.ParseVersion(text)
	if err != nil {
		return v, &cli.UsageError{Message: "-version: " + err.Error()}
	}
	return v, nil
}

// arguments parses flags and wants exactly the named arguments after them.
func arguments(f *flag.FlagSet, args []string, names ...string) ([]string, error) {
	if err := cli.Parse(f, args); err != nil {
		return nil, err
	}
	if f.NArg() != len(names) {
		return nil, cli.Usagef("%s: want %s after the flags, got %d arguments", f.Name(), strings.Join(append([]string{"no arguments"}[min(1, len(names)):], names...), " "), f.NArg())
	}
	return f.Args(), nil
}

// printFindings prints findings as text, errors first in their own order.
func printFindings(w io.Writer, findings []envmap.Finding) {
	for _, severity := range []string{envmap.SeverityError, envmap.SeverityWarning, envmap.SeverityInfo} {
		for _, f := range findings {
			if f.Severity != severity {
				continue
			}
			fmt.Fprintf(w, "%s  %s  [%s]\n    %s\n", f.Severity, f.Where, f.ID, f.Message)
			if f.Fix != "" {
				fmt.Fprintf(w, "    fix: %s\n", f.Fix)
			}
		}
	}
}

// failed turns findings of severity error into the exit code for them.
func failed(findings []envmap.Finding) error {
	for _, f := range findings {
		if f.Severity == envmap.SeverityError {
			return cli.ErrFindings
		}
	}
	return nil
}

// both returns the first error, so that an exit code of findings never hides a
// failed write.
func both(write, findings error) error {
	if write != nil && !errors.Is(write, cli.ErrFindings) {
		return write
	}
	return findings
}
