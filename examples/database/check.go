package main

import (
	"context"
	"fmt"

	"github.com/gitlab-mattermost/sdk/database"
	"github.com/gitlab-mattermost/sdk/internal/cli"
)

const checkHelp = `Usage: database check [flags]

Looks at a database and reports what is wrong with it for Mattermost. It only reads.
Run as an administrator it sees more. Exit status 3 when a finding is an error.

  sudo -u gitlab-psql database check -mattermost 10.11
  database check -dsn-file /etc/mattermost/dsn -data-source-file /etc/mattermost/dsn -mattermost 11.7.3

`

func check(ctx context.Context, args []string, s cli.Streams) error {
	f := cli.Flags("check", checkHelp, s)
	var c, used connection
	c.flags(f, "", "the server")
	used.flags(f, "data-source-", "what Mattermost is configured with; it is checked, and compared with a stored configuration")
	var o database.CheckOptions
	f.StringVar(&o.Database, "database", "", "`name` of the database (default: the DSN's, or mattermost_production)")
	f.StringVar(&o.Role, "role", database.DefaultRole, "`name` of the role that Mattermost connects as")
	f.StringVar(&o.Mattermost, "mattermost", "", "`version` of Mattermost that runs, or is to run, on it")
	f.IntVar(&o.MaxOpenConns, "max-open-conns", 300, "SqlSettings.MaxOpenConns of all servers together")
	f.DurationVar(&o.LongTransaction, "long-transaction", 0, "report transactions that are open this long (default 10m)")
	asJSON := f.Bool("json", false, "print JSON")
	if err := cli.Parse(f, args); err != nil {
		return err
	}
	if err := noArguments(f); err != nil {
		return err
	}
	if o.Mattermost != "" {
		if _, _, err := database.MinimumServer(o.Mattermost); err != nil {
			return cli.Usagef("-mattermost: %v", err)
		}
	}
	d, err := c.parse(s)
	if err != nil {
		return err
	}
	var lint []database.Finding
	if used.given() {
		text := used.dsn
		if used.file != "" {
			if text, err = firstLine(used.file, s.In); err != nil {
				return err
			}
		}
		lint = database.Lint(text, "data source")
		if o.DataSource, err = database.ParseDSN(text); err != nil && len(lint) == 0 {
			return err
		}
	}
	o.Database = orDefault(o.Database, d)
	r, err := database.New(nil, database.OpenerFor(d)).Check(ctx, o)
	if err != nil {
		return err
	}
	r.Findings = append(lint, r.Findings...)
	if *asJSON {
		err = cli.WriteJSON(s.Out, r)
	} else {
		printFindings(s.Out, r.Findings)
		_, err = fmt.Fprintln(s.Out, summary(r.Findings))
	}
	if err == nil && database.HasErrors(r.Findings) {
		err = cli.ErrFindings
	}
	return err
}

func summary(findings []database.Finding) string {
	n := map[string]int{}
	for _, f := range findings {
		n[f.Severity]++
	}
	return fmt.Sprintf("%d errors, %d warnings, %d notes", n["error"], n["warning"], n["info"])
}
