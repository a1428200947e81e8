package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/gitlab-mattermost/sdk/internal/pgtest"
	"github.com/jackc/pgx/v5"
)

// rewrite changes a manifest and its sums, as a forger could.
func rewrite(t *testing.T, store Store, id string, change func(*Manifest)) {
	t.Helper()
	m, err := Load(t.Context(), store, id)
	if err != nil {
		t.Fatal(err)
	}
	change(m)
	text, err := m.encode()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	if err := errors.Join(putObject(t.Context(), store, id+"/"+manifestName, text), putObject(t.Context(), store, id+"/"+sumsName, m.sums(hex.EncodeToString(sum[:])))); err != nil {
		t.Fatal(err)
	}
}

func TestRestoreRefusesBeforeAnythingIsMade(t *testing.T) {
	s := newSampleOf(t, "ref", smallOptions)
	store := newStore(t)
	res := mustCreate(t, store, s.src, CreateOptions{})
	before := s.state(t)
	for _, c := range []struct {
		why    string
		change func(*Manifest)
		target func(*Target)
		want   string
	}{
		{"a newer PostgreSQL", func(m *Manifest) { m.Database.ServerMajor = 99 }, nil, "PostgreSQL 99"},
		{"a newer Mattermost", nil, func(t *Target) { t.MattermostVersion = "9.11.2" }, "10.11.4 and the target runs 9.11.2"},
		{"a truncated part", func(m *Manifest) { m.Files.Packs[0].Size++ }, nil, "damaged"},
		{"another format", func(m *Manifest) { m.Format = "gitlab-mattermost-backup/2" }, nil, "this program reads"},
		{"a tree that is not in it", nil, func(t *Target) { t.Dirs["plugins"] = "/nonexistent" }, `no tree "plugins"`},
		{"a document that is not in it", nil, func(t *Target) { t.Documents = map[string]string{"x": "/x"} }, `no document "x"`},
		{"a mount point", nil, func(t *Target) { t.Dirs[DataTree] = "/proc" }, "mount point"},
		{"state in the replaced directory", nil, func(t *Target) { t.StateDir = filepath.Join(s.dir, "state") }, "which is replaced"},
		{"no state directory", nil, func(t *Target) { t.StateDir = "" }, "no state directory"},
		{"nothing to restore", nil, func(t *Target) { *t = Target{StateDir: "x"} }, "names no database"},
		{"the same database for administration", nil, func(t *Target) { t.AdminDSN = t.DSN }, "another database"},
		{"a role that may not create databases", nil, func(x *Target) {
			cluster.SQL(t, "postgres", "CREATE ROLE ref_weak LOGIN")
			x.AdminDSN = Secret(strings.Replace(s.dsn("postgres"), "ref_role", "ref_weak", 1))
		}, "may not create databases"},
	} {
		original, err := Load(t.Context(), store, res.ID)
		if err != nil {
			t.Fatal(err)
		}
		if c.change != nil {
			rewrite(t, store, res.ID, c.change)
		}
		target := s.target()
		if c.target != nil {
			c.target(&target)
		}
		_, err = Restore(t.Context(), store, res.ID, target, RestoreOptions{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q in it", c.why, err, c.want)
		}
		text, err := original.encode()
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(text)
		if err := errors.Join(putObject(t.Context(), store, res.ID+"/"+manifestName, text), putObject(t.Context(), store, res.ID+"/"+sumsName, original.sums(hex.EncodeToString(sum[:])))); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.state(t); got != before {
		t.Errorf("a refused restore changed something:\n%s", firstDifference(before, got))
	}
	s.noDebris(t)
}

func TestCaseCollisionsAreRefusedWhereTheFileSystemFoldsCase(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Report", "report"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	store := newStore(t)
	res := mustCreate(t, store, Source{Trees: []Tree{{Name: DataTree, Dir: dir}}}, CreateOptions{})
	target := Target{Dirs: map[string]string{DataTree: dir}, StateDir: filepath.Join(filepath.Dir(dir), "state")}
	if _, err := Restore(t.Context(), store, res.ID, target, RestoreOptions{}); err != nil {
		t.Errorf("this file system tells them apart: %v", err)
	}
	_, err := Restore(t.Context(), store, res.ID, target, RestoreOptions{folds: func(string) (bool, error) { return true, nil }})
	if err == nil || !strings.Contains(err.Error(), "differ in case only") {
		t.Errorf("error %v", err)
	}
}

// script is a Service that records its calls and fails when told to.
type script struct {
	calls []string
	fail  string
}

func (s *script) Stop(context.Context) error  { return s.call("stop") }
func (s *script) Start(context.Context) error { return s.call("start") }
func (s *script) String() string              { return "script" }

func (s *script) call(what string) error {
	s.calls = append(s.calls, what)
	if s.fail == what {
		s.fail = "" // once
		return errors.New(what + " failed")
	}
	return nil
}

func TestAServiceThatFailsBringsTheOldStateBack(t *testing.T) {
	s := newSampleOf(t, "svc", smallOptions)
	store := newStore(t)
	res := mustCreate(t, store, s.src, CreateOptions{})
	s.destroy(t)
	old := s.state(t)
	for _, c := range []struct {
		fail  string
		check error
		calls string
	}{
		{"stop", nil, "stop stop start"},
		{"start", nil, "stop start stop start"},
		{"", errors.New("it does not answer"), "stop start stop start"},
	} {
		svc, target := &script{fail: c.fail}, s.target()
		target.Service = svc
		target.Check = func(context.Context) error { return c.check }
		_, err := Restore(t.Context(), store, res.ID, target, RestoreOptions{})
		if err == nil || !strings.Contains(err.Error(), "the old state is in place") {
			t.Errorf("%+v: %v", c, err)
		}
		if got := strings.Join(svc.calls, " "); got != c.calls {
			t.Errorf("calls %q, want %q", got, c.calls)
		}
		if got := s.state(t); got != old {
			t.Fatalf("%+v:\n%s", c, firstDifference(old, got))
		}
		s.noDebris(t)
	}
	svc, target := &script{}, s.target()
	target.Service = svc
	done, err := Restore(t.Context(), store, res.ID, target, RestoreOptions{})
	if err != nil || strings.Join(svc.calls, " ") != "stop start" || done.Downtime <= 0 || done.Downtime > 10 {
		t.Errorf("%v, %v, %+v", err, svc.calls, done)
	}
}

func TestServiceFirstBuildsTheIndexesAfterwardsAlsoAfterACrash(t *testing.T) {
	s := newSampleOf(t, "sf", smallOptions)
	store := newStore(t)
	res := mustCreate(t, store, s.src, CreateOptions{})
	// The tables claim to be large, so that the rules for large ones apply.
	rewrite(t, store, res.ID, func(m *Manifest) {
		for i := range m.Database.Tables {
			m.Database.Tables[i].Bytes = 2 * bigTable
		}
	})
	fresh := s.state(t)
	count := func() string {
		return cluster.SQL(t, s.db, "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = indexrelid WHERE relam = (SELECT oid FROM pg_am WHERE amname = 'gin') AND indisvalid AND relnamespace = 'public'::regnamespace")
	}
	all := count()
	s.destroy(t)
	done, err := Restore(t.Context(), store, res.ID, s.target(), RestoreOptions{}) // indexes before the rows
	if err != nil {
		t.Fatal(err)
	}
	if got := s.state(t); got != fresh {
		t.Errorf("indexes first:\n%s", firstDifference(fresh, got))
	}
	if _, err := Discard(t.Context(), s.target(), done.Journal); err != nil {
		t.Fatal(err)
	}
	during := ""
	target := s.target()
	target.Check = func(context.Context) error { during = count(); return nil }
	if done, err = Restore(t.Context(), store, res.ID, target, RestoreOptions{DeferFullText: true}); err != nil {
		t.Fatal(err)
	}
	if during != "0" || count() != all {
		t.Errorf("%s full-text indexes at the service's start, %s at the end, want 0 and %s", during, count(), all)
	}
	if got := s.state(t); got != fresh {
		t.Errorf("service first:\n%s", firstDifference(fresh, got))
	}
	if _, err := Discard(t.Context(), s.target(), done.Journal); err != nil {
		t.Fatal(err)
	}
	v := s.victim(store, "restore", "swap:started")
	v.ID, v.Defer = res.ID, true
	kill(t, v)
	if count() != "0" {
		t.Error("the killed restore has built full-text indexes")
	}
	// An index that a crash left half built must be replaced.
	cluster.SQL(t, s.db, "CREATE INDEX idx_posts_message_txt ON posts USING gin (to_tsvector('english', message)); UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'idx_posts_message_txt'::regclass; ALTER INDEX idx_posts_message_txt OWNER TO sf_role")
	if done, err := Recover(t.Context(), s.target()); err != nil || len(done) != 1 {
		t.Fatalf("%v, %v", done, err)
	}
	if got := s.state(t); got != fresh {
		t.Errorf("after recover:\n%s", firstDifference(fresh, got))
	}
}

func TestRestoreOntoAnotherHostGivesFilesAndDatabaseToTheirOwners(t *testing.T) {
	s := newSampleOf(t, "host", smallOptions)
	store := newStore(t)
	res := mustCreate(t, store, s.src, CreateOptions{})
	cluster.SQL(t, "postgres", "CREATE ROLE newhost_role LOGIN")
	dir := t.TempDir()
	owner := &Ownership{UID: os.Getuid(), GID: os.Getgid()}
	if os.Geteuid() == 0 {
		owner = &Ownership{UID: 12345, GID: 23456}
	}
	dsn := fmt.Sprintf("host=%s port=%d user=newhost_role dbname=newhost", cluster.SocketDir, cluster.Port)
	target := Target{DSN: Secret(dsn), AdminDSN: Secret(cluster.DSN("postgres")), Dirs: map[string]string{DataTree: filepath.Join(dir, "data")},
		Documents: map[string]string{"config.json": filepath.Join(dir, "config.json")}, Owner: owner, StateDir: filepath.Join(dir, "state")}
	done, err := Restore(t.Context(), store, res.ID, target, RestoreOptions{Settings: map[string]any{"SqlSettings.DataSource": dsn}})
	if err != nil {
		t.Fatal(err)
	}
	if len(done.Kept) != 0 {
		t.Errorf("nothing was there before, but %v is kept", done.Kept)
	}
	for _, p := range []string{"data", "data/logo", "data/empty/inner", "config.json"} {
		info, err := os.Lstat(filepath.Join(dir, p))
		if err != nil {
			t.Fatal(err)
		}
		if st := info.Sys().(*syscall.Stat_t); int(st.Uid) != owner.UID || int(st.Gid) != owner.GID {
			t.Errorf("%s belongs to %d:%d", p, st.Uid, st.Gid)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, "config.json")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("config.json: %v, %v", info.Mode(), err)
	}
	if got := cluster.SQL(t, "newhost", "SELECT string_agg(DISTINCT pg_get_userbyid(relowner), ',') FROM pg_class WHERE relnamespace = 'public'::regnamespace"); got != "newhost_role" {
		t.Errorf("tables belong to %s", got)
	}
	// What Mattermost does at its next upgrade must be allowed.
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), "CREATE TABLE next_migration (x int); ALTER TABLE posts ADD COLUMN y int; REFRESH MATERIALIZED VIEW file_stats"); err != nil {
		t.Error(err)
	}
	if _, err := Rollback(t.Context(), target, ""); err != nil {
		t.Fatal(err)
	}
	if exists(filepath.Join(dir, "data")) || cluster.SQL(t, "postgres", "SELECT count(*) FROM pg_database WHERE datname = 'newhost'") != "0" {
		t.Error("the rollback onto nothing left something")
	}
}

func TestPeerAuthenticationSeesTheChosenUser(t *testing.T) {
	osUser := "nobody"
	if os.Geteuid() != 0 {
		u, err := user.Current()
		if err != nil {
			t.Fatal(err)
		}
		osUser = u.Username
	}
	c := pgtest.Start(t, pgtest.Options{HBA: "local all postgres trust\nlocal all all peer map=gitlab\n"})
	ident := filepath.Join(c.DataDir, "pg_ident.conf")
	if err := os.WriteFile(ident, []byte("gitlab "+osUser+" gitlab_mattermost\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	c.SQL(t, "postgres", "SELECT pg_reload_conf(); CREATE ROLE gitlab_mattermost LOGIN; CREATE DATABASE mm OWNER gitlab_mattermost;")
	c.SQL(t, "mm", "CREATE TABLE posts (id int); INSERT INTO posts VALUES (1); ALTER TABLE posts OWNER TO gitlab_mattermost")
	dsn := Secret(fmt.Sprintf("user=gitlab_mattermost host=%s port=%d dbname=mm", c.SocketDir, c.Port))
	store := newStore(t)
	res, err := Create(t.Context(), store, Source{DSN: dsn, OSUser: osUser}, CreateOptions{PgDump: filepath.Join(c.BinDir, "pg_dump")})
	if err != nil {
		t.Fatal(err)
	}
	if res.Manifest.rows() != 1 {
		t.Errorf("%d rows", res.Manifest.rows())
	}
	target := Target{DSN: dsn, OSUser: osUser, AdminDSN: Secret(c.DSN("postgres")), AdminOSUser: osUser, StateDir: t.TempDir()}
	if _, err := Restore(t.Context(), store, res.ID, target, RestoreOptions{}); err != nil {
		t.Error(err)
	}
	if os.Geteuid() == 0 {
		if _, err := Create(t.Context(), store, Source{DSN: dsn}, CreateOptions{}); err == nil || !strings.Contains(err.Error(), "Peer authentication failed") {
			t.Errorf("as root itself: %v", err)
		}
	}
}
