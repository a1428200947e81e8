package backup

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// rowLoader makes an empty table and a loader of one piece for it.
func rowLoader(t *testing.T, db string, rows int, row func(int) string) *loader {
	t.Helper()
	cluster.SQL(t, "postgres", "CREATE DATABASE "+db+" TEMPLATE template0 ENCODING 'UTF8'")
	cluster.SQL(t, db, `CREATE TABLE public.posts (id text, message text, hashtags text)`)
	store, m := pieceStore(t, "posts", rows, row)
	to, err := newServer(Secret(cluster.DSN(db)), "")
	if err != nil {
		t.Fatal(err)
	}
	return &loader{store: store, m: m, to: to, workers: 4, limit: &limiter{}, hook: func(string) {}}
}

// Every hundredth row of the second half is longer than any buffer, so that the
// connections have to make way for each other within the piece.
func TestConnectionsShareOnePieceAndEveryRowArrivesOnce(t *testing.T) {
	const rows = 4000
	length := func(i int) int {
		if i > rows/2 && i%100 == 0 {
			return 700_000 + i
		}
		return 5000
	}
	var bytes int
	for i := range rows {
		bytes += length(i)
	}
	l := rowLoader(t, "shared_rows", rows, func(i int) string {
		return fmt.Sprintf("%d\t%s\t", i, strings.Repeat("x", length(i)))
	})
	n, err := l.rows(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := cluster.SQL(t, "shared_rows", "SELECT count(*), count(DISTINCT id), sum(length(message)), count(DISTINCT xmin::text) > 1 FROM posts")
	if want := fmt.Sprintf("%d|%d|%d|t", rows, rows, bytes); n != rows || strings.TrimSpace(got) != want {
		t.Errorf("%d rows loaded; rows, ids, bytes, several transactions: %s, want %s", n, got, want)
	}
}

func TestARowThatTheServerRefusesEndsAllConnections(t *testing.T) {
	l := rowLoader(t, "refused_row", 4000, func(i int) string {
		if i == 3000 {
			return "3000\ttoo few columns"
		}
		return fmt.Sprintf("%d\t%s\t", i, strings.Repeat("x", 5000))
	})
	_, err := l.rows(t.Context())
	if err == nil || !strings.Contains(err.Error(), "hashtags") {
		t.Errorf("error %v, want the server's word on the missing column", err)
	}
}

func TestRowsThatTheManifestDoesNotNameAreAnError(t *testing.T) {
	l := rowLoader(t, "wrong_count", 4000, func(i int) string { return fmt.Sprintf("%d\t%s\t", i, strings.Repeat("x", 2000)) })
	l.m.Database.Pieces[0].Tables[0].Rows++
	_, err := l.rows(t.Context())
	if err == nil || !strings.Contains(err.Error(), "4000 rows, the manifest says 4001") {
		t.Errorf("error %v, want the two numbers", err)
	}
}

func TestACancelledLoadReturns(t *testing.T) {
	l := rowLoader(t, "cancelled_load", 4000, func(i int) string { return fmt.Sprintf("%d\t%s\t", i, strings.Repeat("x", 5000)) })
	ctx, cancel := context.WithCancel(t.Context())
	l.limit.rate = 4 << 20 // slow enough to be caught
	go func() {
		for l.limit.bytes.Load() < 1<<20 {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	if _, err := l.rows(ctx); err == nil || ctx.Err() == nil {
		t.Errorf("error %v, want the cancel's", err)
	}
}
