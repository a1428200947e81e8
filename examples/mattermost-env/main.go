// Command mattermost-env works on the environment of a Mattermost server: it
// makes it from GitLab's gitlab.rb, converts old settings, says what a server of
// a given version will honour of it, and shows what the server then runs with.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

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

An environment is given as a directory (chpst -e), a file, a gitlab.rb, or
pid:1234 for a running process. 'mattermost-env COMMAND -h' tells more.

  mattermost-env check -version 10.11 /opt/gitlab/etc/mattermost/env

Exit status: 0 ok, 1 error, 2 wrong call, 3 something will not be honoured.
`

func main() { os.Exit(cli.Main("mattermost-env", run)) }

func run(ctx context.Context, args []string, s cli.Streams) error {
	return cli.Dispatch(ctx, "mattermost-env", usage, []cli.Command{
		{Name: "from-gitlab-rb", Run: fromGitLabRB}, {Name: "convert", Run: convert}, {Name: "from-config", Run: fromConfig}, {Name: "check", Run: check},
		{Name: "explain", Run: explain}, {Name: "effective", Run: effective}, {Name: "diff", Run: diff},
	}, args, s)
}

// parseVersion reads the -version flag.
func parseVersion(text string) (envmap.Version, error) {
	v, err := envmap.ParseVersion(text)
	switch {
	case err != nil:
		return v, cli.Usagef("-version: %s", err)
	case !v.AtLeast(envmap.OldestVersion()):
		return v, cli.Usagef("-version %s: the oldest version known here is %s", v, envmap.OldestVersion())
	}
	return v, nil
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
