// Package pggrants reads what roles other than the owner may do in a PostgreSQL
// database, for example one that makes reports, as statements that give a copy
// of the database the same. The owner's own rights and those of extensions'
// objects are not among them: both come by themselves.
//
// It stands here because pg_dump writes rights together with the names of
// owners, which a copy with another owner refuses, and leaves out those of the
// database itself.
package pggrants

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Conn is a connection or a transaction.
type Conn interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Read gives the statements, each a line without its end. What a line cannot
// hold, because a name has a line break, is in unusable. conn must be in a
// transaction.
func Read(ctx context.Context, conn Conn) (statements, unusable []string, err error) {
	statements, unusable, err = read(ctx, conn)
	if err != nil {
		return nil, nil, fmt.Errorf("read grants: %w", err)
	}
	return statements, unusable, nil
}

func read(ctx context.Context, conn Conn) (statements, unusable []string, err error) {
	var version int
	var path, none string
	if err := conn.QueryRow(ctx, "SELECT current_setting('server_version_num')::int, current_setting('search_path')").Scan(&version, &path); err != nil {
		return nil, nil, err
	}
	// All names of types are written in full then.
	if err := conn.QueryRow(ctx, "SELECT set_config('search_path', 'pg_catalog', true)").Scan(&none); err != nil {
		return nil, nil, err
	}
	major, kind := version/10000, "ROUTINE"
	if major < 11 {
		kind = "FUNCTION"
	}
	rows, err := conn.Query(ctx, fmt.Sprintf(grantQuery, kind))
	if err != nil {
		return nil, nil, err
	}
	var g grant
	_, err = pgx.ForEachRow(rows, []any{&g.kind, &g.name, &g.column, &g.role, &g.option, &g.rights}, func() error {
		for _, s := range g.statements(major) {
			if strings.ContainsAny(s, "\n\r") {
				unusable = append(unusable, s)
			} else {
				statements = append(statements, s+";")
			}
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	return statements, unusable, conn.QueryRow(ctx, "SELECT set_config('search_path', $1, true)", path).Scan(&none)
}

// Refused are statements that the server refused, with its reason. Mostly that
// is a role that it does not have.
type Refused struct {
	Reason     string
	Statements int
}

// Apply runs the statements, as the owner of the database, each on its own. An
// error means that the connection failed or the context ended.
func Apply(ctx context.Context, conn *pgx.Conn, statements []string) ([]Refused, error) {
	var list []Refused
	index := map[string]int{}
	for _, s := range statements {
		_, err := conn.PgConn().Exec(ctx, s).ReadAll()
		var refused *pgconn.PgError
		if err != nil && (!errors.As(err, &refused) || conn.IsClosed() || ctx.Err() != nil) {
			return nil, fmt.Errorf("grant: %w", err)
		}
		if err == nil {
			continue
		}
		i, ok := index[refused.Message]
		if !ok {
			i = len(list)
			index[refused.Message] = i
			list = append(list, Refused{Reason: refused.Message})
		}
		list[i].Statements++
	}
	return list, nil
}

// grantQuery gives one row for each object, column and grantee; %[1]s is the kind
// of functions. A database, a schema and a function give everybody rights unless
// told otherwise, so their rows for PUBLIC come with whatever is left, even
// nothing.
const grantQuery = `
WITH db AS (SELECT oid, datname, datdba, datacl FROM pg_database WHERE datname = current_database()),
objects (class, id, kind, name, col, acl, owner) AS (
	SELECT 'pg_database'::regclass, oid, 'DATABASE', '', '', datacl, datdba FROM db
	UNION ALL SELECT 'pg_namespace'::regclass, n.oid, 'SCHEMA', quote_ident(n.nspname), '', n.nspacl, n.nspowner FROM pg_namespace n WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
	UNION ALL SELECT 'pg_class'::regclass, c.oid, CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, format('%%I.%%I', n.nspname, c.relname), '', c.relacl, c.relowner
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
	UNION ALL SELECT 'pg_class'::regclass, c.oid, 'TABLE', format('%%I.%%I', n.nspname, c.relname), quote_ident(a.attname), a.attacl, c.relowner
		FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT a.attisdropped AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
	UNION ALL SELECT 'pg_proc'::regclass, p.oid, '%[1]s', format('%%I.%%I(%%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)), '', p.proacl, p.proowner
		FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
),
rights AS (
	SELECT o.kind, o.name, o.col, o.owner, a.grantee, a.is_grantable, a.privilege_type AS privilege FROM objects o, aclexplode(o.acl) a
	WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = o.class AND d.objid = o.id AND d.deptype = 'e')
	UNION ALL SELECT o.kind, o.name, o.col, o.owner, 0::oid, false, NULL FROM objects o
	WHERE o.acl IS NOT NULL AND o.kind IN ('DATABASE', 'SCHEMA', '%[1]s')
	AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = o.class AND d.objid = o.id AND d.deptype = 'e')
	UNION ALL SELECT 'DEFAULT', coalesce((SELECT quote_ident(nspname) FROM pg_namespace WHERE oid = d.defaclnamespace), ''),
		CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES' ELSE 'SCHEMAS' END,
		d.defaclrole, a.grantee, a.is_grantable, a.privilege_type FROM pg_default_acl d, aclexplode(d.defaclacl) a WHERE d.defaclrole = (SELECT datdba FROM db)
)
SELECT kind, name, col, coalesce(quote_ident(r.rolname), ''), is_grantable, array_remove(array_agg(privilege ORDER BY privilege), NULL)
FROM rights LEFT JOIN pg_roles r ON r.oid = grantee
WHERE grantee NOT IN (owner, (SELECT datdba FROM db)) AND (grantee = 0 OR r.oid IS NOT NULL)
GROUP BY kind, name, col, r.rolname, is_grantable
ORDER BY kind = 'DEFAULT', kind, name COLLATE "C", col COLLATE "C", r.rolname::text COLLATE "C" NULLS FIRST, is_grantable`

// grant is what one role may do with one object.
type grant struct {
	kind   string // as GRANT has it, or DEFAULT for objects that are made later
	name   string // quoted; "" for the database. Of a default, its schema or ""
	column string // quoted; of a default, the kind of objects
	role   string // quoted; "" is PUBLIC
	option bool
	rights []string
}

// statements gives the SQL, each on a line of its own; major is that of the
// server that has the grant.
func (g grant) statements(major int) []string {
	role, rights, option := g.role, strings.Join(g.rights, ", "), ""
	if role == "" {
		role = "PUBLIC"
	}
	if g.option {
		option = " WITH GRANT OPTION"
	}
	switch {
	case g.kind == "DEFAULT" && g.role == "":
		return nil // would have to be compared with the server's own
	case g.kind == "DEFAULT":
		in := ""
		if g.name != "" {
			in = " IN SCHEMA " + g.name
		}
		return []string{"ALTER DEFAULT PRIVILEGES" + in + " GRANT " + rights + " ON " + g.column + " TO " + role + option}
	case g.kind == "SCHEMA" && g.name == "public" && g.role == "" && rights == map[bool]string{false: "USAGE", true: "CREATE, USAGE"}[major < 15]:
		return nil // what a server of that version gives everybody, a newer one less
	}
	on := " ON " + g.kind + " " + g.name
	var list []string
	if g.role == "" && g.kind != "TABLE" && g.kind != "SEQUENCE" {
		list = append(list, "REVOKE ALL"+on+" FROM PUBLIC")
	}
	if g.column != "" {
		rights = strings.Join(g.rights, " ("+g.column+"), ") + " (" + g.column + ")"
	}
	if len(g.rights) > 0 {
		list = append(list, "GRANT "+rights+on+" TO "+role+option)
	}
	if g.kind == "DATABASE" {
		// The restored database may have another name.
		for i, s := range list {
			format := strings.Replace(strings.ReplaceAll(s, "%", "%%"), " ON DATABASE ", " ON DATABASE %I", 1)
			list[i] = "DO " + quoteLiteral("BEGIN EXECUTE pg_catalog.format("+quoteLiteral(format)+", current_database()); END")
		}
	}
	return list
}

func quoteLiteral(s string) string {
	if strings.Contains(s, `\`) {
		return "E'" + strings.NewReplacer(`\`, `\\`, "'", "''").Replace(s) + "'"
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}
