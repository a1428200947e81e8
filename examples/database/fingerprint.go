package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/gitlab-mattermost/sdk/database"
	"github.com/gitlab-mattermost/sdk/internal/cli"
)

const fingerprintHelp = `Usage: database fingerprint [flags]

Prints how many rows every table has and a digest that does not depend on their order. With -json the
output can be saved and given to 'database compare' later.

  sudo -u gitlab-psql database fingerprint -json > before.json

`

func fingerprint(ctx context.Context, args []string, s cli.Streams) error {
	f := cli.Flags("fingerprint", fingerprintHelp, s)
	var c connection
	c.flags(f, "", "the server")
	var o database.FingerprintOptions
	f.StringVar(&o.Database, "database", "", "`name` of the database (default: the DSN's, or mattermost_production)")
	f.StringVar(&o.Method, "method", "", "hash (fast, PostgreSQL 11 and newer) or md5 (all servers)")
	f.IntVar(&o.Jobs, "jobs", 2, "tables read at the same time")
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
	fp, err := database.New(nil, database.OpenerFor(d)).Fingerprint(ctx, o)
	if err != nil {
		return err
	}
	if *asJSON {
		return cli.WriteJSON(s.Out, fp)
	}
	for _, t := range fp.Tables {
		fmt.Fprintf(s.Out, "%12d  %s  %s\n", t.Rows, t.Name, t.Digest)
	}
	fmt.Fprintf(s.Out, "%12d rows, %d tables, %d schema objects, method %s\n%s\n", fp.Rows(), len(fp.Tables), len(fp.Schema), fp.Method, fp.Digest())
	return nil
}

const compareHelp = `Usage: database compare [flags]

Compares database A with database B and names what differs. Each side is a server (-a-dsn, -b-dsn) or a
saved fingerprint (-a, -b). Exit status 3 when they differ.

  database compare -a before.json -b-dsn 'host=db.example.com user=postgres dbname=mattermost'

`

type side struct {
	connection
	saved string
}

func compare(ctx context.Context, args []string, s cli.Streams) error {
	f := cli.Flags("compare", compareHelp, s)
	var a, b side
	for name, x := range map[string]*side{"a": &a, "b": &b} {
		x.flags(f, name+"-", "server "+name)
		f.StringVar(&x.saved, name, "", "`file` with the saved fingerprint of "+name)
	}
	asJSON := f.Bool("json", false, "print JSON")
	if err := cli.Parse(f, args); err != nil {
		return err
	}
	if err := noArguments(f); err != nil {
		return err
	}
	diff, err := differences(ctx, &a, &b, s)
	if err != nil {
		return err
	}
	if *asJSON {
		err = cli.WriteJSON(s.Out, diff)
	} else {
		for _, d := range diff {
			fmt.Fprintln(s.Out, d)
		}
		_, err = fmt.Fprintf(s.Out, "%d differences\n", len(diff))
	}
	if err == nil && len(diff) > 0 {
		err = cli.ErrFindings
	}
	return err
}

func differences(ctx context.Context, a, b *side, s cli.Streams) (diff []database.Difference, err error) {
	if a.saved == "" && b.saved == "" {
		da, err := a.parse(s)
		if err != nil {
			return nil, err
		}
		db, err := b.parse(s)
		if err != nil {
			return nil, err
		}
		err = with(ctx, da, func(ma *database.Manager) error {
			return with(ctx, db, func(mb *database.Manager) error {
				diff, err = database.CompareServers(ctx, ma, mb, database.FingerprintOptions{Database: orDefault("", da)}, database.FingerprintOptions{Database: orDefault("", db)})
				return err
			})
		})
		return diff, err
	}
	// A saved side decides the method of the other.
	fa, err := a.load()
	if err != nil {
		return nil, err
	}
	method := ""
	if fa != nil {
		method = fa.Method
	}
	fb, err := b.load()
	if err != nil {
		return nil, err
	}
	if fb == nil {
		if fb, err = b.read(ctx, method, s); err != nil {
			return nil, err
		}
	}
	if fa == nil {
		if fa, err = a.read(ctx, fb.Method, s); err != nil {
			return nil, err
		}
	}
	return database.Compare(fa, fb)
}

// load reads a saved fingerprint; nil means that the side is a server.
func (x *side) load() (*database.Fingerprint, error) {
	if x.saved == "" {
		return nil, nil
	}
	if x.given() {
		return nil, cli.Usagef("-%s and -%sdsn exclude each other", x.prefix[:1], x.prefix)
	}
	file, err := os.Open(x.saved)
	if err != nil {
		return nil, err
	}
	defer file.Close() // it was only read
	var f database.Fingerprint
	if err := json.NewDecoder(io.LimitReader(file, 64<<20)).Decode(&f); err != nil {
		return nil, fmt.Errorf("read fingerprint %s: %w", x.saved, err)
	}
	return &f, nil
}

func (x *side) read(ctx context.Context, method string, s cli.Streams) (*database.Fingerprint, error) {
	d, err := x.parse(s)
	if err != nil {
		return nil, err
	}
	return database.New(nil, database.OpenerFor(d)).Fingerprint(ctx, database.FingerprintOptions{Database: orDefault("", d), Method: method})
}
