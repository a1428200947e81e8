// Command upgrade answers which Mattermost is in which GitLab package and
// plans the way from one release to another, leaving the package included. It
// works offline and changes nothing.
package main

import (
	"context"
	"flag"
	"os"
	"strings"

	"github.com/gitlab-mattermost/sdk/internal/cli"
	"github.com/gitlab-mattermost/sdk/upgrade"
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

func run(ctx context.Context, args []string, s cli.Streams) error {
	return cli.Dispatch(ctx, "upgrade", usage, []cli.Command{
		{Name: "version", Run: runVersion}, {Name: "bundlers", Run: runBundlers}, {Name: "table", Run: runTable},
		{Name: "path", Run: runPath}, {Name: "leave", Run: runLeave}, {Name: "check", Run: runCheck},
	}, args, s)
}

// parseVersion reads the arguments that together are one version, as
// "GitLab 17.6" is two.
func parseVersion(f *flag.FlagSet, args []string) (upgrade.Version, error) {
	words, err := cli.Arguments(f, args, "VERSION...")
	if err != nil {
		return upgrade.Version{}, err
	}
	v, err := upgrade.ParseVersion(strings.Join(words, " "))
	if err != nil {
		return v, cli.Usagef("%v", err)
	}
	return v, nil
}
