package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

// killEnv makes the test binary a victim: it runs one operation and kills
// itself at a named point.
const killEnv = "BACKUP_TEST_VICTIM"

// victim is what the child process does, as JSON in killEnv.
type victim struct {
	Op       string // create, restore, rollback, prune, rehearse
	Point    string
	Nth      int // the point's how manieth visit kills
	Store    string
	ID       string
	DSN, Dir string
	PgDump   string
	Defer    bool
}

func runVictim() int {
	var v victim
	if err := json.Unmarshal([]byte(os.Getenv(killEnv)), &v); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 3
	}
	var mu sync.Mutex
	seen := 0
	hook := func(point string) {
		mu.Lock()
		defer mu.Unlock()
		if point != v.Point {
			return
		}
		if seen++; seen >= max(1, v.Nth) {
			_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	store, err := OpenDir(v.Store)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 3
	}
	s := &sample{dir: v.Dir, src: Source{DSN: Secret(v.DSN), Trees: []Tree{{Name: DataTree, Dir: v.Dir}},
		Documents: []DocumentSource{{Name: "config.json", Path: filepath.Join(filepath.Dir(v.Dir), "config.json")}}}}
	ctx := context.Background()
	switch v.Op {
	case "create":
		_, err = Create(ctx, store, s.src, CreateOptions{hook: hook, PgDump: v.PgDump})
	case "restore":
		_, err = Restore(ctx, store, v.ID, s.target(), RestoreOptions{hook: hook, DeferFullText: v.Defer})
	case "rollback":
		_, err = rollbackHooked(ctx, s.target(), "", hook)
	case "prune":
		_, err = pruneHooked(ctx, store, Retention{Last: 1}, hook)
	case "rehearse":
		_, err = Rehearse(ctx, store, v.ID, RehearseOptions{AdminDSN: Secret(v.DSN), ScratchDir: filepath.Join(filepath.Dir(v.Dir), "scratch"), hook: hook})
	}
	fmt.Fprintf(os.Stderr, "the point %q was not reached: %v\n", v.Point, err)
	return 4
}

// kill runs v in a child and fails unless the child was killed at its point.
func kill(t *testing.T, v victim) {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), killEnv+"="+string(text))
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("%s at %s: %v: %s", v.Op, v.Point, err, out)
	}
}

func (s *sample) victim(store *DirStore, op, point string) victim {
	return victim{Op: op, Point: point, Store: store.Dir(), DSN: s.dsn(s.db), Dir: s.dir, PgDump: filepath.Join(cluster.BinDir, "pg_dump")}
}

func TestKillDuringCreateLeavesNoBackupAndTheNextRunNoDebris(t *testing.T) {
	s := newSampleOf(t, "kc", smallOptions)
	store := newStore(t)
	for _, point := range []string{"create:begin", "create:snapshot", "create:section", "create:piece", "create:pack", "create:files-done", "create:documents", "create:before-manifest"} {
		kill(t, s.victim(store, "create", point))
		list, err := List(t.Context(), store)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range list {
			if b.Problem == "" {
				t.Errorf("killed at %s: %s looks finished", point, b.ID)
			}
		}
	}
	kill(t, s.victim(store, "create", "create:after-manifest"))
	mustCreate(t, store, s.src, CreateOptions{})
	list, err := List(t.Context(), store)
	if err != nil || len(list) != 2 {
		t.Fatalf("%d backups, want that of the kill after the manifest and the new one: %+v, %v", len(list), list, err)
	}
	for _, b := range list {
		mustVerify(t, store, b.ID, VerifyOptions{})
	}
	files, err := filepath.Glob(store.Dir() + "/*/.tmp-*")
	more, _ := filepath.Glob(store.Dir() + "/*/*/.tmp-*")
	if dirs, _ := os.ReadDir(store.Dir()); err != nil || len(files)+len(more) != 0 || len(dirs) != 3 {
		t.Errorf("debris: %v %v %v", files, more, dirs)
	}
}

func TestKillDuringRestoreGivesTheOldOrTheNewStateAfterRecover(t *testing.T) {
	s := newSampleOf(t, "kr", smallOptions)
	store := newStore(t)
	fresh := s.state(t)
	res := mustCreate(t, store, s.src, CreateOptions{})
	s.destroy(t)
	old := s.state(t)
	for _, c := range []struct {
		point string
		nth   int
		new   bool
	}{
		{"restore:journal", 1, false}, {"restore:database-created", 1, false}, {"restore:schema", 1, false}, {"restore:piece", 1, false},
		{"restore:rows", 1, false}, {"restore:unpacked", 1, false}, {"restore:staged", 1, false},
		{"swap:begin", 1, false}, {"swap:database", 1, false}, {"swap:half-path", 1, false}, {"swap:path", 1, false},
		{"swap:half-path", 2, false}, {"swap:path", 2, false},
		{"swap:done", 1, true}, {"swap:started", 1, true}, {"restore:before-done", 1, true},
	} {
		v := s.victim(store, "restore", c.point)
		v.ID, v.Nth = res.ID, c.nth
		kill(t, v)
		done, err := Recover(t.Context(), s.target())
		if err != nil || len(done) != 1 {
			t.Fatalf("killed at %s %d: recover: %v, %v", c.point, c.nth, done, err)
		}
		want := old
		if c.new {
			want = fresh
		}
		if got := s.state(t); got != want {
			t.Fatalf("killed at %s %d: the state is neither:\n%s", c.point, c.nth, firstDifference(want, got))
		}
		if again, err := Recover(t.Context(), s.target()); err != nil || len(again) != 0 {
			t.Errorf("a second recover did something: %v, %v", again, err)
		}
		if c.new { // go back, so that the next case starts alike
			j, err := Rollback(t.Context(), s.target(), "")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Discard(t.Context(), s.target(), j.ID); err != nil {
				t.Fatal(err)
			}
		}
		s.noDebris(t)
	}
}

func TestKillDuringRollbackIsCompletedByRecover(t *testing.T) {
	s := newSampleOf(t, "kb", smallOptions)
	store := newStore(t)
	res := mustCreate(t, store, s.src, CreateOptions{})
	s.destroy(t)
	old := s.state(t)
	for _, c := range []struct {
		point string
		nth   int
	}{{"rollback:journal", 1}, {"rollback:database", 1}, {"rollback:path", 1}, {"rollback:path", 2}, {"rollback:started", 1}} {
		if _, err := Restore(t.Context(), store, res.ID, s.target(), RestoreOptions{}); err != nil {
			t.Fatal(err)
		}
		v := s.victim(store, "rollback", c.point)
		v.Nth = c.nth
		kill(t, v)
		if done, err := Recover(t.Context(), s.target()); err != nil || len(done) != 1 {
			t.Fatalf("killed at %s: recover: %v, %v", c.point, done, err)
		}
		if got := s.state(t); got != old {
			t.Fatalf("killed at %s:\n%s", c.point, firstDifference(old, got))
		}
		list, err := Restores(s.target().StateDir)
		if err != nil || len(list) != 1 || list[0].State != RolledBack {
			t.Fatalf("journals %+v, %v", list, err)
		}
		if _, err := Discard(t.Context(), s.target(), list[0].ID); err != nil {
			t.Fatal(err)
		}
		s.noDebris(t)
	}
}

func TestKillDuringPruneLeavesWholeBackupsOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, point := range []string{"prune:before", "prune:manifest-gone", "prune:after"} {
		store := newStore(t)
		src := Source{Trees: []Tree{{Name: DataTree, Dir: dir}}}
		for i := range 3 {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
			mustCreate(t, store, src, CreateOptions{Base: []string{"", LatestBase, ""}[i]})
		}
		for n := 1; n <= 2; n++ {
			kill(t, victim{Op: "prune", Point: point, Nth: 1, Store: store.Dir(), Dir: dir})
			list, err := List(t.Context(), store)
			if err != nil {
				t.Fatal(err)
			}
			sound := 0
			for _, b := range list {
				if b.Problem == "" {
					mustVerify(t, store, b.ID, VerifyOptions{})
					sound++
				}
			}
			if sound == 0 {
				t.Errorf("%s: nothing sound is left", point)
			}
		}
		mustCreate(t, store, src, CreateOptions{})
		if dirs, err := os.ReadDir(store.Dir()); err != nil {
			t.Error(err)
		} else if list, _ := List(t.Context(), store); len(dirs)-1 != len(list) {
			t.Errorf("%s: debris: %v", point, dirs)
		}
	}
}

func TestKilledRehearsalIsCleanedByTheNext(t *testing.T) {
	s := newSampleOf(t, "kh", smallOptions)
	store := newStore(t)
	res := mustCreate(t, store, s.src, CreateOptions{})
	scratch := filepath.Join(filepath.Dir(s.dir), "scratch")
	if err := os.Mkdir(scratch, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, point := range []string{"rehearse:unpacked", "rehearse:loaded"} {
		v := s.victim(store, "rehearse", point)
		v.ID, v.DSN = res.ID, s.dsn("postgres")
		kill(t, v)
	}
	if _, err := Rehearse(t.Context(), store, res.ID, RehearseOptions{AdminDSN: Secret(s.dsn("postgres")), ScratchDir: scratch}); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(scratch); err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
	if n := cluster.SQL(t, "postgres", "SELECT count(*) FROM pg_database WHERE datname LIKE 'mmbackup%'"); n != "0" {
		t.Errorf("%s scratch databases are left", n)
	}
}
