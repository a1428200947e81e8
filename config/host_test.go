package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
)

func TestReadFactsRefusesWhatItDoesNotUnderstand(t *testing.T) {
	for _, c := range []struct{ why, text, want string }{
		{"empty", "", "read host facts: not valid JSON: the text ends too early"},
		{"cut off", `{"hostname": "x"`, "read host facts: not valid JSON: the text ends too early"},
		{"syntax error, with its place", "{\n  \"hostname\": x}", "read host facts: 2:15: not valid JSON: invalid character 'x' looking for beginning of value"},
		{"an unknown name", `{"host": "x"}`, `read host facts: unknown field "host"`},
		{"a wrong type, with its place", `{"postgresql_running": "yes"}`, `read host facts: 1:28: "postgresql_running" must be bool, not a JSON string`},
		{"more than one value", `{} {}`, "read host facts: unexpected text after the JSON object"},
		{"a list", `[]`, `read host facts: 1:1: the whole text must be an object, not a JSON array`},
	} {
		_, err := ReadFacts(strings.NewReader(c.text))
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: got %v, want %s", c.why, err, c.want)
		}
	}
}

func TestFactsAreAllThatExists(t *testing.T) {
	f, err := ReadFacts(strings.NewReader(`{"hostname": "gl01", "fqdn": "", "env": {"A": "1"},
	  "files": {"/etc/gitlab/conf.d/b.rb": "b", "/etc/gitlab/conf.d/a.rb": null, "/etc/gitlab/conf.d/.hidden.rb": "h", "/etc/gitlab/x.txt": "x"},
	  "commands": {"hostname -f": "gl01.example.net\n"}, "postgresql_running": true}`))
	if err != nil {
		t.Fatal(err)
	}
	h := f.Host()
	if h.FQDN != "gl01" || !h.PostgreSQLRunning || h.GitLabDatabaseExists {
		t.Errorf("host %+v: the full name falls back to the host name", h)
	}
	l := h.Lookups
	if v, ok := l.Env("A"); v != "1" || !ok {
		t.Error("A is listed")
	}
	if _, ok := l.Env("PATH"); ok {
		t.Error("PATH is not listed, so it does not exist there")
	}
	if data, err := l.ReadFile("/etc/gitlab//x.txt"); string(data) != "x" || err != nil {
		t.Errorf("x.txt: %q, %v", data, err)
	}
	if _, err := l.ReadFile("/etc/passwd"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not listed: %v", err)
	}
	if _, err := l.ReadFile("/etc/gitlab/conf.d/a.rb"); !errors.Is(err, gitlabrb.ErrContentUnknown) {
		t.Errorf("a file of unknown content: %v", err)
	}
	if !l.Exists("/etc/gitlab/conf.d") || !l.Exists("/etc/gitlab/conf.d/a.rb") || l.Exists("/srv") {
		t.Error("listed files and their directories exist, others do not")
	}
	if out, ok := l.Command("hostname -f"); out != "gl01.example.net\n" || !ok {
		t.Errorf("hostname -f: %q", out)
	}
	if _, ok := l.Command("date"); ok {
		t.Error("date is not listed")
	}
	if name, ok := l.Hostname(); name != "gl01" || !ok {
		t.Errorf("host name %q", name)
	}
}

var globCases = []struct {
	why, pattern string
	want         []string
}{
	{"a star stops at a slash and at a leading dot", "/etc/gitlab/conf.d/*.rb", []string{"/etc/gitlab/conf.d/a.rb", "/etc/gitlab/conf.d/b.rb"}},
	{"a dot must be asked for", "/etc/gitlab/conf.d/.*.rb", []string{"/etc/gitlab/conf.d/.hidden.rb"}},
	{"braces are alternatives", "/etc/gitlab/{x.txt,conf.d/{a,b}.rb}", []string{"/etc/gitlab/conf.d/a.rb", "/etc/gitlab/conf.d/b.rb", "/etc/gitlab/x.txt"}},
	{"two stars go down", "/etc/**/*.rb", []string{"/etc/gitlab/conf.d/a.rb", "/etc/gitlab/conf.d/b.rb"}},
	{"two stars stand for no directory as well", "/etc/gitlab/**/x.txt", []string{"/etc/gitlab/x.txt"}},
	{"a question mark is one character", "/etc/gitlab/?.txt", []string{"/etc/gitlab/x.txt"}},
	{"a set", "/etc/gitlab/conf.d/[a].rb", []string{"/etc/gitlab/conf.d/a.rb"}},
	{"no match is an empty list", "/srv/*", nil},
	{"a relative pattern has no meaning", "*.rb", nil},
	{"a broken pattern matches nothing", "/etc/gitlab/[", nil},
	{"an open brace is a brace", "/etc/gitlab/{x.txt", nil},
}

func TestGlobsAgreeOnFactsAndFiles(t *testing.T) {
	root := t.TempDir()
	files := map[string]*string{}
	for _, name := range []string{"/etc/gitlab/conf.d/b.rb", "/etc/gitlab/conf.d/a.rb", "/etc/gitlab/conf.d/.hidden.rb", "/etc/gitlab/x.txt"} {
		files[name] = nil
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	facts, local := Facts{Files: files}.Host(), LocalHost(root)
	for _, c := range globCases {
		if diff := cmp.Diff(c.want, facts.Lookups.Glob(c.pattern)); diff != "" {
			t.Errorf("%s: facts, %s (-want +got):\n%s", c.why, c.pattern, diff)
		}
		if diff := cmp.Diff(c.want, local.Lookups.Glob(c.pattern)); diff != "" {
			t.Errorf("%s: files, %s (-want +got):\n%s", c.why, c.pattern, diff)
		}
	}
	real := ruby(t, `puts Dir.chdir("/") { JSON.parse(STDIN.read).map { |p| Dir.glob(p).to_json } }.to_json`, []string{root + "/etc/**/*.rb", root + "/etc/gitlab/{x.txt,conf.d/{a,b}.rb}", root + "/etc/gitlab/**/x.txt"})
	for i, p := range []string{"/etc/**/*.rb", "/etc/gitlab/{x.txt,conf.d/{a,b}.rb}", "/etc/gitlab/**/x.txt"} {
		for _, found := range local.Lookups.Glob(p) {
			if !strings.Contains(real[i], found) {
				t.Errorf("%s: %s is not in what Ruby finds: %s", p, found, real[i])
			}
		}
	}
}

func TestLocalHostStaysBelowItsRoot(t *testing.T) {
	root, outside := t.TempDir(), t.TempDir()
	write := func(path, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(outside, "secret"), "outside")
	write(filepath.Join(root, "etc/hostname"), "gl02\n")
	write(filepath.Join(root, "etc/hosts"), "127.0.0.1 localhost\n10.0.0.2 gl02.example.net gl02 # comment\n")
	write(filepath.Join(root, "run/secret"), "inside")
	if err := os.Symlink(filepath.Join(outside, "secret"), filepath.Join(root, "run/link")); err != nil {
		t.Fatal(err)
	}
	h := LocalHost(root)
	if h.Hostname != "gl02" || h.FQDN != "gl02.example.net" || h.PostgreSQLRunning {
		t.Errorf("host %+v", h)
	}
	if data, err := h.Lookups.ReadFile("/run/secret"); string(data) != "inside" || err != nil {
		t.Errorf("a file below root: %q, %v", data, err)
	}
	if data, err := h.Lookups.ReadFile("/run/link"); err == nil {
		t.Errorf("a link out of root was followed: %q", data)
	}
	if data, err := h.Lookups.ReadFile("/../" + filepath.Join(outside, "secret")); err == nil {
		t.Errorf("a path out of root was read: %q", data)
	}
	if _, err := h.Lookups.ReadFile("/missing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := h.Lookups.ReadFile("/run"); err == nil {
		t.Error("a directory was read")
	}
	for command, want := range map[string]string{"hostname": "gl02\n", "hostname  -s": "gl02\n", "hostname -f": "gl02.example.net\n"} {
		if got, ok := h.Lookups.Command(command); got != want || !ok {
			t.Errorf("%s: %q, %v", command, got, ok)
		}
	}
	if out, ok := h.Lookups.Command("date"); ok {
		t.Errorf("date answered %q: nothing may be run", out)
	}
}

func TestLocalHostReadsThisMachine(t *testing.T) {
	h := LocalHost("/")
	want, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	if h.Hostname != want {
		t.Errorf("host name %q, want %q", h.Hostname, want)
	}
	t.Setenv("GITLABRB_TEST", "x")
	if v, ok := h.Lookups.Env("GITLABRB_TEST"); v != "x" || !ok {
		t.Errorf("environment: %q, %v", v, ok)
	}
	if !h.Lookups.Exists("/etc/passwd") || !slices.Contains(h.Lookups.Glob("/etc/pass*"), "/etc/passwd") {
		t.Error("/etc/passwd exists here")
	}
	if _, err := h.Lookups.ReadFile("/dev/zero"); err == nil {
		t.Error("an endless device was read")
	}
}
