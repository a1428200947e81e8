package backup

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// acls lists every right that is written down in a database, the database's own
// included.
func acls(t *testing.T, database string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), cluster.DSN(database))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	rows, err := conn.Query(t.Context(), `
		SELECT 'database ' || unnest(datacl) FROM pg_database WHERE datname = current_database()
		UNION ALL SELECT 'schema ' || nspname || ' ' || unnest(nspacl) FROM pg_namespace n WHERE `+userSchemas+`
		UNION ALL SELECT 'table ' || relname || ' ' || unnest(relacl) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE `+userSchemas+`
		UNION ALL SELECT 'column ' || relname || '.' || attname || ' ' || unnest(attacl) FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid JOIN pg_namespace n ON n.oid = relnamespace WHERE `+userSchemas+`
		UNION ALL SELECT 'function ' || p.oid::regprocedure || ' ' || unnest(proacl) FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace WHERE `+userSchemas+`
		UNION ALL SELECT 'default ' || defaclnamespace::regnamespace || defaclobjtype::text || ' ' || unnest(defaclacl) FROM pg_default_acl ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(list, "\n") + "\n"
}

func TestOtherRolesKeepTheirRights(t *testing.T) {
	s := newSampleOf(t, "grants", smallOptions)
	for _, sql := range []string{
		`CREATE ROLE grants_reader`,
		`CREATE ROLE "grants %s 'x' "" $$ \n"`, // every way of quoting has its own trap
	} {
		cluster.SQL(t, "postgres", sql)
	}
	for _, sql := range []string{
		`CREATE FUNCTION answer(a text DEFAULT ')', b int[] DEFAULT NULL) RETURNS int LANGUAGE sql AS 'SELECT 42'`,
		`CREATE TABLE "Odd ""table""" (id int, "a, b" text)`,
		`CREATE SEQUENCE counter`,
		`REVOKE CONNECT, TEMPORARY ON DATABASE grants FROM PUBLIC`,
		`GRANT CONNECT ON DATABASE grants TO grants_reader, "grants %s 'x' "" $$ \n"`,
		`GRANT USAGE ON SCHEMA public TO grants_reader`,
		`GRANT SELECT ON posts, channels TO grants_reader`,
		`GRANT SELECT (id, username), UPDATE (nickname) ON users TO grants_reader`,
		`GRANT SELECT, INSERT ON "Odd ""table""" TO "grants %s 'x' "" $$ \n" WITH GRANT OPTION`,
		`GRANT SELECT ("a, b") ON "Odd ""table""" TO PUBLIC`,
		`GRANT USAGE ON SEQUENCE counter TO grants_reader`,
		`REVOKE EXECUTE ON FUNCTION answer FROM PUBLIC`,
		`GRANT EXECUTE ON FUNCTION answer TO grants_reader`,
		`ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO grants_reader`,
		`ALTER DEFAULT PRIVILEGES GRANT USAGE ON SEQUENCES TO grants_reader`,
	} {
		cluster.SQL(t, "grants", "SET ROLE grants_role; "+sql)
	}
	before := acls(t, "grants")
	for _, want := range []string{"column users.username grants_reader=r/grants_role", "function answer(text,integer[]) grants_reader=X/grants_role"} {
		if !strings.Contains(before, want) {
			t.Fatalf("the test itself is wrong: no %q in\n%s", want, before)
		}
	}
	store := newStore(t)
	res := mustCreate(t, store, s.src, CreateOptions{})
	mustVerify(t, store, res.ID, VerifyOptions{})

	s.destroy(t)
	done, err := Restore(t.Context(), store, res.ID, s.target(), RestoreOptions{})
	if err != nil || len(done.Findings) > 0 {
		t.Fatalf("%+v, %v", done, err)
	}
	if got := acls(t, "grants"); got != before {
		t.Errorf("rights differ: %s", firstDifference(before, got))
	}

	// Where a role is missing the others get theirs all the same.
	if _, err := Discard(t.Context(), s.target(), done.Journal); err != nil {
		t.Fatal(err)
	}
	cluster.SQL(t, "postgres", "DROP DATABASE grants")
	cluster.SQL(t, "postgres", "DROP ROLE grants_reader")
	done, err = Restore(t.Context(), store, res.ID, s.target(), RestoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(done.Findings) != 1 || done.Findings[0].ID != "grant-failed" || done.Findings[0].Message != `11 rights of other roles were not restored: role "grants_reader" does not exist` {
		t.Errorf("%+v", done.Findings)
	}
	got := acls(t, "grants")
	for line := range strings.Lines(before) {
		// The owner's own rights are written down beside those of others only.
		if !strings.Contains(line, "grants_reader") && !strings.Contains(line, " grants_role=") && !strings.Contains(got, line) {
			t.Errorf("lost: %s", line)
		}
	}
}

func TestADatabaseWithoutGrantsHasNoPartOfThem(t *testing.T) {
	s := newSampleOf(t, "nogrants", smallOptions)
	if res := mustCreate(t, newStore(t), s.src, CreateOptions{}); res.Manifest.Database.Grants != nil {
		t.Errorf("%+v", res.Manifest.Database.Grants)
	}
}
