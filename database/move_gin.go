package database

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/gitlab-mattermost/sdk/internal/childproc"
	"github.com/jackc/pgx/v5"
)

// PostgreSQL up to 17 builds a GIN index in one process, and the one on
// posts.message takes longer than everything else together. Made on the empty
// table, with the rows coming in pieces over several connections, its work is
// spread over all of them; the index is about an eighth larger. With one
// connection that gains nothing: then it is built from the full table, but apart
// from the B-trees, which want more memory than a GIN index has use for.

// defaultBigTable is from when on that pays.
const defaultBigTable = 8 << 20

// earlyIndex is built before pg_restore builds the others.
type earlyIndex struct{ schema, name, definition string }

// plainName are names that stand unambiguously in pg_restore's list.
var plainName = regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)

// pieces cuts large tables with full text indexes into ranges of pages, makes
// those indexes, and lists all other tables whole.
func (mv *mover) pieces(ctx context.Context, tx pgx.Tx) ([]piece, error) {
	big := mv.o.bigTable
	if big == 0 {
		big = defaultBigTable
	}
	var out []piece
	for _, t := range mv.list {
		left := 1
		// Reading a range of pages needs PostgreSQL 14; older servers would
		// read the whole table for each.
		if t.bytes < big || mv.o.Jobs > 1 && mv.plan.SourceVersion < 140000 {
			out = append(out, piece{table: t, last: &left})
			continue
		}
		indexes, pages, err := fullText(ctx, tx, t.name)
		if err != nil {
			return nil, err
		}
		mv.early = append(mv.early, indexes...)
		if len(indexes) == 0 || pages < 2 || mv.o.Jobs == 1 {
			out = append(out, piece{table: t, last: &left})
			continue
		}
		step := max(1, pages/int64(mv.o.Jobs*8))
		left = 0
		for from := int64(0); from < pages; from += step {
			p := piece{table: t, from: from, to: from + step, part: true, last: &left}
			if from+step >= pages {
				p.to = 0 // whatever the table has grown to, the snapshot decides
			}
			left++
			out = append(out, p)
		}
	}
	if mv.o.Jobs == 1 {
		return out, nil
	}
	return out, mv.createEarly(ctx)
}

// createEarly makes the full text indexes.
func (mv *mover) createEarly(ctx context.Context) error {
	return mv.target.in(ctx, mv.db, func(conn *pgx.Conn) error {
		steps := []Step{{What: "become the role", SQL: "SET LOCAL ROLE " + ident(mv.role)}}
		for _, x := range mv.early {
			steps = append(steps, Step{What: "create index " + x.name, SQL: x.definition})
		}
		return transaction(ctx, conn, steps)
	})
}

// fullText lists a table's GIN indexes and its pages.
func fullText(ctx context.Context, tx pgx.Tx, table string) ([]earlyIndex, int64, error) {
	rows, err := tx.Query(ctx, `SELECT n.nspname, c.relname, pg_get_indexdef(c.oid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
		JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am a ON a.oid = c.relam
		WHERE i.indrelid = $1::text::regclass AND a.amname = 'gin' AND i.indisvalid AND NOT i.indisclustered AND c.relkind = 'i' ORDER BY 2`, table)
	if err != nil {
		return nil, 0, err
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (x earlyIndex, err error) {
		return x, row.Scan(&x.schema, &x.name, &x.definition)
	})
	if err != nil {
		return nil, 0, err
	}
	for _, x := range list {
		if !plainName.MatchString(x.schema) || !plainName.MatchString(x.name) {
			return nil, 0, nil // rather the slow way than a wrong line in the list
		}
	}
	var pages int64
	err = tx.QueryRow(ctx, "SELECT pg_relation_size($1::text::regclass) / current_setting('block_size')::int", table).Scan(&pages)
	return list, pages, err
}

// where is the condition for a range of pages.
func (p piece) where() string {
	if p.to == 0 {
		return fmt.Sprintf("ctid >= '(%d,0)'", p.from)
	}
	return fmt.Sprintf("ctid >= '(%d,0)' AND ctid < '(%d,0)'", p.from, p.to)
}

// settleEarly moves what waits in the pending lists into the indexes.
func (mv *mover) settleEarly(ctx context.Context) error {
	if len(mv.early) == 0 || mv.o.Jobs == 1 {
		return nil
	}
	return mv.target.in(ctx, mv.db, func(conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, "SET ROLE "+ident(mv.role)); err != nil {
			return err
		}
		for _, x := range mv.early {
			if _, err := conn.Exec(ctx, "SELECT gin_clean_pending_list($1::text::regclass)", ident(x.schema, x.name)); err != nil {
				return fmt.Errorf("index %s: %w", x.name, err)
			}
		}
		return nil
	})
}

// withoutEarly writes pg_restore's list of what is in file, without the indexes
// that exist already. Everything else keeps its place.
func (mv *mover) withoutEarly(ctx context.Context, file string) (string, error) {
	r, err := childproc.Reader(ctx, mv.plan.Programs.command(DSN{}, "", "pg_restore", "--list", file))
	if err != nil {
		return "", err
	}
	defer r.Close() // after the end it does nothing
	text, err := io.ReadAll(io.LimitReader(r, 64<<20))
	if err != nil {
		return "", err
	}
	lines := strings.Split(string(text), "\n")
	for _, x := range mv.early {
		found := 0
		for i, line := range lines {
			if !strings.HasPrefix(line, ";") && strings.Contains(line, " INDEX "+x.schema+" "+x.name+" ") {
				lines[i] = ";" + line
				found++
			}
		}
		if found != 1 {
			return "", fmt.Errorf("index %s stands %d times in pg_restore's list, want once", x.name, found)
		}
	}
	path := filepath.Join(mv.dir, "list")
	return path, os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600)
}
