package upgrade_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/internal/mmsample"
	"github.com/gitlab-mattermost/sdk/internal/pgtest"
	"github.com/gitlab-mattermost/sdk/upgrade"
	"github.com/jackc/pgx/v5"
)

// shellIn runs a line of a plan as the cluster's user, against the cluster.
// What the line says about sudo, hosts and prompts is for the real servers.
func shellIn(t *testing.T, c *pgtest.Cluster, line string) string {
	t.Helper()
	line = strings.NewReplacer("sudo -u postgres ", "", "--pwprompt ", "", " -h 127.0.0.1", "",
		"sudo sh -c 'umask 077; sudo -i -u gitlab-psql -- /opt/gitlab/embedded/bin/", "sh -c 'umask 077; ",
		" -h /var/opt/gitlab/postgresql", "", "/var/backups/", "", "sudo gitlab-psql", "psql").Replace(line)
	cmd := c.Command("psql")
	cmd.Path, cmd.Args = "/bin/sh", []string{"sh", "-c", line}
	cmd.Env = append(cmd.Env, "PATH="+c.BinDir+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
	return strings.TrimSpace(string(out))
}

func fill(t *testing.T, c *pgtest.Cluster, database string) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, c.DSN(database))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if err := mmsample.Fill(ctx, conn, mmsample.Options{}); err != nil {
		t.Fatal(err)
	}
}

// step returns a step of a journey by its kind.
func step(t *testing.T, j *upgrade.Journey, kind string) upgrade.Step {
	t.Helper()
	for _, s := range j.Steps {
		if s.Kind == kind {
			return s
		}
	}
	t.Fatalf("no step %s", kind)
	return upgrade.Step{}
}

// texts are the commands of a step that speak to PostgreSQL.
func texts(s upgrade.Step) (list []string) {
	for _, c := range s.Commands {
		for _, program := range []string{"createuser", "createdb", "psql", "pg_restore", "pg_dump"} {
			if c.Kind == "shell" && strings.Contains(c.Text, program) && !strings.Contains(c.Text, "apt-get") {
				list = append(list, c.Text)
				break
			}
		}
	}
	return list
}

func TestAgainstARealPostgreSQL(t *testing.T) {
	c := pgtest.Start(t, pgtest.Options{})
	t.Run("the lines of a leaving plan move a database", func(t *testing.T) { leavingMovesADatabase(t, c) })
	t.Run("every statement of the rules runs", func(t *testing.T) { everyStatementRuns(t, c) })
}

// The package's database is a sample; the plan's own lines must move it to a
// new owner, show the same counts, leave nothing to the old role, and turn
// GitLab accounts into e-mail accounts.
func leavingMovesADatabase(t *testing.T, c *pgtest.Cluster) {
	c.SQL(t, "postgres", "CREATE ROLE gitlab_mattermost LOGIN")
	c.SQL(t, "postgres", "CREATE DATABASE mattermost_production OWNER gitlab_mattermost")
	fill(t, c, "mattermost_production")
	c.SQL(t, "mattermost_production", `DO $$ DECLARE r record; BEGIN
		FOR r IN SELECT format('ALTER TABLE %I OWNER TO gitlab_mattermost', tablename) AS s FROM pg_tables WHERE schemaname = 'public' LOOP EXECUTE r.s; END LOOP; END $$;
		UPDATE users SET authservice = 'gitlab', authdata = id, password = '' WHERE username <> (SELECT min(username) FROM users)`)
	j, err := upgrade.Plan(point(t, "18.11.3"), point(t, "standalone:11.7"), upgrade.Facts{Choices: upgrade.Choices{Login: "email"}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	var counts string
	for _, cmd := range step(t, j, upgrade.StepExport).Commands {
		if line, _, ok := strings.Cut(cmd.Text, " | sudo tee"); ok {
			counts = shellIn(t, c, line)
		}
	}
	if counts == "" || strings.HasPrefix(counts, "0|") {
		t.Fatalf("the export counts %q", counts)
	}
	prepare, leave := step(t, j, upgrade.StepPrepare), step(t, j, upgrade.StepLeave)
	dump := texts(leave)[0]
	if !strings.Contains(dump, "pg_dump") {
		t.Fatalf("the first line of the switch is no dump: %s", dump)
	}
	shellIn(t, c, dump)
	for _, line := range texts(prepare) {
		shellIn(t, c, line)
	}
	check := func(s upgrade.Step, want ...string) {
		t.Helper()
		for _, chk := range s.After {
			if !strings.HasPrefix(chk.Command, "psql") {
				continue
			}
			if got := shellIn(t, c, chk.Command); got != want[0] {
				t.Errorf("%s: %q, want %q", chk.What, got, want[0])
			}
			want = want[1:]
		}
		if len(want) > 0 {
			t.Errorf("step %s has fewer checks than expected: %v", s.ID, want)
		}
	}
	check(prepare, counts, "0")
	for _, line := range texts(leave) {
		shellIn(t, c, line)
		if strings.Contains(line, "pg_dump") {
		}
	}
	check(leave, counts)

	accounts := step(t, j, upgrade.StepAccounts)
	for _, cmd := range accounts.Commands {
		if cmd.Kind == "sql" {
			c.SQL(t, "mattermost", cmd.Text)
		}
	}
	check(accounts, "0")
	if got := c.SQL(t, "mattermost", "SELECT count(*) FROM users WHERE authservice = '' AND authdata IS NULL"); got == "0" {
		t.Error("no account was turned into an e-mail account")
	}
	if got := c.SQL(t, "mattermost_production", "SELECT count(*) > 0 FROM users WHERE authservice = 'gitlab'"); got != "t" {
		t.Error("the package's own database was changed")
	}
}

// oldWorld is as much of the schemas of 3.2 to 7.6 as the rules' statements
// touch.
const oldWorld = `
CREATE TABLE systems (name varchar(64) PRIMARY KEY, value varchar(1024));
INSERT INTO systems VALUES ('Version', '3.4.0');
CREATE TABLE channels (id varchar(26) PRIMARY KEY, deleteat bigint, teamid varchar(26), displayname text, name text, header text, purpose text, type varchar(1));
INSERT INTO channels VALUES ('c1', 0, 't1', 'Town', 'town', '', '', 'O'), ('c2', 0, 't1', 'Cellar', 'cellar', '', '', 'P');
CREATE TABLE publicchannels (id varchar(26) PRIMARY KEY, deleteat bigint, teamid varchar(26), displayname text, name text, header text, purpose text);
INSERT INTO publicchannels VALUES ('gone', 0, 't1', '', '', '', '');
CREATE TABLE posts (id varchar(26) PRIMARY KEY, createat bigint, channelid varchar(26), originalid varchar(26), message varchar(4000), props varchar(8000));
INSERT INTO posts VALUES ('p1', 1, 'c1', '', 'hello', '{"a":"x' || E'\\' || 'u0000y"}'), ('p2', 2, 'c1', '', 'fine', '{}');
CREATE TABLE reactions (userid varchar(26), postid varchar(26), emojiname varchar(64), CONSTRAINT reactions_pkey PRIMARY KEY (userid, postid, emojiname));
INSERT INTO reactions VALUES ('u1', 'p1', 'smile');
CREATE TABLE jobs (id varchar(26), status varchar(32), type varchar(32));
CREATE TABLE threads (postid varchar(26), channelid varchar(26), teamid varchar(26));
CREATE TABLE db_migrations (version bigint PRIMARY KEY, name varchar NOT NULL);
INSERT INTO db_migrations VALUES (142, 'add_schemeid_to_roles'), (143, 'backfill_roles_schemeid'), (144, 'add_roles_schemeid_index');
CREATE TABLE oauth_applications (id bigint, organization_id bigint);
INSERT INTO oauth_applications VALUES (1, NULL), (2, 7);
`

// Every statement that a rule prints runs, in the order of the rules, and does
// what the rule says.
func everyStatementRuns(t *testing.T, c *pgtest.Cluster) {
	c.SQL(t, "postgres", "CREATE DATABASE old")
	c.SQL(t, "old", oldWorld)
	toJSONB := "BEGIN; ALTER TABLE posts ALTER COLUMN props TYPE jsonb USING props::jsonb; ROLLBACK;"
	if out, err := run(c, toJSONB); err == nil {
		t.Fatalf("the NUL in props was to stop the migration, but: %s", out)
	}
	ran := 0
	for _, r := range upgrade.Rules() {
		for _, sql := range r.SQL {
			if out, err := run(c, sql); err != nil {
				t.Errorf("%s: %s: %v: %s", r.ID, sql, err, out)
			}
			ran++
		}
	}
	if ran < 20 {
		t.Errorf("only %d statements ran", ran)
	}
	for sql, want := range map[string]string{
		"SELECT value FROM systems WHERE name = 'Version'":                                                                       "3.1.0",
		"SELECT string_agg(id, ' ') FROM publicchannels":                                                                         "c1",
		"SELECT channelid FROM reactions":                                                                                        "c1",
		"SELECT string_agg(version || name, ' ' ORDER BY version) FROM db_migrations":                                            "156add_schemeid_to_roles 157backfill_roles_schemeid 158add_roles_schemeid_index",
		"SELECT string_agg(organization_id::text, ' ' ORDER BY id) FROM oauth_applications":                                      "1 7",
		"SELECT props::jsonb->>'a' FROM posts WHERE id = 'p1'":                                                                   "xy",
		"SELECT character_maximum_length FROM information_schema.columns WHERE table_name = 'posts' AND column_name = 'message'": "65535",
	} {
		if got := c.SQL(t, "old", sql); got != want {
			t.Errorf("%s: %q, want %q", sql, got, want)
		}
	}
	if out, err := run(c, toJSONB); err != nil {
		t.Errorf("after the cleaning the migration still fails: %s", out)
	}
}

// run executes one text of SQL as psql -f would, each statement by itself.
func run(c *pgtest.Cluster, sql string) (string, error) {
	cmd := c.Command("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "old", "-f", "-")
	cmd.Stdin = strings.NewReader(sql)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
