package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gitlab-mattermost/sdk/internal/atomicfile"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

func quoteLiteral(s string) string {
	if strings.Contains(s, `\`) {
		return "E'" + strings.NewReplacer(`\`, `\\`, "'", "''").Replace(s) + "'"
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

// createDatabase makes an empty database like the one in the backup. A locale
// that this system lacks is replaced by the server's own.
func createDatabase(ctx context.Context, admin *server, d *Database, name, owner string) error {
	conn, err := admin.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) // every statement was checked
	sql := "CREATE DATABASE " + ident(name) + " TEMPLATE template0 ENCODING " + quoteLiteral(d.Encoding)
	if owner != "" {
		sql += " OWNER " + ident(owner)
	}
	locale := ""
	if d.Collate != "" { // an imported dump does not say
		locale = " LC_COLLATE " + quoteLiteral(d.Collate) + " LC_CTYPE " + quoteLiteral(d.Ctype)
	}
	_, err = conn.Exec(ctx, sql+locale)
	if hasCode(err, "42809", "22023") { // wrong object type, invalid parameter: no such locale
		_, err = conn.Exec(ctx, sql)
	}
	if err != nil {
		return fmt.Errorf("create database %s: %w", name, err)
	}
	return nil
}

// applySettings repeats ALTER DATABASE … SET, for example
// default_text_search_config, which a dump of one database does not carry.
func applySettings(ctx context.Context, admin *server, settings []Setting, name string) error {
	conn, err := admin.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) // every statement was checked
	for _, s := range settings {
		value := quoteLiteral(s.Value)
		if s.Name == "search_path" {
			value = s.Value // a list of identifiers as the server wrote it
			if strings.ContainsAny(value, ";'\\\n") {
				return fmt.Errorf("database setting search_path: unusable value")
			}
		}
		if _, err := conn.Exec(ctx, "ALTER DATABASE "+ident(name)+" SET "+ident(s.Name)+" TO "+value); err != nil {
			return fmt.Errorf("set %s of database %s: %w", s.Name, name, err)
		}
	}
	return nil
}

func ident(name string) string { return pgx.Identifier{name}.Sanitize() }

func hasCode(err error, codes ...string) bool {
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) {
		return false
	}
	for _, c := range codes {
		if pgErr.Code == c {
			return true
		}
	}
	return false
}

// rename is one ALTER DATABASE … RENAME TO.
type rename struct{ from, to string }

// renameDatabases does all renames in one transaction: either all happened or
// none. Sessions in the way are ended first; the service is stopped, so they
// are a leftover or an operator's.
func renameDatabases(ctx context.Context, admin *server, list ...rename) error {
	conn, err := admin.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) // every statement was checked
	for try := 1; ; try++ {
		err := renameOnce(ctx, conn, list)
		if err == nil || !hasCode(err, "55006") || try == 20 { // object in use
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func renameOnce(ctx context.Context, conn *pgx.Conn, list []rename) error {
	var sql strings.Builder
	for _, r := range list {
		if _, err := endSessions(ctx, conn, r.from); err != nil {
			return err
		}
		fmt.Fprintf(&sql, "ALTER DATABASE %s RENAME TO %s; ", ident(r.from), ident(r.to))
	}
	if err := execScript(ctx, conn, "BEGIN; SET LOCAL synchronous_commit = on; "+sql.String()+"COMMIT"); err != nil {
		return errors.Join(fmt.Errorf("rename databases: %w", err), execScript(context.WithoutCancel(ctx), conn, "ROLLBACK"))
	}
	return nil
}

// endSessions ends the clients of a database, and those that are just creating
// it: the server goes on with that after its client was killed. Sessions of
// superusers are left to a superuser, background workers to the server. It
// tells how many it has told to end.
func endSessions(ctx context.Context, conn *pgx.Conn, name string) (int, error) {
	var n int
	err := conn.QueryRow(ctx, `SELECT count(pg_terminate_backend(a.pid)) FROM pg_stat_activity a JOIN pg_roles r ON r.oid = a.usesysid
		WHERE a.pid <> pg_backend_pid() AND a.backend_type = 'client backend'
		AND (a.datname = $1 OR a.state = 'active' AND starts_with(a.query, $2))
		AND (NOT r.rolsuper OR (SELECT rolsuper FROM pg_roles WHERE rolname = current_user))
		AND (pg_has_role(a.usesysid, 'MEMBER') OR pg_has_role('pg_signal_backend', 'MEMBER'))`, name, "CREATE DATABASE "+ident(name)).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("end sessions of database %s: %w", name, err)
	}
	return n, nil
}

func swapDatabase(ctx context.Context, admin *server, d DatabaseSwap) error {
	if !d.Had {
		return renameDatabases(ctx, admin, rename{d.Staged, d.Live})
	}
	return renameDatabases(ctx, admin, rename{d.Live, d.Old}, rename{d.Staged, d.Live})
}

// unswapDatabase brings the old database back, whatever has happened: the
// staged name exists exactly when the swap has not.
func unswapDatabase(ctx context.Context, admin *server, d DatabaseSwap) error {
	have, err := databases(ctx, admin, d.Staged, d.Live, d.Old)
	if err != nil {
		return err
	}
	switch {
	case have[d.Staged]:
		return nil
	case d.Had && have[d.Old] && have[d.Live]:
		return renameDatabases(ctx, admin, rename{d.Live, d.Staged}, rename{d.Old, d.Live})
	case !d.Had && have[d.Live]:
		return renameDatabases(ctx, admin, rename{d.Live, d.Staged})
	case d.Had && have[d.Old]:
		return renameDatabases(ctx, admin, rename{d.Old, d.Live})
	}
	return nil // it was never created
}

// databases tells which of the names exist.
func databases(ctx context.Context, admin *server, names ...string) (map[string]bool, error) {
	conn, err := admin.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx)) // read only
	rows, err := conn.Query(ctx, "SELECT datname::text FROM pg_database WHERE datname = ANY($1)", names)
	if err != nil {
		return nil, fmt.Errorf("list databases: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("list databases: %w", err)
	}
	out := map[string]bool{}
	for _, n := range found {
		out[n] = true
	}
	return out, nil
}

// dropDatabase drops a database that a restore made or replaced.
func dropDatabase(ctx context.Context, admin *server, name string) error {
	conn, err := admin.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) // every statement was checked
	for try := 1; ; try++ {
		ended, err := endSessions(ctx, conn, name)
		if err == nil && ended == 0 {
			_, err = conn.Exec(ctx, "DROP DATABASE IF EXISTS "+ident(name))
			if err == nil {
				return nil
			}
		}
		if err != nil && (!hasCode(err, "55006") || try == 20) {
			return fmt.Errorf("drop database %s: %w", name, err)
		}
		if try == 100 {
			return fmt.Errorf("drop database %s: its sessions do not end", name)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// forward puts the staged path in place. half is called between the two
// renames, for tests.
func (s PathSwap) forward(half func()) error {
	if s.Had {
		if err := os.Rename(s.Live, s.Old); err != nil {
			return fmt.Errorf("swap: %w", err)
		}
		half()
	}
	if err := os.Rename(s.Staged, s.Live); err != nil {
		return fmt.Errorf("swap: %w", err)
	}
	return atomicfile.SyncDir(filepath.Dir(s.Live))
}

// backward brings the old path back, whatever has happened. The names that
// exist tell how far forward, or an earlier backward, came.
func (s PathSwap) backward() error {
	live, staged, old := exists(s.Live), exists(s.Staged), exists(s.Old)
	if s.Had && !old || !s.Had && !live {
		return nil // nothing was renamed
	}
	if live && !staged {
		if err := os.Rename(s.Live, s.Staged); err != nil {
			return fmt.Errorf("swap back: %w", err)
		}
	} else if live && staged {
		return fmt.Errorf("swap back: %s and %s both exist; somebody else has changed them", s.Live, s.Staged)
	}
	if s.Had {
		if err := os.Rename(s.Old, s.Live); err != nil {
			return fmt.Errorf("swap back: %w", err)
		}
	}
	return atomicfile.SyncDir(filepath.Dir(s.Live))
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
