// Command database prepares, checks, moves and repairs Mattermost's PostgreSQL
// database. All logic is in package database; this is flags and printing.
package main

import (
	"context"
	"errors"
	"fmt"
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
	commands := map[string]func(context.Context, []string, cli.Streams) error{"ensure": ensure, "check": check, "drop": drop, "move": move,
		"fingerprint": fingerprint, "compare": compare, "repair": repair, "dsn": dsn}
	if len(args) == 0 || args[0] == "-h" || args[0] == "--help" || args[0] == "help" {
		_, err := fmt.Fprint(s.Out, help)
		if err == nil && len(args) == 0 {
			return cli.Usagef("a command is missing")
		}
		return err
	}
	f, ok := commands[args[0]]
	if !ok {
		return cli.Usagef("%q is no command", args[0])
	}
	err := f(ctx, args[1:], s)
	var usage *cli.UsageError
	if errors.As(err, &usage) && usage.Command == "" {
		usage.Command = "database " + args[0] // whose help explains it
	}
	return err
}
