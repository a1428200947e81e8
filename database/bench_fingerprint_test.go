package database

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/gitlab-mattermost/sdk/internal/pgtest"
	"github.com/jackc/pgx/v5"
)

// How count(*) reads a table: as every user has it, which on a table without
// fresh changes is a look into its smallest index; all of the table; and all of
// it by one process, as the Linux package sets its server up.
const (
	countAsIs  = "SET enable_indexonlyscan = on; SET enable_indexscan = on; SET max_parallel_workers_per_gather = 2"
	countScan  = "SET enable_indexonlyscan = off; SET enable_indexscan = off; SET max_parallel_workers_per_gather = 2"
	countAlone = "SET enable_indexonlyscan = off; SET enable_indexscan = off; SET max_parallel_workers_per_gather = 0"
)

// rowCounter counts rows over one connection.
type rowCounter struct {
	b    *testing.B
	conn *pgx.Conn
	list []tableInfo
}

func newRowCounter(b *testing.B, d DSN) *rowCounter {
	b.Helper()
	c := &rowCounter{b: b, conn: connect(b, d)}
	var none string
	err := snapshot(b.Context(), c.conn, &none, func(tx pgx.Tx) (err error) { c.list, err = tables(b.Context(), tx); return err })
	if err != nil {
		b.Fatal(err)
	}
	return c
}

// count measures count(*) of every table, one after the other.
func (c *rowCounter) count(settings string) time.Duration {
	if _, err := c.conn.Exec(c.b.Context(), settings); err != nil {
		c.b.Fatal(err)
	}
	start := time.Now()
	for _, t := range c.list {
		var n int64
		if err := c.conn.QueryRow(c.b.Context(), "SELECT count(*) FROM ONLY "+t.name).Scan(&n); err != nil {
			c.b.Fatal(err)
		}
	}
	return time.Since(start)
}

func timeFingerprint(b *testing.B, d DSN, method string) time.Duration {
	start := time.Now()
	if _, err := fingerprint(b.Context(), OpenerFor(d), FingerprintOptions{Database: "mm", Method: method}); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}

// BenchmarkFingerprint pairs count(*) of every table with a fingerprint of the
// same tables, all in memory.
func BenchmarkFingerprint(b *testing.B) {
	d := benchServer(b)
	c := newRowCounter(b, d)
	var count, scan, print, md5 time.Duration
	for b.Loop() {
		count += c.count(countAsIs)
		scan += c.count(countAlone)
		print += timeFingerprint(b, d, MethodHash)
		md5 += timeFingerprint(b, d, MethodMD5)
	}
	n := time.Duration(b.N)
	b.ReportMetric((count / n).Seconds(), "s/count")
	b.ReportMetric((scan / n).Seconds(), "s/scan-1-process")
	b.ReportMetric((print / n).Seconds(), "s/fingerprint")
	b.ReportMetric((md5 / n).Seconds(), "s/md5")
	b.ReportMetric(print.Seconds()/count.Seconds(), "ratio-to-count")
	b.ReportMetric(print.Seconds()/scan.Seconds(), "ratio-to-scan")
}

// BenchmarkFingerprintFromDisk does the same with nothing in memory, as on a
// server whose database is larger than its memory: before each measurement the
// server is restarted and the system forgets the cluster's files. It always
// starts a cluster of its own.
func BenchmarkFingerprintFromDisk(b *testing.B) {
	server, d := ownServer(b)
	d = withSample(b, d)
	var count, scan, alone, print time.Duration
	for b.Loop() {
		cool(b, server)
		count += newRowCounter(b, d).count(countAsIs)
		cool(b, server)
		scan += newRowCounter(b, d).count(countScan)
		cool(b, server)
		alone += newRowCounter(b, d).count(countAlone)
		cool(b, server)
		connect(b, d).Close(context.Background()) // the others have read the catalog too
		print += timeFingerprint(b, d, MethodHash)
	}
	n := time.Duration(b.N)
	b.ReportMetric((count / n).Seconds(), "s/count")
	b.ReportMetric((scan / n).Seconds(), "s/scan")
	b.ReportMetric((alone / n).Seconds(), "s/scan-1-process")
	b.ReportMetric((print / n).Seconds(), "s/fingerprint")
	b.ReportMetric(print.Seconds()/count.Seconds(), "ratio-to-count")
	b.ReportMetric(print.Seconds()/scan.Seconds(), "ratio-to-scan")
	b.ReportMetric(print.Seconds()/alone.Seconds(), "ratio-to-scan-1-process")
}

// cool restarts a server and makes the system forget its files.
func cool(b *testing.B, c *pgtest.Cluster) {
	b.Helper()
	if err := c.Stop(syscall.SIGINT); err != nil {
		b.Fatal(err)
	}
	err := filepath.WalkDir(c.DataDir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		err = f.Sync() // only what is on the disk can be forgotten
		const dontNeed = 4
		if _, _, e := syscall.Syscall6(syscall.SYS_FADVISE64, f.Fd(), 0, 0, dontNeed, 0, 0); e != 0 {
			err = errors.Join(err, e)
		}
		return errors.Join(err, f.Close())
	})
	if err != nil {
		b.Fatal(err)
	}
	if err := c.StartServer(); err != nil {
		b.Fatal(err)
	}
}
