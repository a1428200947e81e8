package main

import (
	"context"
	"fmt"

	"github.com/gitlab-mattermost/sdk/database"
	"github.com/gitlab-mattermost/sdk/internal/cli"
)

const dropHelp = `Usage: database drop -database NAME -confirm NAME [flags]

Drops a database after ending its sessions. It refuses templates, postgres and every database that
holds GitLab's tables. -backup writes a dump first; if that fails, the database stays.

  sudo -u gitlab-psql database drop -database mattermost_old -n
  sudo -u gitlab-psql database drop -database mattermost_old -confirm mattermost_old -backup /var/backups/mattermost_old.dump

`

func drop(ctx context.Context, args []string, s cli.Streams) error {
	f := cli.Flags("drop", dropHelp, s)
	var c connection
	c.flags(f, "", "the server, as an administrator or the database's owner")
	var o database.DropOptions
	f.StringVar(&o.Database, "database", "", "`name` of the database; there is no default")
	f.StringVar(&o.Confirm, "confirm", "", "the same `name` again")
	backup := f.String("backup", "", "dump it into this `file` first (read it with pg_restore)")
	dry := f.Bool("n", false, "show what would be lost and change nothing")
	asJSON := f.Bool("json", false, "print JSON")
	if err := cli.Parse(f, args); err != nil {
		return err
	}
	if err := noArguments(f); err != nil {
		return err
	}
	if o.Database == "" {
		return cli.Usagef("-database is missing")
	}
	d, err := c.parse(s)
	if err != nil {
		return err
	}
	if *backup != "" {
		o.Backup = database.DumpFile{Source: d, Path: *backup}
	}
	return with(ctx, d, func(m *database.Manager) error {
		act, verb := m.DropWith, "dropped"
		if *dry {
			act, verb = m.PlanDrop, "would be dropped"
		}
		p, err := act(ctx, o)
		if err != nil {
			return err
		}
		if *asJSON {
			return cli.WriteJSON(s.Out, p)
		}
		fmt.Fprintf(s.Out, "database %s %s: %d bytes, %d tables, about %d posts, %d sessions ended\n", p.Database, verb, p.Bytes, p.Tables, max(0, p.Posts), p.Sessions)
		printSteps(s.Out, p.Steps)
		return nil
	})
}
