package backup

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/internal/mmsample"
	"github.com/gitlab-mattermost/sdk/internal/pgtest"
	"github.com/jackc/pgx/v5"
)

var cluster *pgtest.Cluster

func TestMain(m *testing.M) {
	if os.Getenv(killEnv) != "" {
		os.Exit(runVictim())
	}
	c, err := pgtest.New(pgtest.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	cluster = c
	code := m.Run()
	if err := c.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// sample is a small installation: a filled database and its data directory.
type sample struct {
	db  string
	dir string
	src Source
}

var sampleOptions = mmsample.Options{Seed: 1, Posts: 1500, Files: 60, FileSize: 90 << 10}

// smallOptions are for tests that repeat an operation often.
var smallOptions = mmsample.Options{Seed: 2, Posts: 200, Files: 12, FileSize: 8 << 10}

// newSample makes an installation of its own for a test.
func newSample(t testing.TB, name string) *sample {
	t.Helper()
	return newSampleOf(t, name, sampleOptions)
}

func newSampleOf(t testing.TB, name string, o mmsample.Options) *sample {
	t.Helper()
	s := &sample{db: name, dir: filepath.Join(t.TempDir(), "data")}
	cluster.SQL(t, "postgres", "CREATE ROLE "+name+"_role LOGIN CREATEDB")
	cluster.SQL(t, "postgres", fmt.Sprintf("CREATE DATABASE %s OWNER %s_role TEMPLATE template0 ENCODING 'UTF8'", name, name))
	cluster.SQL(t, "postgres", "ALTER DATABASE "+name+" SET default_text_search_config = 'pg_catalog.english'")
	conn, err := pgx.Connect(t.Context(), s.dsn(name))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := mmsample.Fill(t.Context(), conn, o); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(s.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := mmsample.Files(s.dir, o); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(s.dir, "empty", "inner"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("brand/image.png", filepath.Join(s.dir, "logo")); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(filepath.Dir(s.dir), "config.json")
	if err := os.WriteFile(config, []byte(`{"ServiceSettings":{"SiteURL":"https://old.example.com"},"SqlSettings":{"DataSource":"old"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	s.src = Source{DSN: Secret(s.dsn(name)), Trees: []Tree{{Name: DataTree, Dir: s.dir}},
		Documents: []DocumentSource{{Name: "config.json", Path: config}, {Name: "environment", Data: []byte("MM_X=1\n")}}, MattermostVersion: "10.11.4"}
	return s
}

// dsn connects as the database's owner.
func (s *sample) dsn(database string) string {
	return fmt.Sprintf("host=%s port=%d user=%s_role dbname=%s", cluster.SocketDir, cluster.Port, s.db, database)
}

// fingerprint is an order-free digest of every row of every table, with the
// definitions of columns, indexes, constraints and views.
func fingerprint(t testing.TB, dsn string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	lines := func(sql string) []string {
		rows, err := conn.Query(t.Context(), sql)
		if err != nil {
			t.Fatal(err)
		}
		out, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	const in = " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE " + userSchemas
	out := lines(`SELECT concat_ws(' ', c.oid::regclass, relkind, attname, atttypid::regtype, atttypmod, attnotnull, pg_get_expr(adbin, adrelid), pg_get_userbyid(relowner), reloptions)
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND attnum > 0 LEFT JOIN pg_attrdef d ON adrelid = c.oid AND adnum = attnum` + in + " ORDER BY 1")
	out = append(out, lines("SELECT pg_get_indexdef(c.oid) || indisvalid || indisclustered FROM pg_class c JOIN pg_index ON indexrelid = c.oid"+in+" ORDER BY 1")...)
	out = append(out, lines("SELECT conname || ' ' || pg_get_constraintdef(k.oid) FROM pg_constraint k JOIN pg_class c ON c.oid = conrelid"+in+" ORDER BY 1")...)
	out = append(out, lines("SELECT pg_get_viewdef(c.oid) FROM pg_class c"+in+" AND relkind IN ('v', 'm') ORDER BY 1")...)
	var union []string
	for _, name := range lines("SELECT c.oid::regclass::text FROM pg_class c" + in + " AND relkind IN ('r', 'm', 'S') ORDER BY 1") {
		union = append(union, fmt.Sprintf("SELECT '%s ' || count(*) || ' ' || coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM %s t", name, name))
	}
	return strings.Join(append(out, lines(strings.Join(union, " UNION ALL ")+" ORDER BY 1")...), "\n") + "\n"
}

// treeDigest lists every entry below dir with mode, time, hash or target.
func treeDigest(t testing.TB, dir string) string {
	t.Helper()
	src := &dirSource{name: "t", dir: dir}
	var b strings.Builder
	err := src.walk(t.Context(), func(e *entry) error {
		if e.kind == 'f' {
			data, err := os.ReadFile(src.local(e.path))
			if err != nil {
				return err
			}
			e.hash = sha256.Sum256(data)
		}
		if e.path == "t" {
			e.mtime, e.mode = 0, 0 // the target directory's own
		}
		b.Write(e.appendLine(nil))
		return nil
	}, func(f Finding) { t.Errorf("walk: %+v", f) })
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func newStore(t testing.TB) *DirStore {
	t.Helper()
	s, err := OpenDir(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustCreate(t testing.TB, store Store, src Source, o CreateOptions) *Result {
	t.Helper()
	if o.PgDump == "" {
		o.PgDump = filepath.Join(cluster.BinDir, "pg_dump")
	}
	res, err := Create(t.Context(), store, src, o)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func mustVerify(t testing.TB, store Store, id string, o VerifyOptions) *VerifyResult {
	t.Helper()
	res, err := Verify(t.Context(), store, id, o)
	if err != nil {
		t.Fatal(err)
	}
	if !res.Sound {
		t.Fatalf("not sound: %+v", res.Findings)
	}
	return res
}
