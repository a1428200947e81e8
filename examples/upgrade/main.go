// Command upgrade answers which Mattermost is in which GitLab package and
// plans the way from one release to another, leaving the package included. It
// works offline and changes nothing.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/gitlab-mattermost/sdk/internal/cli"
)

func main() { os.Exit(cli.Main("upgrade", run)) }

const usage = `upgrade knows which Mattermost is in which GitLab, and the way from here to there.
It reads files, asks nothing on the network and changes nothing.

  upgrade version 17.6.1           what does this GitLab carry?
  upgrade bundlers 9.11.4          which GitLab carries this Mattermost?
  upgrade table -minor             the whole table, by line
  upgrade path 17.6.1 18.11        the steps from one GitLab to another
  upgrade leave 18.11.3            the steps out of the package
  upgrade check 18.11.3 19.0       possible, or not because of these settings

For example, what has to be known before GitLab 19, from the files of this machine:

  sudo upgrade check 18.11.3 19.0 -gitlab-rb /etc/gitlab/gitlab.rb \
      -config-json /var/opt/gitlab/mattermost/config.json

Each command has its own help: upgrade path -h.
Exit codes: 0 fine, 1 error, 2 wrong call, 3 something blocks (check).
`

// command is one subcommand.
type command struct {
	name string
	run  func(args []string, s cli.Streams) error
}

func run(_ context.Context, args []string, s cli.Streams) error {
	if len(args) == 0 {
		return cli.Usagef("a command is needed: version, bundlers, table, path, leave or check")
	}
	if args[0] == "-h" || args[0] == "-help" || args[0] == "--help" || args[0] == "help" {
		_, err := fmt.Fprint(s.Out, usage)
		return err
	}
	for _, c := range []command{
		{"version", runVersion}, {"bundlers", runBundlers}, {"table", runTable},
		{"path", runPath}, {"leave", runLeave}, {"check", runCheck},
	} {
		if c.name == args[0] {
			return c.run(args[1:], s)
		}
	}
	return cli.Usagef("unknown command %q: want version, bundlers, table, path, leave or check", args[0])
}

// parse reads flags before, between and behind the arguments, and returns the
// arguments.
func parse(f *flag.FlagSet, args []string) ([]string, error) {
	var rest []string
	for {
		if err := cli.Parse(f, args); err != nil {
			return nil, err
		}
		if f.NArg() == 0 {
			return rest, nil
		}
		rest = append(rest, f.Arg(0))
		args = f.Args()[1:]
	}
}

// joined is the one version that words like "GitLab 17.6" mean together.
func joined(words []string, what string) (string, error) {
	if len(words) == 0 {
		return "", cli.Usagef("%s is missing", what)
	}
	return strings.Join(words, " "), nil
}
