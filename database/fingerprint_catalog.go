package database

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// tableInfo is one relation with rows of its own.
type tableInfo struct {
	name    string // quoted, with schema
	kind    string // r, m (materialised view), p is never one
	bytes   int64
	columns []columnInfo
}

type columnInfo struct {
	name      string
	typ       string // "" for types outside pg_catalog
	generated bool
}

// only keeps the rows of inheriting tables out, which are tables of their own.
func (t tableInfo) only() string { return "ONLY " + t.name }

// hash is an expression for the hash of one row.
func (t tableInfo) hash(method string) string {
	if method == MethodHash {
		return t.chain()
	}
	parts := make([]string, len(t.columns))
	for i, c := range t.columns {
		parts[i] = c.value()
	}
	// A row of one column must not be taken for the column itself. The bytes
	// are those of UTF-8 whatever the database's encoding is.
	return "('x' || left(md5(convert_to((ROW(" + strings.Join(parts, ", ") + "))::text, 'UTF8')), 16))::bit(64)::bigint"
}

// userSchemas keeps system schemas and members of extensions out.
const userSchemas = `n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\_%'`

// tables lists every relation with rows of its own.
func tables(ctx context.Context, tx pgx.Tx) ([]tableInfo, error) {
	rows, err := tx.Query(ctx, `SELECT format('%I.%I', n.nspname, c.relname), c.relkind::text, pg_table_size(c.oid),
		coalesce(array_agg(a.attname::text ORDER BY a.attname) FILTER (WHERE a.attnum IS NOT NULL), '{}'),
		coalesce(array_agg(CASE y.typnamespace WHEN 'pg_catalog'::regnamespace THEN y.typname::text ELSE '' END ORDER BY a.attname) FILTER (WHERE a.attnum IS NOT NULL), '{}'),
		coalesce(array_agg(coalesce(to_jsonb(a)->>'attgenerated', '') <> '' ORDER BY a.attname) FILTER (WHERE a.attnum IS NOT NULL), '{}')
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		LEFT JOIN pg_type y ON y.oid = a.atttypid
		WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't' AND `+userSchemas+` AND (c.relkind = 'r' OR c.relispopulated)
		AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
		GROUP BY c.oid, n.nspname, c.relname, c.relkind ORDER BY 1`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []tableInfo
	for rows.Next() {
		var t tableInfo
		var names, types []string
		var generated []bool
		if err := rows.Scan(&t.name, &t.kind, &t.bytes, &names, &types, &generated); err != nil {
			return nil, err
		}
		for i, n := range names {
			t.columns = append(t.columns, columnInfo{n, types[i], generated[i]})
		}
		list = append(list, t)
	}
	return list, rows.Err()
}

// catalog reads sequences, schema and large objects.
func (f *Fingerprint) catalog(ctx context.Context, tx pgx.Tx) error {
	if err := f.sequences(ctx, tx); err != nil {
		return err
	}
	query, err := forVersion(ctx, tx, schemaSQL)
	if err != nil {
		return err
	}
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var object, definition string
		if err := rows.Scan(&object, &definition); err != nil {
			return err
		}
		sum := sha256.Sum256([]byte(definition))
		f.Schema = append(f.Schema, SchemaFingerprint{object, hex.EncodeToString(sum[:8])})
	}
	if err := rows.Err(); err != nil {
		return err
	}
	slices.SortFunc(f.Schema, func(a, b SchemaFingerprint) int { return strings.Compare(a.Object+a.Digest, b.Object+b.Digest) })
	return tx.QueryRow(ctx, `SELECT coalesce(md5(string_agg(m.oid::text || ':' || md5(lo_get(m.oid)), ' ' ORDER BY m.oid)), '')
		FROM pg_largeobject_metadata m`).Scan(&f.LargeObj)
}

func (f *Fingerprint) sequences(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, `SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND `+userSchemas+` ORDER BY 1`)
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, name := range names {
		s := SequencePrint{Name: name}
		if err := tx.QueryRow(ctx, "SELECT last_value, is_called FROM "+name).Scan(&s.Last, &s.Called); err != nil {
			return err
		}
		f.Sequences = append(f.Sequences, s)
	}
	return nil
}

// viewText is a view's query without what PostgreSQL's versions write
// differently: 16 leaves out the table's name before a column where it can.
const viewText = `regexp_replace(pg_get_viewdef(c.oid), '[[:space:]()]|[[:alnum:]_"]+\.', '', 'g')`

// schemaSQL gives (object, definition) for everything that a dump carries,
// without owners, privileges and internal numbers. NOT NULL is in the columns, so
// PostgreSQL 18's constraints for it are left out; before 12 a trigger's
// definition says PROCEDURE.
const schemaSQL = `
SELECT 'schema ' || quote_ident(n.nspname), '' FROM pg_namespace n WHERE ` + userSchemas + `
UNION ALL
SELECT CASE c.relkind WHEN 'v' THEN 'view ' WHEN 'm' THEN 'materialized view ' WHEN 'S' THEN 'sequence ' WHEN 'f' THEN 'foreign table '
	WHEN 'c' THEN 'composite type ' ELSE 'table ' END || format('%I.%I', n.nspname, c.relname),
	concat_ws(E'\n', c.relkind, c.relpersistence, (SELECT string_agg(o, ',' ORDER BY o) FROM unnest(c.reloptions) o),
	CASE WHEN c.relkind IN ('v', 'm') THEN ` + viewText + ` END,
	CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END, pg_get_expr(c.relpartbound, c.oid),
	(SELECT concat_ws(' ', s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmax, s.seqmin, s.seqcache, s.seqcycle) FROM pg_sequence s WHERE s.seqrelid = c.oid),
	(SELECT string_agg(concat_ws(' ', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
		pg_get_expr(d.adbin, d.adrelid), CASE WHEN a.attcollation <> y.typcollation THEN (SELECT quote_ident(collname) FROM pg_collation o WHERE o.oid = a.attcollation) END), E'\n' ORDER BY a.attname)
		FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
		WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c') AND c.relpersistence <> 't' AND ` + userSchemas + `
UNION ALL
SELECT 'index ' || format('%I.%I', n.nspname, c.relname), pg_get_indexdef(c.oid) || CASE WHEN i.indisvalid THEN '' ELSE ' INVALID' END
	|| CASE WHEN i.indisclustered THEN ' CLUSTER' ELSE '' END || CASE WHEN i.indisreplident THEN ' IDENTITY' ELSE '' END
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ` + userSchemas + `
UNION ALL
SELECT 'constraint ' || format('%s.%I', coalesce(nullif(o.conrelid, 0)::regclass::text, nullif(o.contypid, 0)::regtype::text), o.conname), pg_get_constraintdef(o.oid)
FROM pg_constraint o JOIN pg_namespace n ON n.oid = o.connamespace WHERE o.contype <> 'n' AND ` + userSchemas + `
UNION ALL
SELECT 'trigger ' || format('%s.%I', t.tgrelid::regclass, t.tgname), replace(pg_get_triggerdef(t.oid), ' EXECUTE PROCEDURE ', ' EXECUTE FUNCTION ') || t.tgenabled::text FROM pg_trigger t WHERE NOT t.tgisinternal
UNION ALL
SELECT 'rule ' || format('%s.%I', r.ev_class::regclass, r.rulename), pg_get_ruledef(r.oid) FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
	JOIN pg_namespace n ON n.oid = c.relnamespace WHERE r.rulename <> '_RETURN' AND ` + userSchemas + `
UNION ALL
SELECT 'type ' || format('%I.%I', n.nspname, y.typname), concat_ws(E'\n', y.typtype,
	(SELECT string_agg(e.enumlabel, E'\n' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = y.oid),
	CASE WHEN y.typtype = 'd' THEN concat_ws(' ', format_type(y.typbasetype, y.typtypmod), y.typnotnull, y.typdefault) END)
FROM pg_type y JOIN pg_namespace n ON n.oid = y.typnamespace WHERE y.typtype IN ('e', 'd', 'r') AND ` + userSchemas + `
UNION ALL
SELECT CASE p.prokind WHEN 'a' THEN 'aggregate ' WHEN 'p' THEN 'procedure ' ELSE 'function ' END || p.oid::regprocedure,
	CASE WHEN p.prokind = 'a' THEN pg_get_function_result(p.oid) ELSE pg_get_functiondef(p.oid) END
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE ` + userSchemas + `
	AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
UNION ALL
SELECT 'extension ' || quote_ident(extname), '' FROM pg_extension e WHERE extname <> 'plpgsql'
`
