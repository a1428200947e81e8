package backup

import (
	"context"
	"fmt"
	"os"
	"os/exec"
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

var sampleOptions = mmsample.Options{Seed: 1, Posts: 3000, Files: 60, FileSize: 90 << 10}

// newSample makes an installation of its own for a test.
func newSample(t testing.TB, name string) *sample {
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
	if err := mmsample.Fill(t.Context(), conn, sampleOptions); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(s.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := mmsample.Files(s.dir, sampleOptions); err != nil {
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
// schema as pg_dump writes it.
func fingerprint(t testing.TB, dsn string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	rows, err := conn.Query(t.Context(), `SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE relkind IN ('r', 'm', 'S') AND `+userSchemas+` ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, n := range names {
		var count int64
		var sum *string
		if err := conn.QueryRow(t.Context(), "SELECT count(*), sum(hashtextextended(t::text, 0)::numeric)::text FROM "+n+" t").Scan(&count, &sum); err != nil {
			t.Fatal(err)
		}
		text := "-"
		if sum != nil {
			text = *sum
		}
		fmt.Fprintf(&b, "%s %d %s\n", n, count, text)
	}
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(filepath.Join(cluster.BinDir, "pg_dump"), "-s", "--no-owner", "-h", cfg.Host, "-p", fmt.Sprint(cfg.Port), "-U", cfg.User, cfg.Database).Output()
	if err != nil {
		t.Fatalf("pg_dump -s: %v", err)
	}
	for line := range strings.SplitSeq(string(out), "\n") {
		if !strings.HasPrefix(line, `\restrict`) && !strings.HasPrefix(line, `\unrestrict`) {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
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
			e.hash = hashHex(data)
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
