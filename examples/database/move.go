package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/gitlab-mattermost/sdk/database"
	"github.com/gitlab-mattermost/sdk/internal/cli"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

const moveHelp = `Usage: database move -to-dsn DSN [flags]

Copies a database to another server: schema, rows and sequences as of one moment, everything owned by
the role, verified by fingerprint. The source is only read. Stop Mattermost first, or what is written
meanwhile is missing in the copy. The copy gets its name only when it is verified.

  sudo gitlab-ctl stop mattermost
  sudo -u gitlab-psql database move -to-dsn-file target.dsn -role mmuser -password-file mmuser.password -n
  sudo -u gitlab-psql database move -to-dsn-file target.dsn -role mmuser -password-file mmuser.password

`

func move(ctx context.Context, args []string, s cli.Streams) error {
	f := cli.Flags("move", moveHelp, s)
	var from, to connection
	from.flags(f, "", "the source (default: GitLab's socket)")
	to.flags(f, "to-", "the target server, as an administrator; its dbname is the copy's name")
	var o database.MoveOptions
	f.StringVar(&o.Role, "role", database.DefaultRole, "`name` of the role that owns the copy")
	passwordFile := f.String("password-file", "", "`file` whose first line is the role's password")
	f.IntVar(&o.Jobs, "jobs", 2, "tables copied and indexes built at the same time")
	programs := f.String("programs", "", "`directory` with pg_dump, pg_restore and psql, searched first")
	dry := f.Bool("n", false, "check both servers and the programs, show the plan and change nothing")
	asJSON := f.Bool("json", false, "print JSON")
	if err := cli.Parse(f, args); err != nil {
		return err
	}
	if err := noArguments(f); err != nil {
		return err
	}
	if !to.given() {
		return cli.Usagef("-to-dsn or -to-dsn-file is missing")
	}
	var err error
	if o.Source, err = from.parse(s); err != nil {
		return err
	}
	if o.Target, err = to.parse(s); err != nil {
		return err
	}
	if *passwordFile != "" {
		line, err := firstLine(*passwordFile, s.In)
		if err != nil {
			return err
		}
		o.Password = database.Secret(line)
	}
	if *programs != "" {
		o.ProgramDirs = []string{*programs}
	}
	if *dry {
		p, err := database.PlanMove(ctx, o)
		if err != nil {
			return err
		}
		if *asJSON {
			return cli.WriteJSON(s.Out, p)
		}
		fmt.Fprintf(s.Out, "from %s (PostgreSQL %d)\nto   %s (PostgreSQL %d)\nwith programs %s\n%d tables, %d bytes with indexes\n",
			p.Source, p.SourceVersion/10000, p.Target, p.TargetVersion/10000, p.Programs, p.Tables, p.Database)
		for i, step := range p.Steps {
			fmt.Fprintf(s.Out, "%2d. %s\n", i+1, step)
		}
		return nil
	}
	var finish func()
	o.Progress, finish = bar(s.Err)
	r, err := database.Move(ctx, o)
	finish()
	if err != nil {
		return err
	}
	if *asJSON {
		return cli.WriteJSON(s.Out, r)
	}
	fmt.Fprintf(s.Out, "moved %d tables, %d rows, %d bytes of row data in %.1f s; both sides have the fingerprint\n%s\n", r.Tables, r.Rows, r.Bytes, r.Seconds, r.Digest)
	for _, n := range r.NotGranted {
		fmt.Fprintln(s.Out, "not granted:", n)
	}
	return nil
}

// bar shows progress on a terminal only.
func bar(w io.Writer) (func(database.MoveProgress), func()) {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return nil, func() {}
	}
	var b *progressbar.ProgressBar
	show := func(p database.MoveProgress) {
		if b == nil {
			b = progressbar.NewOptions64(max(1, p.BytesTotal), progressbar.OptionSetWriter(w), progressbar.OptionShowBytes(true), progressbar.OptionClearOnFinish())
		}
		b.Describe(fmt.Sprintf("%s, table %d of %d", p.Stage, p.Tables, p.TablesTotal))
		_ = b.Set64(min(p.Bytes, max(1, p.BytesTotal)-1)) // a bar that cannot be drawn must not end a move
	}
	return show, func() {
		if b != nil {
			_ = b.Finish()
		}
	}
}
