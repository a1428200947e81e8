package database

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Backuper saves a database before it is dropped. It must not return nil before
// the backup is complete and durable.
type Backuper interface {
	BackupDatabase(ctx context.Context, database string) error
}

// DropOptions name what is to be dropped.
type DropOptions struct {
	Database string
	// Confirm must be exactly Database, as typed by whoever decides.
	Confirm string
	// Backup is called before anything is ended or dropped; its failure keeps
	// the database. Nil makes none.
	Backup Backuper
}

// DropPlan says what Drop would do.
type DropPlan struct {
	Database string `json:"database"`
	Bytes    int64  `json:"bytes"`
	Tables   int    `json:"tables"`
	Posts    int64  `json:"posts"` // estimated; -1 when there is no such table
	Sessions int    `json:"sessions"`
	Steps    []Step `json:"steps"`
}

// PlanDrop says what would be lost. It fails with ErrRefused for templates,
// postgres and a database that holds GitLab's tables, and with ErrNotFound.
func (m *Manager) PlanDrop(ctx context.Context, o DropOptions) (*DropPlan, error) {
	p := &DropPlan{Database: o.Database}
	if err := checkName("database", o.Database); err != nil {
		return nil, err
	}
	if m.conn == nil {
		return nil, errNoConn
	}
	// Counted before guard connects there: the server ends a session's process
	// only some time after its client has gone.
	err := m.conn.QueryRow(ctx, "SELECT count(*) FROM pg_stat_activity WHERE datname = $1", o.Database).Scan(&p.Sessions)
	if err != nil {
		return nil, fmt.Errorf("drop: count the sessions of database %s: %w", quoteName(o.Database), plain(err))
	}
	if err := m.guard(ctx, o.Database); err != nil {
		return nil, fmt.Errorf("drop: %w", err)
	}
	err = m.in(ctx, o.Database, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT pg_database_size(current_database()),
			(SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE relkind IN ('r', 'p') AND nspname NOT LIKE 'pg\_%' AND nspname <> 'information_schema'),
			coalesce((SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass('public.posts')), -1)`).
			Scan(&p.Bytes, &p.Tables, &p.Posts)
	})
	if err != nil {
		return nil, err
	}
	if o.Backup != nil {
		p.Steps = append(p.Steps, Step{What: "back up the database one last time"})
	}
	p.Steps = append(p.Steps,
		Step{What: "let nobody connect any more", SQL: "ALTER DATABASE " + ident(o.Database) + " ALLOW_CONNECTIONS false"},
		Step{What: fmt.Sprintf("end its %d sessions", p.Sessions)},
		Step{What: "drop the database", SQL: "DROP DATABASE " + ident(o.Database)})
	return p, nil
}

// guard refuses databases that are not Mattermost's.
func (m *Manager) guard(ctx context.Context, database string) error {
	if err := refuseName(database); err != nil {
		return err
	}
	if m.conn == nil {
		return errNoConn
	}
	var template, current bool
	err := m.conn.QueryRow(ctx, "SELECT datistemplate, datname = current_database() FROM pg_database WHERE datname = $1", database).Scan(&template, &current)
	if ok, err := found(err); err != nil || !ok {
		if err == nil {
			err = fmt.Errorf("%w: %s", ErrNotFound, quoteName(database))
		}
		return err
	}
	if template {
		return fmt.Errorf("database %s: %w: it is a template", quoteName(database), ErrRefused)
	}
	if current {
		return fmt.Errorf("database %s: %w: the Manager itself is connected to it", quoteName(database), ErrRefused)
	}
	return m.in(ctx, database, func(conn *pgx.Conn) error {
		table, err := gitlabTable(ctx, conn)
		if err == nil && table != "" {
			err = fmt.Errorf("database %s: %w: it holds GitLab's tables (%s)", quoteName(database), ErrRefused, table)
		}
		return err
	})
}

// Drop drops a database whose name was confirmed, without a backup.
func (m *Manager) Drop(ctx context.Context, database, confirm string) error {
	_, err := m.DropWith(ctx, DropOptions{Database: database, Confirm: confirm})
	return err
}

// DropWith drops a database: checks the confirmation and the guards of
// PlanDrop, makes the backup, keeps new sessions out, ends those there are, and
// drops. When the drop itself fails, the database accepts connections again.
// Nothing brings a dropped database back but a backup.
func (m *Manager) DropWith(ctx context.Context, o DropOptions) (*DropPlan, error) {
	if o.Confirm != o.Database {
		return nil, fmt.Errorf("drop database %s: %w: give its exact name", quoteName(o.Database), ErrConfirm)
	}
	unlock, err := m.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	p, err := m.PlanDrop(ctx, o)
	if err != nil {
		return nil, err
	}
	if o.Backup != nil {
		if err := o.Backup.BackupDatabase(ctx, o.Database); err != nil {
			return nil, fmt.Errorf("drop database %s: kept, because its backup failed: %w", quoteName(o.Database), err)
		}
	}
	if err := m.drop(ctx, o.Database); err != nil {
		return nil, fmt.Errorf("drop database %s: %w", quoteName(o.Database), err)
	}
	return p, nil
}

// drop removes a database that was checked.
func (m *Manager) drop(ctx context.Context, database string) error {
	allow := "ALTER DATABASE " + ident(database) + " ALLOW_CONNECTIONS "
	if _, err := m.conn.Exec(ctx, allow+"false"); err != nil {
		return plain(err)
	}
	m.reached("closed")
	_, err := m.terminate(ctx, database)
	if err == nil {
		if _, err = m.conn.Exec(ctx, "DROP DATABASE "+ident(database)); err == nil {
			return nil
		}
	}
	if _, e := m.conn.Exec(context.WithoutCancel(ctx), allow+"true"); e != nil {
		return fmt.Errorf("%w; it still refuses connections, undo with: %strue", plain(err), allow)
	}
	return plain(err)
}
