package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/user"
	"strings"

	"github.com/gitlab-mattermost/sdk/database"
	"github.com/gitlab-mattermost/sdk/internal/cli"
)

// connection are the flags that say how to reach a server.
type connection struct {
	prefix, dsn, file string
}

func (c *connection) flags(f *flag.FlagSet, prefix, what string) {
	c.prefix = prefix
	f.StringVar(&c.dsn, prefix+"dsn", "", "`DSN` of "+what+" (keyword/value or URL); a password is better kept in a file")
	f.StringVar(&c.file, prefix+"dsn-file", "", "`file` whose first line is the DSN; - is standard input")
}

func (c *connection) given() bool { return c.dsn != "" || c.file != "" }

// parse gives the DSN of the flags. Without any it is GitLab's socket as the
// present OS user, which is how gitlab-psql connects.
func (c *connection) parse(s cli.Streams) (database.DSN, error) {
	text := c.dsn
	switch {
	case c.dsn != "" && c.file != "":
		return database.DSN{}, cli.Usagef("-%sdsn and -%sdsn-file exclude each other", c.prefix, c.prefix)
	case c.file != "":
		line, err := firstLine(c.file, s.In)
		if err != nil {
			return database.DSN{}, err
		}
		text = line
	case c.dsn == "":
		d := database.Default("").With("")
		if u, err := user.Current(); err == nil {
			d.User = u.Username
		}
		return d, nil
	}
	return database.ParseDSN(text)
}

// firstLine reads a secret from a file.
func firstLine(path string, in io.Reader) (string, error) {
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return "", err
		}
		defer f.Close() // it was only read
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, 64<<10))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if line = strings.TrimSuffix(line, "\r"); line == "" {
		return "", fmt.Errorf("read %s: its first line is empty", path)
	}
	return line, nil
}

// with connects to the maintenance database of d's server.
func with(ctx context.Context, d database.DSN, f func(m *database.Manager) error) (err error) {
	conn, err := database.Connect(ctx, d.With("postgres"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	return f(database.New(conn, database.OpenerFor(d)))
}

// orDefault is the database that is meant: the flag's, the DSN's, the package's.
func orDefault(flagged string, d database.DSN) string {
	switch {
	case flagged != "":
		return flagged
	case d.Database != "":
		return d.Database
	}
	return database.DefaultDatabase
}

// noArguments refuses what is left on the command line.
func noArguments(f *flag.FlagSet) error {
	if f.NArg() > 0 {
		return cli.Usagef("unexpected argument %q", f.Arg(0))
	}
	return nil
}

func printFindings(w io.Writer, findings []database.Finding) {
	for _, f := range findings {
		fmt.Fprintf(w, "%-7s %s: %s\n        at %s\n", f.Severity, f.ID, f.Message, f.Where)
		if f.Fix != "" {
			fmt.Fprintf(w, "        fix: %s\n", f.Fix)
		}
	}
}

func printSteps(w io.Writer, steps []database.Step) {
	for i, st := range steps {
		fmt.Fprintf(w, "%2d. %s\n", i+1, st.What)
		if st.SQL != "" {
			fmt.Fprintf(w, "    %s\n", st.SQL)
		}
	}
}
