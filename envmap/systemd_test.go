package envmap_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gitlab-mattermost/sdk/envmap"
)

// generator is systemd's own program that reads environment files with the
// parser that EnvironmentFile= uses. It expands ${NAME} afterwards and refuses
// empty values, which EnvironmentFile= does not, so its cases go without
// dollars and empty values.
const generator = "/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator"

// readBySystemd returns what systemd reads from an environment file. The
// generator prints one NAME=value a line, quoted with C escapes where needed.
func readBySystemd(t *testing.T, file []byte) map[string]string {
	t.Helper()
	home := t.TempDir()
	dir := filepath.Join(home, "environment.d")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "10.conf"), string(file))
	cmd := exec.Command(generator)
	cmd.Env = []string{"XDG_CONFIG_HOME=" + home, "PATH=/usr/bin:/bin", "SYSTEMD_LOG_TARGET=console"}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("systemd's environment generator (package systemd) is needed: %v: %s", err, stderr.String())
	}
	seen := map[string]string{}
	for line := range strings.SplitSeq(strings.TrimSuffix(string(out), "\n"), "\n") {
		name, value, _ := strings.Cut(line, "=")
		if len(value) > 1 && value[0] == '"' {
			value = unescape(value[1 : len(value)-1])
		}
		seen[name] = value
	}
	delete(seen, "QT_ACCESSIBILITY") // set by a file of the distribution
	return seen
}

// unescape undoes the quoting of the generator's output.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch s[i] {
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// runShell runs a script in a real shell and returns the environment it makes.
func runShell(t *testing.T, shell, script string) map[string]string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "script")
	write(t, path, script+"\nexec /usr/bin/env -0\n")
	cmd := exec.Command(shell, path)
	cmd.Env = []string{"PRESET=kept", "REMOVED=by unset"}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("%s: %v: %s", shell, err, stderr.String())
	}
	seen := map[string]string{}
	for pair := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		name, value, _ := strings.Cut(pair, "=")
		switch name {
		case "PWD", "OLDPWD", "SHLVL", "_":
		default:
			seen[name] = value
		}
	}
	return seen
}

func TestSystemdReadsOurEnvironmentFileAsWeMeantIt(t *testing.T) {
	e := envmap.New()
	want := map[string]string{}
	for i, value := range legalValues() {
		one := envmap.New()
		one.Set("V", value)
		if _, err := one.Encode(envmap.FormatSystemd); err != nil || value == "" || strings.Contains(value, "$") {
			continue
		}
		name := "V" + strings.Repeat("X", i)
		e.Set(name, value)
		want[name] = value
	}
	if e.Len() < 60 {
		t.Fatalf("only %d values take part", e.Len())
	}
	file, err := e.Encode(envmap.FormatSystemd)
	if err != nil {
		t.Fatal(err)
	}
	got := readBySystemd(t, file)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what systemd read (-want +got):\n%s", diff)
	}
}

func TestDecodeSystemdReadsHandWrittenFilesAsSystemdDoes(t *testing.T) {
	file := strings.Join([]string{
		"# comment", "; another", "", "PLAIN=value", "  INDENTED = spaces around  ", `QUOTED="a \"b\" \\ \x"`,
		`SINGLE='a \b "c"'`, `JOINED="a"'b'"c"`, `MIXED="a" b  `,
		"CONTINUED=one \\", "two", `ESCAPED=a\ b\n`, `INNER=a"b"c`, "HASH=a #b", "SEMI=a;b", `LINES="one`, `two"`, `TRAIL=x\ `, `DQCONT="a\`, `b"`, "CR=x\r", "TAB=\tx\ty\t", "LAST=end",
		`# continued comment \`, "SKIPPED=no", "AFTER=yes", "PLAIN=again",
	}, "\n")
	e, err := envmap.Decode(envmap.FormatSystemd, []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for v := range e.All() {
		got[v.Name], _ = v.Text()
	}
	want := readBySystemd(t, []byte(file))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("systemd against us (-systemd +ours):\n%s", diff)
	}
}

func TestEncodeSystemdRefusesWhatSystemdDrops(t *testing.T) {
	for _, value := range []string{"\x01", "a\rb", "\x7f", "invalid \xff"} {
		e := envmap.New()
		e.Set("V", value)
		if out, err := e.Encode(envmap.FormatSystemd); err == nil || !strings.Contains(err.Error(), "V") {
			t.Errorf("value %q gave %q, %v; want a refusal naming the variable", value, out, err)
		}
	}
}

func TestDecodeSystemdNamesTheLine(t *testing.T) {
	for file, want := range map[string]string{
		"A=1\nnonsense\n":     "line 2",
		"A=1\nB=\"open\n\n":   "line 2",
		"A=1\n\n9X=1\n":       "line 3",
		"A=1\nB=x\x00y":       "line 2",
		"A=1\nB='a\nb'\nC\n":  "line 4",
		"A=1\nB=a\\\nb\nC C=": "line 4",
		"A=1\nB=\x01":         "line 2",
	} {
		if _, err := envmap.Decode(envmap.FormatSystemd, []byte(file)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("file %q: error %v, want %s named", file, err, want)
		}
	}
}
