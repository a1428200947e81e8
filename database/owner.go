package database

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// ForeignObject is something in a database that does not belong to the role.
type ForeignObject struct {
	Kind  string `json:"kind"` // "table", "view", "function", …
	Name  string `json:"name"` // quoted, with schema
	Owner string `json:"owner"`
	SQL   string `json:"sql"` // what gives it to the role
}

// Owner gives every object of one database, and the database and its schemas,
// to the role, in one transaction, and returns what it changed. Unlike REASSIGN
// OWNED it takes objects of all owners, the bootstrap superuser's too, and
// touches nothing outside this database. Members of extensions and what
// PostgreSQL itself keeps stay. It locks every changed object for an instant; run
// it while Mattermost is stopped.
func (m *Manager) Owner(ctx context.Context, database, role string) ([]ForeignObject, error) {
	if err := checkName("role", role); err != nil {
		return nil, err
	}
	if err := m.guardTarget(ctx, database); err != nil {
		return nil, fmt.Errorf("change owner: %w", err)
	}
	var changed []ForeignObject
	err := m.in(ctx, database, func(conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			if err := roleExists(ctx, tx, role); err != nil {
				return err
			}
			var err error
			if changed, err = foreignObjects(ctx, tx, role); err != nil {
				return err
			}
			for _, o := range changed {
				if _, err := tx.Exec(ctx, o.SQL); err != nil {
					return fmt.Errorf("%s %s: %w", o.Kind, o.Name, plain(err))
				}
			}
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("change owner in database %s: %w", quoteName(database), err)
	}
	return changed, nil
}

// guardTarget is guard for a Manager that may lack a connection of its own.
func (m *Manager) guardTarget(ctx context.Context, database string) error {
	if err := checkName("database", database); err != nil {
		return err
	}
	if err := refuseName(database); err != nil {
		return err
	}
	return m.in(ctx, database, func(conn *pgx.Conn) error {
		table, err := gitlabTable(ctx, conn)
		if err == nil && table != "" {
			err = fmt.Errorf("database %s: %w: it holds GitLab's tables (%s)", quoteName(database), ErrRefused, table)
		}
		return err
	})
}

func roleExists(ctx context.Context, tx pgx.Tx, role string) error {
	var n int
	err := tx.QueryRow(ctx, "SELECT count(*) FROM pg_roles WHERE rolname = $1", role).Scan(&n)
	if err == nil && n == 0 {
		err = fmt.Errorf("role %s does not exist: create it first ('database ensure')", quoteName(role))
	}
	return err
}

// foreignObjects lists what in tx's database is not the role's, in the order in
// which it is to be changed. Each row of the union is a kind of object: class,
// number, owner, schema, and the words of its ALTER statement. Sequences of
// columns, row types and array types go with their tables.
func foreignObjects(ctx context.Context, tx pgx.Tx, role string) ([]ForeignObject, error) {
	query, err := forVersion(ctx, tx, foreignSQL)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, query, role)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []ForeignObject
	for rows.Next() {
		var o ForeignObject
		if err := rows.Scan(&o.Kind, &o.Name, &o.Owner); err != nil {
			return nil, err
		}
		o.Kind = strings.ToLower(o.Kind)
		o.SQL = "ALTER " + alterWord(o.Kind) + " " + o.Name + " OWNER TO " + ident(role)
		out = append(out, o)
	}
	return out, rows.Err()
}

// forVersion writes a catalog query for PostgreSQL 10, which tells aggregates
// from functions in another column.
func forVersion(ctx context.Context, tx pgx.Tx, query string) (string, error) {
	var server int
	err := tx.QueryRow(ctx, "SELECT current_setting('server_version_num')::int").Scan(&server)
	if server < 110000 {
		query = strings.ReplaceAll(strings.ReplaceAll(query, "p.prokind", "prokind"), "prokind", "(CASE WHEN proisagg THEN 'a' ELSE 'f' END)")
	}
	return query, err
}

// alterWord is the word of ALTER for a kind.
func alterWord(kind string) string {
	switch kind {
	case "partitioned table":
		return "TABLE"
	case "composite type", "range type", "enumeration":
		return "TYPE"
	}
	return strings.ToUpper(kind)
}

const foreignSQL = `WITH o(rank, kind, class, id, owner, space, name) AS (
	SELECT 1, 'SCHEMA', 'pg_namespace'::regclass, oid, nspowner, oid, quote_ident(nspname) FROM pg_namespace
	UNION ALL SELECT 2, CASE typtype WHEN 'd' THEN 'DOMAIN' WHEN 'e' THEN 'enumeration' WHEN 'r' THEN 'range type' ELSE 'TYPE' END, 'pg_type'::regclass, oid, typowner, typnamespace, quote_ident(typname)
		FROM pg_type WHERE typtype IN ('e', 'd', 'r') OR typtype = 'b' AND typelem = 0
	UNION ALL SELECT 3, CASE relkind WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE'
			WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'c' THEN 'composite type' ELSE 'TABLE' END, 'pg_class'::regclass, c.oid, relowner, relnamespace, quote_ident(relname)
		FROM pg_class c WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'c') OR relkind = 'S' AND NOT EXISTS
			(SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i') AND d.refclassid = 'pg_class'::regclass)
	UNION ALL SELECT 4, CASE prokind WHEN 'a' THEN 'AGGREGATE' WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END, 'pg_proc'::regclass, oid, proowner, pronamespace,
		format('%I(%s)', proname, CASE WHEN prokind = 'a' AND pronargs = 0 THEN '*' ELSE pg_get_function_identity_arguments(oid) END) FROM pg_proc
	UNION ALL SELECT 5, 'OPERATOR', 'pg_operator'::regclass, oid, oprowner, oprnamespace,
		format('%s (%s, %s)', oprname, CASE oprleft WHEN 0 THEN 'NONE' ELSE format_type(oprleft, NULL) END, CASE oprright WHEN 0 THEN 'NONE' ELSE format_type(oprright, NULL) END) FROM pg_operator
	UNION ALL SELECT 5, 'OPERATOR CLASS', 'pg_opclass'::regclass, o.oid, opcowner, opcnamespace, format('%I USING %I', opcname, amname) FROM pg_opclass o JOIN pg_am a ON a.oid = opcmethod
	UNION ALL SELECT 5, 'OPERATOR FAMILY', 'pg_opfamily'::regclass, f.oid, opfowner, opfnamespace, format('%I USING %I', opfname, amname) FROM pg_opfamily f JOIN pg_am a ON a.oid = opfmethod
	UNION ALL SELECT 5, 'COLLATION', 'pg_collation'::regclass, oid, collowner, collnamespace, quote_ident(collname) FROM pg_collation WHERE collencoding IN (-1, (SELECT encoding FROM pg_database WHERE datname = current_database()))
	UNION ALL SELECT 5, 'CONVERSION', 'pg_conversion'::regclass, oid, conowner, connamespace, quote_ident(conname) FROM pg_conversion
	UNION ALL SELECT 5, 'TEXT SEARCH DICTIONARY', 'pg_ts_dict'::regclass, oid, dictowner, dictnamespace, quote_ident(dictname) FROM pg_ts_dict
	UNION ALL SELECT 5, 'TEXT SEARCH CONFIGURATION', 'pg_ts_config'::regclass, oid, cfgowner, cfgnamespace, quote_ident(cfgname) FROM pg_ts_config
	UNION ALL SELECT 5, 'STATISTICS', 'pg_statistic_ext'::regclass, oid, stxowner, stxnamespace, quote_ident(stxname) FROM pg_statistic_ext
	UNION ALL SELECT 6, 'PUBLICATION', 'pg_publication'::regclass, oid, pubowner, 0, quote_ident(pubname) FROM pg_publication
	UNION ALL SELECT 6, 'SERVER', 'pg_foreign_server'::regclass, oid, srvowner, 0, quote_ident(srvname) FROM pg_foreign_server
	UNION ALL SELECT 7, 'LARGE OBJECT', 'pg_largeobject'::regclass, oid, lomowner, 0, oid::text FROM pg_largeobject_metadata
)
SELECT o.kind, CASE WHEN o.space = 0 OR o.kind = 'SCHEMA' THEN o.name ELSE quote_ident(n.nspname) || '.' || o.name END, pg_get_userbyid(o.owner)
FROM o LEFT JOIN pg_namespace n ON n.oid = o.space
WHERE o.owner <> (SELECT oid FROM pg_roles WHERE rolname = $1)
	AND (o.space = 0 OR n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\_%')
	AND NOT (o.kind = 'SCHEMA' AND n.nspname = 'public' AND pg_get_userbyid(o.owner) = 'pg_database_owner')
	AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = o.class AND d.objid = o.id AND d.deptype = 'e')
ORDER BY o.rank, o.kind, 2`
