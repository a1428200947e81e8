package envmap_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gitlab-mattermost/sdk/envmap"
)

// chpst runs a program with the variables of dir, as runit starts Mattermost,
// and returns the environment that the program saw.
func chpst(t *testing.T, dir string) map[string]string {
	t.Helper()
	cmd := exec.Command("chpst", "-e", dir, "/usr/bin/env", "-0")
	cmd.Env = []string{"PRESET=kept", "REMOVED=by an empty file"}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("chpst (package runit) is needed for this test: %v: %s", err, stderr.String())
	}
	seen := map[string]string{}
	for pair := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		name, value, _ := strings.Cut(pair, "=")
		seen[name] = value
	}
	return seen
}

func TestParseDirFileReadsAsChpstDoes(t *testing.T) {
	contents := []string{
		"", "\n", " ", "\t\n", "plain", "plain\n", "first\nsecond", "\nsecond",
		"trailing  \t", "trailing \t\nmore", "  leading", "nul\x00inside", "x\x00", "x\x00 ", "\x00",
		"bytes \xff\xfe", "$HOME `id` \\n 'q' \"d\"", "über", " \n", "a\r\n", "a=b=c", "#no comment",
	}
	dir := t.TempDir()
	for i, content := range contents {
		write(t, filepath.Join(dir, "CASE"+string(rune('A'+i))), content)
	}
	seen := chpst(t, dir)
	for i, content := range contents {
		got := envmap.ParseDirFile([]byte(content))
		want, ok := seen["CASE"+string(rune('A'+i))]
		switch {
		case ok != (got != nil):
			t.Errorf("file %q: chpst sets it %v, we %v", content, ok, got != nil)
		case ok && *got != want:
			t.Errorf("file %q: chpst gives %q, we %q", content, want, *got)
		}
	}
	if seen["PRESET"] != "kept" {
		t.Error("chpst must leave other variables alone")
	}
}

func TestEncodeDirFileCarriesEveryLegalValueThroughChpst(t *testing.T) {
	dir := t.TempDir()
	want := map[string]string{}
	for i, value := range legalValues() {
		name := "V" + strings.Repeat("X", i)
		content, err := envmap.EncodeDirFile(envmap.Var{Name: name, Value: &value})
		if err != nil {
			if !strings.HasSuffix(value, " ") && !strings.HasSuffix(value, "\t") {
				t.Errorf("value %q is refused: %v", value, err)
			}
			continue
		}
		want[name] = value
		write(t, filepath.Join(dir, name), string(content))
		if back := envmap.ParseDirFile(content); back == nil || *back != value {
			t.Errorf("value %q reads back as %v", value, back)
		}
	}
	content, err := envmap.EncodeDirFile(envmap.Var{Name: "REMOVED"})
	if err != nil || len(content) != 0 {
		t.Errorf("a variable that is not set is %q, %v; want an empty file", content, err)
	}
	write(t, filepath.Join(dir, "REMOVED"), "")
	want["PRESET"] = "kept"
	if diff := cmp.Diff(want, chpst(t, dir)); diff != "" {
		t.Errorf("what the program saw (-want +got):\n%s", diff)
	}
}

func TestEncodeDirCarriesAWholeEnvironmentThroughChpst(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "env")
	e := envmap.New()
	for i, value := range legalValues() {
		if !strings.HasSuffix(value, " ") && !strings.HasSuffix(value, "\t") {
			e.Set("MM_V"+strings.Repeat("X", i), value)
		}
	}
	e.Put(envmap.Var{Name: "REMOVED"})
	files, err := e.EncodeDir()
	if err != nil {
		t.Fatal(err)
	}
	plan, err := envmap.PlanFiles(dir, files)
	if err != nil {
		t.Fatal(err)
	}
	if err := plan.Apply(); err != nil {
		t.Fatal(err)
	}
	want := values(e)
	read, err := envmap.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, values(read)); diff != "" {
		t.Errorf("ReadDir (-want +got):\n%s", diff)
	}
	want["PRESET"] = "kept"
	if diff := cmp.Diff(want, chpst(t, dir)); diff != "" {
		t.Errorf("chpst (-want +got):\n%s", diff)
	}
	e.Set("MM_BLANK", "refused ")
	e.Set("MM_NUL", "a\x00b")
	if _, err := e.EncodeDir(); err == nil || !strings.Contains(err.Error(), "MM_BLANK") || !strings.Contains(err.Error(), "MM_NUL") {
		t.Errorf("error %v, want both variables named", err)
	}
}

// legalValues are values that an environment can hold and that formats stumble
// over.
func legalValues() []string {
	return []string{
		"", "plain", "two words", " leading", "trailing ", "tab\tinside", "\ttab", "tab\t",
		"line\nbreak", "\n", "ends with break\n", "\nstarts with one", "a\n\nb", "cr\rinside", "crlf\r\nx", "x\r",
		`"double"`, `'single'`, `it's`, `back\slash`, `\n`, `end\`, `\\`, "$HOME", "${HOME}", "$(id)", "$$", "$", "a$", "`id`",
		"%h", "%%", "100%", "#comment", "a #b", "a#b", ";", "a;b", "!x", "!!", "~", "~root", "*", "a=b", "=", "=x", "&", "|", "<a>",
		"{a: b}", "[1, 2]", `{"a":"b \" c"}`, "- item", "key: value", "key:", ": x", "yes", "no", "null", "true", "~", "1", "0x10", "1e3", "1_000", "2001-01-01", "@x", "`", "? x", "| block", "> folded", "%TAG", "---", "...",
		"über straße", "日本語", "emoji 😀", "\u2028 separator", "\u0085", "\ufeffbom", "a\u00a0b",
		"\x01control", "del\x7f", "bell\a", "esc\x1b[0m", "invalid \xff utf-8", "\xc3", "#{1+1}", "<%= 1 %>", "{{ x }}", "/* */", "\\x41", "\\u0041", "\\\n", "a\\\nb",
		strings.Repeat("long ", 2000) + "x",
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWriteDirWritesAsThePackageAndReadsBackThroughChpst(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "etc", "env")
	e := envmap.FromInstallation(resolved(map[string]any{"gitlab_scope": "", "service_allowed_untrusted_internal_connections": nil}))
	if _, err := e.WriteDir(dir); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 22 {
		t.Errorf("%d files, want 22", len(entries))
	}
	for _, entry := range entries {
		v, _ := e.Get(entry.Name())
		want, _ := v.Text()
		got, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil || string(got) != want {
			t.Errorf("%s holds %q, want %q without a line break (%v)", entry.Name(), got, want, err)
		}
		if info, err := entry.Info(); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", entry.Name(), info.Mode())
		}
	}
	read, err := envmap.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	seen := chpst(t, dir)
	for v := range read.All() {
		text, ok := v.Text()
		if got, set := seen[v.Name]; ok != set || got != text {
			t.Errorf("%s: ReadDir %q %v, chpst %q %v", v.Name, text, ok, got, set)
		}
	}
	for _, empty := range []string{"MM_GITLABSETTINGS_SCOPE", "MM_SERVICESETTINGS_ALLOWEDUNTRUSTEDINTERNALCONNECTIONS"} {
		if v, known := read.Get(empty); !known || v.Value != nil {
			t.Errorf("%s must be known and not set, as an empty file is", empty)
		}
	}
}

func TestWriteDirTwiceChangesNothing(t *testing.T) {
	dir := t.TempDir()
	e := envmap.FromInstallation(resolved(nil))
	first, err := e.WriteDir(dir)
	if err != nil || len(first.Write) != 22 {
		t.Fatalf("first: %d written, %v", len(first.Write), err)
	}
	second, err := e.WriteDir(dir)
	if err != nil || len(second.Write)+len(second.Remove) != 0 || len(second.Unchanged) != 22 {
		t.Errorf("second: %+v, %v; want 22 unchanged", second, err)
	}
}

func TestWriteDirRemovesOnlyPlainFilesOfUnwantedVariables(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "MM_OLD"), "x")
	write(t, filepath.Join(dir, "http_proxy"), "x")
	write(t, filepath.Join(dir, ".MM_OLD.tmp-123"), "a write that was cut off")
	write(t, filepath.Join(dir, ".hidden"), "not ours")
	if err := os.Mkdir(filepath.Join(dir, "SUB"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/hostname", filepath.Join(dir, "LINK")); err != nil {
		t.Fatal(err)
	}
	e := envmap.New()
	e.Set("MM_NEW", "y")
	p, err := e.WriteDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{".MM_OLD.tmp-123", "MM_OLD", "http_proxy"}; !slices.Equal(p.Remove, want) {
		t.Errorf("removed %v, want %v", p.Remove, want)
	}
	if left := names(t, dir); !slices.Equal(left, []string{".hidden", "LINK", "MM_NEW", "SUB"}) {
		t.Errorf("left in the directory: %v", left)
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, entry := range entries {
		out = append(out, entry.Name())
	}
	return out
}

func TestWriteDirRefusesADirectoryThatIsNoEnvDirectory(t *testing.T) {
	for reason, files := range map[string][]string{
		"a file that can be no variable":        {"MM_X", "passwd-"},
		"files, but none of Mattermost's":       {"notes", "diary"},
		"a directory where a file has to stand": {"MM_NEW/"},
	} {
		dir := t.TempDir()
		for _, name := range files {
			if strings.HasSuffix(name, "/") {
				if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
					t.Fatal(err)
				}
				continue
			}
			write(t, filepath.Join(dir, name), "keep me")
		}
		before := names(t, dir)
		e := envmap.New()
		e.Set("MM_NEW", "y")
		if _, err := e.WriteDir(dir); err == nil || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: error %v, want a refusal that names the directory", reason, err)
		}
		if after := names(t, dir); !slices.Equal(before, after) {
			t.Errorf("%s: the directory changed from %v to %v", reason, before, after)
		}
	}
}

func TestDirFilesRefusesNamesThatLeaveTheDirectory(t *testing.T) {
	for _, name := range []string{"", "../evil", "a/b", ".hidden", "A=B", "A\nB", "A\x00B"} {
		e := envmap.New()
		e.Set(name, "x")
		if files, err := e.DirFiles(); err == nil {
			t.Errorf("name %q gave %v, want an error", name, files)
		}
	}
}

func TestReadDirRefusesWhatChpstCannotRead(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "SUB"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "BIG"), strings.Repeat("x", 200<<10))
	write(t, filepath.Join(dir, "GOOD"), "y")
	e, err := envmap.ReadDir(dir)
	if err == nil || !strings.Contains(err.Error(), "SUB") || !strings.Contains(err.Error(), "BIG") {
		t.Errorf("error %v, want both entries named", err)
	}
	if v, ok := e.Get("GOOD"); !ok || *v.Value != "y" {
		t.Error("the readable variable must still be returned beside the error")
	}
	if _, err := envmap.ReadDir(filepath.Join(dir, "none")); err == nil {
		t.Error("a missing directory must be an error")
	}
}

func TestDirLossesNamesWhatChpstWillNotPassOn(t *testing.T) {
	e := envmap.New()
	e.Set("EMPTY", "")
	e.Set("LINES", "a\nb")
	e.Set("BLANKS", "a ")
	e.Set("FINE", " a")
	e.Put(envmap.Var{Name: "UNSET"})
	var got []string
	for _, f := range e.DirLosses() {
		got = append(got, f.Where+" "+f.ID)
	}
	want := []string{"EMPTY dir.empty-removes", "LINES dir.first-line", "BLANKS dir.trailing-blank"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}
