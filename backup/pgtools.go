package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/gitlab-mattermost/sdk/internal/childproc"
)

// toolDirs are where PostgreSQL's programs live besides PATH: Debian, Red Hat,
// the Linux package.
var toolDirs = [...]string{
	"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/gitlab/embedded/postgresql/*/bin", "/opt/gitlab/embedded/bin", "/usr/local/pgsql/bin",
}

// tool is one program with its version.
type tool struct {
	path  string
	text  string // "pg_dump (PostgreSQL) 15.18 (Debian …)"
	major int
	minor int
}

var versionText = regexp.MustCompile(`\(PostgreSQL\) (\d+)(?:\.(\d+))?`)

// findTool picks the program that fits a server: the same major version, else
// the next newer one. An older pg_dump refuses a newer server. given overrides
// the search but not the check.
func findTool(ctx context.Context, program, given string, serverMajor int) (*tool, error) {
	paths := []string{given}
	if given == "" {
		paths = candidates(program)
	}
	var found []tool
	var seen []string
	for _, p := range paths {
		t, err := inspectTool(ctx, p)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			seen = append(seen, fmt.Sprintf("%s: %v", p, err))
			continue
		}
		seen = append(seen, fmt.Sprintf("%s: version %d", p, t.major))
		if t.major >= serverMajor {
			found = append(found, *t)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no %s for a PostgreSQL %d server (looked at: %s); install postgresql-client-%d or name the program", program, serverMajor, strings.Join(seen, ", "), serverMajor)
	}
	slices.SortStableFunc(found, func(a, b tool) int {
		if a.major != b.major {
			return a.major - b.major
		}
		return b.minor - a.minor
	})
	return &found[0], nil
}

func candidates(program string) []string {
	var out []string
	add := func(p string) {
		if real, err := filepath.EvalSymlinks(p); err == nil && !strings.HasSuffix(real, "pg_wrapper") && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	for _, pattern := range toolDirs {
		matches, _ := filepath.Glob(filepath.Join(pattern, program)) // the patterns are valid
		for _, m := range matches {
			add(m)
		}
	}
	if p, err := exec.LookPath(program); err == nil {
		add(p)
	}
	return out
}

func inspectTool(ctx context.Context, path string) (*tool, error) {
	var out bytes.Buffer
	cmd := exec.Command(path, "--version")
	cmd.Stdout = &out
	if err := childproc.Run(ctx, cmd); err != nil {
		return nil, err
	}
	m := versionText.FindStringSubmatch(out.String())
	if m == nil {
		return nil, errors.New("its --version is not PostgreSQL's")
	}
	t := &tool{path: path, text: strings.TrimSpace(out.String())}
	t.major, _ = strconv.Atoi(m[1]) // digits by the pattern
	t.minor, _ = strconv.Atoi(m[2]) // "" gives 0
	return t, nil
}

// command prepares the program for a server. Nothing secret is an argument.
func (s *server) command(t *tool, args ...string) *exec.Cmd {
	cmd := exec.Command(t.path, args...)
	cmd.Env = s.info.env()
	if s.osUser != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.osUser}
		cmd.Dir = "/"
	}
	return cmd
}
