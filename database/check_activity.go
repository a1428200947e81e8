package database

import (
	"context"
	"fmt"
	"strings"
)

// size reports how big the database is, dead rows, and missing statistics.
func (c *checker) size(ctx context.Context) error {
	if c.empty {
		return nil
	}
	var dead, unknown string
	err := c.tx.QueryRow(ctx, `SELECT
		coalesce(string_agg(format('%I (%s %%)', relname, n_dead_tup * 100 / greatest(n_live_tup + n_dead_tup, 1)), ', ' ORDER BY n_dead_tup DESC)
			FILTER (WHERE n_dead_tup > 10000 AND n_dead_tup * 4 > n_live_tup), ''),
		coalesce(string_agg(quote_ident(relname), ', ' ORDER BY relname)
			FILTER (WHERE last_analyze IS NULL AND last_autoanalyze IS NULL AND pg_relation_size(relid) > 1000000), '')
		FROM pg_stat_user_tables WHERE schemaname = 'public'`).Scan(&dead, &unknown)
	if err != nil {
		return err
	}
	c.add("db-size", "info", fmt.Sprintf("the database has %s", bytesText(c.r.Bytes)), "have at least twice that free for a restore beside it")
	if dead != "" {
		c.add("db-bloat", "warning", "more than a fifth of these tables is dead rows: "+dead, "VACUUM ANALYZE them, and look for transactions that stay open")
	}
	if unknown != "" {
		c.add("db-statistics", "warning", "the planner knows nothing about "+unknown+": queries are slow, as after a restore or an upgrade of PostgreSQL", "ANALYZE the database")
	}
	return nil
}

// bytesText writes a size for people.
func bytesText(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%d bytes", n)
}

func (c *checker) connections(ctx context.Context) error {
	var used, here, max, reserved, limit int
	err := c.tx.QueryRow(ctx, `SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
		(SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'),
		current_setting('max_connections')::int, current_setting('superuser_reserved_connections')::int, datconnlimit
		FROM pg_database WHERE datname = current_database()`).Scan(&used, &here, &max, &reserved, &limit)
	if err != nil {
		return err
	}
	free := max - reserved
	report := func(used, of int, what string) {
		switch {
		case used*100 >= of*95:
			c.add("db-connections", "error", fmt.Sprintf("%d of %d connections of the %s are in use", used, of, what), "end sessions, raise the limit, or lower SqlSettings.MaxOpenConns")
		case used*100 >= of*80:
			c.add("db-connections", "warning", fmt.Sprintf("%d of %d connections of the %s are in use", used, of, what), "raise the limit, or lower SqlSettings.MaxOpenConns")
		}
	}
	report(used, free, "server")
	if limit >= 0 {
		report(here, limit, "database")
	}
	if limit >= 0 && limit < c.o.MaxOpenConns {
		c.add("db-connection-limit", "warning", fmt.Sprintf("the database is limited to %d connections, Mattermost may open %d", limit, c.o.MaxOpenConns), "raise the limit, or lower SqlSettings.MaxOpenConns")
	}
	if c.o.MaxOpenConns > free {
		c.add("db-connection-limit", "warning", fmt.Sprintf("Mattermost may open %d connections, the server has %d for everybody", c.o.MaxOpenConns, free), "lower SqlSettings.MaxOpenConns, or raise max_connections")
	}
	return nil
}

func (c *checker) replication(ctx context.Context) error {
	var recovering bool
	if err := c.tx.QueryRow(ctx, "SELECT pg_is_in_recovery()").Scan(&recovering); err != nil {
		return err
	}
	if recovering {
		c.add("db-replica", "error", "this server is a replica: nothing can be written here", "connect to the primary")
		return nil
	}
	var replicas, slots string
	err := c.tx.QueryRow(ctx, `SELECT
		coalesce((SELECT string_agg(coalesce(nullif(application_name, ''), pid::text) || ' ' || coalesce(state, 'state hidden') || coalesce(' ' || pg_size_pretty(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)) || ' behind', ''), ', ' ORDER BY application_name, pid) FROM pg_stat_replication), ''),
		coalesce((SELECT string_agg(quote_ident(slot_name) || coalesce(' ' || pg_size_pretty(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)), ''), ', ' ORDER BY slot_name)
			FROM pg_replication_slots WHERE NOT active AND restart_lsn IS NOT NULL), '')`).Scan(&replicas, &slots)
	if err != nil {
		return err
	}
	if replicas != "" {
		c.add("db-replicas", "info", "replicas are attached: "+replicas, "")
	}
	if slots != "" {
		c.add("db-replication-slot", "warning", "replication slots that nobody reads keep the log from being removed, until the disk is full: "+slots, "bring the replica back, or SELECT pg_drop_replication_slot(NAME)")
	}
	return nil
}

func (c *checker) transactions(ctx context.Context) error {
	var long, prepared []string
	err := c.tx.QueryRow(ctx, `SELECT
		coalesce((SELECT array_agg(format('process %s of %s, %s for %s s', pid, usename, state, extract(epoch FROM clock_timestamp() - xact_start)::bigint) ORDER BY xact_start)
			FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start < clock_timestamp() - $1::bigint * interval '1 ms'), '{}'),
		coalesce((SELECT array_agg(format('%L of %s since %s', gid, owner, to_char(prepared, 'YYYY-MM-DD HH24:MI')) ORDER BY prepared) FROM pg_prepared_xacts WHERE database = current_database()), '{}')`,
		c.o.LongTransaction.Milliseconds()).Scan(&long, &prepared)
	if err != nil {
		return err
	}
	if len(long) > 0 {
		c.add("db-long-transaction", "warning", "transactions are open for long: "+strings.Join(long, "; ")+"; they keep dead rows and block migrations", "find out what they do; SELECT pg_terminate_backend(PROCESS) ends one")
	}
	if len(prepared) > 0 {
		c.add("db-prepared-transaction", "warning", "prepared transactions wait for their end: "+strings.Join(prepared, "; ")+"; they hold locks, also over a restart", "COMMIT PREPARED or ROLLBACK PREPARED them")
	}
	return nil
}

func (c *checker) invalidIndexes(ctx context.Context) error {
	var names string
	err := c.tx.QueryRow(ctx, `SELECT coalesce(string_agg(i.indexrelid::regclass::text, ', ' ORDER BY 1), '') FROM pg_index i
		JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT (i.indisvalid AND i.indisready) AND c.relkind = 'i' AND `+userSchemas).Scan(&names)
	if err == nil && names != "" {
		c.add("db-invalid-index", "error", "indexes are not valid, because building them was interrupted: "+names, "'database repair invalid-indexes' builds them again")
	}
	return err
}
