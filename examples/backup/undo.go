package main

import (
	"context"
	"fmt"

	"github.com/gitlab-mattermost/sdk/backup"
	"github.com/gitlab-mattermost/sdk/internal/cli"
)

// onRestore runs rollback, discard or recover with a target.
func onRestore(name, help string, args []string, s cli.Streams, f func(t backup.Target, id string, dry bool) error) error {
	fs := cli.Flags(name, help, s)
	var tf targetFlags
	tf.add(fs)
	dry := fs.Bool("n", false, "only list the restores that are recorded")
	if err := cli.Parse(fs, args); err != nil {
		return err
	}
	if fs.NArg() > 1 {
		return cli.Usagef("one restore at most, not %d", fs.NArg())
	}
	t, err := tf.target()
	if err != nil {
		return err
	}
	return f(t, fs.Arg(0), *dry)
}

// journals prints what is recorded.
func journals(s cli.Streams, dir string) error {
	all, err := backup.Restores(dir)
	if err != nil {
		return err
	}
	for _, j := range all {
		fmt.Fprintf(s.Out, "%s  %s  of backup %s\n", j.ID, j.State, j.Backup)
	}
	return nil
}

func rollback(ctx context.Context, args []string, s cli.Streams) error {
	return onRestore("rollback", `backup rollback undoes a finished restore, the newest if none is named: the
service is stopped, the former database and directories are renamed back, the
service is started. What was restored is kept until 'backup discard'.

  backup rollback

Flags:
`, args, s, func(t backup.Target, id string, dry bool) error {
		if dry {
			return journals(s, t.StateDir)
		}
		j, err := backup.Rollback(ctx, t, id)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.Out, "restore %s of backup %s is undone; 'backup discard %s' deletes what it had restored\n", j.ID, j.Backup, j.ID)
		return err
	})
}

func discard(ctx context.Context, args []string, s cli.Streams) error {
	return onRestore("discard", `backup discard deletes for good what a restore kept: the former database and
directories, or after a rollback the restored ones.

  backup discard 20261121T074258Z

Flags:
`, args, s, func(t backup.Target, id string, dry bool) error {
		if dry {
			return journals(s, t.StateDir)
		}
		if id == "" {
			return cli.Usagef("name the restore whose kept data is to be deleted; -n lists them")
		}
		j, err := backup.Discard(ctx, t, id)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.Out, "deleted what restore %s had kept\n", j.ID)
		return err
	})
}

func recoverRestores(ctx context.Context, args []string, s cli.Streams) error {
	return onRestore("recover", `backup recover ends restores that were interrupted: one that had not finished
renaming is undone, one that had is completed. Without one it does nothing.

  backup recover

Flags:
`, args, s, func(t backup.Target, id string, dry bool) error {
		if id != "" {
			return cli.Usagef("unexpected argument %q: it ends every interrupted restore", id)
		}
		if dry {
			return journals(s, t.StateDir)
		}
		done, err := backup.Recover(ctx, t)
		for _, line := range done {
			fmt.Fprintln(s.Out, line)
		}
		if err == nil && len(done) == 0 {
			_, err = fmt.Fprintln(s.Out, "no interrupted restore")
		}
		return err
	})
}
