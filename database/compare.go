package database

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Difference is one thing that two databases do not have alike.
type Difference struct {
	Kind   string `json:"kind"`   // "table", "rows", "content", "sequence", "schema" or "large objects"
	Object string `json:"object"` // the table, sequence or schema object
	// Direction says where more is: "only in A", "only in B", "more in A",
	// "more in B" or "differs".
	Direction string `json:"direction"`
	Detail    string `json:"detail,omitempty"`
}

// String names the kind, the object and the direction, on one line.
func (d Difference) String() string {
	s := d.Kind + " " + d.Object + ": " + d.Direction
	if d.Detail != "" {
		s += " (" + d.Detail + ")"
	}
	return s
}

// Compare lists how b differs from a, in a fixed order; nothing means equal.
// The fingerprints must be of the same method.
func Compare(a, b *Fingerprint) ([]Difference, error) {
	if a.Method != b.Method {
		return nil, fmt.Errorf("compare fingerprints: one is made with method %s, the other with %s", a.Method, b.Method)
	}
	var out []Difference
	pair(a.Tables, b.Tables, func(t TableFingerprint) string { return t.Name }, func(name string, x, y *TableFingerprint) {
		switch d := (Difference{Object: name}); {
		case y == nil:
			d.Kind, d.Direction, d.Detail = "table", "only in A", fmt.Sprintf("%d rows", x.Rows)
			out = append(out, d)
		case x == nil:
			d.Kind, d.Direction, d.Detail = "table", "only in B", fmt.Sprintf("%d rows", y.Rows)
			out = append(out, d)
		case x.Rows != y.Rows:
			d.Kind, d.Direction, d.Detail = "rows", more(x.Rows, y.Rows), fmt.Sprintf("%d rows in A, %d in B", x.Rows, y.Rows)
			out = append(out, d)
		case x.Digest != y.Digest:
			d.Kind, d.Direction, d.Detail = "content", "differs", fmt.Sprintf("%d rows in both", x.Rows)
			out = append(out, d)
		}
	})
	pair(a.Sequences, b.Sequences, func(s SequencePrint) string { return s.Name }, func(name string, x, y *SequencePrint) {
		if x == nil || y == nil || *x != *y {
			d := Difference{Kind: "sequence", Object: name, Direction: only(x == nil, y == nil)}
			if x != nil && y != nil {
				d.Direction = more(x.Last, y.Last)
				d.Detail = fmt.Sprintf("%d in A, %d in B", x.Last, y.Last)
			}
			out = append(out, d)
		}
	})
	pair(a.Schema, b.Schema, func(s SchemaFingerprint) string { return s.Object }, func(name string, x, y *SchemaFingerprint) {
		if x == nil || y == nil || x.Digest != y.Digest {
			out = append(out, Difference{Kind: "schema", Object: name, Direction: only(x == nil, y == nil)})
		}
	})
	if a.LargeObj != b.LargeObj {
		out = append(out, Difference{Kind: "large objects", Object: "all", Direction: only(a.LargeObj == "", b.LargeObj == "")})
	}
	return out, nil
}

func only(inB, inA bool) string {
	switch {
	case inA:
		return "only in A"
	case inB:
		return "only in B"
	}
	return "differs"
}

func more(a, b int64) string {
	switch {
	case a > b:
		return "more in A"
	case a < b:
		return "more in B"
	}
	return "differs"
}

// pair walks two lists by name.
func pair[T any](a, b []T, name func(T) string, f func(name string, x, y *T)) {
	index := func(list []T) map[string]*T {
		m := make(map[string]*T, len(list))
		for i := range list {
			m[name(list[i])] = &list[i]
		}
		return m
	}
	left, right := index(a), index(b)
	var names []string
	for n := range left {
		names = append(names, n)
	}
	for n := range right {
		if left[n] == nil {
			names = append(names, n)
		}
	}
	slices.SortFunc(names, strings.Compare)
	for _, n := range names {
		f(n, left[n], right[n])
	}
}

// CompareServers makes both fingerprints at the same time, with a method that is
// comparable between the two servers, and compares them. Databases are named in
// the options; Snapshot and Method must be empty.
func CompareServers(ctx context.Context, a, b *Manager, oa, ob FingerprintOptions) ([]Difference, error) {
	if a.conn == nil || b.conn == nil {
		return nil, errNoConn
	}
	for _, o := range []*FingerprintOptions{&oa, &ob} {
		if o.Database == "" {
			o.Database = DefaultDatabase
		}
	}
	method, err := commonMethod(ctx, a.conn, b.conn, oa.Database, ob.Database)
	if err != nil {
		return nil, err
	}
	oa.Method, ob.Method = method, method
	var fa, fb *Fingerprint
	var ea, eb error
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	wg.Go(func() {
		if fa, ea = a.Fingerprint(ctx, oa); ea != nil {
			cancel()
		}
	})
	wg.Go(func() {
		if fb, eb = b.Fingerprint(ctx, ob); eb != nil {
			cancel()
		}
	})
	wg.Wait()
	// The one that failed first cancelled the other; tell that one.
	if ea != nil && (eb == nil || ctx.Err() == nil || !errors.Is(ea, context.Canceled)) {
		return nil, fmt.Errorf("database A: %w", ea)
	}
	if eb != nil {
		return nil, fmt.Errorf("database B: %w", eb)
	}
	return Compare(fa, fb)
}
