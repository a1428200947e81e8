package database

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Terminate ends every other session of a database and waits until they are
// gone, at most ten seconds. It returns how many there were. New sessions may
// come at once: it locks nobody out.
func (m *Manager) Terminate(ctx context.Context, database string) (int, error) {
	if err := checkName("database", database); err != nil {
		return 0, err
	}
	if err := m.exists(ctx, database); err != nil {
		return 0, err
	}
	return m.terminate(ctx, database)
}

func (m *Manager) terminate(ctx context.Context, database string) (int, error) {
	total := 0
	for deadline := time.Now().Add(10 * time.Second); ; {
		signalled, left, err := m.signal(ctx, database)
		if err != nil {
			return total, err
		}
		total = max(total, signalled)
		if left == 0 {
			return total, nil
		}
		if time.Now().After(deadline) {
			return total, fmt.Errorf("end the sessions of database %s: %d are still there after 10 s", quoteName(database), left)
		}
		select {
		case <-ctx.Done():
			return total, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// signal asks the sessions that there are now to end. It does not wait: a
// statement that needs the database for itself (RENAME, CREATE … TEMPLATE) first
// locks new sessions out, then waits five seconds for the last ones to go. So
// it wins even against a service that reconnects at once, for which there is
// no moment without a session to wait for. Autovacuum, whose session has no user
// and which only a superuser may end, gives way to such a statement by itself.
func (m *Manager) signal(ctx context.Context, database string) (signalled, found int, err error) {
	err = m.conn.QueryRow(ctx, `SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)), count(*) FROM pg_stat_activity
		WHERE datname = $1 AND pid <> pg_backend_pid() AND usesysid IS NOT NULL`, database).Scan(&signalled, &found)
	if err != nil {
		return 0, 0, fmt.Errorf("end the sessions of database %s: %w", quoteName(database), plain(err))
	}
	return signalled, found, nil
}

// exists fails with ErrNotFound when the database does not exist.
func (m *Manager) exists(ctx context.Context, database string) error {
	if m.conn == nil {
		return errNoConn
	}
	var n int
	if err := m.conn.QueryRow(ctx, "SELECT count(*) FROM pg_database WHERE datname = $1", database).Scan(&n); err != nil {
		return err
	}
	if n == 0 {
		return fmt.Errorf("%w: %s", ErrNotFound, quoteName(database))
	}
	return nil
}

// Analyze collects the planner's statistics of a database, as is due after a
// restore, a move or a new major version of PostgreSQL.
func (m *Manager) Analyze(ctx context.Context, database string) error {
	if err := checkName("database", database); err != nil {
		return err
	}
	return m.inExec(ctx, database, "ANALYZE")
}

// inExec runs one statement in another database.
func (m *Manager) inExec(ctx context.Context, database, sql string) error {
	return m.in(ctx, database, func(conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return plain(err)
		}
		return nil
	})
}
