package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/gitlab-mattermost/sdk/backup"
)

// shell times a command line; reads are the files and directories it reads.
func (b *bench) shell(name, script string, reads ...string) error {
	cmd := exec.Command("bash", "-c", "set -e -o pipefail; "+script)
	cmd.Env = b.env()
	if err := b.settle(reads); err != nil {
		return err
	}
	begin := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, out)
	}
	b.note(name, time.Since(begin).Seconds())
	b.cpu(name, cmd)
	return nil
}

// settle makes all measurements begin alike: the server and the disk have
// finished what went before, memory is free of the files that it wrote, and what
// will be read is in memory. Otherwise whoever comes next pays for it, and more
// so who uses both processors.
func (b *bench) settle(reads []string) error {
	if out, err := b.cluster.Command("psql", "-d", "postgres", "-c", "CHECKPOINT").CombinedOutput(); err != nil {
		return fmt.Errorf("checkpoint: %w: %s", err, out)
	}
	syscall.Sync()
	if err := os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0); err != nil {
		fmt.Fprintln(os.Stderr, "  memory keeps what was written before:", err) // only root may
	}
	for _, dir := range append(reads, filepath.Join(b.cluster.DataDir, "base")) {
		if err := readAll(dir); err != nil {
			return err
		}
	}
	// The programs and what a session of the server loads are read by using them.
	const warm = `for p in pg_dump dropdb createdb tar gzip zcat; do $p --version; done >/dev/null; psql -qAt -o /dev/null -c "SELECT to_tsvector('english', 'warm')" postgres`
	cmd := exec.Command("bash", "-c", warm)
	cmd.Env = b.env()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("start the programs: %w: %s", err, out)
	}
	return nil
}

// env lets the documented commands find the cluster.
func (b *bench) env() []string {
	return append(os.Environ(), "PATH="+b.cluster.BinDir+":"+os.Getenv("PATH"), "PGHOST="+b.cluster.SocketDir, fmt.Sprint("PGPORT=", b.cluster.Port), "PGUSER="+pgUser)
}

// readAll reads every file below dir; what does not exist is no error.
func readAll(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) { // the server has deleted it
			return nil
		}
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(io.Discard, f)
		return err
	})
}

// vacuum does to a database that was just loaded what autovacuum would begin
// within a minute, in the middle of the next measurement.
func (b *bench) vacuum(database string) error {
	if out, err := b.cluster.Command("vacuumdb", "--analyze", database).CombinedOutput(); err != nil {
		return fmt.Errorf("vacuumdb: %w: %s", err, out)
	}
	return nil
}

func (b *bench) drop(database string) error {
	if out, err := b.cluster.Command("dropdb", "--if-exists", database).CombinedOutput(); err != nil {
		return fmt.Errorf("dropdb: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// cpu records the processor seconds of a program and its children; those of
// the server are not in it.
func (b *bench) cpu(name string, cmd *exec.Cmd) {
	b.work[name] = append(b.work[name], (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds())
	fmt.Fprintf(os.Stderr, "  %-34s %8.2f processor seconds\n", "", b.work[name][len(b.work[name])-1])
}

const pgUser = "postgres"

// ours times a child process, its start included.
func (b *bench) ours(ctx context.Context, name string, j job) (*answer, error) {
	if err := b.settle([]string{j.Store, j.Data}); err != nil {
		return nil, err
	}
	begin := time.Now()
	a, cmd, err := b.child(ctx, name, j)
	if err != nil {
		return nil, err
	}
	b.note(name, time.Since(begin).Seconds())
	b.cpu(name, cmd)
	b.peak[name] = max(b.peak[name], a.Peak)
	if len(a.Phases) > 0 {
		fmt.Fprintf(os.Stderr, "    %s\n", a.Phases)
	}
	return a, nil
}

// child runs one operation in a process of its own.
func (b *bench) child(ctx context.Context, name string, j job) (*answer, *exec.Cmd, error) {
	j.PgDump = filepath.Join(b.cluster.BinDir, "pg_dump")
	text, err := json.Marshal(j)
	if err != nil {
		return nil, nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.CommandContext(ctx, self, "child", string(text))
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil {
		return nil, nil, fmt.Errorf("%s: %w: %s", name, err, stderr.String())
	}
	var a answer
	if err := json.Unmarshal(out.Bytes(), &a); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	return &a, cmd, nil
}

// path makes a name of its own for this round.
func (b *bench) path(name string) string {
	return filepath.Join(b.dir, fmt.Sprintf("%s-%d", name, b.round))
}

// databases compares what saves the database alone.
func (b *bench) databases(ctx context.Context) error {
	if err := b.shell("doc dump", "pg_dump source | gzip > "+b.path("dump.sql.gz")); err != nil {
		return err
	}
	_, err := b.ours(ctx, "database backup", job{Op: "create", Store: b.path("store-db"), DSN: b.cluster.DSN("source")})
	return err
}

// backups compares everything else that makes a backup.
func (b *bench) backups(ctx context.Context) error {
	dump, tarball := b.path("dump.sql.gz"), b.path("data.gz")
	data, config := filepath.Join(b.data, "data"), filepath.Join(b.data, "config.json")
	dsn := b.cluster.DSN("source")
	if b.round > 1 {
		// What the previous round added goes, so that all rounds are alike.
		if err := os.RemoveAll(filepath.Join(data, "new")); err != nil {
			return err
		}
	}
	if err := b.shell("doc tar", "tar -zcf "+tarball+" -C "+b.data+" data config.json", b.data); err != nil {
		return err
	}
	if _, err := b.ours(ctx, "files backup", job{Op: "create", Store: b.path("store-files"), Data: data}); err != nil {
		return err
	}
	n := len(b.times["doc dump"]) - 1
	b.note("doc backup", b.times["doc dump"][n]+b.times["doc tar"][n])
	b.work["doc backup"] = append(b.work["doc backup"], b.work["doc dump"][n]+b.work["doc tar"][n])
	full, err := b.ours(ctx, "full backup", job{Op: "create", Store: b.path("store"), DSN: dsn, Data: data, Config: config})
	if err != nil {
		return err
	}
	b.bytes["doc"], b.bytes["ours"] = size(dump)+size(tarball), full.Stored
	b.plain = full.Plain
	if _, err := b.ours(ctx, "verify", job{Op: "verify", Store: b.path("store"), ID: full.ID}); err != nil {
		return err
	}
	if err := addFiles(filepath.Join(data, "new"), b.bytes["ours"]/100); err != nil {
		return err
	}
	if _, err := b.ours(ctx, "second backup", job{Op: "create", Store: b.path("store"), DSN: dsn, Data: data, Config: config, Base: backup.LatestBase}); err != nil {
		return err
	}
	if _, err := b.ours(ctx, "second files backup", job{Op: "create", Store: b.path("store-files"), Data: data, Base: backup.LatestBase}); err != nil {
		return err
	}
	return nil
}

// addFiles writes about total bytes in files of 300 kB.
func addFiles(dir string, total int64) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	noise, err := os.Open("/dev/urandom")
	if err != nil {
		return err
	}
	defer noise.Close()
	buf := make([]byte, 300_000)
	for i := int64(0); i*int64(len(buf)) < total; i++ {
		if _, err := noise.Read(buf); err != nil {
			return err
		}
		copy(buf, "\xff\xd8\xff\xe0")
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%04d.jpg", i)), buf, 0o640); err != nil {
			return err
		}
	}
	return nil
}

func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// restores compares everything that restores. Every run goes into a new
// directory and nothing is deleted in between: file systems are slow for a
// while after many deletions.
func (b *bench) restores(ctx context.Context) error {
	dump, tarball := b.path("dump.sql.gz"), b.path("data.gz")
	out := b.path("untar")
	if err := os.Mkdir(out, 0o755); err != nil {
		return err
	}
	if err := b.shell("doc load", "dropdb --if-exists doc_restore; createdb doc_restore; zcat "+dump+" | PGOPTIONS='-c statement_timeout=0' psql -q -o /dev/null -d doc_restore", dump); err != nil {
		return err
	}
	if err := b.vacuum("doc_restore"); err != nil {
		return err
	}
	if err := b.shell("doc untar", "tar -xzf "+tarball+" -C "+out, tarball); err != nil {
		return err
	}
	n := len(b.times["doc load"]) - 1
	b.note("doc restore", b.times["doc load"][n]+b.times["doc untar"][n])
	b.work["doc restore"] = append(b.work["doc restore"], b.work["doc load"][n]+b.work["doc untar"][n])
	list, err := b.newest(ctx)
	if err != nil {
		return err
	}
	live := b.cluster.DSN("ours_live")
	if _, err := b.ours(ctx, "files restore", job{Op: "restore", Store: b.path("store"), ID: list, Data: b.path("files-live"), State: b.path("state-files")}); err != nil {
		return err
	}
	full, err := b.ours(ctx, "full restore", job{Op: "restore", Store: b.path("store"), ID: list, Live: live, Data: b.path("full-live"), State: b.path("state")})
	if err != nil {
		return err
	}
	b.note("downtime", full.Downtime)
	if err := b.discard(ctx, live, full.Journal); err != nil {
		return err
	}
	first, err := b.ours(ctx, "service-first restore", job{Op: "restore", Store: b.path("store"), ID: list, Live: live, Data: b.path("first-live"), State: b.path("state"), TextLast: true})
	if err != nil {
		return err
	}
	b.note("time to service", first.Service)
	return b.discard(ctx, live, first.Journal)
}

// newest is the full backup of this round: the oldest in its store.
func (b *bench) newest(ctx context.Context) (string, error) {
	store, err := backup.OpenDir(b.path("store"))
	if err != nil {
		return "", err
	}
	list, err := backup.List(ctx, store)
	if err != nil {
		return "", err
	}
	return list[0].ID, nil
}

// discard drops the former database, untimed, and keeps directories. The new one
// gets the care of one that has been in use for a while.
func (b *bench) discard(ctx context.Context, live, journal string) error {
	all, err := backup.Restores(b.path("state"))
	if err != nil {
		return err
	}
	for _, j := range all {
		if j.ID == journal && j.Database.Had {
			if err := b.drop(j.Database.Old); err != nil {
				return err
			}
		}
	}
	return b.vacuum("ours_live")
}
