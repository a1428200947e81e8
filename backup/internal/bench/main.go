// Command bench compares package backup with the documented commands
// (pg_dump | gzip, tar -zc, dropdb/createdb/zcat | psql, tar -xz) on the same
// generated data, in interleaved rounds, and prints medians of the ratios.
//
//	go run ./backup/internal/bench -rounds 3
//	go run ./backup/internal/bench -scale 0.02 -rounds 1   # a quick try
//	go run ./backup/internal/bench -database -rounds 9     # one figure
//	go run ./backup/internal/bench -grow 10                # memory only
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"

	"github.com/gitlab-mattermost/sdk/internal/mmsample"
	"github.com/gitlab-mattermost/sdk/internal/pgtest"
	"github.com/jackc/pgx/v5"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == "child" {
		os.Exit(child(os.Args[2]))
	}
	scale := flag.Float64("scale", 1, "size of the data; 1 is 1.2 GB of database and 1.6 GB of files")
	rounds := flag.Int("rounds", 3, "rounds")
	database := flag.Bool("database", false, "rounds of the database backup only")
	grow := flag.Float64("grow", 0, "instead of the rounds, measure the memory with the data and with this many times as much")
	dir := flag.String("dir", os.TempDir(), "directory for everything, about 18 GB at full size, 5 GB for each time of -grow")
	flag.Parse()
	if err := run(context.Background(), *scale, *grow, *rounds, *database, *dir); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench is one comparison.
type bench struct {
	cluster *pgtest.Cluster
	dir     string // everything
	data    string // parent of data/ and config.json
	round   int
	times   map[string][]float64 // wall seconds
	work    map[string][]float64 // processor seconds of the programs, without the server's
	peak    map[string]float64   // MiB
	bytes   map[string]int64
	plain   int64
	results []string
}

// settings are those that the Linux package gives PostgreSQL.
var settings = map[string]string{"maintenance_work_mem": "16MB", "work_mem": "16MB", "wal_level": "minimal", "max_wal_senders": "0",
	"max_wal_size": "1GB", "statement_timeout": "60000", "shared_buffers": "2GB", "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}

func run(ctx context.Context, scale, grow float64, rounds int, database bool, dir string) (err error) {
	top, err := os.MkdirTemp(dir, "backup-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(top)
	c, err := pgtest.New(pgtest.Options{Settings: settings})
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := c.Close(); err == nil {
			err = closeErr
		}
	}()
	b := &bench{cluster: c, dir: top, data: filepath.Join(top, "mattermost"), times: map[string][]float64{}, work: map[string][]float64{}, peak: map[string]float64{}, bytes: map[string]int64{}}
	if grow > 0 {
		return b.memory(ctx, scale, grow)
	}
	if err := b.generate(ctx, "source", b.data, scale); err != nil {
		return err
	}
	for b.round = 1; b.round <= rounds; b.round++ {
		if err := b.databases(ctx); err != nil {
			return err
		}
		if !database {
			if err := b.backups(ctx); err != nil {
				return err
			}
			if err := b.restores(ctx); err != nil {
				return err
			}
		}
		fmt.Fprintf(os.Stderr, "round %d of %d done\n", b.round, rounds)
	}
	b.print(rounds)
	return nil
}

// generate makes a database and a data directory.
func (b *bench) generate(ctx context.Context, db, dir string, scale float64) error {
	n := func(full int) int { return max(1, int(float64(full)*scale)) }
	o := mmsample.Options{Seed: 1, Posts: n(1_310_000), Users: max(20, n(2800)), Channels: max(10, n(1300)), Files: n(4000), FileSize: 300_000, LargeFiles: 3, LargeSize: int64(n(100 << 20))}
	admin, err := pgx.Connect(ctx, b.cluster.DSN("postgres"))
	if err != nil {
		return err
	}
	defer admin.Close(ctx)
	if _, err := admin.Exec(ctx, "CREATE DATABASE "+db); err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, b.cluster.DSN(db))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if err := mmsample.Fill(ctx, conn, o); err != nil {
		return err
	}
	if err := b.vacuum(db); err != nil {
		return err
	}
	data := filepath.Join(dir, "data")
	if err := os.MkdirAll(data, 0o755); err != nil {
		return err
	}
	if err := mmsample.Files(data, o); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte("{}\n"), 0o600); err != nil {
		return err
	}
	var size int64
	var tables string
	if err := conn.QueryRow(ctx, "SELECT pg_database_size(current_database()), pg_size_pretty(pg_table_size('posts'))").Scan(&size, &tables); err != nil {
		return err
	}
	files, dirs, bytes, err := count(data)
	if err != nil {
		return err
	}
	b.results = append(b.results, fmt.Sprintf("data (%s): database %d MB on disk (posts %s), %d files in %d directories, %d MB", db, size/1e6, tables, files, dirs, bytes/1e6))
	fmt.Fprintln(os.Stderr, b.results[len(b.results)-1])
	return nil
}

// count tells what a tree holds.
func count(dir string) (files, dirs int, bytes int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			dirs++
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		files++
		bytes += info.Size()
		return nil
	})
	return files, dirs, bytes, err
}

// note records one measured wall time in seconds.
func (b *bench) note(name string, seconds float64) {
	b.times[name] = append(b.times[name], seconds)
	fmt.Fprintf(os.Stderr, "  %-34s %8.2f s\n", name, seconds)
}

func median(list []float64) float64 {
	s := append([]float64(nil), list...)
	sort.Float64s(s)
	if len(s) == 0 {
		return 0
	}
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// ratio is the median of the rounds' own ratios.
func (b *bench) ratio(theirs, ours string) float64 {
	var r []float64
	for i := range min(len(b.times[theirs]), len(b.times[ours])) {
		r = append(r, b.times[theirs][i]/b.times[ours][i])
	}
	return median(r)
}

func (b *bench) print(rounds int) {
	for _, r := range b.results {
		fmt.Println(r)
	}
	fmt.Printf("\n%d rounds, medians\n\n| what | documented, s | ours, s | ratio | bar | processor s, documented / ours |\n|---|---|---|---|---|---|\n", rounds)
	for _, c := range [][4]string{
		{"backup, database and files", "doc backup", "full backup", "10"},
		{"backup, database alone", "doc dump", "database backup", "5"},
		{"backup, files alone", "doc tar", "files backup", "15"},
		{"backup again, 1 % new files", "doc backup", "second backup", "15"},
		{"backup again, files alone", "doc tar", "second files backup", "40"},
		{"restore, database and files, checked", "doc restore", "full restore", "1.6"},
		{"restore, files alone, checked", "doc untar", "files restore", "2.5"},
		{"restore, time to service", "doc restore", "time to service", "4"},
	} {
		if len(b.times[c[1]]) == 0 {
			continue // not asked for
		}
		fmt.Printf("| %s | %.2f | %.2f | %.1f | %s | %.1f / %.1f |\n", c[0], median(b.times[c[1]]), median(b.times[c[2]]), b.ratio(c[1], c[2]), c[3], median(b.work[c[1]]), median(b.work[c[2]]))
	}
	if b.plain == 0 {
		return
	}
	fmt.Printf("\nstored: documented %d MB, ours %d MB (%.3f ×, bar 1.02)\n", b.bytes["doc"]/1e6, b.bytes["ours"]/1e6, float64(b.bytes["ours"])/float64(b.bytes["doc"]))
	fmt.Printf("verify: %.0f MB/s of plain data (bar 600)\n", float64(b.plain)/1e6/median(b.times["verify"]))
	fmt.Printf("downtime of a restore beside the service, without its own stop and start: %.3f s (bar 2)\n", median(b.times["downtime"]))
	fmt.Println("peak memory of all our processes, MiB (bar 256):")
	for _, name := range []string{"full backup", "second backup", "full restore", "verify"} {
		fmt.Printf("  %-24s %.0f\n", name, b.peak[name])
	}
}

// job is what a child process does, as JSON.
type job struct {
	Op       string // create, restore, verify
	Store    string
	ID       string
	DSN      string
	Live     string // data source whose database is replaced
	Data     string // data directory to save or to replace
	Config   string
	State    string
	Base     string
	PgDump   string
	TextLast bool
}

// answer is what the child prints.
type answer struct {
	ID       string
	Seconds  float64
	Service  float64
	Downtime float64
	Journal  string
	Stored   int64
	Plain    int64
	Peak     float64 // MiB, itself and its children
	Phases   json.RawMessage
}
