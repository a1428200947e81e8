package database

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/gitlab-mattermost/sdk/internal/mmsample"
	"github.com/gitlab-mattermost/sdk/internal/pgtest"
	"github.com/jackc/pgx/v5"
)

// benchServer is a cluster as the Linux package configures it, with a sample of
// DATABASE_BENCH_POSTS posts (default 100 000; 1 000 000 make one gigabyte).
func benchServer(b *testing.B) (*pgtest.Cluster, DSN) {
	b.Helper()
	posts := 100_000
	if n, err := strconv.Atoi(os.Getenv("DATABASE_BENCH_POSTS")); err == nil {
		posts = n
	}
	c := pgtest.Start(b, pgtest.Options{Settings: map[string]string{"shared_buffers": "2GB", "work_mem": "16MB", "maintenance_work_mem": "16MB",
		"max_wal_size": "1GB", "wal_level": "minimal", "max_wal_senders": "0"}})
	d := DSN{User: pgtest.Superuser, Hosts: []Host{{c.SocketDir, c.Port}}, Database: "mm"}
	ctx := context.Background()
	c.SQL(b, "postgres", "CREATE ROLE gitlab_mattermost LOGIN; CREATE DATABASE mm OWNER gitlab_mattermost")
	owner := d
	owner.User = "gitlab_mattermost"
	conn, err := Connect(ctx, owner)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(ctx)
	if err := mmsample.Fill(ctx, conn, mmsample.Options{Posts: posts}); err != nil {
		b.Fatal(err)
	}
	c.SQL(b, "mm", "VACUUM ANALYZE; CHECKPOINT")
	b.Logf("database of %s", c.SQL(b, "mm", "SELECT pg_size_pretty(pg_database_size('mm'))"))
	return c, d
}

// BenchmarkMove pairs, in turns on the same server, "pg_dump | psql" with Move
// with one job and with two; ratios above 1 mean that Move is faster. Move's
// time has everything in it: in "all" the other side is "pg_dump | psql" and ANALYZE,
// in "copy-only" Move's verification and ANALYZE are left out.
func BenchmarkMove(b *testing.B) {
	c, d := benchServer(b)
	var plain, analyze, one, two, oneNet, twoNet time.Duration
	round := func(f func()) time.Duration {
		c.SQL(b, "postgres", "CHECKPOINT")
		start := time.Now()
		f()
		return time.Since(start)
	}
	move := func(jobs int) *MoveResult {
		c.SQL(b, "postgres", "DROP DATABASE IF EXISTS copy")
		r, err := Move(context.Background(), MoveOptions{Source: d, Target: d.With("copy"), Jobs: jobs})
		if err != nil {
			b.Fatal(err)
		}
		b.Logf("jobs %d: %.1f s %v", jobs, r.Seconds, r.Stages)
		return r
	}
	verify := func(r *MoveResult) (v time.Duration) {
		for _, s := range r.Stages {
			if s.Stage == "verify" {
				v += time.Duration(s.Seconds * float64(time.Second))
			}
		}
		return v
	}
	for b.Loop() {
		plain += round(func() {
			c.SQL(b, "postgres", "DROP DATABASE IF EXISTS copy")
			c.SQL(b, "postgres", "CREATE DATABASE copy OWNER gitlab_mattermost")
			sh := exec.Command("bash", "-o", "pipefail", "-c", fmt.Sprintf(`%[1]s/pg_dump --no-owner -h %[2]s -p %[3]d -U postgres mm |
				%[1]s/psql -q -X -v ON_ERROR_STOP=1 -o /dev/null -h %[2]s -p %[3]d -U gitlab_mattermost copy`, c.BinDir, c.SocketDir, c.Port))
			if out, err := sh.CombinedOutput(); err != nil {
				b.Fatalf("%v %s", err, out)
			}
		})
		analyze += round(func() { c.SQL(b, "copy", "ANALYZE") }) // as Mattermost's documentation asks for after a restore
		var r *MoveResult
		d1 := round(func() { r = move(1) })
		one, oneNet = one+d1, oneNet+d1-verify(r)
		d2 := round(func() { r = move(2) })
		two, twoNet = two+d2, twoNet+d2-verify(r)
	}
	n := time.Duration(b.N)
	b.ReportMetric((plain / n).Seconds(), "s/pg_dump|psql")
	b.ReportMetric((one / n).Seconds(), "s/move-1")
	b.ReportMetric((two / n).Seconds(), "s/move-2")
	b.ReportMetric((analyze / n).Seconds(), "s/analyze")
	b.ReportMetric((plain+analyze).Seconds()/one.Seconds(), "ratio-1-all")
	b.ReportMetric((plain+analyze).Seconds()/two.Seconds(), "ratio-2-all")
	b.ReportMetric(plain.Seconds()/oneNet.Seconds(), "ratio-1-copy-only")
	b.ReportMetric(plain.Seconds()/twoNet.Seconds(), "ratio-2-copy-only")
}

// BenchmarkFingerprint pairs count(*) of every table, one after the other, with
// a fingerprint of the same tables.
func BenchmarkFingerprint(b *testing.B) {
	_, d := benchServer(b)
	ctx := context.Background()
	conn, err := Connect(ctx, d)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(ctx)
	var none string
	var list []tableInfo
	if err := snapshot(ctx, conn, &none, func(tx pgx.Tx) (err error) { list, err = tables(ctx, tx); return err }); err != nil {
		b.Fatal(err)
	}
	var count, scan, print, md5 time.Duration
	counts := func(setting string) time.Duration {
		if _, err := conn.Exec(ctx, setting); err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		for _, t := range list {
			var n int64
			if err := conn.QueryRow(ctx, "SELECT count(*) FROM ONLY "+t.name).Scan(&n); err != nil {
				b.Fatal(err)
			}
		}
		return time.Since(start)
	}
	fp := func(method string) time.Duration {
		start := time.Now()
		if _, err := fingerprint(ctx, OpenerFor(d), FingerprintOptions{Database: "mm", Method: method}); err != nil {
			b.Fatal(err)
		}
		return time.Since(start)
	}
	for b.Loop() {
		count += counts("SET enable_indexonlyscan = on; SET enable_indexscan = on; SET max_parallel_workers_per_gather = 2")
		scan += counts("SET enable_indexonlyscan = off; SET enable_indexscan = off; SET max_parallel_workers_per_gather = 0")
		print += fp(MethodRecord)
		md5 += fp(MethodMD5)
	}
	n := time.Duration(b.N)
	b.ReportMetric((count / n).Seconds(), "s/count")
	b.ReportMetric((scan / n).Seconds(), "s/scan-1-process")
	b.ReportMetric((print / n).Seconds(), "s/fingerprint")
	b.ReportMetric((md5 / n).Seconds(), "s/md5")
	b.ReportMetric(print.Seconds()/count.Seconds(), "ratio-to-count")
	b.ReportMetric(print.Seconds()/scan.Seconds(), "ratio-to-scan")
}
