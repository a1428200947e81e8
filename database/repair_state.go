package database

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// stateRepairs put right what a move, a restore or a bundle left wrong.
func stateRepairs() []Repair {
	return []Repair{
		{ID: "migration-numbers", Title: "renumber the migrations of 10.11.16 and newer", Source: "mattermost/mattermost pull request 36866",
			Applies: "a database that 10.11.16 or newer of that line has used (GitLab 18.9.8, 18.10.7, 18.11.4) is to run 11.0-11.6.4, 11.7.0-11.7.2 or 11.8.0; newer releases do it themselves",
			Locks:   "three rows of db_migrations, for an instant",
			check: func(ctx context.Context, tx pgx.Tx, _ RepairOptions) (bool, string, error) {
				ok, err := tableExists(ctx, tx, "db_migrations")
				if err != nil || !ok {
					return false, "there is no table db_migrations", err
				}
				var trap bool
				err = tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM public.db_migrations WHERE version = 142 AND name = 'add_schemeid_to_roles')").Scan(&trap)
				return trap, either(trap, "number 142 is add_schemeid_to_roles", "number 142 is not add_schemeid_to_roles"), err
			},
			statements: fixed("UPDATE public.db_migrations SET version = 156 WHERE version = 142 AND name = 'add_schemeid_to_roles'",
				"UPDATE public.db_migrations SET version = 157 WHERE version = 143 AND name = 'backfill_roles_schemeid'",
				"UPDATE public.db_migrations SET version = 158 WHERE version = 144 AND name = 'add_roles_schemeid_index'")},
		{ID: "schema-owner", Title: "give the database and schema public to the role", Source: "Mattermost, preparing PostgreSQL 15 and newer",
			Applies: "Mattermost stops with 'permission denied for schema public'",
			Locks:   "the database's and the schema's entry, for an instant",
			check: func(ctx context.Context, tx pgx.Tx, o RepairOptions) (bool, string, error) {
				if err := roleExists(ctx, tx, o.Role); err != nil {
					return false, "", err
				}
				var owner, schema string
				err := tx.QueryRow(ctx, `SELECT pg_get_userbyid(datdba), coalesce((SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'public'), '')
					FROM pg_database WHERE datname = current_database()`).Scan(&owner, &schema)
				ok := owner != o.Role || schema != o.Role && schema != ""
				return ok, fmt.Sprintf("the database belongs to %s, schema public to %s", quoteName(owner), quoteName(schema)), err
			},
			statements: func(_ context.Context, _ pgx.Tx, o RepairOptions) ([]Statement, error) {
				return []Statement{{SQL: "ALTER SCHEMA public OWNER TO " + ident(o.Role)}, {SQL: "ALTER DATABASE " + ident(o.Database) + " OWNER TO " + ident(o.Role)}}, nil
			}},
		{ID: "object-owner", Title: "give every object of the database to the role", Source: "mattermost/mattermost-helm issue 289: must be owner of materialized view",
			Applies: "a restore as another role left tables, views or types that Mattermost's next upgrade may not change",
			Locks:   "each object exclusively until the end, an instant when Mattermost is stopped",
			check: func(ctx context.Context, tx pgx.Tx, o RepairOptions) (bool, string, error) {
				if err := roleExists(ctx, tx, o.Role); err != nil {
					return false, "", err
				}
				list, err := foreignObjects(ctx, tx, o.Role)
				return len(list) > 0, fmt.Sprintf("%d objects do not belong to %s", len(list), quoteName(o.Role)), err
			},
			statements: func(ctx context.Context, tx pgx.Tx, o RepairOptions) ([]Statement, error) {
				list, err := foreignObjects(ctx, tx, o.Role)
				var out []Statement
				for _, f := range list {
					out = append(out, Statement{SQL: f.SQL})
				}
				return out, err
			}},
		{ID: "configuration-dsn", Title: "write another data source into the stored configuration", Source: "Mattermost, configuration in the database",
			Applies: "the configuration is in table configurations, and its SqlSettings.DataSource is not the one that is wanted",
			Locks:   "the active row of configurations, for an instant; the old one is kept as inactive", Backup: "the old row stays",
			check: dsnApplies, statements: dsnStatements},
		{ID: "invalid-indexes", Title: "build indexes again whose building was interrupted", Source: "PostgreSQL, CREATE INDEX CONCURRENTLY",
			Applies: "an index is marked as not valid",
			Locks:   "writers of the table while its index is built",
			check: func(ctx context.Context, tx pgx.Tx, _ RepairOptions) (bool, string, error) {
				list, err := indexes(ctx, tx, "NOT (i.indisvalid AND i.indisready)")
				return len(list) > 0, fmt.Sprintf("%d indexes are not valid", len(list)), err
			},
			statements: reindex("NOT (i.indisvalid AND i.indisready)")},
		{ID: "collation-version", Title: "rebuild the indexes on texts after a change of the operating system", Source: "PostgreSQL, ALTER DATABASE … REFRESH COLLATION VERSION (15 and newer)",
			Applies: "the database was moved as files, or the operating system upgraded, and collation versions differ",
			Locks:   "writers of each table while its indexes are built, hours for a large database: Mattermost should be stopped",
			check: func(ctx context.Context, tx pgx.Tx, _ RepairOptions) (bool, string, error) {
				var differ bool
				err := tx.QueryRow(ctx, `SELECT current_setting('server_version_num')::int >= 150000 AND (SELECT (to_jsonb(d)->>'datcollversion') IS NOT NULL FROM pg_database d WHERE datname = current_database())`).Scan(&differ)
				if err != nil || !differ {
					return false, "no collation version is recorded", err
				}
				err = tx.QueryRow(ctx, "SELECT datcollversion IS DISTINCT FROM pg_database_collation_actual_version(oid) FROM pg_database WHERE datname = current_database()").Scan(&differ)
				return differ, either(differ, "the recorded version is not that of the operating system", "the versions are the same"), err
			},
			statements: func(ctx context.Context, tx pgx.Tx, o RepairOptions) ([]Statement, error) {
				out, err := reindex("EXISTS (SELECT FROM unnest(i.indcollation::oid[]) x WHERE x <> 0 AND x <> 950 AND x <> 951)")(ctx, tx, o) // 950 and 951 are C and POSIX
				return append(out, Statement{SQL: "ALTER DATABASE " + ident(o.Database) + " REFRESH COLLATION VERSION"}), err
			}},
	}
}

func tableExists(ctx context.Context, tx pgx.Tx, name string) (bool, error) {
	var ok bool
	err := tx.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", "public."+ident(name)).Scan(&ok)
	return ok, err
}

func indexes(ctx context.Context, tx pgx.Tx, condition string) ([]string, error) {
	rows, err := tx.Query(ctx, `SELECT format('%I.%I', n.nspname, c.relname) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
		JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'i' AND `+userSchemas+` AND `+condition+` ORDER BY 1`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func reindex(condition string) func(context.Context, pgx.Tx, RepairOptions) ([]Statement, error) {
	return func(ctx context.Context, tx pgx.Tx, _ RepairOptions) ([]Statement, error) {
		list, err := indexes(ctx, tx, condition)
		var out []Statement
		for _, name := range list {
			out = append(out, Statement{SQL: "REINDEX INDEX " + name})
		}
		return out, err
	}
}

// activeConfig reads the stored configuration; nil means that there is none.
func activeConfig(ctx context.Context, tx pgx.Tx) (*storedConfig, error) {
	ok, err := tableExists(ctx, tx, "configurations")
	if err != nil || !ok {
		return nil, err
	}
	var c storedConfig
	var size int
	err = tx.QueryRow(ctx, "SELECT id, left(value, $1), octet_length(value) FROM public.configurations WHERE active ORDER BY createat DESC LIMIT 1", maxConfig).Scan(&c.id, &c.value, &size)
	if ok, err := found(err); err != nil || !ok {
		return nil, err
	}
	if size > maxConfig {
		return nil, fmt.Errorf("the stored configuration has %d bytes, at most %d are read", size, maxConfig)
	}
	c.dataSource, err = dataSourceOf(c.value)
	return &c, err
}

func dsnApplies(ctx context.Context, tx pgx.Tx, o RepairOptions) (bool, string, error) {
	c, err := activeConfig(ctx, tx)
	switch {
	case err != nil:
		return false, "", err
	case c == nil:
		return false, "no configuration is stored in this database", nil
	case o.DataSource.Database == "":
		return false, "", errors.New("the data source to write is not given")
	}
	if d, err := ParseDSN(c.dataSource); err == nil && d.Keyword() == o.DataSource.Keyword() {
		return false, "the stored data source is the wanted one", nil
	}
	return true, "the stored data source is " + Redact(c.dataSource), nil
}

// dsnStatements do what Mattermost itself does when its configuration is saved:
// the active row becomes inactive, a new one is added. Only the text of the data
// source changes; order and spelling of everything else stay.
func dsnStatements(ctx context.Context, tx pgx.Tx, o RepairOptions) ([]Statement, error) {
	c, err := activeConfig(ctx, tx)
	if err != nil || c == nil {
		return nil, err
	}
	value, err := replaceDataSource(c.value, o.DataSource.URL().Reveal())
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(value))
	sha := hex.EncodeToString(sum[:])
	hasSHA := false
	if err := tx.QueryRow(ctx, "SELECT count(*) > 0 FROM pg_attribute WHERE attrelid = 'public.configurations'::regclass AND attname = 'sha' AND NOT attisdropped").Scan(&hasSHA); err != nil {
		return nil, err
	}
	columns, values := "", ""
	if hasSHA {
		columns, values = ", sha", ", "+literal(sha)
	}
	// The id depends on the content, so that the plan stays the same.
	insert := "INSERT INTO public.configurations (id, value, createat, active" + columns + ") VALUES (" + literal(sha[:26]) + ", %s, (extract(epoch FROM now()) * 1000)::bigint, true" + values + ")"
	return []Statement{
		{SQL: "UPDATE public.configurations SET active = NULL WHERE id = " + literal(c.id)},
		{SQL: fmt.Sprintf(insert, "'the same configuration with data source "+strings.ReplaceAll(o.DataSource.RedactedURL(), "'", "''")+"'"), secret: fmt.Sprintf(insert, literal(value))},
	}, nil
}

// replaceDataSource changes the text of SqlSettings.DataSource and no other
// byte.
func replaceDataSource(value, dsn string) (string, error) {
	dec := json.NewDecoder(strings.NewReader(value))
	var path []string // keys of the objects that are open
	expectKey := false
	for {
		t, err := dec.Token()
		if err != nil {
			return "", fmt.Errorf("the stored configuration has no SqlSettings.DataSource: %w", err)
		}
		switch d, ok := t.(json.Delim); {
		case ok && d == '{':
			path, expectKey = append(path, ""), true
			continue
		case ok && d == '[':
			path, expectKey = append(path, "[]"), false
			continue
		case ok:
			path = path[:len(path)-1]
		case expectKey:
			path[len(path)-1], expectKey = t.(string), false
			continue
		case len(path) == 2 && strings.EqualFold(path[0], "SqlSettings") && strings.EqualFold(path[1], "DataSource"):
			old, isText := t.(string)
			if !isText {
				return "", errors.New("SqlSettings.DataSource in the stored configuration is no text")
			}
			return splice(value, int(dec.InputOffset()), old, dsn)
		}
		expectKey = len(path) > 0 && path[len(path)-1] != "[]"
	}
}

// splice replaces the JSON text that ends at end.
func splice(value string, end int, old, dsn string) (string, error) {
	start := end - 1
	for start > 0 {
		start--
		var got string
		if value[start] == '"' && json.Unmarshal([]byte(value[start:end]), &got) == nil && got == old {
			text, err := json.Marshal(dsn)
			return value[:start] + string(text) + value[end:], err
		}
	}
	return "", errors.New("SqlSettings.DataSource was not found again")
}
