package backup

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// target is where a sample is restored to: over itself.
func (s *sample) target() Target {
	return Target{DSN: s.src.DSN, Dirs: map[string]string{DataTree: s.dir},
		Documents: map[string]string{"config.json": filepath.Join(filepath.Dir(s.dir), "config.json")},
		StateDir:  filepath.Join(filepath.Dir(s.dir), "state")}
}

// state is everything that a restore may change.
func (s *sample) state(t testing.TB) string {
	t.Helper()
	config, err := os.ReadFile(filepath.Join(filepath.Dir(s.dir), "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	return fingerprint(t, s.dsn(s.db)) + treeDigest(t, s.dir) + string(config)
}

// destroy damages the installation in every part.
func (s *sample) destroy(t testing.TB) {
	t.Helper()
	cluster.SQL(t, s.db, "DELETE FROM posts WHERE id IN (SELECT id FROM posts LIMIT 100); DROP TABLE preferences; UPDATE users SET nickname = 'lost'")
	if err := os.RemoveAll(filepath.Join(s.dir, "users")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "brand", "image.png"), []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(s.dir), "config.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestCreateDestroyRestoreGivesTheSameDatabaseAndFiles(t *testing.T) {
	s := newSample(t, "r1")
	store := newStore(t)
	before := s.state(t)
	res := mustCreate(t, store, s.src, CreateOptions{})
	s.destroy(t)
	broken := s.state(t)
	done, err := Restore(t.Context(), store, res.ID, s.target(), RestoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if after := s.state(t); after != before {
		t.Errorf("the restored state differs:\n%s", firstDifference(before, after))
	}
	if done.Files != 153 || done.Rows != res.Manifest.rows() || len(done.Kept) != 3 {
		t.Errorf("result %+v", done)
	}
	var search string
	cluster.SQL(t, s.db, "SELECT 1")
	if search = cluster.SQL(t, s.db, "SHOW default_text_search_config"); search != "pg_catalog.english" {
		t.Errorf("text search configuration %q", search)
	}
	if _, err := Rollback(t.Context(), s.target(), ""); err != nil {
		t.Fatal(err)
	}
	if after := s.state(t); after != broken {
		t.Errorf("after the rollback:\n%s", firstDifference(broken, after))
	}
	if _, err := Discard(t.Context(), s.target(), done.Journal); err != nil {
		t.Fatal(err)
	}
	s.noDebris(t)
}

// noDebris fails when a restore left anything but the living installation.
func (s *sample) noDebris(t testing.TB) {
	t.Helper()
	if got := cluster.SQL(t, "postgres", "SELECT string_agg(datname, ',') FROM pg_database WHERE datname LIKE '"+s.db+"\\_%'"); got != "" {
		t.Errorf("databases left: %s", got)
	}
	entries, err := os.ReadDir(filepath.Dir(s.dir))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.Contains(e.Name(), ".new-") || strings.Contains(e.Name(), ".old-") || strings.Contains(e.Name(), ".tmp-") {
			t.Errorf("left: %s", e.Name())
		}
	}
	journals, err := Restores(s.target().StateDir)
	if err != nil || len(journals) != 0 {
		t.Errorf("journals left: %+v, %v", journals, err)
	}
}

func (m *Manifest) rows() int64 {
	var n int64
	for _, t := range m.Database.Tables {
		n += t.Rows
	}
	return n
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return "- " + x[i] + "\n+ " + y[i]
		}
	}
	return "one is longer"
}

func TestSettingsAreRewrittenInConfigJSONAndInTheDatabase(t *testing.T) {
	s := newSample(t, "r2")
	cluster.SQL(t, s.db, `DELETE FROM configurations; INSERT INTO configurations (id, value, createat, active) VALUES ('a', '{"ServiceSettings":{"SiteURL":"https://old","X":"back\\slash"}}', 1, true), ('b', '{"old":1}', 0, NULL)`)
	store := newStore(t)
	res := mustCreate(t, store, s.src, CreateOptions{})
	_, err := Restore(t.Context(), store, res.ID, s.target(), RestoreOptions{Settings: map[string]any{
		"ServiceSettings.SiteURL": "https://new.example.com", "SqlSettings.DataSource": "postgres://x", "FileSettings.Directory": "/opt/mattermost/data/"}})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(s.dir), "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	for where, text := range map[string]string{"config.json": string(text), "row": cluster.SQL(t, s.db, "SELECT value FROM configurations WHERE active")} {
		var c struct {
			ServiceSettings struct{ SiteURL, X string }
			SqlSettings     struct{ DataSource string }
			FileSettings    struct{ Directory string }
		}
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			t.Fatalf("%s: %v: %s", where, err, text)
		}
		if c.ServiceSettings.SiteURL != "https://new.example.com" || c.SqlSettings.DataSource != "postgres://x" || c.FileSettings.Directory != "/opt/mattermost/data/" {
			t.Errorf("%s: %+v", where, c)
		}
		if where == "row" && c.ServiceSettings.X != `back\slash` {
			t.Errorf("another value changed: %q", c.ServiceSettings.X)
		}
	}
	if got := cluster.SQL(t, s.db, "SELECT value FROM configurations WHERE active IS NULL"); got != `{"old":1}` {
		t.Errorf("the inactive row became %s", got)
	}
	if got := cluster.SQL(t, s.db, "SELECT sha = encode(sha256(convert_to(value, 'UTF8')), 'hex') FROM configurations WHERE active"); got != "t" {
		t.Errorf("the row's sha does not fit its value")
	}
}
