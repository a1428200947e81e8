// Command database prepares, checks, moves and repairs Mattermost's PostgreSQL
// database. All logic is in package database; this is flags and printing.
package main

import (
	"context"
	"os"

	"github.com/gitlab-mattermost/sdk/internal/cli"
)

func main() { os.Exit(cli.Main("database", run)) }

const help = `database prepares, checks, moves and repairs Mattermost's PostgreSQL database.

Usage: database COMMAND [flags]

  ensure       make role, database and ownership right; twice changes nothing
  check        report what is wrong with a database for Mattermost
  drop         drop a database whose exact name is confirmed
  move         copy a database to another server, verified
  fingerprint  print row counts and digests of every table
  compare      compare two databases, by server or by saved fingerprint
  repair       list the documented fixes, try one, or carry it out
  dsn          read, check and convert a connection string

Example, on a GitLab server, as the owner of GitLab's PostgreSQL:

  sudo -u gitlab-psql database check -mattermost 10.11

'database COMMAND -h' explains a command.
Exit status: 0 good, 1 error, 2 wrong call, 3 findings of severity error (or databases that differ), 130 interrupted.
`

func run(ctx context.Context, args []string, s cli.Streams) error {
	return cli.Dispatch(ctx, "database", help, []cli.Command{
		{Name: "ensure", Run: ensure},
		{Name: "check", Run: check},
		{Name: "drop", Run: drop},
		{Name: "move", Run: move},
		{Name: "fingerprint", Run: fingerprint},
		{Name: "compare", Run: compare},
		{Name: "repair", Run: repair},
		{Name: "dsn", Run: dsn},
	}, args, s)
}
