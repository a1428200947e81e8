package database

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gitlab-mattermost/sdk/internal/mmsample"
	"github.com/gitlab-mattermost/sdk/internal/pgtest"
)

// ownServer is a cluster as the Linux package configures it.
func ownServer(b *testing.B) (*pgtest.Cluster, DSN) {
	b.Helper()
	c := pgtest.Start(b, pgtest.Options{Settings: map[string]string{"shared_buffers": "2GB", "work_mem": "16MB", "maintenance_work_mem": "16MB",
		"max_wal_size": "1GB", "wal_level": "minimal", "max_wal_senders": "0"}})
	return c, DSN{User: pgtest.Superuser, Hosts: []Host{{c.SocketDir, c.Port}}}
}

// benchServer is such a cluster with a sample in database mm.
// DATABASE_BENCH_DSN takes a running server instead, whose database mm is made
// when it is missing and kept.
func benchServer(b *testing.B) DSN {
	b.Helper()
	d, err := ParseDSN(os.Getenv("DATABASE_BENCH_DSN"))
	if err != nil || d.Hosts == nil {
		_, d = ownServer(b)
	}
	return withSample(b, d)
}

// withSample makes a sample of DATABASE_BENCH_POSTS posts (default 100 000;
// 1 000 000 make one gigabyte) in database mm, unless there is one.
func withSample(b *testing.B, d DSN) DSN {
	b.Helper()
	posts := 100_000
	if n, err := strconv.Atoi(os.Getenv("DATABASE_BENCH_POSTS")); err == nil {
		posts = n
	}
	d = d.With("mm")
	if scalar[int](b, d.With("postgres"), "SELECT count(*) FROM pg_database WHERE datname = 'mm'") == 0 {
		if scalar[int](b, d.With("postgres"), "SELECT count(*) FROM pg_roles WHERE rolname = 'gitlab_mattermost'") == 0 {
			execute(b, d.With("postgres"), "CREATE ROLE gitlab_mattermost LOGIN")
		}
		execute(b, d.With("postgres"), "CREATE DATABASE mm OWNER gitlab_mattermost")
		owner := d
		owner.User = "gitlab_mattermost"
		if err := mmsample.Fill(b.Context(), connect(b, owner), mmsample.Options{Posts: posts}); err != nil {
			b.Fatal(err)
		}
		execute(b, d, "VACUUM ANALYZE")
		execute(b, d, "CHECKPOINT")
	}
	b.Logf("database of %s", scalar[string](b, d, "SELECT pg_size_pretty(pg_database_size('mm'))"))
	return d
}

// cost is what something took.
type cost struct{ wall, cpu time.Duration }

func (c *cost) add(d cost) { c.wall += d.wall; c.cpu += d.cpu }

// meter measures f: seconds on the clock, and processor seconds of this process,
// its children and the server's sessions, which other work on the machine disturbs
// less.
func meter(b *testing.B, d DSN, f func()) cost {
	b.Helper()
	pid, _, _ := strings.Cut(scalar[string](b, d.With("postgres"), "SELECT pg_read_file('postmaster.pid')"), "\n")
	used := func() (total time.Duration) {
		time.Sleep(200 * time.Millisecond) // sessions count when they have ended
		for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
			var r syscall.Rusage
			if err := syscall.Getrusage(who, &r); err != nil {
				b.Fatal(err)
			}
			total += time.Duration(r.Utime.Nano() + r.Stime.Nano())
		}
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil {
			b.Fatal(err)
		}
		fields := strings.Fields(string(stat[strings.LastIndex(string(stat), ")"):]))
		for _, i := range []int{14, 15} { // cutime and cstime, in hundredths
			n, err := strconv.Atoi(fields[i])
			if err != nil {
				b.Fatal(err)
			}
			total += time.Duration(n) * 10 * time.Millisecond
		}
		return total
	}
	execute(b, d.With("postgres"), "CHECKPOINT")
	before, start := used(), time.Now()
	f()
	wall := time.Since(start)
	return cost{wall, used() - before}
}

// BenchmarkMove pairs, in turns on the same server, "pg_dump | psql" with Move.
// Ratios above 1 mean that Move is faster. In "all" the other side has the ANALYZE
// that Mattermost's documentation asks for after a restore, and Move has
// everything in it: verification and ANALYZE too. In "copy" both are without what
// comes after the indexes; reading the source's fingerprint is still in Move.
func BenchmarkMove(b *testing.B) {
	d := benchServer(b)
	client, err := ChooseClient(FindClients(b.Context()), 0, 990000)
	if err != nil {
		b.Fatal(err)
	}
	for _, jobs := range []int{1, 2} {
		b.Run(fmt.Sprintf("jobs=%d", jobs), func(b *testing.B) {
			var plain, analyze, move cost
			var verify time.Duration
			for b.Loop() {
				execute(b, d.With("postgres"), "DROP DATABASE IF EXISTS copy")
				plain.add(meter(b, d, func() {
					execute(b, d.With("postgres"), "CREATE DATABASE copy OWNER gitlab_mattermost")
					sh := exec.Command("bash", "-o", "pipefail", "-c", fmt.Sprintf(`%[1]s/pg_dump --no-owner -h %[2]s -p %[3]d -U postgres mm |
						%[1]s/psql -q -X -v ON_ERROR_STOP=1 -o /dev/null -h %[2]s -p %[3]d -U gitlab_mattermost copy`, client.Dir, d.Hosts[0].Name, d.Hosts[0].Port))
					if out, err := sh.CombinedOutput(); err != nil {
						b.Fatalf("%v %s", err, out)
					}
				}))
				analyze.add(meter(b, d, func() { execute(b, d.With("copy"), "ANALYZE") }))
				execute(b, d.With("postgres"), "DROP DATABASE IF EXISTS copy")
				move.add(meter(b, d, func() {
					r, err := Move(b.Context(), MoveOptions{Source: d, Target: d.With("copy"), Jobs: jobs})
					if err != nil {
						b.Fatal(err)
					}
					b.Logf("%.1f s %v", r.Seconds, r.Stages)
					verify += time.Duration(r.Stages[len(r.Stages)-1].Seconds * float64(time.Second))
				}))
			}
			n := float64(b.N)
			b.ReportMetric(plain.wall.Seconds()/n, "s/pg_dump|psql")
			b.ReportMetric(analyze.wall.Seconds()/n, "s/analyze")
			b.ReportMetric(move.wall.Seconds()/n, "s/move")
			b.ReportMetric((plain.cpu+analyze.cpu).Seconds()/n, "cpu-s/pg_dump|psql+analyze")
			b.ReportMetric(move.cpu.Seconds()/n, "cpu-s/move")
			b.ReportMetric((plain.wall+analyze.wall).Seconds()/move.wall.Seconds(), "ratio-all")
			b.ReportMetric(plain.wall.Seconds()/(move.wall-verify).Seconds(), "ratio-copy")
		})
	}
}
