package database

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
)

// Methods of digesting a row.
const (
	// MethodHash hashes the values inside the server with its own functions
	// (PostgreSQL 11 and newer). Fast; comparable between machines of the same
	// byte order. Numbers inside jsonb that are equal count as equal (1.0 and
	// 1.00), and so may two bigint of which one is the other with its halves
	// changed alike.
	MethodHash = "hash"
	// MethodMD5 hashes each row's text with MD5: slower, and comparable between
	// all servers. Both methods see every bit of a floating-point column or array,
	// and 15 digits of such numbers inside other types.
	MethodMD5 = "md5"

	firstHash = 110000 // server_version_num
)

// Fingerprint says what a database holds, so that two can be compared without
// moving their rows: per table the number of rows and a digest that does not
// depend on their order, the sequences' values, and a digest of the schema.
// Owners, privileges, statistics and physical layout are no part of it. The digests
// find accidents (a lost, changed, doubled or mixed-up row), not forgery: they
// are sums of 64-bit hashes, which whoever may choose the rows can balance.
type Fingerprint struct {
	Database  string              `json:"database"`
	Server    int                 `json:"server"` // server_version_num
	Method    string              `json:"method"`
	Tables    []TableFingerprint  `json:"tables"`
	Sequences []SequencePrint     `json:"sequences"`
	Schema    []SchemaFingerprint `json:"schema"`
	LargeObj  string              `json:"largeObjects,omitempty"` // digest of all large objects, "" when there are none
}

// TableFingerprint is one table, partition or materialised view.
type TableFingerprint struct {
	Name   string `json:"name"` // quoted where needed, with its schema
	Rows   int64  `json:"rows"`
	Digest string `json:"digest"` // sum of the rows' hashes, decimal
}

// SequencePrint is one sequence's state.
type SequencePrint struct {
	Name   string `json:"name"`
	Last   int64  `json:"last"`
	Called bool   `json:"called"`
}

// SchemaFingerprint is the definition of one object (a table with its columns, an
// index, a view, a type, …) and its digest.
type SchemaFingerprint struct {
	Object string `json:"object"`
	Digest string `json:"digest"`
}

// Digest is one SHA-256 over everything but the database's name and the
// server's version, in hexadecimal: equal fingerprints of the same method have
// equal digests.
func (f *Fingerprint) Digest() string {
	g := *f
	g.Database, g.Server = "", 0
	text, err := json.Marshal(g)
	if err != nil { // strings and numbers always marshal
		panic(err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Rows is the number of rows of all tables.
func (f *Fingerprint) Rows() int64 {
	var n int64
	for _, t := range f.Tables {
		n += t.Rows
	}
	return n
}

// FingerprintOptions say how to make a fingerprint. The zero value is right
// for comparing with another server of 11 or newer.
type FingerprintOptions struct {
	Database string // default mattermost_production
	Method   string // default MethodHash from PostgreSQL 11 on, MethodMD5 before
	Jobs     int    // connections; default 2
	// Snapshot is an exported snapshot (pg_export_snapshot) to read from;
	// empty makes one, so that all connections see the same moment.
	Snapshot string
	// Progress is called after each table, one call at a time; nil is silent.
	Progress func(done, total int, table string)

	tablesOnly bool // without the rows of materialised views
}

// Fingerprint reads a database once, without locking anybody out, as of one
// moment. Cancelling ends the server's work too.
func (m *Manager) Fingerprint(ctx context.Context, o FingerprintOptions) (*Fingerprint, error) {
	return fingerprint(ctx, m.open, o)
}

// DatabaseDigest is Fingerprint(…).Digest() with the default options and
// MethodMD5, which stays comparable when PostgreSQL's version changes.
func (m *Manager) DatabaseDigest(ctx context.Context, database string) (string, error) {
	f, err := fingerprint(ctx, m.open, FingerprintOptions{Database: database, Method: MethodMD5})
	if err != nil {
		return "", err
	}
	return f.Digest(), nil
}

func fingerprint(ctx context.Context, open Opener, o FingerprintOptions) (*Fingerprint, error) {
	if o.Database == "" {
		o.Database = DefaultDatabase
	}
	f := &Fingerprint{Database: o.Database, Tables: []TableFingerprint{}, Sequences: []SequencePrint{}, Schema: []SchemaFingerprint{}}
	m := &Manager{open: open}
	err := m.in(ctx, o.Database, func(conn *pgx.Conn) error {
		var err error
		if f.Server, err = serverVersion(ctx, conn); err != nil {
			return err
		}
		if f.Method, err = chooseMethod(o.Method, f.Server); err != nil {
			return err
		}
		return snapshot(ctx, conn, &o.Snapshot, func(tx pgx.Tx) error {
			if err := f.catalog(ctx, tx); err != nil {
				return err
			}
			list, err := tables(ctx, tx)
			if err != nil {
				return err
			}
			if o.tablesOnly {
				list = slices.DeleteFunc(list, func(t tableInfo) bool { return t.kind != "r" })
			}
			return f.digestAll(ctx, m, o, list)
		})
	})
	if err != nil {
		return nil, fmt.Errorf("fingerprint database %s: %w", quoteName(o.Database), err)
	}
	slices.SortFunc(f.Tables, func(a, b TableFingerprint) int { return strings.Compare(a.Name, b.Name) })
	return f, nil
}

func chooseMethod(method string, server int) (string, error) {
	switch {
	case method == "" && server >= firstHash:
		return MethodHash, nil
	case method == "":
		return MethodMD5, nil
	case method == MethodHash && server < firstHash:
		return "", fmt.Errorf("method hash needs PostgreSQL 11, the server is %d: use md5", server/10000)
	case method != MethodHash && method != MethodMD5:
		return "", fmt.Errorf("method %q: want hash or md5", method)
	}
	return method, nil
}

// textSettings make the text of every value independent of the server's
// configuration.
const textSettings = `SET LOCAL DateStyle = 'ISO, MDY'; SET LOCAL IntervalStyle = 'postgres'; SET LOCAL TimeZone = 'UTC';
SET LOCAL extra_float_digits = 3; SET LOCAL bytea_output = 'hex'; SET LOCAL xmloption = 'content'; SET LOCAL search_path = pg_catalog`

// snapshot runs f in a transaction that sees one moment: the exported snapshot
// *id, or a new one whose name is put there ("" where the server cannot export).
func snapshot(ctx context.Context, conn *pgx.Conn, id *string, f func(tx pgx.Tx) error) error {
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return err
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) // it only read
	if *id != "" {
		if _, err := tx.Exec(ctx, "SET TRANSACTION SNAPSHOT "+literal(*id)); err != nil {
			return err
		}
	} else if err := tx.QueryRow(ctx, "SELECT pg_export_snapshot()").Scan(id); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, textSettings); err != nil {
		return err
	}
	return f(tx)
}

// digestAll digests the tables on several connections, the largest first.
func (f *Fingerprint) digestAll(ctx context.Context, m *Manager, o FingerprintOptions, list []tableInfo) error {
	slices.SortStableFunc(list, func(a, b tableInfo) int { return int(min(1, max(-1, b.bytes-a.bytes))) })
	jobs := o.Jobs
	if jobs == 0 {
		jobs = 2
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex
	var wg sync.WaitGroup
	next, done := 0, 0
	worker := func() error {
		return m.in(ctx, o.Database, func(conn *pgx.Conn) error {
			return snapshot(ctx, conn, &o.Snapshot, func(tx pgx.Tx) error {
				for {
					mu.Lock()
					i := next
					next++
					mu.Unlock()
					if i >= len(list) {
						return nil
					}
					t, err := digestTable(ctx, tx, list[i], f.Method)
					if err != nil {
						return fmt.Errorf("table %s: %w", list[i].name, err)
					}
					mu.Lock()
					f.Tables = append(f.Tables, t)
					if done++; o.Progress != nil {
						o.Progress(done, len(list), t.Name)
					}
					mu.Unlock()
				}
			})
		})
	}
	for range min(jobs, max(1, len(list))) {
		wg.Go(func() {
			if err := worker(); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// digestTable asks the server for the number of rows and the sum of their 64-bit
// hashes, which does not depend on the order. The server
// spreads a large table over its parallel workers.
func digestTable(ctx context.Context, tx pgx.Tx, t tableInfo, method string) (TableFingerprint, error) {
	out := TableFingerprint{Name: t.name}
	if _, err := tx.Exec(ctx, roundFloats+`; SET LOCAL max_parallel_workers_per_gather = 4; SET LOCAL parallel_setup_cost = 100;
		SELECT set_config(name, 'off', true) FROM pg_settings WHERE name = 'jit'`); err != nil {
		return out, err
	}
	query := "SELECT count(*), coalesce(sum(" + t.hash(method) + "), 0)::text FROM " + t.only() + " AS t"
	if err := tx.QueryRow(ctx, query).Scan(&out.Rows, &out.Digest); err != nil {
		return out, err
	}
	return out, nil
}
