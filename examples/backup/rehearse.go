package main

import (
	"context"
	"fmt"

	"github.com/gitlab-mattermost/sdk/backup"
	"github.com/gitlab-mattermost/sdk/internal/cli"
)

func rehearse(ctx context.Context, args []string, s cli.Streams) error {
	f := cli.Flags("rehearse", `backup rehearse restores a backup, the newest if no ID is given, into a scratch
database and a scratch directory, compares them with the manifest, says how long
it took, and removes them. A backup that does not restore ends with status 3:
call it from cron.

  backup rehearse -store /var/backups/mattermost -scratch /var/tmp

Flags:
`, s)
	var keys keyFlags
	var o backup.RehearseOptions
	store := storeFlag(f, "store")
	adminFile := f.String("admin-dsn-file", "", "`file` with a data source for a role that may create databases; otherwise MM_ADMIN_DATASOURCE")
	f.StringVar(&o.OSUser, "os-user", "", "operating system `user` that peer authentication shall see (needs root)")
	f.StringVar(&o.ScratchDir, "scratch", "", "existing `directory` for the files")
	asJSON := f.Bool("json", false, "print JSON")
	keys.add(f)
	if err := cli.Parse(f, args); err != nil {
		return err
	}
	id, err := backupID(f)
	if err != nil {
		return err
	}
	st, err := openStore(ctx, *store)
	if err != nil {
		return err
	}
	if o.Keys, err = keys.keys(); err != nil {
		return err
	}
	if o.AdminDSN, err = dataSource(*adminFile, "MM_ADMIN_DATASOURCE"); err != nil {
		return err
	}
	if o.AdminDSN == "" && o.ScratchDir == "" {
		return cli.Usagef("name a server with -admin-dsn-file or MM_ADMIN_DATASOURCE, a directory with -scratch, or both")
	}
	bar, end := progress(s, "rehearsal", 0)
	o.Progress = bar
	res, err := backup.Rehearse(ctx, st, id, o)
	end()
	if err != nil {
		return err
	}
	if *asJSON {
		if err := cli.WriteJSON(s.Out, res); err != nil {
			return err
		}
		return verdict(res.Findings)
	}
	word := "restores"
	if !res.OK {
		word = "DOES NOT RESTORE"
	}
	fmt.Fprintf(s.Out, "backup %s %s: %d tables, %d rows, %d files, %.1f s\n", res.Backup, word, res.Tables, res.Rows, res.Files, res.Seconds)
	printFindings(s.Out, res.Findings)
	return verdict(res.Findings)
}
