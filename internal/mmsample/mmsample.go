// Package mmsample makes Mattermost-shaped test data: a database with the
// tables, indexes and materialised views of 9.11 or 10.11, and a data
// directory whose files the database refers to. Fill makes the database, Files
// the directory; the same options always give the same rows and bytes.
//
// Names, types and sizes follow what a real server has; the content is
// invented. Nothing here is a secret or a real person.
package mmsample

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Options say how much to make. The zero value is a small installation that
// fills in well under a second.
type Options struct {
	Seed uint64 // same seed, same data

	// Version is the Mattermost whose schema is made: "9.11" or "10.11"
	// (default). 10.11 adds the materialised views of 10.6.
	Version string

	Posts    int // default 500; 1 000 000 give about 1 GB on disk with indexes
	Users    int // default Posts/500, at least 20
	Channels int // default Posts/1000, at least 10
	Teams    int // default 3

	Files     int   // files attached to posts; default Posts/50, at most Posts
	FileSize  int64 // mean bytes of a file; default 8 KiB; real sizes are 1/4 to 7/4 of it
	LargeSize int64 // bytes of each of the first LargeFiles files; default 20 × FileSize
	// LargeFiles is how many files have LargeSize (videos). Default 0.
	LargeFiles int
}

// normal applies the defaults.
func (o Options) normal() (Options, error) {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	if o.Version == "" {
		o.Version = "10.11"
	}
	if o.Version != "9.11" && o.Version != "10.11" {
		return o, fmt.Errorf("sample version %q: only 9.11 and 10.11 are known", o.Version)
	}
	def(&o.Posts, 500)
	def(&o.Users, max(20, o.Posts/500))
	def(&o.Channels, max(10, o.Posts/1000))
	def(&o.Teams, 3)
	def(&o.Files, o.Posts/50)
	if o.FileSize == 0 {
		o.FileSize = 8 << 10
	}
	if o.LargeSize == 0 {
		o.LargeSize = 20 * o.FileSize
	}
	if o.Posts < 1 || o.Users < 2 || o.Channels < 1 || o.Teams < 1 || o.Files < 0 || o.Files > o.Posts ||
		o.FileSize < 4 || o.LargeSize < 1 || o.LargeFiles < 0 || o.LargeFiles > o.Files {
		return o, errors.New("sample options: want posts, channels, teams ≥ 1, users ≥ 2, 0 ≤ large files ≤ files ≤ posts, sizes ≥ 4")
	}
	return o, nil
}

// Fill creates the tables in schema public of conn's database, which must not
// have them yet, fills them with COPY, builds the indexes and analyses. The
// tables belong to conn's role. Cancelling leaves nothing behind: all happens
// in one transaction.
func Fill(ctx context.Context, conn *pgx.Conn, o Options) error {
	o, err := o.normal()
	if err != nil {
		return err
	}
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) // after Commit it does nothing
	if _, err := tx.Exec(ctx, "SET LOCAL statement_timeout = 0"); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, tablesSQL); err != nil {
		return fmt.Errorf("create the sample's tables: %w", err)
	}
	for _, name := range []string{"public.channel_type", "public.team_type"} {
		t, err := conn.LoadType(ctx, name) // binary COPY needs to know enumerations
		if err != nil {
			return err
		}
		conn.TypeMap().RegisterType(t)
	}
	g := newGenerator(o)
	for _, t := range g.tables() {
		n, err := tx.CopyFrom(ctx, pgx.Identifier{"public", t.name}, t.columns, &rows{n: t.rows, row: t.row})
		if err != nil {
			return fmt.Errorf("fill %s: %w", t.name, err)
		}
		if n != int64(t.rows) {
			return fmt.Errorf("fill %s: %d rows arrived of %d", t.name, n, t.rows)
		}
	}
	steps := indexesSQL
	if o.Version == "10.11" {
		steps += viewsSQL
	}
	if _, err := tx.Exec(ctx, steps); err != nil {
		return fmt.Errorf("build the sample's indexes: %w", err)
	}
	if err := tx.Commit(ctx); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "ANALYZE")
	return err
}

// rows feeds COPY one generated row after the other.
type rows struct {
	n, i int
	row  func(i int) []any
}

func (r *rows) Next() bool             { r.i++; return r.i <= r.n }
func (r *rows) Values() ([]any, error) { return r.row(r.i - 1), nil }
func (r *rows) Err() error             { return nil }
