package main

import (
	"context"
	"fmt"

	"github.com/gitlab-mattermost/sdk/database"
	"github.com/gitlab-mattermost/sdk/internal/cli"
)

const ensureHelp = `Usage: database ensure [flags]

Makes the role, the database and schema public as Mattermost needs them, and says what it changed.
It needs a role that may create roles and databases. Without -dsn it takes GitLab's socket
as the present OS user (become gitlab-psql). -n only shows the plan.

  sudo -u gitlab-psql database ensure -n
  database ensure -dsn 'host=db.example.com user=postgres sslmode=verify-full' -password-file pw -database mattermost -role mmuser

`

func ensure(ctx context.Context, args []string, s cli.Streams) error {
	f := cli.Flags("ensure", ensureHelp, s)
	var c connection
	c.flags(f, "", "the server, as an administrator")
	var o database.EnsureOptions
	f.StringVar(&o.Database, "database", "", "`name` of the database (default: the DSN's, or mattermost_production)")
	f.StringVar(&o.Role, "role", database.DefaultRole, "`name` of the role that owns it")
	passwordFile := f.String("password-file", "", "`file` whose first line is the role's password; without, the password is left alone")
	f.StringVar(&o.Collation, "lc-collate", "", "collation of a new database (`locale`; default: the server's)")
	f.StringVar(&o.CharType, "lc-ctype", "", "character type of a new database (`locale`; default: the server's)")
	f.IntVar(&o.ConnectionLimit, "connection-limit", 0, "connections of the database at most; -1 is no limit, 0 leaves it")
	f.StringVar(&o.TextSearch, "text-search", "pg_catalog.english", "default_text_search_config of the database; - leaves it alone")
	dry := f.Bool("n", false, "show the plan and change nothing")
	asJSON := f.Bool("json", false, "print JSON")
	if err := cli.Parse(f, args); err != nil {
		return err
	}
	if err := noArguments(f); err != nil {
		return err
	}
	d, err := c.parse(s)
	if err != nil {
		return err
	}
	o.Database = orDefault(o.Database, d)
	if *passwordFile != "" {
		line, err := firstLine(*passwordFile, s.In)
		if err != nil {
			return err
		}
		o.Password = database.Secret(line)
	}
	return with(ctx, d, func(m *database.Manager) error {
		if *dry {
			p, err := m.PlanEnsure(ctx, o)
			if err != nil {
				return err
			}
			if *asJSON {
				return cli.WriteJSON(s.Out, p)
			}
			printPlan(s, "would be done", p.Steps, p.Notes)
			return nil
		}
		r, err := m.Ensure(ctx, o)
		if err != nil {
			return err
		}
		if *asJSON {
			return cli.WriteJSON(s.Out, r)
		}
		printPlan(s, "were done", r.Changed, r.Notes)
		return nil
	})
}

func printPlan(s cli.Streams, verb string, steps []database.Step, notes []database.Finding) {
	if len(steps) == 0 {
		fmt.Fprintln(s.Out, "nothing to do: role, database and ownership are as wanted")
	} else {
		fmt.Fprintf(s.Out, "%d steps %s:\n", len(steps), verb)
		printSteps(s.Out, steps)
	}
	printFindings(s.Out, notes)
}
