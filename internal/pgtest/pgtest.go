// Package pgtest starts a real PostgreSQL cluster for tests: initdb in a
// temporary directory, as a non-root user, on a Unix socket and a loopback
// port of its own. A missing server program fails the test; it never skips.
package pgtest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Superuser is the name of the cluster's bootstrap role.
const Superuser = "postgres"

// Options choose what a cluster is like. The zero value is a fast cluster of
// the newest installed version with trust authentication.
type Options struct {
	Version  int               // major version; 0 is the newest installed
	Settings map[string]string // postgresql.conf lines on top of the defaults
	HBA      string            // pg_hba.conf; empty is trust for everybody
	InitArgs []string          // further initdb arguments, for example --locale=C
	// SmallDisk gives the server a file system of that size ("14m") for a
	// tablespace, at Cluster.SmallDisk. Only the server sees it; nobody needs to be
	// root, but the kernel must allow user namespaces.
	SmallDisk string
}

// Cluster is a running server.
type Cluster struct {
	SocketDir string // directory of the socket, short enough for its limit
	Port      int
	DataDir   string
	BinDir    string
	Major     int
	SmallDisk string // the directory, "" without one

	diskSize string
	root     string // temporary directory with everything
	cred     *syscall.Credential
	mu       sync.Mutex
	cmd      *exec.Cmd
	done     chan error
}

// Start starts a cluster that stops at the end of the test.
func Start(t testing.TB, o Options) *Cluster {
	t.Helper()
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// New starts a cluster, for a TestMain that shares one. Close stops and
// removes it.
func New(o Options) (*Cluster, error) {
	bin, major, err := findBin(o.Version)
	if err != nil {
		return nil, err
	}
	root, err := os.MkdirTemp("/tmp", "pgt")
	if err != nil {
		return nil, err
	}
	c := &Cluster{SocketDir: root, DataDir: filepath.Join(root, "data"), BinDir: bin, Major: major, root: root, diskSize: o.SmallDisk}
	if err := c.init(o); err != nil {
		return nil, errors.Join(err, os.RemoveAll(root))
	}
	return c, nil
}

// Versions lists the installed major versions, oldest first.
func Versions() []int {
	var out []int
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is valid
	for _, d := range dirs {
		if n, err := strconv.Atoi(strings.Split(d, "/")[4]); err == nil {
			out = append(out, n)
		}
	}
	sort.Ints(out)
	return out
}

// BinDirVariable names the environment variable that takes the server programs
// of another place, for versions that the system does not have
// (scripts/test-postgres.sh). Client programs that are missing there come from
// the newest installed version.
const BinDirVariable = "PGTEST_BINDIR"

func findBin(want int) (string, int, error) {
	if dir := os.Getenv(BinDirVariable); dir != "" && want == 0 {
		out, err := exec.Command(filepath.Join(dir, "postgres"), "--version").Output()
		if err != nil {
			return "", 0, fmt.Errorf("%s=%s: ask for the version: %w", BinDirVariable, dir, err)
		}
		var major int
		if _, err := fmt.Sscanf(string(out), "postgres (PostgreSQL) %d", &major); err != nil {
			return "", 0, fmt.Errorf("%s=%s: version %q: %w", BinDirVariable, dir, out, err)
		}
		return dir, major, nil
	}
	versions := Versions()
	if len(versions) == 0 {
		return "", 0, errors.New("no PostgreSQL server programs below /usr/lib/postgresql; run 'make deps' (apt-get install postgresql)")
	}
	if want == 0 {
		want = versions[len(versions)-1]
	}
	for _, v := range versions {
		if v == want {
			return fmt.Sprintf("/usr/lib/postgresql/%d/bin", v), v, nil
		}
	}
	return "", 0, fmt.Errorf("PostgreSQL %d is not installed, only %v", want, versions)
}

func (c *Cluster) init(o Options) error {
	if os.Geteuid() == 0 {
		// PostgreSQL refuses to run as root; nobody exists everywhere.
		u, err := user.Lookup("nobody")
		if err != nil {
			return fmt.Errorf("need an unprivileged user for PostgreSQL: %w", err)
		}
		uid, _ := strconv.ParseUint(u.Uid, 10, 32) // numeric by definition on Linux
		gid, _ := strconv.ParseUint(u.Gid, 10, 32)
		c.cred = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(c.root, int(uid), int(gid)); err != nil {
			return err
		}
	}
	if err := os.Chmod(c.root, 0o755); err != nil {
		return err
	}
	if c.diskSize != "" {
		c.SmallDisk = filepath.Join(c.root, "disk")
		if err := os.Mkdir(c.SmallDisk, 0o755); err != nil {
			return err
		}
	}
	args := append([]string{"-D", c.DataDir, "-U", Superuser, "-A", "trust", "-E", "UTF8", "--no-sync"}, o.InitArgs...)
	if out, err := c.command("initdb", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	c.Port = port
	var conf bytes.Buffer
	for _, line := range []string{
		"listen_addresses = '127.0.0.1'", "unix_socket_directories = '" + c.SocketDir + "'",
		"port = " + strconv.Itoa(port), "password_encryption = 'scram-sha-256'", "fsync = off", "synchronous_commit = off", "full_page_writes = off",
		"shared_buffers = 64MB", "max_connections = 60", "log_min_messages = warning", "logging_collector = off",
	} {
		fmt.Fprintln(&conf, line)
	}
	for k, v := range o.Settings {
		fmt.Fprintf(&conf, "%s = '%s'\n", k, strings.ReplaceAll(v, "'", "''"))
	}
	if err := appendFile(filepath.Join(c.DataDir, "postgresql.conf"), conf.Bytes()); err != nil {
		return err
	}
	if o.HBA != "" {
		if err := os.WriteFile(filepath.Join(c.DataDir, "pg_hba.conf"), []byte(o.HBA), 0o644); err != nil {
			return err
		}
	}
	return c.StartServer()
}

// inNamespace mounts a small file system as the root of a user namespace, and
// becomes the ordinary user again before it starts the server, which refuses to
// run as root. setpriv sets what the namespaces have cleared.
const inNamespace = `mount -t tmpfs -o "size=$1,mode=0700" tmpfs "$2" && shift 2 &&
exec unshare --user --map-user="$1" --map-group="$2" setpriv --pdeathsig QUIT "$3" -D "$4"`

// postmaster prepares the server.
func (c *Cluster) postmaster() *exec.Cmd {
	cmd := c.command("postgres", "-D", c.DataDir)
	if c.diskSize == "" {
		return cmd
	}
	uid, gid := uint32(os.Geteuid()), uint32(os.Getegid())
	if c.cred != nil {
		uid, gid = c.cred.Uid, c.cred.Gid
	}
	wrapped := exec.Command("unshare", "--map-root-user", "--mount", "sh", "-c", inNamespace, "sh", c.diskSize, c.SmallDisk,
		strconv.Itoa(int(uid)), strconv.Itoa(int(gid)), cmd.Path, c.DataDir)
	wrapped.Dir, wrapped.Env, wrapped.SysProcAttr = cmd.Dir, cmd.Env, cmd.SysProcAttr
	return wrapped
}

// StartServer starts the server again after Stop.
func (c *Cluster) StartServer() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	started, done := make(chan error, 1), make(chan error, 1)
	log, err := os.OpenFile(filepath.Join(c.root, "log"), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	cmd := c.postmaster()
	cmd.Stdout, cmd.Stderr = log, log
	go func() {
		// The server dies with the thread that started it, so a killed test
		// leaves no server behind.
		runtime.LockOSThread()
		defer log.Close()
		cmd.SysProcAttr.Pdeathsig = syscall.SIGQUIT
		started <- cmd.Start()
		if cmd.Process != nil {
			done <- cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start postgres: %w", err)
	}
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if c.command("pg_isready", "-q", "-h", c.SocketDir, "-p", strconv.Itoa(c.Port)).Run() == nil {
			c.cmd, c.done = cmd, done
			return nil
		}
		select {
		case err := <-done:
			text, _ := os.ReadFile(log.Name()) // best effort, for the message
			return fmt.Errorf("postgres ended at its start: %v: %s", err, text)
		default:
		}
		if time.Now().After(deadline) {
			_ = cmd.Process.Kill()
			return errors.New("postgres did not answer within 60 s")
		}
	}
}

// Stop ends the server with sig: SIGINT is a fast, orderly shutdown, SIGQUIT
// an immediate one, as a crash.
func (c *Cluster) Stop(sig syscall.Signal) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cmd == nil {
		return nil
	}
	if err := c.cmd.Process.Signal(sig); err != nil {
		return err
	}
	select {
	case <-c.done: // SIGQUIT gives a non-zero status on purpose
		c.cmd = nil
		return nil
	case <-time.After(60 * time.Second):
		return errors.New("postgres did not stop within 60 s")
	}
}

// Close stops the server and removes everything.
func (c *Cluster) Close() error {
	return errors.Join(c.Stop(syscall.SIGQUIT), os.RemoveAll(c.root))
}

// DSN is a connection string for the superuser over the socket.
func (c *Cluster) DSN(database string) string {
	return fmt.Sprintf("host=%s port=%d user=%s dbname=%s", c.SocketDir, c.Port, Superuser, quote(database))
}

// Log returns what the server has written.
func (c *Cluster) Log() string {
	text, _ := os.ReadFile(filepath.Join(c.root, "log")) // empty when unreadable
	return string(text)
}

// Command prepares one of the server's programs (psql, pg_dump, …) as the
// cluster's own user, with PGHOST, PGPORT and PGUSER pointing at it.
func (c *Cluster) Command(program string, args ...string) *exec.Cmd {
	cmd := c.command(program, args...)
	cmd.Env = append(os.Environ(), "PGHOST="+c.SocketDir, "PGPORT="+strconv.Itoa(c.Port), "PGUSER="+Superuser)
	return cmd
}

// SQL runs statements with psql and fails the test on any error. It returns
// the unaligned, tuples-only output.
func (c *Cluster) SQL(t testing.TB, database, sql string) string {
	t.Helper()
	cmd := c.Command("psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-d", database, "-f", "-")
	cmd.Stdin = strings.NewReader(sql)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("psql: %v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

func (c *Cluster) command(program string, args ...string) *exec.Cmd {
	path := filepath.Join(c.BinDir, program)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		if v := Versions(); len(v) > 0 {
			path = fmt.Sprintf("/usr/lib/postgresql/%d/bin/%s", v[len(v)-1], program)
		}
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = c.root
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.cred}
	return cmd
}

func quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

func appendFile(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}
