package backup

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTheProgramOfTheServersVersionIsPickedAndAnOlderOneRefused(t *testing.T) {
	fake := func(version string) string {
		p := filepath.Join(t.TempDir(), "pg_dump")
		if err := os.WriteFile(p, []byte("#!/bin/sh\necho 'pg_dump (PostgreSQL) "+version+"'\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		return p
	}
	if got, err := findTool(t.Context(), "pg_dump", fake("16.10 (Debian)"), 15); err != nil || got.major != 16 || got.minor != 10 {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{"14.19", "nonsense"} {
		_, err := findTool(t.Context(), "pg_dump", fake(bad), 15)
		if err == nil || !strings.Contains(err.Error(), "no pg_dump for a PostgreSQL 15 server") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if got, err := findTool(t.Context(), "pg_dump", "", cluster.Major); err != nil || got.major != cluster.Major {
		t.Errorf("the installed one: %+v, %v", got, err)
	}
}

func TestTheByteLimitHoldsTheRate(t *testing.T) {
	l := &limiter{rate: 1 << 20}
	begin := time.Now()
	for range 10 {
		if err := l.wait(t.Context(), 32<<10); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(begin); took < 250*time.Millisecond {
		t.Errorf("320 KiB at 1 MiB/s took %v", took)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (&limiter{rate: 1}).wait(ctx, 1000); err == nil {
		t.Error("a cancelled wait went on")
	}
}

func TestALackOfSpaceIsSaidBeforeAnythingIsWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	// A sparse file claims more than any disk here has.
	f, err := os.Create(filepath.Join(dir, "huge"))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(8 << 40); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	store := newStore(t)
	src := Source{Trees: []Tree{{Name: DataTree, Dir: dir}}}
	small := &smallStore{DirStore: store}
	_, err = Create(t.Context(), small, src, CreateOptions{})
	if err == nil || !strings.Contains(err.Error(), "not enough space") {
		t.Errorf("error %v", err)
	}
	if list, err := os.ReadDir(store.Dir()); err != nil || len(list) != 1 { // the lock
		t.Errorf("written: %v, %v", list, err)
	}
	e, err := Measure(t.Context(), store, src)
	if err != nil || e.Files != 1 || e.FileBytes != 8<<40 {
		t.Errorf("%+v, %v", e, err)
	}
}

// smallStore has almost no room, so that the trees are measured.
type smallStore struct{ *DirStore }

func (s *smallStore) free() (int64, error) { return 1 << 20, nil }

func TestProgressAndPhasesAddUp(t *testing.T) {
	s := newSampleOf(t, "prog", smallOptions)
	var last Progress
	res := mustCreate(t, newStore(t), s.src, CreateOptions{Progress: func(p Progress) {
		if p.Bytes < last.Bytes {
			t.Errorf("progress went back from %d to %d", last.Bytes, p.Bytes)
		}
		last = p
	}})
	if last.Files != res.Files || last.Bytes < res.Manifest.Files.Bytes {
		t.Errorf("last progress %+v, result %+v", last, res)
	}
	if len(res.Phases) != 2 || res.Phases[0].Seconds <= 0 || res.Phases[0].BytesPerSecond() <= 0 {
		t.Errorf("phases %+v", res.Phases)
	}
}

func TestVerifyQuickAndSampledReadLess(t *testing.T) {
	s := newSampleOf(t, "depth", smallOptions)
	store := newStore(t)
	res := mustCreate(t, store, s.src, CreateOptions{})
	full := mustVerify(t, store, res.ID, VerifyOptions{Depth: Deep})
	quick := mustVerify(t, store, res.ID, VerifyOptions{Depth: Quick})
	if full.Parts != full.Of || quick.Parts != 0 {
		t.Errorf("deep read %d of %d, quick %d", full.Parts, full.Of, quick.Parts)
	}
	seen := 0
	for day := range 10 {
		v := mustVerify(t, store, res.ID, VerifyOptions{Depth: Sampled, now: func() time.Time { return time.Unix(int64(day)*86400, 0) }})
		seen += v.Parts
	}
	if seen != full.Of {
		t.Errorf("ten days of samples read %d of %d parts", seen, full.Of)
	}
}
