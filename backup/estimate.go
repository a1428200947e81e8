package backup

import (
	"context"
	"fmt"
	"path/filepath"
)

// Estimate is what a full backup would need, found without reading files.
type Estimate struct {
	DatabaseBytes int64 `json:"database_bytes"` // tables without indexes
	FileBytes     int64 `json:"file_bytes"`
	Files         int64 `json:"files"`
	StoredBytes   int64 `json:"stored_bytes"` // an upper bound in ordinary cases
	FreeBytes     int64 `json:"free_bytes"`   // in the store; -1 when it cannot tell
}

// Measure estimates a full backup of src in store.
func Measure(ctx context.Context, store Store, src Source) (*Estimate, error) {
	e := &Estimate{FreeBytes: -1}
	if src.DSN != "" {
		n, err := databaseBytes(ctx, src)
		if err != nil {
			return nil, fmt.Errorf("estimate: %w", err)
		}
		e.DatabaseBytes = n
	}
	for _, t := range src.Trees {
		s, err := newSource(t)
		if err != nil {
			return nil, fmt.Errorf("estimate: %w", err)
		}
		err = s.walk(ctx, func(f *entry) error {
			if f.kind == 'f' {
				e.Files++
				e.FileBytes += f.size
			}
			return nil
		}, func(Finding) {})
		if err != nil {
			return nil, fmt.Errorf("estimate: %w", err)
		}
	}
	// COPY text is smaller than the table; zstd makes a third of it.
	e.StoredBytes = e.DatabaseBytes/2 + e.FileBytes + e.Files*100
	if s, ok := store.(interface{ free() (int64, error) }); ok {
		n, err := s.free()
		if err != nil {
			return nil, err
		}
		e.FreeBytes = n
	}
	return e, nil
}

func databaseBytes(ctx context.Context, src Source) (int64, error) {
	s, err := newServer(src.DSN, src.OSUser)
	if err != nil {
		return 0, err
	}
	conn, err := s.connect(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Close(context.WithoutCancel(ctx)) // read only
	var n int64
	err = conn.QueryRow(ctx, `SELECT coalesce(sum(pg_table_size(c.oid)), 0)::bigint FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'r' AND `+userSchemas).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("size of the tables: %w", err)
	}
	return n, nil
}

// checkSpace fails before the start when the store cannot hold the backup. A
// quick bound is tried first: what the whole file systems of the trees hold.
func (c *creator) checkSpace(ctx context.Context) error {
	s, ok := c.store.(interface{ free() (int64, error) })
	if !ok {
		return nil
	}
	free, err := s.free()
	if err != nil {
		return err
	}
	var bound int64
	for _, t := range c.src.Trees {
		if t.Objects != nil {
			return nil // listing a bucket twice costs more than it tells
		}
		dir, err := filepath.EvalSymlinks(t.Dir)
		if err != nil {
			return err
		}
		used, err := usedBytes(dir)
		if err != nil {
			return err
		}
		bound += used
	}
	if c.src.DSN != "" {
		n, err := databaseBytes(ctx, c.src)
		if err != nil {
			return err
		}
		bound += n / 2
	}
	if free >= bound || c.o.Base != "" && free > bound/10 {
		return nil
	}
	e, err := Measure(ctx, c.store, c.src)
	if err != nil {
		return err
	}
	if e.StoredBytes > free && c.o.Base == "" {
		return fmt.Errorf("not enough space: about %d MB are needed, %d MB are free in the store; nothing was written", e.StoredBytes>>20, free>>20)
	}
	return nil
}
