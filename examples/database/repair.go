package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/gitlab-mattermost/sdk/database"
	"github.com/gitlab-mattermost/sdk/internal/cli"
)

const repairHelp = `Usage: database repair [flags] [ID]

Without ID it lists the documented fixes. With ID it shows whether the fix applies and what it runs;
-n also tries it in a transaction that is rolled back; -apply carries it out.

  database repair
  sudo -u gitlab-psql database repair -n systems-version-3.4
  sudo -u gitlab-psql database repair -apply object-owner

`

func repair(ctx context.Context, args []string, s cli.Streams) error {
	f := cli.Flags("repair", repairHelp, s)
	var c, write connection
	c.flags(f, "", "the server")
	write.flags(f, "data-source-", "the data source that configuration-dsn writes")
	var o database.RepairOptions
	f.StringVar(&o.Database, "database", "", "`name` of the database (default: the DSN's, or mattermost_production)")
	f.StringVar(&o.Role, "role", database.DefaultRole, "`name` of Mattermost's role")
	dry := f.Bool("n", false, "try it in a transaction that is rolled back")
	apply := f.Bool("apply", false, "carry it out")
	asJSON := f.Bool("json", false, "print JSON")
	if err := cli.Parse(f, args); err != nil {
		return err
	}
	switch {
	case f.NArg() > 1:
		return cli.Usagef("%q is too much: one ID at a time, flags before it", f.Arg(1))
	case *dry && *apply:
		return cli.Usagef("-n and -apply exclude each other")
	case f.NArg() == 0:
		return listRepairs(s, *asJSON)
	case !slices.ContainsFunc(database.Repairs(), func(r database.Repair) bool { return r.ID == f.Arg(0) }):
		return cli.Usagef("repair %q is not known; without an ID it lists all", f.Arg(0))
	}
	d, err := c.parse(s)
	if err != nil {
		return err
	}
	o.Database = orDefault(o.Database, d)
	if write.given() {
		if o.DataSource, err = write.parse(s); err != nil {
			return err
		}
	}
	m := database.New(nil, database.OpenerFor(d))
	p, err := m.PlanRepair(ctx, f.Arg(0), o)
	if err != nil {
		return err
	}
	verb := "would run"
	switch {
	case *dry && p.Applies:
		p, err = m.DryRunRepair(ctx, p)
		verb = "were run and rolled back"
	case *apply && p.Applies:
		p, err = m.ApplyRepair(ctx, p)
		verb = "were run"
	}
	if err != nil {
		return err
	}
	if *asJSON {
		return cli.WriteJSON(s.Out, p)
	}
	fmt.Fprintf(s.Out, "%s: %s\n  source: %s\n  locks: %s\n", p.Repair.ID, p.Repair.Title, p.Repair.Source, p.Repair.Locks)
	if !p.Applies {
		fmt.Fprintf(s.Out, "does not apply: %s\n", p.Reason)
		return nil
	}
	fmt.Fprintf(s.Out, "applies: %s\n%d statements %s:\n", p.Reason, len(p.Statements), verb)
	for _, st := range p.Statements {
		fmt.Fprintf(s.Out, "  %s;", st.SQL)
		if st.Rows > 0 {
			fmt.Fprintf(s.Out, " -- %d rows", st.Rows)
		}
		fmt.Fprintln(s.Out)
	}
	return nil
}

func listRepairs(s cli.Streams, asJSON bool) error {
	list := database.Repairs()
	if asJSON {
		return cli.WriteJSON(s.Out, list)
	}
	for _, r := range list {
		fmt.Fprintf(s.Out, "%-22s %s\n%-22s when: %s\n", r.ID, r.Title, "", r.Applies)
	}
	return nil
}
