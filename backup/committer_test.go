package backup

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
)

func TestPutOffCommitsRunOldestFirstAndAllByTheFlush(t *testing.T) {
	g, _ := newGroup(t.Context())
	c := newCommitter(g)
	var mu sync.Mutex
	var ran []int
	const n = maxLateCommits + 3
	for i := range n {
		c.later(func() error {
			mu.Lock()
			defer mu.Unlock()
			ran = append(ran, i)
			return nil
		})
	}
	for done := false; !done; {
		mu.Lock()
		done = len(ran) == n-maxLateCommits
		if len(ran) > n-maxLateCommits {
			t.Fatalf("%v ran; only %d may", ran, n-maxLateCommits)
		}
		mu.Unlock()
	}
	slices.Sort(ran)
	if want := []int{0, 1, 2}; !slices.Equal(ran, want) {
		t.Errorf("before the flush %v ran, want the oldest, %v", ran, want)
	}
	c.flush()
	if err := g.wait(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(ran)
	if want := []int{0, 1, 2, 3, 4, 5, 6, 7, 8}; !slices.Equal(ran, want) {
		t.Errorf("%v ran, want %v", ran, want)
	}
}

func TestAPutOffCommitThatFailsFailsTheGroup(t *testing.T) {
	g, ctx := newGroup(t.Context())
	c, failure := newCommitter(g), errors.New("no space")
	c.later(func() error { return failure })
	c.flush()
	if err := g.wait(); !errors.Is(err, failure) || !errors.Is(context.Cause(ctx), failure) {
		t.Errorf("error %v, cause %v, want %v", err, context.Cause(ctx), failure)
	}
}

// A failure finds parts that are finished and wait to be committed, and parts
// that are being written. Neither may leave anything behind, not even what
// List does not show.
func TestAFailedBackupAbortsEveryPartThatItBegan(t *testing.T) {
	store := &abortCounter{Store: newStore(t)}
	parts := newParts(store, nil, newEncoders(false, 4))
	parts.id = "x"
	for _, end := range []string{"commit", "finish", "write", "abort"} {
		p, err := parts.create(t.Context(), "db/"+end, partKind{zstd: true, hash: true, late: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Write([]byte(end)); err != nil {
			t.Fatal(err)
		}
		switch end {
		case "commit":
			_, err = p.close()
		case "finish":
			err = p.finish()
		case "abort":
			p.abort()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	parts.abort()
	want := map[string]int{"x/db/finish.zst": 1, "x/db/write.zst": 1, "x/db/abort.zst": 1}
	if len(store.aborted) != len(want) {
		t.Errorf("aborted %v, want %v", store.aborted, want)
	}
	for name, n := range want {
		if store.aborted[name] != n {
			t.Errorf("%s: aborted %d times, want %d", name, store.aborted[name], n)
		}
	}
}

// abortCounter counts Abort.
type abortCounter struct {
	Store
	aborted map[string]int
}

func (s *abortCounter) Create(ctx context.Context, name string) (ObjectWriter, error) {
	w, err := s.Store.Create(ctx, name)
	return &abortedWriter{w, s, name}, err
}

type abortedWriter struct {
	ObjectWriter
	store *abortCounter
	name  string
}

func (w *abortedWriter) Abort() error {
	if w.store.aborted == nil {
		w.store.aborted = map[string]int{}
	}
	w.store.aborted[w.name]++
	return w.ObjectWriter.Abort()
}
