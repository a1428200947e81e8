package backup

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// roughStatistics make ANALYZE sample a tenth of what it otherwise would. That
// is enough for the minute until autovacuum, which takes tables that were
// analysed by column for never analysed, gathers the full statistics.
const roughStatistics = "SET default_statistics_target = 10;"

// holdVacuum keeps the server's autovacuum from the tables until they are
// complete. It would read what is still being written, take the time for
// statistics of full-text expressions, and exclude CREATE INDEX by its lock.
// Tables with a setting of their own are left alone.
func (l *loader) holdVacuum(ctx context.Context, conn *pgx.Conn) error {
	err := conn.QueryRow(ctx, `SELECT current_setting('autovacuum')::bool AND current_setting('track_counts')::bool`).Scan(&l.attended)
	if err != nil {
		return fmt.Errorf("ask for autovacuum: %w", err)
	}
	if !l.attended {
		return nil
	}
	rows, err := conn.Query(ctx, `SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'r' AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\_%'
		AND pg_has_role(c.relowner, 'USAGE') AND NOT EXISTS (SELECT FROM unnest(c.reloptions) o WHERE o LIKE 'autovacuum\_enabled=%') ORDER BY 1`)
	if err != nil {
		return fmt.Errorf("list tables: %w", err)
	}
	if l.held, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		return fmt.Errorf("list tables: %w", err)
	}
	return l.eachHeld(ctx, conn, "SET (autovacuum_enabled = false)")
}

// releaseVacuum undoes holdVacuum.
func (l *loader) releaseVacuum(ctx context.Context, conn *pgx.Conn) error {
	return l.eachHeld(ctx, conn, "RESET (autovacuum_enabled)")
}

func (l *loader) eachHeld(ctx context.Context, conn *pgx.Conn, action string) error {
	for _, table := range l.held {
		if err := execScript(ctx, conn, "ALTER TABLE "+table+" "+action); err != nil {
			return fmt.Errorf("autovacuum of %s: %w", table, err)
		}
	}
	return nil
}
