package database

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Client is a directory with PostgreSQL's client programs of one version.
type Client struct {
	Dir   string `json:"dir"`
	Major int    `json:"major"`
	Minor int    `json:"minor"`
}

// String is the version and the directory, as "15.18 in /usr/lib/postgresql/15/bin".
func (c Client) String() string { return fmt.Sprintf("%d.%d in %s", c.Major, c.Minor, c.Dir) }

// clientDirs are where installations keep their programs: Debian, Red Hat's
// PGDG, GitLab's bundle, built from source, and what is first in PATH.
var clientDirs = []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/gitlab/embedded/postgresql/*/bin",
	"/opt/gitlab/embedded/bin", "/usr/local/pgsql/bin", "/usr/local/bin", "/usr/bin"}

// FindClients lists every installation that has pg_dump, pg_restore and psql,
// lowest version first. more are directories to search besides the usual ones.
// The programs are asked for their version; one that does not answer within five
// seconds is left out.
func FindClients(ctx context.Context, more ...string) []Client {
	var out []Client
	seen := map[string]bool{}
	for _, pattern := range append(slices.Clone(more), clientDirs...) {
		dirs, _ := filepath.Glob(pattern) // a wrong pattern finds nothing
		for _, dir := range dirs {
			real, err := filepath.EvalSymlinks(filepath.Join(dir, "pg_dump"))
			// Debian's /usr/bin/pg_dump is a script that chooses a version by
			// configuration; the real ones are found by themselves.
			if err != nil || seen[real] || filepath.Base(real) == "pg_wrapper" {
				continue
			}
			seen[real] = true
			if c, err := askClient(ctx, dir); err == nil {
				out = append(out, c)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Client) int { return (a.Major-b.Major)*1000 + a.Minor - b.Minor })
	return out
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) (\d+)(?:\.(\d+))?`)

func askClient(ctx context.Context, dir string) (Client, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for _, name := range []string{"psql", "pg_restore"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return Client{}, err
		}
	}
	text, err := exec.CommandContext(ctx, filepath.Join(dir, "pg_dump"), "--version").Output()
	if err != nil {
		return Client{}, err
	}
	m := versionPattern.FindSubmatch(text)
	if m == nil {
		return Client{}, errors.New("no version in its answer")
	}
	major, _ := strconv.Atoi(string(m[1])) // digits by the pattern
	minor, _ := strconv.Atoi(string(m[2]))
	return Client{Dir: dir, Major: major, Minor: minor}, nil
}

// ChooseClient picks the programs for a move from a server of version source to
// one of version target (both server_version_num): pg_dump refuses a server newer
// than itself, and what a newer one writes may hold settings that an older server
// does not know, so the version must lie between the two. The error says which
// version to install.
func ChooseClient(clients []Client, source, target int) (Client, error) {
	from, to := source/10000, target/10000
	if from > to {
		return Client{}, fmt.Errorf("the source is PostgreSQL %d, the target %d: a dump does not go back to an older major version; install PostgreSQL %d or newer on the target", from, to, from)
	}
	var best *Client
	for i, c := range clients {
		// Of one major version the newest minor is taken: its psql knows the
		// \restrict lines of its own pg_dump.
		if c.Major >= from && c.Major <= to && (best == nil || c.Major < best.Major || c.Major == best.Major && c.Minor > best.Minor) {
			best = &clients[i]
		}
	}
	if best != nil {
		return *best, nil
	}
	var have []string
	for _, c := range clients {
		have = append(have, c.String())
	}
	list := "none is installed"
	if len(have) > 0 {
		list = "installed: " + strings.Join(have, ", ")
	}
	return Client{}, fmt.Errorf("no pg_dump fits a move from PostgreSQL %d to %d (it must be at least as new as the source and not newer than the target): install postgresql-client-%d (%s)", from, to, from, list)
}

// command prepares a client program that connects to d. Everything about the
// connection is in the environment, so no password stands in the arguments.
func (c Client) command(d DSN, role, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.Dir, name), args...)
	cmd.Env = clientEnv(os.Environ(), d, role)
	return cmd
}

// addOption sets one more setting for the session of a command that becomes a
// role.
func addOption(cmd *exec.Cmd, setting string) {
	for i, line := range cmd.Env {
		if strings.HasPrefix(line, "PGOPTIONS=") {
			cmd.Env[i] += " -c " + setting
		}
	}
}

// envOf maps parameters to libpq's variables.
var envOf = map[string]string{"sslmode": "PGSSLMODE", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY", "sslrootcert": "PGSSLROOTCERT",
	"connect_timeout": "PGCONNECT_TIMEOUT", "passfile": "PGPASSFILE", "service": "PGSERVICE", "servicefile": "PGSERVICEFILE",
	"channel_binding": "PGCHANNELBINDING", "gssencmode": "PGGSSENCMODE", "krbsrvname": "PGKRBSRVNAME", "target_session_attrs": "PGTARGETSESSIONATTRS"}

func clientEnv(base []string, d DSN, role string) []string {
	set := map[string]string{"PGAPPNAME": "gitlab-mattermost-sdk", "LC_ALL": "C.UTF-8", "PGCLIENTENCODING": "UTF8"}
	hosts, ports := d.hostLists()
	for key, value := range map[string]string{"PGHOST": hosts, "PGPORT": ports, "PGUSER": d.User, "PGDATABASE": d.Database, "PGPASSWORD": d.Password.Reveal()} {
		if value != "" {
			set[key] = value
		}
	}
	for key, name := range envOf {
		if value := d.Params[key]; value != "" {
			set[name] = value
		}
	}
	if role != "" {
		// maintenance_work_mem stays the server's: with 64 MB instead of 16, a
		// GIN index took 8 % longer, and what B-trees gained made up for no more.
		// The last transaction, which gives the name, makes everything durable.
		set["PGOPTIONS"] = "-c role=" + strings.NewReplacer(`\`, `\\`, " ", `\ `).Replace(role) + " -c statement_timeout=0 -c synchronous_commit=off"
	}
	var env []string
	for _, line := range base {
		key, _, _ := strings.Cut(line, "=")
		if _, ours := set[key]; !ours && key != "PGOPTIONS" {
			env = append(env, line)
		}
	}
	var keys []string
	for key := range set {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		env = append(env, key+"="+set[key])
	}
	return env
}
