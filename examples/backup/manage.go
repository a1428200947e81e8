package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/gitlab-mattermost/sdk/backup"
	"github.com/gitlab-mattermost/sdk/internal/atomicfile"
	"github.com/gitlab-mattermost/sdk/internal/cli"
)

func importFiles(ctx context.Context, args []string, s cli.Streams) error {
	f := cli.Flags("import", `backup import makes a backup from files of the documented commands, of mmomni, of
a mattermost/docker recipe or of pg_dump -Fc. What a file is, is told from its
content; a file that was cut off is refused.

  backup import -store /var/backups/mattermost mattermost_dbdump_2026-11-21.sql.gz mattermost_data_2026-11-21.gz

Flags:
`, s)
	var o backup.ImportOptions
	var recipients repeated
	store := storeFlag(f, "store")
	f.StringVar(&o.MattermostVersion, "mattermost", "", "`version` of the Mattermost that the files are of")
	f.Var(&recipients, "recipient", "age or SSH public `key` to encrypt to; may be repeated")
	pass := f.String("encrypt-passphrase-file", "", "`file` whose first line is the passphrase to encrypt with")
	f.StringVar(&o.PgRestore, "pg-restore", "", "`program` that reads custom dumps")
	f.BoolVar(&o.Permanent, "permanent", false, "never delete it by prune")
	asJSON := f.Bool("json", false, "print JSON")
	if err := cli.Parse(f, args); err != nil {
		return err
	}
	if f.NArg() == 0 {
		return cli.Usagef("no file is given")
	}
	st, err := makeStore(ctx, *store)
	if err != nil {
		return err
	}
	if o.Encrypt, err = encryption(recipients, "", *pass); err != nil {
		return err
	}
	bar, end := progress(s, "import", 0)
	o.Progress = bar
	res, err := backup.Import(ctx, st, f.Args(), o)
	end()
	if err != nil {
		return err
	}
	return printResult(s, res, *asJSON)
}

func prune(ctx context.Context, args []string, s cli.Streams) error {
	f := cli.Flags("prune", `backup prune deletes the backups that no rule keeps. Parents of kept backups and
permanent ones stay, and always at least one usable backup. -n only shows the plan.

  backup prune -store /var/backups/mattermost -daily 7 -weekly 4 -monthly 6 -n

Flags:
`, s)
	var r backup.Retention
	store := storeFlag(f, "store")
	f.IntVar(&r.Last, "last", 0, "keep the newest `N`")
	f.IntVar(&r.Daily, "daily", 0, "keep the newest of each of `N` days")
	f.IntVar(&r.Weekly, "weekly", 0, "keep the newest of each of `N` weeks")
	f.IntVar(&r.Monthly, "monthly", 0, "keep the newest of each of `N` months")
	f.IntVar(&r.Minimum, "minimum", 1, "keep at least `N` usable backups")
	mark := f.String("permanent", "", "mark the backup `ID` as permanent instead of deleting anything")
	unmark := f.String("not-permanent", "", "take that mark from the backup `ID`")
	asJSON := f.Bool("json", false, "print JSON")
	dry := f.Bool("n", false, "show the plan and delete nothing")
	if err := cli.Parse(f, args); err != nil {
		return err
	}
	if err := noArgs(f); err != nil {
		return err
	}
	if err := errors.Join(notNegative("last", r.Last), notNegative("daily", r.Daily), notNegative("weekly", r.Weekly), notNegative("monthly", r.Monthly), notNegative("minimum", r.Minimum)); err != nil {
		return err
	}
	st, err := openStore(ctx, *store)
	if err != nil {
		return err
	}
	switch {
	case *mark != "":
		return backup.SetPermanent(ctx, st, *mark)
	case *unmark != "":
		return backup.ClearPermanent(ctx, st, *unmark)
	case r.Last+r.Daily+r.Weekly+r.Monthly == 0:
		return cli.Usagef("no rule: give -last, -daily, -weekly or -monthly")
	}
	plan, err := planOrPrune(ctx, st, r, *dry)
	if err != nil {
		return err
	}
	if *asJSON {
		return cli.WriteJSON(s.Out, plan)
	}
	word := map[bool]string{true: "would delete", false: "deleted"}[*dry]
	for _, p := range plan.Keep {
		fmt.Fprintf(s.Out, "%-12s  %s  %10s  %s\n", "keep", p.ID, size(p.Stored), p.Reason)
	}
	for _, p := range plan.Delete {
		fmt.Fprintf(s.Out, "%-12s  %s  %10s  %s\n", word, p.ID, size(p.Stored), p.Reason)
	}
	return nil
}

func planOrPrune(ctx context.Context, st backup.Store, r backup.Retention, dry bool) (*backup.PrunePlan, error) {
	if !dry {
		return backup.Prune(ctx, st, r)
	}
	list, err := backup.List(ctx, st)
	if err != nil {
		return nil, err
	}
	return backup.PlanPrune(list, r)
}

func export(ctx context.Context, args []string, s cli.Streams) error {
	f := cli.Flags("export", `backup export writes a backup, the newest if no ID is given, and the backups that
it needs as one tar. Unpacked into an empty directory it is a store again.

  backup export -store /var/backups/mattermost -o /mnt/usb/mattermost.tar

Flags:
`, s)
	store := storeFlag(f, "store")
	out := f.String("o", "", "`file` to write; - is standard output")
	if err := cli.Parse(f, args); err != nil {
		return err
	}
	id, err := backupID(f)
	if err != nil {
		return err
	}
	if *out == "" {
		return cli.Usagef("-o is required")
	}
	st, err := openStore(ctx, *store)
	if err != nil {
		return err
	}
	m, err := backup.Load(ctx, st, id)
	if err != nil {
		return err
	}
	if *out == "-" {
		return backup.Export(ctx, st, m.ID, s.Out)
	}
	file, err := atomicfile.Create(*out, 0o600)
	if err != nil {
		return err
	}
	defer file.Cancel() // after Commit it does nothing
	if err := backup.Export(ctx, st, m.ID, file); err != nil {
		return err
	}
	n, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	if err := file.Commit(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.Out, "wrote %s, %s\n", *out, size(n))
	return err
}

func copyBackup(ctx context.Context, args []string, s cli.Streams) error {
	f := cli.Flags("copy", `backup copy copies a backup, the newest if no ID is given, and the backups that it
needs to another store. After an interruption, run it again: it goes on.

  backup copy -store /var/backups/mattermost -to s3://s3.example.com/backups/mattermost

Flags:
`, s)
	store, to := storeFlag(f, "store"), storeFlag(f, "to")
	asJSON := f.Bool("json", false, "print JSON")
	if err := cli.Parse(f, args); err != nil {
		return err
	}
	id, err := backupID(f)
	if err != nil {
		return err
	}
	from, err := openStore(ctx, *store)
	if err != nil {
		return err
	}
	if *to == "" {
		return cli.Usagef("-to is required")
	}
	target, err := makeStore(ctx, *to)
	if err != nil {
		return err
	}
	m, err := backup.Load(ctx, from, id)
	if err != nil {
		return err
	}
	bar, end := progress(s, "copy", 0)
	res, err := backup.Copy(ctx, from, target, m.ID, bar)
	end()
	if err != nil {
		return err
	}
	if *asJSON {
		return cli.WriteJSON(s.Out, res)
	}
	_, err = fmt.Fprintf(s.Out, "copied %s: %d objects, %s; %d were there\n", strings.Join(res.Backups, ", "), res.Objects, size(res.Bytes), res.Skipped)
	return err
}
