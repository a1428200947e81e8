package database

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// old59 is the part of a Mattermost 5.39 database that the repairs before 6.0
// to 7.9 look at.
const old59 = `
CREATE TABLE posts (id varchar(26) PRIMARY KEY, createat bigint, rootid varchar(26), parentid varchar(26), originalid varchar(26), deleteat bigint, channelid varchar(26), props varchar(8000));
CREATE TABLE users (id varchar(26) PRIMARY KEY, props varchar(4000) DEFAULT '{}', notifyprops varchar(2000), timezone varchar(256));
CREATE TABLE reactions (userid varchar(26), postid varchar(26), emojiname varchar(64));
CREATE TABLE threads (postid varchar(26), channelid varchar(26), lastreplyat bigint, participants text);
CREATE TABLE channels (id varchar(26), teamid varchar(26), displayname varchar(64), type varchar(1));
CREATE TABLE jobs (id varchar(26), status varchar(32), type varchar(32), data varchar(1024));
INSERT INTO posts VALUES ('p1', 1, '', '', '', 0, 'c1', '{"a":"b\u0000c"}'), ('p2', 2, '', '', '', 0, 'c1', ''), ('p3', 3, '', '', '', 0, 'c1', '{"x":1}');
INSERT INTO users VALUES ('u1', '{}', '{"email":"true"}', NULL);
INSERT INTO reactions VALUES ('u1', 'p1', 'tada'), ('u1', 'gone', 'tada'); INSERT INTO channels VALUES ('c1', 't1', 'C', 'O'); INSERT INTO threads VALUES ('p1', 'c1', 1, '[]');`

func repairDatabase(t *testing.T, sql string) *Manager {
	t.Helper()
	fresh(t, "mm_repair", "mm_repair")
	m := manager(t)
	if _, err := m.Ensure(t.Context(), EnsureOptions{Database: "mm_repair", Role: "mm_repair"}); err != nil {
		t.Fatal(err)
	}
	d := target("mm_repair")
	d.User = "mm_repair"
	execute(t, d, sql)
	return m
}

func TestEveryRepairIsPlannedTriedAppliedAndThenNoLongerApplies(t *testing.T) {
	t.Parallel()
	dsn := DSN{User: "mmuser", Password: "new'pass\"word", Hosts: []Host{{"db.example.com", 5432}}, Database: "mattermost", Params: map[string]string{"sslmode": "require"}}
	for _, test := range []struct {
		id, setup string
		rows      int64 // changed by the first statement
		see, want string
	}{
		{"systems-version-3.4", `CREATE TABLE systems (name varchar(64), value varchar(1024)); INSERT INTO systems VALUES ('Version', '3.4.0'); CREATE TABLE teammembers (teamid text)`,
			1, "SELECT value FROM systems", "3.1.0"},
		{"json-null-6.0", old59, 1, "SELECT props FROM posts WHERE id = 'p1'", `{"a":"bc"}`},
		{"jsonb-6.0", old59 + "; UPDATE posts SET props = '{}' WHERE id = 'p1'", 0, "SELECT string_agg(format('%s %s', pg_typeof(props), coalesce(props::text, 'NULL')), ', ' ORDER BY id) FROM posts", `jsonb {}, jsonb NULL, jsonb {"x": 1}`},
		{"reactions-channel-7.1", old59, 0, "SELECT string_agg(channelid, ',' ORDER BY postid DESC) FROM reactions", "c1,"},
		{"threads-team-7.7", old59 + "; ALTER TABLE threads ADD teamid varchar(26)", 0, "SELECT threadteamid FROM threads", "t1"},
		{"indexes-6.0", old59, 0, "SELECT string_agg(indexrelid::regclass::text, ' ' ORDER BY indexrelid::regclass::text) FROM pg_index WHERE indrelid IN ('posts'::regclass, 'channels'::regclass) AND NOT indisprimary", "idx_channels_team_id_display_name idx_channels_team_id_type idx_posts_root_id_delete_at"},
		{"jobs-index-6.1", old59, 0, "SELECT count(*)::text FROM pg_indexes WHERE indexname = 'idx_jobs_status_type'", "1"},
		{"posts-index-6.7", old59, 0, "SELECT count(*)::text FROM pg_indexes WHERE indexname = 'idx_posts_create_at_id'", "1"},
		{"reactions-index-7.1", old59 + "; ALTER TABLE reactions ADD channelid varchar(26)", 0, "SELECT count(*)::text FROM pg_indexes WHERE indexname = 'idx_reactions_channel_id'", "1"},
		{"posts-index-7.9", old59, 0, "SELECT count(*)::text FROM pg_indexes WHERE indexname = 'idx_posts_original_id'", "1"},
		{"migration-numbers", `CREATE TABLE db_migrations (version bigint PRIMARY KEY, name varchar NOT NULL);
			INSERT INTO db_migrations VALUES (141, 'x'), (142, 'add_schemeid_to_roles'), (143, 'backfill_roles_schemeid'), (144, 'add_roles_schemeid_index')`,
			1, "SELECT string_agg(version::text, ' ' ORDER BY version) FROM db_migrations", "141 156 157 158"},
		{"schema-owner", "", 0, "", ""}, // below, as the administrator
		{"object-owner", "", 0, "", ""},
		{"configuration-dsn", `CREATE TABLE configurations (id varchar(26) PRIMARY KEY, value text, createat bigint, active boolean UNIQUE, sha char(64) DEFAULT '');
			INSERT INTO configurations VALUES ('old', '{"A": ["DataSource", {"SqlSettings": 1}],  "SqlSettings": {"DataSourceReplicas": ["x"], "DataSource" : "postgres://a:secretpw@h/d?x=1\u0026y" , "Z": 1}}', 1, true)`,
			1, "SELECT value FROM configurations WHERE active", `{"A": ["DataSource", {"SqlSettings": 1}],  "SqlSettings": {"DataSourceReplicas": ["x"], "DataSource" : "postgres://mmuser:new%27pass%22word@db.example.com:5432/mattermost?sslmode=require" , "Z": 1}}`},
		{"invalid-indexes", "", 0, "", ""}, // the collation test and the check show REINDEX
	} {
		if test.setup == "" {
			continue
		}
		t.Run(test.id, func(t *testing.T) {
			m := repairDatabase(t, test.setup)
			o := RepairOptions{Database: "mm_repair", Role: "mm_repair", DataSource: dsn}
			plan, err := m.PlanRepair(t.Context(), test.id, o)
			if err != nil || !plan.Applies || len(plan.Statements) == 0 {
				t.Fatalf("%+v %v", plan, err)
			}
			text, err := json.Marshal(plan)
			if err != nil || strings.Contains(string(text), "secretpw") || strings.Contains(string(text), "new%27pass") || strings.Contains(string(text), "new'pass") {
				t.Errorf("the plan shows a password: %s %v", text, err)
			}
			before, err := m.Fingerprint(t.Context(), FingerprintOptions{Database: "mm_repair"})
			if err != nil {
				t.Fatal(err)
			}
			dry, err := m.DryRunRepair(t.Context(), plan)
			if err != nil || !dry.DryRun || dry.Statements[0].Rows != test.rows {
				t.Errorf("dry run: %+v %v", dry, err)
			}
			after, err := m.Fingerprint(t.Context(), FingerprintOptions{Database: "mm_repair"})
			if err != nil || after.Digest() != before.Digest() {
				t.Errorf("the dry run changed the database: %v", err)
			}
			if _, err := m.ApplyRepair(t.Context(), plan); err != nil {
				t.Fatal(err)
			}
			if got := scalar[string](t, target("mm_repair"), test.see); got != test.want {
				t.Errorf("after the repair: %s\nwant %s", got, test.want)
			}
			again, err := m.PlanRepair(t.Context(), test.id, o)
			if err != nil || again.Applies || len(again.Statements) != 0 {
				t.Errorf("it still applies: %+v %v", again, err)
			}
			_, err = m.ApplyRepair(t.Context(), plan)
			wantError(t, err, ErrStale)
		})
	}
}

func TestRepairsDoNotApplyToAHealthyDatabase(t *testing.T) {
	t.Parallel()
	sample(t, "mm_healthy", "mm_healthy", 200)
	for _, r := range Repairs() {
		if r.Title == "" || r.Applies == "" || r.Locks == "" || r.Source == "" {
			t.Errorf("%s lacks a text", r.ID)
		}
		p, err := manager(t).PlanRepair(t.Context(), r.ID, RepairOptions{Database: "mm_healthy", Role: "mm_healthy",
			DataSource: DSN{User: "gitlab_mattermost", Password: "sample", Hosts: []Host{{"127.0.0.1", 5432}}, Database: "mattermost_production", Params: map[string]string{"sslmode": "disable"}}})
		if err != nil || p.Applies || p.Reason == "" {
			t.Errorf("%s: %+v %v", r.ID, p, err)
		}
	}
	_, err := manager(t).PlanRepair(t.Context(), "nonsense", RepairOptions{Database: "mm_healthy"})
	wantError(t, err, nil, `repair "nonsense" is not known`, "jsonb-6.0")
	_, err = manager(t).PlanRepair(t.Context(), "configuration-dsn", RepairOptions{Database: "mm_healthy"})
	wantError(t, err, nil, "data source to write is not given")
	_, err = manager(t).PlanRepair(t.Context(), "object-owner", RepairOptions{Database: "postgres"})
	wantError(t, err, ErrRefused)
}

func TestAFailingRepairLeavesEverythingAsItWas(t *testing.T) {
	m := repairDatabase(t, old59) // \u0000 makes the conversion of posts fail
	plan, err := m.PlanRepair(t.Context(), "jsonb-6.0", RepairOptions{Database: "mm_repair"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.DryRunRepair(t.Context(), plan)
	wantError(t, err, nil, "u0000")
	_, err = m.ApplyRepair(t.Context(), plan)
	wantError(t, err, nil, "u0000")
	if got := scalar[string](t, target("mm_repair"), "SELECT string_agg(DISTINCT data_type, ' ') FROM information_schema.columns WHERE table_name = 'users' AND column_name LIKE '%props'"); got != "character varying" {
		t.Errorf("half of the columns are converted: %s", got)
	}
}

// everyKind has, with the zoo, one object of each kind that can have an owner,
// but procedures.
const everyKind = `;
CREATE AGGREGATE agg(int) (SFUNC = int4pl, STYPE = int); CREATE AGGREGATE cnt(*) (SFUNC = int8inc, STYPE = int8, INITCOND = '0');
CREATE FUNCTION eqf(t, t) RETURNS boolean LANGUAGE sql AS 'SELECT true'; CREATE OPERATOR ~~~ (LEFTARG = t, RIGHTARG = t, PROCEDURE = eqf);
CREATE OPERATOR CLASS oc FOR TYPE int4 USING hash AS OPERATOR 1 =, FUNCTION 1 hashint4(int4);
CREATE COLLATION coll (locale = 'C'); CREATE CONVERSION conv FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1;
CREATE TEXT SEARCH DICTIONARY td (TEMPLATE = simple); CREATE TEXT SEARCH CONFIGURATION tc (COPY = simple);
CREATE STATISTICS st ON id, n FROM t; CREATE PUBLICATION pub FOR TABLE t; CREATE TYPE comp AS (a int); CREATE TYPE rng AS RANGE (subtype = int);
CREATE TABLE ident (id int GENERATED ALWAYS AS IDENTITY); CREATE EXTENSION pg_trgm;`

func TestOwnerChangesEveryKindOfObjectAndNothingOutsideTheDatabase(t *testing.T) {
	t.Parallel()
	fresh(t, "mm_own", "mm_own", "mm_own_other")
	cluster.SQL(t, "postgres", "CREATE ROLE mm_own LOGIN")
	cluster.SQL(t, "postgres", "CREATE DATABASE mm_own OWNER mm_own")
	cluster.SQL(t, "postgres", "CREATE DATABASE mm_own_other")
	cluster.SQL(t, "mm_own", zoo(cluster.Major)+everyKind)
	kindsWanted := []string{"schema", "table", "partitioned table", "view", "materialized view", "sequence", "function", "aggregate", "enumeration", "domain", "range type",
		"composite type", "operator", "operator class", "operator family", "collation", "conversion", "text search dictionary", "text search configuration", "statistics", "publication", "large object"}
	if cluster.Major >= 11 {
		cluster.SQL(t, "mm_own", "CREATE PROCEDURE pr() LANGUAGE sql AS 'SELECT 1'")
		kindsWanted = append(kindsWanted, "procedure")
	}
	cluster.SQL(t, "mm_own_other", "CREATE TABLE t (i int)")
	m := manager(t)
	changed, err := m.Owner(t.Context(), "mm_own", "mm_own")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	for _, o := range changed {
		kinds[o.Kind] = true
	}
	for _, k := range kindsWanted {
		if !kinds[k] {
			t.Errorf("no %s was changed: %v", k, kinds)
		}
	}
	left := scalar[string](t, target("mm_own"), `SELECT coalesce(string_agg(format('%s %s', kind, name), ', '), '') FROM (
		SELECT classid::regclass AS kind, objid AS name FROM pg_shdepend WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND deptype = 'o'
			AND refobjid <> 'mm_own'::regrole) x`)
	if left != "" {
		t.Errorf("still of others: %s", left)
	}
	if owner := scalar[string](t, target("mm_own_other"), "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 't'"); owner != "postgres" {
		t.Errorf("the other database's table belongs to %s", owner)
	}
	if again, err := m.Owner(t.Context(), "mm_own", "mm_own"); err != nil || len(again) != 0 {
		t.Errorf("again: %v %v", again, err)
	}
	if n := scalar[int](t, target("mm_own"), "SELECT count(*) FROM pg_extension WHERE extname = 'pg_trgm' AND pg_get_userbyid(extowner) = 'postgres'"); n != 1 {
		t.Error("the extension changed its owner")
	}
	plan, err := m.PlanRepair(t.Context(), "schema-owner", RepairOptions{Database: "mm_own", Role: "mm_own"})
	if err != nil || plan.Applies != (scalar[string](t, target("mm_own"), "SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'public'") != "mm_own") {
		t.Errorf("%+v %v", plan, err)
	}
	if _, err := m.ApplyRepair(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	_, err = m.Owner(t.Context(), "mm_own", "no such role")
	wantError(t, err, nil, "no such role")
	_, err = m.PlanRepair(t.Context(), "object-owner", RepairOptions{Database: "mm_own", Role: "no such role"})
	wantError(t, err, nil, "no such role")
	_, err = m.Owner(t.Context(), GitLabDatabase, "mm_own")
	wantError(t, err, ErrRefused)
}

func TestReplaceDataSourceRefusesWhatIsNotThere(t *testing.T) {
	for _, in := range []string{`{}`, `{"SqlSettings": {}}`, `{"SqlSettings": {"DataSource": 3}}`, `[`, `{"X": {"DataSource": "a"}}`, `{"SqlSettings": {"A": {"DataSource": "a"}}}`} {
		if out, err := replaceDataSource(in, "x"); err == nil {
			t.Errorf("%s became %s", in, out)
		}
	}
	out, err := replaceDataSource(`{"B":[{"C":1},2],"sqlsettings":{"datasource":"a\"\\\"b","Y":"a\"\\\"b"}}`, "x")
	if err != nil || out != `{"B":[{"C":1},2],"sqlsettings":{"datasource":"x","Y":"a\"\\\"b"}}` {
		t.Error(fmt.Sprint(out, err))
	}
}
