package nginx

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

func tree(files map[string]string) fstest.MapFS {
	root := fstest.MapFS{}
	for name, text := range files {
		root[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	return root
}

func TestLoadFollowsIncludesBelowItsRoot(t *testing.T) {
	endless := map[string]string{"etc/nginx/nginx.conf": "include nginx.conf;"}
	many := map[string]string{"etc/nginx/nginx.conf": "include many/*;"}
	for i := range 600 {
		many[fmt.Sprintf("etc/nginx/many/%03d", i)] = "gzip on;"
	}
	for _, c := range []struct {
		reason string
		files  map[string]string
		want   string // directives, or the error
	}{
		{"relative to the main file, in the order of names", map[string]string{
			"etc/nginx/nginx.conf":    "http { include conf.d/*.conf; }",
			"etc/nginx/conf.d/b.conf": "server { listen 2; }", "etc/nginx/conf.d/a.conf": "server { listen 1; }"},
			`"http" [] true; "server" [] true; "listen" ["1"] false; "server" [] true; "listen" ["2"] false`},
		{"an absolute path is taken below the root", map[string]string{
			"etc/nginx/nginx.conf": "include /opt/x.conf;", "opt/x.conf": "gzip on;"}, `"gzip" ["on"] false`},
		{"an include inside an include is relative to the main file", map[string]string{
			"etc/nginx/nginx.conf": "include sub/a.conf;", "etc/nginx/sub/a.conf": "include b.conf;", "etc/nginx/b.conf": "gzip on;"}, `"gzip" ["on"] false`},
		{"a pattern that matches nothing", map[string]string{"etc/nginx/nginx.conf": "include none/*.conf;"}, ``},
		{"a name that is missing", map[string]string{"etc/nginx/nginx.conf": "\ninclude gone.conf;"}, "error: etc/nginx/nginx.conf:2: include: read configuration: open etc/nginx/gone.conf: file does not exist"},
		{"a file that includes itself", endless, "error: includes are nested deeper than 10"},
		{"too many files", many, "error: more than 500 files"},
		{"a directory", map[string]string{"etc/nginx/nginx.conf": "include dir;", "etc/nginx/dir/x": ""}, "error: not a regular file"},
		{"a fault in an included file, with its place", map[string]string{
			"etc/nginx/nginx.conf": "include a.conf;", "etc/nginx/a.conf": "gzip on;\n}"}, "error: etc/nginx/a.conf:2: unexpected \"}\""},
	} {
		list, err := Load(tree(c.files), "/etc/nginx/nginx.conf")
		if want, isErr := strings.CutPrefix(c.want, "error: "); isErr {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v, want %q", c.reason, err, want)
			}
			continue
		}
		if got := strings.Join(flat(list), "; "); err != nil || got != c.want {
			t.Errorf("%s: %s, %v, want %s", c.reason, got, err, c.want)
		}
	}
}

func TestLoadCannotLeaveItsRoot(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "secret"), "gzip on;", 0o600)
	writeFile(t, filepath.Join(dir, "root", "nginx.conf"), "include link;", 0o644)
	if err := os.Symlink(filepath.Join(dir, "secret"), filepath.Join(dir, "root", "link")); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(filepath.Join(dir, "root"))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if list, err := Load(root.FS(), "nginx.conf"); err == nil {
		t.Errorf("read through a link: %v", flat(list))
	}
	if list, err := Load(tree(map[string]string{"nginx.conf": "include ../../secret;"}), "nginx.conf"); err == nil {
		t.Errorf("read above the root: %v", flat(list))
	}
}

func TestReaderIsBounded(t *testing.T) {
	for _, c := range []struct{ reason, text, want string }{
		{"nesting", strings.Repeat("a {", 100), "nested deeper than 32"},
		{"one long parameter", "a " + strings.Repeat("x", 5000) + ";", "longer than 4096 bytes"},
		{"an open quote to the end", `a "` + strings.Repeat("x", 100_000), "longer than 4096 bytes"},
		{"directives", strings.Repeat("a;", 200_000), "more than 100000 directives"},
		{"size", strings.Repeat(" ", 5<<20), "larger than 4194304 bytes"},
		{"NUL", "a \x00;", "NUL byte"},
		{"NUL behind a backslash", "a b\\\x00;", "NUL byte"},
	} {
		if _, err := Parse("f", []byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.reason, err, c.want)
		}
	}
}
