// Package storetest checks that an implementation of backup.Store keeps the
// promises that backups rest on. Call Run from a test of the implementation.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"testing"

	"github.com/gitlab-mattermost/sdk/backup"
)

// Run runs the suite. open must give a new, empty store at each call.
func Run(t *testing.T, open func(t *testing.T) backup.Store) {
	for name, f := range map[string]func(*testing.T, backup.Store){
		"AnObjectReadsBackAsItWasWritten":            readsBack,
		"AnObjectIsInvisibleUntilCommit":             invisible,
		"AbortLeavesNothingAndMayFollowCommit":       abort,
		"AMissingObjectIsErrNotExist":                missing,
		"CommitReplacesAnObjectOfTheSameName":        replaces,
		"ListIsSortedAndFiltersByPrefix":             list,
		"DeleteIsIdempotent":                         deletes,
		"IllegalNamesAreRefused":                     names,
		"ManyWritersAtOnceDoNotDisturbEachOther":     concurrent,
		"ACancelledContextStopsWritingWithoutObject": cancelled,
		"ALockExcludesOthersIfTheStoreHasLocks":      locks,
	} {
		t.Run(name, func(t *testing.T) { f(t, open(t)) })
	}
}

func put(t *testing.T, s backup.Store, name string, data []byte) {
	t.Helper()
	w, err := s.Create(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	for rest := data; len(rest) > 0; { // in uneven pieces
		n := min(len(rest), 70_001)
		if _, err := w.Write(rest[:n]); err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, s backup.Store, name string) []byte {
	t.Helper()
	r, err := s.Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	return data
}

func readsBack(t *testing.T, s backup.Store) {
	for _, size := range []int{0, 1, 100_000, 6 << 20} {
		data := bytes.Repeat([]byte("0123456789abcdef\x00\xff"), size/18+1)[:size]
		name := fmt.Sprintf("a/b/size-%d", size)
		put(t, s, name, data)
		if !bytes.Equal(get(t, s, name), data) {
			t.Errorf("%d bytes do not read back", size)
		}
		o, err := s.Stat(t.Context(), name)
		if err != nil || o.Size != int64(size) || o.Name != name || o.Modified.IsZero() {
			t.Errorf("Stat: %+v, %v", o, err)
		}
	}
}

func invisible(t *testing.T, s backup.Store) {
	w, err := s.Create(t.Context(), "x/one")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("part")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Stat(t.Context(), "x/one"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an unfinished object is there: %v", err)
	}
	if l, err := s.List(t.Context(), ""); err != nil || len(l) != 0 {
		t.Errorf("an unfinished object is listed: %v, %v", l, err)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := get(t, s, "x/one"); string(got) != "part" {
		t.Errorf("got %q", got)
	}
}

func abort(t *testing.T, s backup.Store) {
	w, err := s.Create(t.Context(), "x/one")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("part")); err != nil {
		t.Fatal(err)
	}
	if err := w.Abort(); err != nil {
		t.Error(err)
	}
	if l, err := s.List(t.Context(), ""); err != nil || len(l) != 0 {
		t.Errorf("after Abort: %v, %v", l, err)
	}
	if w, err = s.Create(t.Context(), "x/two"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Commit(), w.Abort()); err != nil {
		t.Error(err)
	}
	if _, err := s.Stat(t.Context(), "x/two"); err != nil {
		t.Errorf("Abort after Commit removed the object: %v", err)
	}
}

func missing(t *testing.T, s backup.Store) {
	put(t, s, "a/b", nil)
	for _, name := range []string{"none", "a", "a/b/c", "a/c"} {
		if r, err := s.Open(t.Context(), name); !errors.Is(err, fs.ErrNotExist) {
			if err == nil {
				_, err = io.Copy(io.Discard, r)
				_ = r.Close() // only the first error counts here
			}
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("Open(%q): %v", name, err)
			}
		}
		if _, err := s.Stat(t.Context(), name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Stat(%q): %v", name, err)
		}
	}
}

func replaces(t *testing.T, s backup.Store) {
	put(t, s, "a", []byte("first and longer"))
	put(t, s, "a", []byte("second"))
	if got := get(t, s, "a"); string(got) != "second" {
		t.Errorf("got %q", got)
	}
}

func list(t *testing.T, s backup.Store) {
	for _, name := range []string{"b/2", "b/1", "a/x/y", "c", "b.txt", "b-1/0"} {
		put(t, s, name, []byte(name))
	}
	for prefix, want := range map[string]string{"": "a/x/y b-1/0 b.txt b/1 b/2 c", "b/": "b/1 b/2", "b": "b-1/0 b.txt b/1 b/2", "b/1": "b/1", "zz/": "", "a/x/": "a/x/y"} {
		l, err := s.List(t.Context(), prefix)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, o := range l {
			got = append(got, o.Name)
			if o.Size != int64(len(o.Name)) {
				t.Errorf("%s: size %d", o.Name, o.Size)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("List(%q) = %q, want %q", prefix, got, want)
		}
	}
}

func deletes(t *testing.T, s backup.Store) {
	put(t, s, "a/b", []byte("x"))
	put(t, s, "a/c", []byte("x"))
	for range 2 {
		if err := s.Delete(t.Context(), "a/b"); err != nil {
			t.Error(err)
		}
	}
	if l, err := s.List(t.Context(), ""); err != nil || len(l) != 1 || l[0].Name != "a/c" {
		t.Errorf("left: %v, %v", l, err)
	}
	put(t, s, "a/b", []byte("again"))
}

func names(t *testing.T, s backup.Store) {
	for _, name := range []string{"", "/a", "a/", "a//b", "../a", "a/../b", ".", "a b", "a\x00b", "ü", strings.Repeat("x", 401)} {
		if w, err := s.Create(t.Context(), name); err == nil {
			t.Errorf("Create(%q) was accepted", name)
			_ = w.Abort() // the failure is reported already
		}
		if _, err := s.Open(t.Context(), name); err == nil {
			t.Errorf("Open(%q) was accepted", name)
		}
		if err := s.Delete(t.Context(), name); err == nil {
			t.Errorf("Delete(%q) was accepted", name)
		}
	}
}

func concurrent(t *testing.T, s backup.Store) {
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			w, err := s.Create(t.Context(), fmt.Sprintf("d%d/%d", i%3, i))
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := w.Write(bytes.Repeat([]byte{byte(i)}, 50_000)); err != nil {
				t.Error(err)
			}
			if i%4 == 0 {
				err = w.Abort()
			} else {
				err = w.Commit()
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	l, err := s.List(t.Context(), "")
	if err != nil || len(l) != 15 {
		t.Fatalf("%d objects, want 15; %v", len(l), err)
	}
	for _, o := range l {
		var dir, i int
		if _, err := fmt.Sscanf(o.Name, "d%d/%d", &dir, &i); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(get(t, s, o.Name), bytes.Repeat([]byte{byte(i)}, 50_000)) {
			t.Errorf("%s holds another's bytes", o.Name)
		}
	}
}

func cancelled(t *testing.T, s backup.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	w, err := s.Create(ctx, "a/b")
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Write(bytes.Repeat([]byte("x"), 100_000))
	cancel()
	if err == nil {
		err = w.Commit()
	}
	if err == nil {
		t.Error("an object was committed after its context had ended")
	}
	_ = w.Abort() // may have happened in Commit
	if _, err := s.Stat(t.Context(), "a/b"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the object is there: %v", err)
	}
	if _, err := s.Create(ctx, "c"); err == nil {
		t.Error("Create with an ended context")
	}
}

func locks(t *testing.T, s backup.Store) {
	l, ok := s.(backup.Locker)
	if !ok {
		return
	}
	shared, err := l.Lock(t.Context(), backup.Shared)
	if err != nil {
		t.Fatal(err)
	}
	second, err := l.Lock(t.Context(), backup.Shared)
	if err != nil {
		t.Fatalf("two shared locks: %v", err)
	}
	if _, err := l.Lock(t.Context(), backup.Exclusive); !errors.Is(err, backup.ErrLocked) {
		t.Errorf("exclusive beside shared: %v", err)
	}
	if err := errors.Join(shared(), second()); err != nil {
		t.Fatal(err)
	}
	own, err := l.Lock(t.Context(), backup.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []backup.LockMode{backup.Shared, backup.Exclusive} {
		if _, err := l.Lock(t.Context(), mode); !errors.Is(err, backup.ErrLocked) {
			t.Errorf("a lock beside an exclusive one: %v", err)
		}
	}
	if err := own(); err != nil {
		t.Fatal(err)
	}
}
