package database

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// zoo has every kind of object and column that a fingerprint must see, as far as
// a major version of PostgreSQL has it.
func zoo(major int) string {
	if major < 12 {
		return strings.Replace(zooOf12, "GENERATED ALWAYS AS (id * 2) STORED", "", 1)
	}
	return zooOf12
}

const zooOf12 = `
CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN posint AS int CHECK (VALUE > 0);
CREATE SEQUENCE seq START 5; SELECT nextval('seq');
CREATE TABLE t (id int PRIMARY KEY, m mood, n numeric, c char(5), f float8, j jsonb, js json, b bytea, a int[], x xml, p posint,
	twice int GENERATED ALWAYS AS (id * 2) STORED, s bigserial, "odd ""name" text, ts timestamptz, iv interval);
INSERT INTO t (id, m, n, c, f, j, js, b, a, x, p, "odd ""name", ts, iv)
	SELECT i, 'ok', i * 1.10, 'ab', i / 3.0, '{"a": 1}', '{"a": 1}', '\x00ff', ARRAY[i, NULL], '<a/>', 3, 'text ' || i, '2026-01-01 00:00:00+00', '1 day'
	FROM generate_series(1, 500) i;
CREATE TABLE empty (); CREATE TABLE dup (v text); INSERT INTO dup VALUES ('x'), ('x'), (NULL);
CREATE TABLE part (k int, v text) PARTITION BY RANGE (k);
CREATE TABLE part1 PARTITION OF part FOR VALUES FROM (0) TO (10); INSERT INTO part VALUES (1, 'one');
CREATE TABLE parent (i int); CREATE TABLE kid () INHERITS (parent); INSERT INTO kid VALUES (7);
CREATE TABLE floats (a float8[], s float4[], r float4, p point, d float8);
INSERT INTO floats SELECT ARRAY[i / 7.0, NULL], ARRAY[i / 7.0], i / 7.0, point(i / 7.0, i / 3.0), i / 11.0 FROM generate_series(1, 9) i; INSERT INTO floats VALUES (NULL, NULL, NULL, NULL, NULL), ('{NaN,-Infinity,-0}', NULL, '-0', NULL, 'NaN');
CREATE SCHEMA "other schema"; CREATE TABLE "other schema"."T 1" (i int); INSERT INTO "other schema"."T 1" VALUES (1);
CREATE VIEW v AS SELECT id FROM t; CREATE MATERIALIZED VIEW mv AS SELECT count(*) AS n FROM t;
CREATE FUNCTION fn(int) RETURNS int LANGUAGE sql AS 'SELECT $1 + 1';
CREATE FUNCTION trg() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW EXECUTE PROCEDURE trg();
CREATE INDEX ix ON t USING gin (to_tsvector('english', "odd ""name"));
SELECT lo_from_bytea(4711, 'large');
`

func two(t *testing.T) (m *Manager, a, b string) {
	t.Helper()
	fresh(t, "", "fp_a", "fp_b")
	for _, db := range []string{"fp_a", "fp_b"} {
		cluster.SQL(t, "postgres", "CREATE DATABASE "+db)
		cluster.SQL(t, db, zoo(cluster.Major))
	}
	return manager(t), "fp_a", "fp_b"
}

func TestEqualDatabasesHaveEqualFingerprintsWhateverTheOrderOfRows(t *testing.T) {
	m, a, b := two(t)
	// Same rows in another order, other physical layout, other owner, other settings.
	cluster.SQL(t, b, `CREATE TEMP TABLE h AS SELECT * FROM dup; TRUNCATE dup; INSERT INTO dup SELECT * FROM h ORDER BY v NULLS FIRST;
		UPDATE t SET id = id; VACUUM FULL t; ALTER TABLE dup ADD COLUMN gone int; ALTER TABLE dup DROP COLUMN gone`)
	cluster.SQL(t, "postgres", `ALTER DATABASE fp_b SET DateStyle = 'German'; ALTER DATABASE fp_b SET bytea_output = 'escape'; ALTER DATABASE fp_b SET TimeZone = 'Asia/Tokyo'`)
	methods := []string{MethodHash, MethodMD5}
	if cluster.Major < 11 {
		methods = methods[1:]
		_, err := m.Fingerprint(t.Context(), FingerprintOptions{Database: a, Method: MethodHash})
		wantError(t, err, nil, "method hash needs PostgreSQL 11, the server is 10: use md5")
	}
	for _, method := range methods {
		fa, err := m.Fingerprint(t.Context(), FingerprintOptions{Database: a, Method: method, Jobs: 3})
		if err != nil {
			t.Fatal(err)
		}
		fb, err := m.Fingerprint(t.Context(), FingerprintOptions{Database: b, Method: method, Jobs: 1})
		if err != nil {
			t.Fatal(err)
		}
		if fa.Digest() != fb.Digest() {
			d, err := Compare(fa, fb)
			t.Errorf("%s: %v %v", method, d, err)
		}
		if fa.Rows() != 500+11+3+1+1+1+1 {
			t.Errorf("%d rows", fa.Rows())
		}
	}
}

func TestEveryChangeIsADifferenceThatNamesObjectAndDirection(t *testing.T) {
	t.Parallel()
	m, a, b := two(t)
	for _, test := range []struct{ reason, do, undo, want string }{
		{"a row gone", "DELETE FROM t WHERE id = 3", "INSERT INTO t (id, m, n, c, f, j, js, b, a, x, p, s, \"odd \"\"name\", ts, iv) SELECT 3, m, 3.30, c, 3 / 3.0, j, js, b, ARRAY[3, NULL], x, p, 3, 'text 3', ts, iv FROM t WHERE id = 4", "rows public.t: more in A (500 rows in A, 499 in B)"},
		{"a duplicate more", "INSERT INTO dup VALUES (NULL)", "DELETE FROM dup WHERE ctid = (SELECT max(ctid) FROM dup WHERE v IS NULL)", "rows public.dup: more in B (3 rows in A, 4 in B)"},
		{"one bit of text", `UPDATE t SET "odd ""name" = 'text 8x' WHERE id = 8`, `UPDATE t SET "odd ""name" = 'text 8' WHERE id = 8`, "content public.t: differs (500 rows in both)"},
		{"an enumeration", "UPDATE t SET m = 'sad' WHERE id = 8", "UPDATE t SET m = 'ok' WHERE id = 8", "content public.t: differs"},
		{"trailing zero of a numeric", "UPDATE t SET n = 11.0 WHERE id = 10", "UPDATE t SET n = 11.00 WHERE id = 10", "content public.t: differs"},
		{"NULL instead of empty", "UPDATE dup SET v = '' WHERE v IS NULL", "UPDATE dup SET v = NULL WHERE v = ''", "content public.dup: differs"},
		{"two values swapped within a row", "UPDATE t SET b = 'ok', m = 'ok', \"odd \"\"name\" = 'ab' WHERE id = 4", "UPDATE t SET b = '\\x00ff', \"odd \"\"name\" = 'text 4' WHERE id = 4", "content public.t: differs"},
		{"a bigint", "UPDATE t SET s = -s WHERE id = 9", "UPDATE t SET s = 9 WHERE id = 9", "content public.t: differs"},
		{"within jsonb", "UPDATE t SET j = '{\"a\": \"1\"}' WHERE id = 9", "UPDATE t SET j = '{\"a\": 1}' WHERE id = 9", "content public.t: differs"},
		{"two values swapped between rows", "UPDATE t SET f = CASE id WHEN 1 THEN 2 / 3.0 ELSE 1 / 3.0 END WHERE id IN (1, 2)", "UPDATE t SET f = id / 3.0 WHERE id IN (1, 2)", "content public.t: differs"},
		{"the last bit of a number", "UPDATE floats SET d = 0.09090909090909093 WHERE d = 1 / 11.0", "UPDATE floats SET d = 1 / 11.0 WHERE d = 0.09090909090909093", "content public.floats: differs (11 rows in both)"},
		{"the last bit in an array", "UPDATE floats SET a = ARRAY[0.14285714285714288, NULL] WHERE a[1] = 1 / 7.0", "UPDATE floats SET a = ARRAY[1 / 7.0, NULL] WHERE a[1] = 0.14285714285714288", "content public.floats: differs"},
		{"in a partition", "UPDATE part SET v = 'eins'", "UPDATE part SET v = 'one'", "content public.part1: differs"},
		{"in an inheriting table only", "UPDATE kid SET i = 8", "UPDATE kid SET i = 7", "content public.kid: differs"},
		{"another schema", `DELETE FROM "other schema"."T 1"`, `INSERT INTO "other schema"."T 1" VALUES (1)`, `rows "other schema"."T 1": more in A`},
		{"sequence", "SELECT nextval('seq')", "SELECT setval('seq', 5)", "sequence public.seq: more in B (5 in A, 6 in B)"},
		{"table", "CREATE TABLE extra (i int)", "DROP TABLE extra", "table public.extra: only in B (0 rows)"},
		{"index", "DROP INDEX ix", `CREATE INDEX ix ON t USING gin (to_tsvector('english', "odd ""name"))`, "schema index public.ix: only in A"},
		{"column default", "ALTER TABLE dup ALTER v SET DEFAULT 'y'", "ALTER TABLE dup ALTER v DROP DEFAULT", "schema table public.dup: differs"},
		{"enumeration label", "ALTER TYPE mood RENAME VALUE 'sad' TO 'low'", "ALTER TYPE mood RENAME VALUE 'low' TO 'sad'", "schema type public.mood: differs"},
		{"function", "CREATE OR REPLACE FUNCTION fn(int) RETURNS int LANGUAGE sql AS 'SELECT $1 + 2'", "CREATE OR REPLACE FUNCTION fn(int) RETURNS int LANGUAGE sql AS 'SELECT $1 + 1'", "schema function public.fn(integer): differs"},
		{"trigger", "ALTER TABLE t DISABLE TRIGGER tr", "ALTER TABLE t ENABLE TRIGGER tr", "schema trigger public.t.tr: differs"},
		{"large object", "SELECT lo_put(4711, 0, 'L')", "SELECT lo_put(4711, 0, 'l')", "large objects all: differs"},
		{"view", "CREATE OR REPLACE VIEW v AS SELECT id + 0 AS id FROM t", "CREATE OR REPLACE VIEW v AS SELECT id FROM t", "schema view public.v: differs"},
	} {
		t.Run(test.reason, func(t *testing.T) {
			cluster.SQL(t, b, test.do)
			diff, err := CompareServers(t.Context(), m, manager(t), FingerprintOptions{Database: a}, FingerprintOptions{Database: b})
			if err != nil {
				t.Fatal(err)
			}
			if len(diff) == 0 || !strings.Contains(fmt.Sprint(diff), test.want) {
				t.Errorf("differences %v, want %q", diff, test.want)
			}
			cluster.SQL(t, b, test.undo)
			diff, err = CompareServers(t.Context(), m, manager(t), FingerprintOptions{Database: a}, FingerprintOptions{Database: b})
			if err != nil || len(diff) != 0 {
				t.Errorf("after undoing it: %v %v", diff, err)
			}
		})
	}
}

func TestFingerprintStopsWhenCancelledAndSoDoesTheServer(t *testing.T) {
	t.Parallel()
	fresh(t, "", "fp_slow")
	cluster.SQL(t, "postgres", "CREATE DATABASE fp_slow")
	cluster.SQL(t, "fp_slow", "CREATE TABLE big AS SELECT i, repeat(md5(i::text), 20) AS v FROM generate_series(1, 300000) i")
	ctx, cancel := context.WithCancel(t.Context())
	m := manager(t)
	watch := connect(t, target("postgres")) // made before: connecting takes long on a busy machine
	done := make(chan error, 1)
	go func() {
		_, err := m.Fingerprint(ctx, FingerprintOptions{Database: "fp_slow", Method: MethodMD5})
		done <- err
	}()
	eventually(t, "the scan", func() bool {
		var scans int
		if err := watch.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = 'fp_slow' AND query LIKE '%md5%'").Scan(&scans); err != nil {
			t.Fatal(err)
		}
		return scans > 0
	})
	cancel()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("still running 5 s after the cancel")
	}
	eventually(t, "end of the server's work", func() bool {
		return scalar[int](t, target("postgres"), "SELECT count(*) FROM pg_stat_activity WHERE datname = 'fp_slow'") == 0
	})
}

func TestMethodsAreChosenByWhatBothServersCanDo(t *testing.T) {
	fresh(t, "", "fp_a", "fp_latin")
	cluster.SQL(t, "postgres", "CREATE DATABASE fp_a")
	cluster.SQL(t, "postgres", "CREATE DATABASE fp_latin TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'")
	conn := connect(t, target("postgres"))
	best := MethodHash
	if cluster.Major < 11 {
		best = MethodMD5
	}
	for _, test := range []struct{ reason, a, b, want string }{
		{"one server, one encoding", "fp_a", "fp_a", best},
		{"bytes differ with the encoding", "fp_a", "fp_latin", MethodMD5},
	} {
		if got, err := commonMethod(t.Context(), conn, conn, test.a, test.b); err != nil || got != test.want {
			t.Errorf("%s: %s %v", test.reason, got, err)
		}
	}
	_, err := CompareServers(t.Context(), manager(t), manager(t), FingerprintOptions{Database: "fp_a"}, FingerprintOptions{Database: "does not exist"})
	wantError(t, err, ErrNotFound)
	_, err = chooseMethod(MethodHash, 100023)
	wantError(t, err, nil, "needs PostgreSQL 11")
	_, err = chooseMethod("sha1", 150000)
	wantError(t, err, nil, "want hash or md5")
	_, err = Compare(&Fingerprint{Method: "a"}, &Fingerprint{Method: "b"})
	wantError(t, err, nil, "method a")
	_, err = manager(t).Fingerprint(t.Context(), FingerprintOptions{Database: "does not exist"})
	wantError(t, err, ErrNotFound)
}

func TestFingerprintOfAVeryWideTable(t *testing.T) {
	fresh(t, "", "fp_wide")
	cluster.SQL(t, "postgres", "CREATE DATABASE fp_wide")
	var columns []string
	for i := range 1200 {
		columns = append(columns, fmt.Sprintf("c%d int", i))
	}
	cluster.SQL(t, "fp_wide", "CREATE TABLE wide ("+strings.Join(columns, ", ")+"); INSERT INTO wide (c3, c700) VALUES (1, 2)")
	digest := func() string {
		f, err := manager(t).Fingerprint(t.Context(), FingerprintOptions{Database: "fp_wide"})
		if err != nil {
			t.Fatal(err)
		}
		return f.Digest()
	}
	before := digest()
	for _, column := range []string{"c0", "c99", "c100", "c555", "c1199"} {
		cluster.SQL(t, "fp_wide", "UPDATE wide SET "+column+" = 5")
		if digest() == before {
			t.Errorf("a change of %s is not seen", column)
		}
		cluster.SQL(t, "fp_wide", "UPDATE wide SET "+column+" = NULL")
	}
	if digest() != before {
		t.Error("the digest differs after undoing everything")
	}
}
