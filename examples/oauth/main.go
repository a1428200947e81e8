// Command oauth registers Mattermost in GitLab, keeps that registration right
// and names the cause when a login fails. All logic is in package oauth; this
// is flags and printing.
package main

import (
	"context"
	"os"

	"github.com/gitlab-mattermost/sdk/internal/cli"
)

func main() { os.Exit(cli.Main("oauth", run)) }

const help = `oauth registers Mattermost as an application in GitLab and finds out why a login fails.

Usage: oauth COMMAND [flags]

  register      make the application exist as wanted; twice changes nothing
  status        what is registered, and how it differs from what is wanted
  reauthorize   revoke every authorization, then authorize again
  renew-secret  give the application a new secret
  revoke        remove the application and its tokens
  probe         walk the login step by step and name the cause of a failure
  integrate     notifications, slash commands, outbound allow list, plugin

Example, with an administrator's token in GITLAB_TOKEN:

  oauth register -gitlab https://gitlab.example.com -mattermost https://mattermost.example.com -out mattermost-oauth.env

'oauth COMMAND -h' explains a command. Tokens and secrets come from the environment, a file or a prompt, never from the command line.
Exit status: 0 good, 1 error, 2 wrong call, 3 findings of severity error, 130 interrupted.
`

func run(ctx context.Context, args []string, s cli.Streams) error {
	return cli.Dispatch(ctx, "oauth", help, []cli.Command{
		{Name: "register", Run: register}, {Name: "status", Run: status}, {Name: "reauthorize", Run: reauthorize},
		{Name: "renew-secret", Run: renewSecret}, {Name: "revoke", Run: revoke}, {Name: "probe", Run: probe}, {Name: "integrate", Run: integrate},
	}, args, s)
}
