package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
	"time"
)

// Info describes one backup of a store.
type Info struct {
	ID        string    `json:"id"`
	Created   time.Time `json:"created"`
	Stored    int64     `json:"stored_bytes"`
	Permanent bool      `json:"permanent"`
	Parents   []string  `json:"parents,omitempty"`
	// Problem says why this is no usable backup: no manifest (an unfinished
	// or a half deleted one), a damaged manifest, a missing parent.
	Problem  string    `json:"problem,omitempty"`
	Manifest *Manifest `json:"-"` // nil when it cannot be read
}

// List gives every backup of the store, oldest first, unfinished ones
// included. Only manifests are read; use Verify to know that the parts are
// sound.
func List(ctx context.Context, store Store) ([]Info, error) {
	objects, err := store.List(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("list backups: %w", err)
	}
	byID := map[string]*Info{}
	for _, o := range objects {
		id, rest, ok := strings.Cut(o.Name, "/")
		if !ok || checkID(id) != nil {
			continue // not ours
		}
		if byID[id] == nil {
			byID[id] = &Info{ID: id, Problem: "it has no manifest: unfinished or half deleted"}
		}
		b := byID[id]
		b.Stored += o.Size
		switch rest {
		case permanentName:
			b.Permanent = true
		case manifestName:
			m, err := Load(ctx, store, id)
			if err != nil {
				if ctx.Err() != nil {
					return nil, err
				}
				b.Problem = err.Error()
				continue
			}
			b.Problem, b.Manifest, b.Created, b.Parents = "", m, m.Created, m.Parents
		}
	}
	out := make([]Info, 0, len(byID))
	for _, b := range byID {
		out = append(out, *b)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	for i := range out {
		for _, p := range out[i].Parents {
			if parent := byID[p]; parent == nil || parent.Manifest == nil {
				out[i].Problem = fmt.Sprintf("the backup %s, which holds files of it, is missing", p)
			}
		}
	}
	return out, nil
}

// ErrNoBackup is wrapped when a store has no such backup.
var ErrNoBackup = errors.New("no such backup")

// Load reads the manifest of one backup and checks it against SHA256SUMS, so
// that a flipped bit in either is found. LatestBase as id gives the newest
// usable backup.
func Load(ctx context.Context, store Store, id string) (*Manifest, error) {
	if id == LatestBase {
		list, err := List(ctx, store)
		if err != nil {
			return nil, err
		}
		for i := len(list) - 1; i >= 0; i-- {
			if list[i].Problem == "" {
				return list[i].Manifest, nil
			}
		}
		return nil, fmt.Errorf("newest backup: %w", ErrNoBackup)
	}
	if err := checkID(id); err != nil {
		return nil, err
	}
	text, err := getObject(ctx, store, id+"/"+manifestName, maxManifest)
	if isMissing(err) {
		return nil, fmt.Errorf("backup %s: %w, or it has no manifest", id, ErrNoBackup)
	}
	if err != nil {
		return nil, fmt.Errorf("backup %s: %w", id, err)
	}
	m, err := DecodeManifest(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("backup %s: %w: %w", id, ErrDamaged, err)
	}
	sums, err := getObject(ctx, store, id+"/"+sumsName, maxManifest)
	if err != nil && !isMissing(err) {
		return nil, fmt.Errorf("backup %s: %w", id, err)
	}
	sum := sha256.Sum256(text)
	if !bytes.Equal(sums, m.sums(hex.EncodeToString(sum[:]))) {
		return nil, fmt.Errorf("backup %s: %w: %s and %s do not agree", id, ErrDamaged, manifestName, sumsName)
	}
	// Only now: a damaged bit may have made another ID.
	if m.ID != id {
		return nil, fmt.Errorf("backup %s: the manifest is that of %s; was the directory renamed?", id, m.ID)
	}
	return m, nil
}

// getObject reads a small object whole.
func getObject(ctx context.Context, store Store, name string, max int64) ([]byte, error) {
	r, err := store.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, max+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if int64(len(data)) > max {
		return nil, fmt.Errorf("read %s: larger than %d bytes", name, max)
	}
	return data, nil
}

func bytesReader(b []byte) io.Reader { return bytes.NewReader(b) }

// staleAfter is how old unfinished work in a store without locks must be
// before it is taken for dead.
const staleAfter = 24 * time.Hour

// sweep removes the remains of interrupted work: directories without a
// manifest. The caller holds the exclusive lock, if the store has locks; then
// everything without a manifest is dead. It returns what was removed.
func sweep(ctx context.Context, store Store, now time.Time) ([]string, error) {
	objects, err := store.List(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("look for unfinished backups: %w", err)
	}
	_, locked := store.(Locker)
	finished, newest := map[string]bool{}, map[string]time.Time{}
	var ids []string
	for _, o := range objects {
		id, rest, ok := strings.Cut(o.Name, "/")
		if !ok || checkID(id) != nil {
			continue
		}
		if newest[id].IsZero() {
			ids = append(ids, id)
		}
		if rest == manifestName {
			finished[id] = true
		}
		if o.Modified.After(newest[id]) {
			newest[id] = o.Modified
		}
	}
	var swept []string
	for _, id := range ids {
		if finished[id] || !locked && now.Sub(newest[id]) < staleAfter {
			continue
		}
		if err := deleteAll(ctx, store, id); err != nil {
			return swept, err
		}
		swept = append(swept, id)
	}
	if s, ok := store.(interface{ sweep(context.Context) error }); ok {
		if err := s.sweep(ctx); err != nil {
			return swept, fmt.Errorf("remove unfinished files: %w", err)
		}
	}
	return swept, nil
}

// deleteAll removes a backup, its manifest first, so that a half deleted one
// is none. The permanent mark goes last.
func deleteAll(ctx context.Context, store Store, id string) error {
	objects, err := store.List(ctx, id+"/")
	if err != nil {
		return fmt.Errorf("delete %s: %w", id, err)
	}
	if err := store.Delete(ctx, id+"/"+manifestName); err != nil {
		return fmt.Errorf("delete %s: %w", id, err)
	}
	for _, o := range objects {
		if err := store.Delete(ctx, o.Name); err != nil {
			return fmt.Errorf("delete %s: %w", id, err)
		}
	}
	return nil
}
