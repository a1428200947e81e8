package config

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
)

// lookupMax bounds a file that gitlab.rb reads.
const lookupMax = 8 << 20

// LocalHost returns the machine that the program runs on: its environment, its
// files below root ("/" or "" for all of it), its host name. Nothing is run;
// the only commands with an answer are hostname, hostname -s and hostname -f,
// from what the system already told.
//
// With another root (a mounted disk, an unpacked image) the host name is the
// one in its etc/hostname, when there is one; symbolic links are not followed
// out of root. PostgreSQLRunning tells whether the bundled PostgreSQL accepts
// a connection on its default socket. Whether it holds GitLab's database
// would need a login, so GitLabDatabaseExists stays false: set it if you know.
func LocalHost(root string) Host {
	if root == "" {
		root = "/"
	}
	l := local{root: root}
	h := Host{Hostname: l.hostname()}
	fqdn, known := l.fqdn(h.Hostname)
	h.FQDN = fqdn
	h.PostgreSQLRunning = root == "/" && socketAnswers("/var/opt/gitlab/postgresql/.s.PGSQL.5432")
	h.Lookups = gitlabrb.Lookups{
		Env:      os.LookupEnv,
		ReadFile: l.read,
		Exists:   l.exists,
		Glob:     func(pattern string) []string { return glob(l.list, pattern) },
		Command: func(command string) (string, bool) {
			switch strings.Join(strings.Fields(command), " ") {
			case "hostname":
				return h.Hostname + "\n", h.Hostname != ""
			case "hostname -s", "hostname --short":
				short, _, _ := strings.Cut(h.Hostname, ".")
				return short + "\n", short != ""
			case "hostname -f", "hostname --fqdn":
				return fqdn + "\n", known
			}
			return "", false
		},
		Hostname: func() (string, bool) { return h.Hostname, h.Hostname != "" },
	}
	return h
}

// local answers questions about files below a root.
type local struct{ root string }

// open opens a file below root without leaving it.
func (l local) open(path string) (*os.File, error) {
	if l.root == "/" {
		return os.Open(clean(path))
	}
	r, err := os.OpenRoot(l.root)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return r.Open(l.rel(path))
}

func (l local) stat(path string) (os.FileInfo, error) {
	if l.root == "/" {
		return os.Stat(clean(path))
	}
	r, err := os.OpenRoot(l.root)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return r.Stat(l.rel(path))
}

func (l local) rel(path string) string {
	if rel := strings.TrimPrefix(clean(path), "/"); rel != "" {
		return rel
	}
	return "."
}

func (l local) read(path string) ([]byte, error) {
	info, err := l.stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("read %s: not a regular file", path)
	}
	f, err := l.open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, lookupMax+1))
	if err == nil && len(data) > lookupMax {
		return nil, fmt.Errorf("read %s: more than %d bytes", path, lookupMax)
	}
	return data, err
}

func (l local) exists(path string) bool {
	_, err := l.stat(path)
	return err == nil
}

func (l local) list(dir string) []entry {
	f, err := l.open(dir)
	if err != nil {
		return nil
	}
	defer f.Close()
	names, err := f.ReadDir(globMax)
	if err != nil {
		return nil
	}
	out := make([]entry, len(names))
	for i, n := range names {
		out[i] = entry{n.Name(), n.IsDir()}
		if n.Type()&os.ModeSymlink != 0 {
			if info, err := l.stat(filepath.Join(dir, n.Name())); err == nil {
				out[i].dir = info.IsDir()
			}
		}
	}
	return out
}

func (l local) hostname() string {
	if l.root != "/" {
		if data, err := l.read("/etc/hostname"); err == nil {
			if name := strings.TrimSpace(string(data)); name != "" {
				return name
			}
		}
	}
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
}

// fqdn looks for the full name in etc/hosts, where hostname -f finds it on
// most machines. Not found is the bare host name, and false.
func (l local) fqdn(hostname string) (string, bool) {
	if strings.Contains(hostname, ".") {
		return hostname, true
	}
	data, err := l.read("/etc/hosts")
	if err != nil {
		return hostname, false
	}
	for s := bufio.NewScanner(bytes.NewReader(data)); s.Scan(); {
		line, _, _ := strings.Cut(s.Text(), "#")
		names := strings.Fields(line)
		for i := 1; i < len(names); i++ {
			if names[i] == hostname && strings.HasPrefix(names[1], hostname+".") {
				return names[1], true
			}
		}
	}
	return hostname, false
}

func socketAnswers(path string) bool {
	c, err := net.DialTimeout("unix", path, time.Second)
	if err != nil {
		return false
	}
	return c.Close() == nil
}
