package database

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gitlab-mattermost/sdk/internal/pgtest"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

func ids(findings []Finding) []string {
	var out []string
	for _, f := range findings {
		out = append(out, f.ID)
	}
	return out
}

func check(t *testing.T, o CheckOptions) *Report {
	t.Helper()
	return checkOn(t, cluster, o)
}

func checkOn(t *testing.T, c *pgtest.Cluster, o CheckOptions) *Report {
	t.Helper()
	if o.Database == "" {
		o.Database = "mm_check"
	}
	o.Role = "mm_check"
	if o.Now.IsZero() {
		o.Now = time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC) // every server is still cared for
	}
	if o.MaxOpenConns == 0 {
		o.MaxOpenConns = 20
	}
	r, err := New(nil, OpenerFor(on(c, ""))).Check(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Findings {
		if f.Message == "" || f.Where == "" || f.Fix == "" && f.Severity != "info" {
			t.Errorf("finding without message, place or advice: %+v", f)
		}
	}
	return r
}

// stored puts a data source into the stored configuration.
func stored(dataSource string) string {
	return "UPDATE configurations SET value = jsonb_set(value::jsonb, '{SqlSettings,DataSource}', to_jsonb('" + dataSource + "'::text))::text"
}

// Each rule is triggered on a real server and goes away when what triggered it
// is undone.
func TestEveryRuleOfCheckIsTriggeredAndCleared(t *testing.T) {
	t.Parallel()
	sample(t, "mm_check", "mm_check", 300)
	healthy := "[db-size db-migrations db-configuration-dsn]"
	if cluster.Major < 13 {
		healthy = "[db-version-minimum db-size db-migrations db-configuration-dsn]" // it is too old for this Mattermost
	}
	if got := ids(check(t, CheckOptions{Mattermost: "10.11.4", DataSource: DSN{}}).Findings); fmt.Sprint(got) != healthy {
		t.Fatalf("a healthy database has findings %v", got)
	}
	tests := []struct {
		id, do, undo string
		o            CheckOptions
	}{
		{"db-gitlab", "CREATE TABLE projects (); CREATE TABLE namespaces ()", "DROP TABLE projects, namespaces", CheckOptions{}},
		{"db-role-login", "ALTER ROLE mm_check NOLOGIN", "ALTER ROLE mm_check LOGIN", CheckOptions{}},
		{"db-role-superuser", "ALTER ROLE mm_check SUPERUSER", "ALTER ROLE mm_check NOSUPERUSER", CheckOptions{}},
		{"db-role-md5", "SET password_encryption = md5; ALTER ROLE mm_check PASSWORD 'x'", "ALTER ROLE mm_check PASSWORD NULL", CheckOptions{}},
		{"db-connection-limit", "ALTER ROLE mm_check CONNECTION LIMIT 19", "ALTER ROLE mm_check CONNECTION LIMIT -1", CheckOptions{}},
		{"db-connection-limit", "ALTER DATABASE mm_check CONNECTION LIMIT 19", "ALTER DATABASE mm_check CONNECTION LIMIT -1", CheckOptions{}},
		{"db-connection-limit", "SELECT 1", "", CheckOptions{MaxOpenConns: 300}}, // more than the server has
		{"db-owner", "ALTER DATABASE mm_check OWNER TO postgres", "ALTER DATABASE mm_check OWNER TO mm_check", CheckOptions{}},
		{"db-schema-owner", "ALTER SCHEMA public OWNER TO postgres", "ALTER SCHEMA public OWNER TO mm_check", CheckOptions{}},
		{"db-schema-owner", "ALTER SCHEMA public RENAME TO away", "ALTER SCHEMA away RENAME TO public", CheckOptions{}},
		{"db-empty", "ALTER SCHEMA public RENAME TO away", "ALTER SCHEMA away RENAME TO public", CheckOptions{}},
		{"db-object-owner", "ALTER MATERIALIZED VIEW file_stats OWNER TO postgres", "ALTER MATERIALIZED VIEW file_stats OWNER TO mm_check", CheckOptions{}},
		{"db-privileges", "REVOKE INSERT ON posts FROM mm_check", "GRANT INSERT ON posts TO mm_check", CheckOptions{}},
		{"db-privileges", "ALTER SCHEMA public OWNER TO postgres; REVOKE CREATE ON SCHEMA public FROM mm_check, PUBLIC", "ALTER SCHEMA public OWNER TO mm_check", CheckOptions{}},
		{"db-privileges", "REVOKE USAGE ON SCHEMA public FROM mm_check, PUBLIC", "GRANT ALL ON SCHEMA public TO mm_check, PUBLIC", CheckOptions{}},
		{"db-privileges", "REVOKE CONNECT ON DATABASE mm_check FROM mm_check, PUBLIC", "GRANT ALL ON DATABASE mm_check TO mm_check, PUBLIC", CheckOptions{}},
		{"db-extensions", "CREATE EXTENSION pg_trgm", "DROP EXTENSION pg_trgm", CheckOptions{}},
		{"db-text-search", "ALTER DATABASE mm_check SET default_text_search_config = 'pg_catalog.german'", "ALTER DATABASE mm_check SET default_text_search_config = 'pg_catalog.english'", CheckOptions{}},
		{"db-text-search", "ALTER ROLE mm_check IN DATABASE mm_check SET default_text_search_config = 'pg_catalog.german'", "ALTER ROLE mm_check IN DATABASE mm_check RESET ALL", CheckOptions{}},
		{"db-read-only", "ALTER ROLE mm_check SET default_transaction_read_only = on", "ALTER ROLE mm_check RESET ALL", CheckOptions{}},
		{"db-bloat", "CREATE TABLE bloat AS SELECT i FROM generate_series(1, 20000) i; ALTER TABLE bloat OWNER TO mm_check; ALTER TABLE bloat SET (autovacuum_enabled = false); DELETE FROM bloat WHERE i < 15000", "VACUUM bloat; ANALYZE bloat", CheckOptions{}},
		{"db-statistics", "CREATE TABLE unknown AS SELECT i, repeat('x', 100) FROM generate_series(1, 20000) i; ALTER TABLE unknown OWNER TO mm_check; ALTER TABLE unknown SET (autovacuum_enabled = false)", "ANALYZE unknown", CheckOptions{}},
		{"db-replication-slot", "SELECT pg_create_physical_replication_slot('forgotten', true)", "SELECT pg_drop_replication_slot('forgotten')", CheckOptions{}},
		{"db-migration-lock", "INSERT INTO db_lock VALUES ('mattermost', 1)", "DELETE FROM db_lock", CheckOptions{}},
		{"db-migration-gap", "DELETE FROM db_migrations WHERE version = 120", "INSERT INTO db_migrations VALUES (120, 'create_channelbookmarks_table')", CheckOptions{}},
		{"db-migration-trap", "INSERT INTO db_migrations VALUES (142, 'add_schemeid_to_roles'), (143, 'backfill_roles_schemeid'), (144, 'add_roles_schemeid_index')", "DELETE FROM db_migrations WHERE version > 141", CheckOptions{Mattermost: "11.7.2"}},
		{"db-schema-newer", "SELECT 1", "", CheckOptions{Mattermost: "9.11.4"}},
		{"db-schema-newer", "ALTER TABLE db_migrations RENAME TO x; UPDATE systems SET value = '11.0.0' WHERE name = 'Version'", "ALTER TABLE x RENAME TO db_migrations", CheckOptions{Mattermost: "10.11.4"}},
		{"db-schema-too-old", "ALTER TABLE db_migrations RENAME TO x; UPDATE systems SET value = '2.2.0' WHERE name = 'Version'", "ALTER TABLE x RENAME TO db_migrations", CheckOptions{}},
		{"db-migration-half", "ALTER TABLE db_migrations RENAME TO x; UPDATE systems SET value = '3.4.0' WHERE name = 'Version'; ALTER TABLE teammembers RENAME deleteat TO d", "ALTER TABLE x RENAME TO db_migrations; ALTER TABLE teammembers RENAME d TO deleteat", CheckOptions{}},
		{"db-migration-dirty", "ALTER TABLE db_migrations RENAME TO x; CREATE TABLE schema_migrations (version bigint, dirty boolean); INSERT INTO schema_migrations VALUES (5, true)", "ALTER TABLE x RENAME TO db_migrations; DROP TABLE schema_migrations", CheckOptions{}},
		{"db-configuration-dsn", "SELECT 1", "UPDATE configurations SET value = replace(value, 'mattermost_production', 'mm_check')", CheckOptions{}},
		{"db-configuration", "SELECT 1", "ALTER TABLE configurations RENAME TO away", CheckOptions{}},
		{"db-configuration", "ALTER TABLE away RENAME TO configurations; ALTER TABLE configurations ADD kept text; UPDATE configurations SET kept = value, value = '{}'", "ALTER TABLE configurations RENAME TO away", CheckOptions{}},
		{"db-configuration", "ALTER TABLE away RENAME TO configurations; UPDATE configurations SET value = kept; ALTER TABLE configurations DROP kept", "UPDATE configurations SET value = replace(value, '/mm_check', '/other')", CheckOptions{}},
		{"db-configuration-dsn", "SELECT 1", "UPDATE configurations SET value = replace(value, '/other', '/mm_check')", CheckOptions{}},
		{"db-configuration-dsn", "UPDATE configurations SET value = replace(value, 'postgres://', 'mysql://')", "UPDATE configurations SET value = replace(value, 'mysql://', 'postgres://')", CheckOptions{}},
		{"db-configuration-dsn", "SELECT 1", "", CheckOptions{DataSource: DSN{User: "u", Hosts: []Host{{"other", 0}}, Database: "mm_check"}}},
		{"dsn-sslmode", "UPDATE configurations SET value = replace(value, 'sslmode=disable', 'sslmode=required')", "UPDATE configurations SET value = replace(value, 'sslmode=required', 'sslmode=disable')", CheckOptions{}},
	}
	const good = "postgres://u:p@127.0.0.1:5432/mm_check?sslmode=disable"
	for id, bad := range map[string]string{ // what Lint calls an error
		"dsn-dockerhost":        "postgres://u:p@dockerhost:5432/mm_check?sslmode=disable",
		"dsn-no-database":       "postgres://u:p@127.0.0.1:5432/?sslmode=disable",
		"dsn-no-user":           "postgres://127.0.0.1:5432/mm_check?sslmode=disable",
		"dsn-gitlab-database":   "postgres://u:p@127.0.0.1:5432/gitlabhq_production?sslmode=disable",
		"dsn-password-escaping": "postgres://u:p@ss@127.0.0.1:5432/mm_check?sslmode=disable",
		"dsn-url-socket":        "postgres://u@%2Fvar%2Frun/mm_check",
		"dsn-binary-parameters": good + "&binary_parameters=maybe",
		"dsn-timeout":           good + "&connect_timeout=soon",
	} {
		tests = append(tests, struct {
			id, do, undo string
			o            CheckOptions
		}{id, stored(bad), stored(good), CheckOptions{}})
	}
	for i, test := range tests {
		t.Run(fmt.Sprintf("%s %d", test.id, i), func(t *testing.T) {
			cluster.SQL(t, "mm_check", test.do)
			eventually(t, test.id, func() bool { return slices.Contains(ids(check(t, test.o).Findings), test.id) }) // statistics arrive late
			if test.undo != "" {
				cluster.SQL(t, "mm_check", test.undo)
				test.o.DataSource = DSN{}
				eventually(t, "clearing "+test.id, func() bool { return !slices.Contains(ids(check(t, test.o).Findings), test.id) })
			} else if slices.Contains(ids(check(t, CheckOptions{}).Findings), test.id) {
				t.Errorf("%s is there without its options", test.id)
			}
		})
	}
	t.Run("db-invalid-index", func(t *testing.T) {
		conn := connect(t, target("mm_check"))
		_, err := conn.Exec(t.Context(), "CREATE UNIQUE INDEX CONCURRENTLY not_unique ON posts (channelid)")
		if code(err) != "23505" {
			t.Fatalf("building the index: %v, want a duplicate", err)
		}
		if got := ids(check(t, CheckOptions{}).Findings); !slices.Contains(got, "db-invalid-index") {
			t.Error(got)
		}
		cluster.SQL(t, "mm_check", "DROP INDEX not_unique")
		if got := ids(check(t, CheckOptions{}).Findings); slices.Contains(got, "db-invalid-index") {
			t.Error(got)
		}
	})
	t.Run("db-version-ended and db-version-minimum", func(t *testing.T) {
		last, err := time.Parse("2006-01-02", endOfLife[cluster.Major])
		if err != nil {
			t.Fatal(err)
		}
		for now, want := range map[time.Time]bool{last: false, last.AddDate(0, 0, 1): true} {
			if got := ids(check(t, CheckOptions{Now: now}).Findings); slices.Contains(got, "db-version-ended") != want {
				t.Errorf("on %s: %v", now, got)
			}
		}
		// No Mattermost asks for more than 14, so a newer server cannot be too
		// old; on 13 and older this is the real thing.
		for mattermost, least := range map[string]int{"11.7.3": 14, "10.11.4": 13, "8.0": 11} {
			if got := ids(check(t, CheckOptions{Mattermost: mattermost}).Findings); slices.Contains(got, "db-version-minimum") != (cluster.Major < least) {
				t.Errorf("Mattermost %s: %v", mattermost, got)
			}
		}
	})
	t.Run("db-long-transaction", func(t *testing.T) {
		conn := connect(t, target("mm_check"))
		tx, err := conn.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
		o := CheckOptions{LongTransaction: 10 * time.Millisecond}
		if got := ids(check(t, o).Findings); !slices.Contains(got, "db-long-transaction") {
			t.Error(got)
		}
		if got := ids(check(t, CheckOptions{}).Findings); slices.Contains(got, "db-long-transaction") {
			t.Error("20 ms are long by default")
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := ids(check(t, o).Findings); slices.Contains(got, "db-long-transaction") {
			t.Error(got)
		}
	})
	t.Run("db-connections", func(t *testing.T) {
		cluster.SQL(t, "postgres", "ALTER DATABASE mm_check CONNECTION LIMIT 20")
		defer cluster.SQL(t, "postgres", "ALTER DATABASE mm_check CONNECTION LIMIT -1")
		var held []*pgx.Conn
		for range 15 {
			held = append(held, connect(t, target("mm_check")))
		}
		severity := func() string {
			r := check(t, CheckOptions{})
			if i := slices.Index(ids(r.Findings), "db-connections"); i >= 0 {
				return r.Findings[i].Severity
			}
			return ""
		}
		if got := severity(); got != "warning" {
			t.Errorf("16 to 18 of 20: %q", got)
		}
		for range 3 {
			held = append(held, connect(t, target("mm_check")))
		}
		if got := severity(); got != "error" {
			t.Errorf("19 or more of 20: %q", got)
		}
		for _, c := range held {
			c.Close(context.Background())
		}
		eventually(t, "clearing", func() bool { return !slices.Contains(ids(check(t, CheckOptions{}).Findings), "db-connections") })
	})
	t.Run("db-replicas", func(t *testing.T) {
		end := follow(t, cluster)
		eventually(t, "db-replicas", func() bool { return slices.Contains(ids(check(t, CheckOptions{}).Findings), "db-replicas") })
		end()
		eventually(t, "clearing", func() bool { return !slices.Contains(ids(check(t, CheckOptions{}).Findings), "db-replicas") })
	})
	t.Run("what the caller may not see is said", func(t *testing.T) {
		d := target("mm_check")
		d.User = "mm_check"
		cluster.SQL(t, "mm_check", "ALTER TABLE db_migrations OWNER TO postgres; REVOKE ALL ON db_migrations FROM mm_check")
		defer cluster.SQL(t, "mm_check", "ALTER TABLE db_migrations OWNER TO mm_check; GRANT ALL ON db_migrations TO mm_check")
		r, err := New(nil, OpenerFor(d)).Check(t.Context(), CheckOptions{Database: "mm_check", Role: "mm_check", MaxOpenConns: 5})
		if err != nil {
			t.Fatal(err)
		}
		if got := ids(r.Findings); !slices.Contains(got, "db-not-checked") || !slices.Contains(got, "db-privileges") {
			t.Error(got)
		}
		if got := ids(check(t, CheckOptions{}).Findings); slices.Contains(got, "db-not-checked") {
			t.Errorf("the superuser may see everything: %v", got)
		}
	})
	text, err := json.Marshal(check(t, CheckOptions{}))
	if err != nil || strings.Contains(string(text), ":sample@") {
		t.Errorf("the report shows the password of the stored data source: %s %v", text, err)
	}
}

// follow reads a server's log as a replica does. pg_receivewal would refuse a
// server newer than itself.
func follow(t *testing.T, c *pgtest.Cluster) (end func()) {
	t.Helper()
	conn, err := pgconn.Connect(t.Context(), c.DSN("")+" replication=true")
	if err != nil {
		t.Fatal(err)
	}
	conn.Frontend().SendQuery(&pgproto3.Query{String: "START_REPLICATION PHYSICAL " + c.SQL(t, "postgres", "SELECT pg_current_wal_lsn()")})
	if err := conn.Frontend().Flush(); err != nil {
		t.Fatal(err)
	}
	answer, err := conn.Frontend().Receive()
	if _, ok := answer.(*pgproto3.CopyBothResponse); !ok {
		t.Fatalf("START_REPLICATION is answered with %T %v", answer, err)
	}
	return func() {
		if err := conn.Conn().Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestCheckOfDatabasesThatAreWrongFromTheStart(t *testing.T) {
	fresh(t, "mm_check", "mm_check_e", "mm_check_a", "mm_check_u", "mm_check_c")
	allOn := func(c *pgtest.Cluster, database string, want bool, rules ...string) {
		t.Helper()
		for _, id := range rules {
			if slices.Contains(ids(checkOn(t, c, CheckOptions{Database: database}).Findings), id) != want {
				t.Errorf("database %s: %s is found: %v, want %v", database, id, !want, want)
			}
		}
	}
	all := func(database string, want bool, rules ...string) {
		t.Helper()
		allOn(cluster, database, want, rules...)
	}
	cluster.SQL(t, "postgres", "CREATE DATABASE mm_check_e")
	all("mm_check_e", true, "db-empty", "db-role-missing")
	all("mm_check_e", false, "db-size", "db-encoding", "db-migrations")
	cluster.SQL(t, "mm_check_e", "CREATE TABLE posts (message text); CREATE ROLE mm_check LOGIN")
	all("mm_check_e", false, "db-empty", "db-role-missing")
	all("mm_check_e", true, "db-size", "db-migrations")

	// Encoding and character type are cured by what the advice says, a move.
	moveFrom.SQL(t, "postgres", "CREATE DATABASE mm_check_a TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'")
	execute(t, on(moveFrom, "mm_check_a"), "CREATE TABLE posts (message text); INSERT INTO posts VALUES ('Grüße')")
	allOn(moveFrom, "mm_check_a", true, "db-encoding", "db-ctype")
	if _, err := Move(t.Context(), MoveOptions{Source: on(moveFrom, "mm_check_a"), Target: on(moveTo, "mm_check_u"), Role: "mm_check"}); err != nil {
		t.Fatal(err)
	}
	allOn(moveTo, "mm_check_u", false, "db-encoding", "db-ctype")

	if cluster.Major < 15 {
		return // before 15 a database has no version of its collation
	}
	cluster.SQL(t, "postgres", "CREATE DATABASE mm_check_c TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en'")
	cluster.SQL(t, "postgres", "UPDATE pg_database SET datcollversion = '1.1' WHERE datname = 'mm_check_c'")
	all("mm_check_c", true, "db-collation-version")
	plan, err := manager(t).PlanRepair(t.Context(), "collation-version", RepairOptions{Database: "mm_check_c"})
	if err != nil || !plan.Applies {
		t.Fatalf("%+v %v", plan, err)
	}
	if _, err := manager(t).ApplyRepair(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	all("mm_check_c", false, "db-collation-version")
}

func TestCheckOfServersThatCannotBeUsed(t *testing.T) {
	fresh(t, "mm_check_r", "mm_check_m", "mm_check_closed")
	fresh(t, "mm_check_full")
	cluster.SQL(t, "postgres", "CREATE ROLE mm_check_full LOGIN CONNECTION LIMIT 0")
	cluster.SQL(t, "postgres", "CREATE DATABASE mm_check_closed; ")
	cluster.SQL(t, "postgres", "REVOKE CONNECT ON DATABASE mm_check_closed FROM PUBLIC")
	full, shut := target("postgres"), target("mm_check_closed")
	full.User, shut.User = "mm_check_full", "mm_check_r"
	port := Host{"127.0.0.1", cluster.Port}
	closed := DSN{User: pgtest.Superuser, Hosts: []Host{{"127.0.0.1", 1}}, Database: "postgres", Params: map[string]string{"sslmode": "disable"}}
	open := closed
	open.Hosts = []Host{port}
	tls, wrong := open, closed
	tls.Params = map[string]string{"sslmode": "require"}
	wrong.Params = map[string]string{"sslmode": "required"}
	nobody := target("postgres")
	nobody.User = "mm_check_r"
	for _, test := range []struct {
		reason, id string
		bad        DSN
		cure       string // SQL that makes bad work
		good       DSN    // or what works instead
	}{
		{"no such database", "db-missing", target("mm_check_m"), "CREATE DATABASE mm_check_m", DSN{}},
		{"nothing listens", "db-unreachable", closed, "", open},
		{"no TLS", "db-tls", tls, "", open},
		{"wrong word", "db-data-source", wrong, "", open},
		{"no such role", "db-authentication", nobody, "CREATE ROLE mm_check_r LOGIN", DSN{}},
		{"may not connect", "db-authentication", shut, "GRANT CONNECT ON DATABASE mm_check_closed TO PUBLIC", DSN{}},
		{"no connection left", "db-connections", full, "ALTER ROLE mm_check_full CONNECTION LIMIT 3", DSN{}},
	} {
		r, err := New(nil, OpenerFor(test.bad)).Check(t.Context(), CheckOptions{Database: test.bad.Database})
		if err != nil || len(r.Findings) != 1 || r.Findings[0].ID != test.id || r.Findings[0].Severity != "error" {
			t.Errorf("%s: %+v %v", test.reason, r, err)
		}
		good := test.good
		if test.cure != "" {
			cluster.SQL(t, "postgres", test.cure)
			good = test.bad
		}
		r, err = New(nil, OpenerFor(good)).Check(t.Context(), CheckOptions{Database: good.Database})
		if err != nil || slices.Contains(ids(r.Findings), test.id) {
			t.Errorf("%s is cured, but: %+v %v", test.reason, r, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := New(nil, OpenerFor(target("postgres"))).Check(ctx, CheckOptions{}); err == nil {
		t.Error("a cancelled check reports")
	}
}

func TestCheckOfAReplicaAndOfPreparedTransactions(t *testing.T) {
	t.Parallel()
	c := pgtest.Start(t, pgtest.Options{Settings: map[string]string{"max_prepared_transactions": "2", "max_connections": "13", "superuser_reserved_connections": "3"}})
	d := DSN{User: "postgres", Hosts: []Host{{c.SocketDir, c.Port}}, Database: "mm"}
	has := func(id string) bool {
		r, err := New(nil, OpenerFor(d)).Check(t.Context(), CheckOptions{Database: "mm"})
		if err != nil {
			t.Fatal(err)
		}
		return slices.Contains(ids(r.Findings), id)
	}
	c.SQL(t, "postgres", "CREATE DATABASE mm")
	c.SQL(t, "mm", "CREATE TABLE t (); BEGIN; SELECT 1; PREPARE TRANSACTION 'left over'")
	if !has("db-prepared-transaction") || has("db-replica") {
		t.Error("prepared transaction not seen, or a primary taken for a replica")
	}
	c.SQL(t, "mm", "ROLLBACK PREPARED 'left over'")
	if has("db-prepared-transaction") {
		t.Error("still there")
	}
	// All connections of the server but those kept for the superuser.
	var held []*pgx.Conn
	for range 9 {
		held = append(held, connect(t, d.With("postgres")))
	}
	eventually(t, "db-connections", func() bool { return has("db-connections") })
	for _, conn := range held {
		conn.Close(t.Context())
	}
	eventually(t, "clearing", func() bool { return !has("db-connections") })
	// The same cluster, started again as a standby.
	if err := c.Stop(2); err != nil {
		t.Fatal(err)
	}
	if c.Major < 12 {
		writeAs(t, c.DataDir, "recovery.conf", "standby_mode = 'on'\n")
	} else {
		writeAs(t, c.DataDir, "standby.signal", "")
	}
	if err := c.StartServer(); err != nil {
		t.Fatal(err)
	}
	if !has("db-replica") {
		t.Error("a standby is not seen")
	}
	if out, err := c.Command("pg_ctl", "promote", "-D", c.DataDir).CombinedOutput(); err != nil {
		t.Fatalf("pg_ctl promote: %v: %s", err, out)
	}
	if has("db-replica") {
		t.Error("it is a primary again")
	}
}
