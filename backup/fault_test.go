package backup

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestPgDumpThatFailsAtItsEndOrIsKilledLeavesNoBackup(t *testing.T) {
	s := newSampleOf(t, "pd", smallOptions)
	store := newStore(t)
	real := filepath.Join(cluster.BinDir, "pg_dump")
	for why, script := range map[string]string{
		"exit 1 after complete output": "if [ \"$1\" = --version ]; then exec " + real + " --version; fi\n" + real + " \"$@\"; echo disk failure >&2; exit 1",
		"killed in the middle":         "if [ \"$1\" = --version ]; then exec " + real + " --version; fi\n" + real + " \"$@\" | head -c 300; kill -9 $$",
	} {
		fake := filepath.Join(t.TempDir(), "pg_dump")
		if err := os.WriteFile(fake, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		_, err := Create(t.Context(), store, s.src, CreateOptions{PgDump: fake})
		if err == nil || !strings.Contains(err.Error(), "pg_dump") {
			t.Errorf("%s: error %v", why, err)
		}
		if dirs, _ := os.ReadDir(store.Dir()); len(dirs) != 1 { // the lock
			t.Errorf("%s: left %v", why, dirs)
		}
	}
}

func TestAFullDiskAtAnyWriteLeavesNoBackup(t *testing.T) {
	s := newSampleOf(t, "fd", smallOptions)
	video := append([]byte("\x00\x00\x00\x20ftypisom"), make([]byte, 300<<10)...) // several writes of one part
	if err := os.WriteFile(filepath.Join(s.dir, "video.mp4"), video, 0o600); err != nil {
		t.Fatal(err)
	}
	alone := s.src
	alone.Trees = nil
	for local, src := range map[bool]Source{false: s.src, true: alone} { // pieces are committed at once, or put off
		dir := newStore(t)
		count := &failingStore{Store: dir, local: local}
		full := mustCreate(t, count, src, CreateOptions{Workers: 1})
		if err := deleteAll(t.Context(), dir, full.ID); err != nil {
			t.Fatal(err)
		}
		total := count.ops.Load()
		for at := int64(1); at <= total; at++ {
			broken := &failingStore{Store: dir, failAt: at, local: local}
			_, err := Create(t.Context(), broken, src, CreateOptions{Workers: 1, PgDump: filepath.Join(cluster.BinDir, "pg_dump")})
			if !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("operation %d of %d: error %v", at, total, err)
			}
			if dirs, _ := os.ReadDir(dir.Dir()); len(dirs) != 0 {
				t.Fatalf("operation %d: left %v", at, dirs)
			}
		}
	}
}

func TestAFullDiskDuringRestoreLeavesTheOldState(t *testing.T) {
	s := newSampleOf(t, "fr", smallOptions)
	store := newStore(t)
	res := mustCreate(t, store, s.src, CreateOptions{})
	s.destroy(t)
	old := s.state(t)
	// RLIMIT_FSIZE makes the kernel refuse what a full disk would.
	v := s.victim(store, "restore", "never")
	v.ID = res.ID
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("bash", "-c", "trap '' XFSZ; ulimit -f 8; exec "+os.Args[0])
	cmd.Env = append(os.Environ(), killEnv+"="+string(text))
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "file too large") || !strings.Contains(string(out), "the old state is in place") {
		t.Fatalf("%v: %s", err, out)
	}
	if got := s.state(t); got != old {
		t.Errorf("%s", firstDifference(old, got))
	}
	s.noDebris(t)
}

func TestAStoreWithShortReadsWorksAndOneThatEndsEarlyIsDetected(t *testing.T) {
	s := newSample(t, "sr")
	before := s.state(t)
	store := newStore(t)
	res := mustCreate(t, store, s.src, CreateOptions{})
	mustVerify(t, &failingStore{Store: store, short: true}, res.ID, VerifyOptions{})
	early := &failingStore{Store: store, early: 100_000}
	got, err := Verify(t.Context(), early, res.ID, VerifyOptions{})
	if err != nil || got.Sound {
		t.Errorf("reads that end early: %+v, %v", got, err)
	}
	if _, err := Restore(t.Context(), early, res.ID, s.target(), RestoreOptions{}); !errors.Is(err, ErrDamaged) {
		t.Errorf("restore: %v", err)
	}
	if got := s.state(t); got != before {
		t.Errorf("a failed restore changed something: %s", firstDifference(before, got))
	}
	s.noDebris(t)
}

func TestTwoCreatesAtOnceGiveOneBackupAndOneRefusal(t *testing.T) {
	s := newSampleOf(t, "two", smallOptions)
	store := newStore(t)
	inside, goOn := make(chan struct{}), make(chan struct{})
	result := make(chan error)
	go func() {
		_, err := Create(t.Context(), store, s.src, CreateOptions{PgDump: filepath.Join(cluster.BinDir, "pg_dump"), hook: func(p string) {
			if p == "create:snapshot" {
				close(inside)
				<-goOn
			}
		}})
		result <- err
	}()
	<-inside
	other, err := OpenDir(store.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Create(t.Context(), other, s.src, CreateOptions{}); !errors.Is(err, ErrLocked) {
		t.Errorf("the second: %v", err)
	}
	close(goOn)
	if err := <-result; err != nil {
		t.Errorf("the first: %v", err)
	}
	list, err := List(t.Context(), store)
	if err != nil || len(list) != 1 || list[0].Problem != "" {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestFilesThatChangeGrowOrVanishAreHandledAndReported(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(name string, n int) {
		if err := os.WriteFile(filepath.Join(dir, name), bytes.Repeat([]byte(name[:1]), n), 0o600); err != nil {
			t.Error(err)
		}
	}
	write("steady", 1000)
	write("grows", 3<<20)
	write("vanishes", 5<<20)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		f, err := os.OpenFile(filepath.Join(dir, "grows"), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		for {
			select {
			case <-stop:
				return
			default:
				_, _ = f.WriteString("g")
				time.Sleep(100 * time.Microsecond)
			}
		}
	})
	store := newStore(t)
	res, err := Create(t.Context(), store, Source{Trees: []Tree{{Name: DataTree, Dir: dir}}}, CreateOptions{hook: func(p string) {
		if p == "create:begin" {
			go func() { time.Sleep(time.Millisecond); _ = os.Remove(filepath.Join(dir, "vanishes")) }()
		}
	}})
	close(stop)
	wg.Wait()
	if err != nil {
		t.Fatal(err)
	}
	mustVerify(t, store, res.ID, VerifyOptions{})
	found := map[string]bool{}
	for _, f := range res.Findings {
		found[f.ID] = true
	}
	if !found["file-changing"] {
		t.Errorf("findings %+v, want file-changing", res.Findings)
	}
	to := filepath.Join(t.TempDir(), "out")
	if _, _, err := Extract(t.Context(), store, res.ID, "data", to, Keys{}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(to, "grows"))
	if err != nil || len(got) < 3<<20 || len(bytes.Trim(got, "g")) != 0 {
		t.Errorf("the growing file has %d bytes, %d others; %v", len(got), len(bytes.Trim(got, "g")), err)
	}
}

func TestCancelledCreateLeavesNothing(t *testing.T) {
	s := newSampleOf(t, "can", smallOptions)
	store := newStore(t)
	alone := s.src
	alone.Trees = nil // its pieces wait for their commit
	for _, c := range []struct {
		point string
		src   Source
	}{{"create:snapshot", s.src}, {"create:piece", s.src}, {"create:piece", alone}, {"create:pack", s.src}, {"create:before-manifest", s.src}} {
		point := c.point
		ctx, cancel := context.WithCancel(t.Context())
		_, err := Create(ctx, store, c.src, CreateOptions{PgDump: filepath.Join(cluster.BinDir, "pg_dump"), hook: func(p string) {
			if p == point {
				cancel()
			}
		}})
		cancel()
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", point, err)
		}
		if dirs, _ := os.ReadDir(store.Dir()); len(dirs) != 1 {
			t.Errorf("%s: left %v", point, dirs)
		}
	}
}

// TestEveryBitFlipAndTruncationIsDetected damages one random place of one
// random object at a time.
func TestEveryBitFlipAndTruncationIsDetected(t *testing.T) {
	const trials = 1000
	s := newSampleOf(t, "flip", smallOptions)
	for _, p := range []string{"brand", "users"} { // a smaller tree verifies faster
		if err := os.RemoveAll(filepath.Join(s.dir, p)); err != nil {
			t.Fatal(err)
		}
	}
	store := newStore(t)
	first := mustCreate(t, store, s.src, CreateOptions{})
	if err := os.WriteFile(filepath.Join(s.dir, "new"), []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	res := mustCreate(t, store, s.src, CreateOptions{Base: first.ID})
	mustVerify(t, store, res.ID, VerifyOptions{})
	var names []string
	for _, m := range []*Manifest{res.Manifest, first.Manifest} {
		for _, p := range m.Parts() {
			if m == res.Manifest || strings.HasPrefix(p.Name, "files/0") {
				names = append(names, m.ID+"/"+p.Name)
			}
		}
		names = append(names, m.ID+"/"+manifestName, m.ID+"/"+sumsName)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range trials {
		name := names[i%len(names)]
		path := filepath.Join(store.Dir(), name)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		at, how := rnd.IntN(len(text)), "flip"
		damaged := bytes.Clone(text)
		switch rnd.IntN(3) {
		case 0:
			how, damaged = "truncation", damaged[:at]
		default:
			damaged[at] ^= 1 << rnd.IntN(8)
		}
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := Verify(t.Context(), store, res.ID, VerifyOptions{})
		if err != nil || got.Sound {
			t.Errorf("%s of %s at %d of %d was not detected (%v)", how, name, at, len(text), err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mustVerify(t, store, res.ID, VerifyOptions{})
}

func TestADamagedIDIsDamageAndARenamedDirectoryIsCalledSo(t *testing.T) {
	s := newSampleOf(t, "renamed", smallOptions)
	store := newStore(t)
	id := mustCreate(t, store, s.src, CreateOptions{}).ID
	other := id[:len(id)-4] + "0000"
	if other == id {
		other = id[:len(id)-4] + "0001"
	}
	if err := os.Rename(filepath.Join(store.Dir(), id), filepath.Join(store.Dir(), other)); err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(t.Context(), store, other, VerifyOptions{}); err == nil || !strings.Contains(err.Error(), "was the directory renamed?") {
		t.Errorf("renamed: %v", err)
	}
	path := filepath.Join(store.Dir(), other, manifestName)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.ReplaceAll(text, []byte(id), []byte(other)), 0o600); err != nil {
		t.Fatal(err)
	}
	res, err := Verify(t.Context(), store, other, VerifyOptions{})
	if err != nil || res.Sound || res.Findings[0].ID != "damaged" {
		t.Errorf("another ID in the manifest: %+v, %v", res, err)
	}
}
