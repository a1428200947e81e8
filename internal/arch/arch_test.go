// Package arch holds no code, only the test that keeps the arrows of the
// architecture: which package may import which.
package arch

import (
	"go/build"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/gitlab-mattermost/sdk"

// allowed lists, for each public package, the public packages and external
// modules that its non-test code may import. The standard library and
// internal/ are open to all. A sub-package inherits its parent's list.
var allowed = map[string][]string{
	"config":          {},
	"config/gitlabrb": {},
	"envmap":          {"config"},
	"envmap/mmconfig": {"config", "envmap", "github.com/mattermost/mattermost/server/public"},
	"nginx":           {"config"},
	"oauth":           {"github.com/xanzy/go-gitlab", "golang.org/x/oauth2", "github.com/jackc/pgx/v5"},
	"oauth/oauthtest": {},
	"database":        {"github.com/jackc/pgx/v5"},
	"backup":          {"github.com/klauspost/compress", "filippo.io/age", "github.com/jackc/pgx/v5"},
	"backup/s3store":  {"github.com/minio/minio-go/v7", "github.com/jackc/pgx/v5"},
	"upgrade":         {},
}

// single lists imports that one file of a package may have, and no other.
var single = map[[2]string]string{
	{"oauth", "github.com/xanzy/go-gitlab"}: "one file, so that its successor is one file away",
	{"nginx", module + "/config"}:           "the vhost model must be usable without gitlab.rb",
}

func TestPackagesImportOnlyWhatTheDesignAllows(t *testing.T) {
	root := filepath.Join("..", "..")
	seen := map[string]bool{}
	users := map[[2]string][]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		switch {
		case rel != "." && strings.HasPrefix(d.Name(), "."), d.Name() == "testdata", rel == "internal", rel == "examples":
			return filepath.SkipDir
		case d.Name() == "internal": // generators beside their package
			return filepath.SkipDir
		}
		pkg, err := build.ImportDir(path, 0)
		if err != nil {
			return nil // no buildable Go files here
		}
		list, ok := allowed[filepath.ToSlash(rel)]
		if rel != "." && !ok {
			if list, ok = allowed[strings.Split(filepath.ToSlash(rel), "/")[0]]; !ok {
				t.Errorf("%s: not in the list of public packages; add it with its arrows", rel)
			}
		}
		seen[filepath.ToSlash(rel)] = true
		for path, positions := range pkg.ImportPos {
			if !permitted(filepath.ToSlash(rel), path, list) {
				t.Errorf("%s imports %s (%s), which the design forbids", rel, path, positions[0])
			}
			for key := range single {
				if key[0] == filepath.ToSlash(rel) && (path == key[1] || strings.HasPrefix(path, key[1]+"/")) {
					for _, p := range positions {
						if !slices.Contains(users[key], p.Filename) {
							users[key] = append(users[key], p.Filename)
						}
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for key, files := range users {
		if len(files) > 1 {
			t.Errorf("%s imports %s in %d files %v, want one: %s", key[0], key[1], len(files), files, single[key])
		}
	}
	for _, must := range []string{"config", "config/gitlabrb", "envmap", "nginx", "oauth", "database", "backup", "upgrade"} {
		if !seen[must] {
			t.Errorf("package %s is missing", must)
		}
	}
}

// permitted decides one arrow. A package may always use what lies below its
// own first path element.
func permitted(from, path string, list []string) bool {
	first, _, _ := strings.Cut(path, "/")
	if !strings.Contains(first, ".") {
		return true // standard library
	}
	if rest, ok := strings.CutPrefix(path, module+"/"); ok {
		if strings.HasPrefix(rest, "internal/") {
			return true
		}
		if own, _, _ := strings.Cut(from, "/"); rest == own || strings.HasPrefix(rest, own+"/") {
			return true
		}
		for _, p := range list {
			if rest == p || strings.HasPrefix(rest, p+"/") {
				return true
			}
		}
		return false
	}
	for _, p := range list {
		if path == p || strings.HasPrefix(path, p+"/") {
			return true
		}
	}
	return false
}

func TestPermittedFollowsTheArrows(t *testing.T) {
	for _, c := range []struct {
		reason, from, path string
		list               []string
		want               bool
	}{
		{"the standard library is open to all", "upgrade", "net/http", nil, true},
		{"shared tricks are open to all", "upgrade", module + "/internal/redact", nil, true},
		{"a package may use what lies below it", "config", module + "/config/gitlabrb", nil, true},
		{"a neighbour is forbidden", "backup", module + "/database", []string{"github.com/jackc/pgx/v5"}, false},
		{"a name that only starts the same is a neighbour too", "envmap", module + "/configx", []string{"config"}, false},
		{"a listed arrow is allowed, with its parts", "nginx", module + "/config/gitlabrb", []string{"config"}, true},
		{"an unlisted module is forbidden", "config", "github.com/google/go-cmp/cmp", nil, false},
		{"a listed module is allowed, with its packages", "database", "github.com/jackc/pgx/v5/pgconn", []string{"github.com/jackc/pgx/v5"}, true},
	} {
		if got := permitted(c.from, c.path, c.list); got != c.want {
			t.Errorf("%s: permitted(%s -> %s) = %v", c.reason, c.from, c.path, got)
		}
	}
}
