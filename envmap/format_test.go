package envmap_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/gitlab-mattermost/sdk/envmap"
)

// carried returns an environment of every legal value that a format takes, one
// variable each, and fails when the format refuses a value that it should take.
func carried(t *testing.T, f envmap.Format, mayRefuse func(string) bool) *envmap.Environment {
	t.Helper()
	e := envmap.New()
	for i, value := range legalValues() {
		one := envmap.New()
		name := "V" + strings.Repeat("X", i)
		one.Set(name, value)
		_, err := one.Encode(f)
		switch {
		case err == nil:
			e.Set(name, value)
		case !mayRefuse(value):
			t.Errorf("%s refuses %q: %v", f, value, err)
		case !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), string(f)):
			t.Errorf("%s: the refusal %q names neither variable nor format", f, err)
		}
	}
	return e
}

func never(string) bool       { return false }
func notText(s string) bool   { return !utf8.ValidString(s) }
func forDocker(s string) bool { return notText(s) || strings.ContainsAny(s, "\n\r") }
func forSystemd(s string) bool {
	return notText(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 0x7f })
}

// refusals says which values each format may refuse.
func refusals() map[envmap.Format]func(string) bool {
	return map[envmap.Format]func(string) bool{
		envmap.FormatSystemd: forSystemd, envmap.FormatDropIn: forSystemd, envmap.FormatShell: never,
		envmap.FormatDocker: forDocker, envmap.FormatCompose: notText, envmap.FormatKubernetes: never,
		envmap.FormatRuby: never, envmap.FormatJSON: notText,
	}
}

func values(e *envmap.Environment) map[string]string {
	out := map[string]string{}
	for v := range e.All() {
		if text, ok := v.Text(); ok {
			out[v.Name] = text
		}
	}
	return out
}

func TestEveryFormatReadsBackWhatItWrote(t *testing.T) {
	for _, f := range envmap.Formats() {
		t.Run(string(f), func(t *testing.T) {
			e := carried(t, f, refusals()[f])
			if e.Len() < 60 {
				t.Fatalf("only %d values take part", e.Len())
			}
			text, err := e.Encode(f)
			if err != nil {
				t.Fatal(err)
			}
			back, err := envmap.Decode(f, text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(values(e), values(back)); diff != "" {
				t.Errorf("-written +read:\n%s", diff)
			}
			again, err := back.Encode(f)
			if err != nil || string(again) != string(text) {
				t.Errorf("writing what was read gives another text (%v)", err)
			}
		})
	}
}

func TestFormatsThatCanSayUnsetKeepItAndOthersLeaveItOut(t *testing.T) {
	carries := map[envmap.Format]bool{envmap.FormatDropIn: true, envmap.FormatShell: true, envmap.FormatRuby: true, envmap.FormatJSON: true}
	for _, f := range envmap.Formats() {
		e := envmap.New(envmap.Var{Name: "GONE"})
		e.Set("EMPTY", "")
		text, err := e.Encode(f)
		if err != nil {
			t.Fatal(err)
		}
		back, err := envmap.Decode(f, text)
		if err != nil {
			t.Fatal(err)
		}
		if v, known := back.Get("GONE"); known != carries[f] || v.Value != nil {
			t.Errorf("%s: GONE is known %v, want %v", f, known, carries[f])
		}
		if v, _ := back.Get("EMPTY"); v.Value == nil || *v.Value != "" {
			t.Errorf("%s: EMPTY is %v, want the empty text", f, v.Value)
		}
	}
}

func TestShellsReadOurScriptAsWeMeantIt(t *testing.T) {
	e := carried(t, envmap.FormatShell, never)
	e.Put(envmap.Var{Name: "REMOVED"})
	script, err := e.Encode(envmap.FormatShell)
	if err != nil {
		t.Fatal(err)
	}
	want := values(e)
	want["PRESET"] = "kept"
	for _, shell := range []string{"/bin/sh", "/bin/bash"} {
		if diff := cmp.Diff(want, runShell(t, shell, string(script))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", shell, diff)
		}
	}
}

func TestDecodeShellReadsHandWrittenScriptsAsAShellDoes(t *testing.T) {
	script := strings.Join([]string{
		"# comment", "export A=plain B='two words' # more", `export C="a \"b\" \\ \$ \x"`, `export D=a\ b`, `export E='it'\''s'`,
		"export F=a'b'\"c\"", "export G=; export H=x#y", `export I="line one`, `line two"`, "export J=a\\", "b", "export K=x=y", `export L="a\`, `b"`,
		"unset REMOVED", "export M=a~b", "\texport N=tab", "export O='$HOME `id`'",
	}, "\n")
	e, err := envmap.Decode(envmap.FormatShell, []byte(script))
	if err != nil {
		t.Fatal(err)
	}
	got := values(e)
	got["PRESET"] = "kept"
	if diff := cmp.Diff(runShell(t, "/bin/sh", script), got); diff != "" {
		t.Errorf("the shell against us (-shell +ours):\n%s", diff)
	}
	if v, known := e.Get("REMOVED"); !known || v.Value != nil {
		t.Error("unset must be kept as known and not set")
	}
}

func TestDecodeRefusesWhatOnlyTheRealReaderCouldKnow(t *testing.T) {
	for _, tc := range []struct {
		format envmap.Format
		text   string
		want   string
	}{
		{envmap.FormatShell, "A=1\nexport B=$HOME\n", "line 2"},
		{envmap.FormatShell, "export B=\"`id`\"\n", "line 1"},
		{envmap.FormatShell, "\nrm -rf /\n", "line 2"},
		{envmap.FormatShell, "export A=~/x\n", "line 1"},
		{envmap.FormatShell, "export A='open\n", "line 1"},
		{envmap.FormatDropIn, "[Service]\nEnvironment=A=%h\n", "line 2"},
		{envmap.FormatDropIn, "[Service]\nEnvironmentFile=/etc/x\n", "line 2"},
		{envmap.FormatDropIn, "[Service]\nEnvironment=\"A=open\n", "line 2"},
		{envmap.FormatDropIn, "[Service]\nEnvironment=A\n", "line 2"},
		{envmap.FormatDocker, "A=1\nHOME\n", "line 2"},
		{envmap.FormatDocker, "A B=1\n", "line 1"},
		{envmap.FormatCompose, "environment:\n  A: ${B}\n", "line 2"},
		{envmap.FormatCompose, "environment:\n  A:\n", "line 2"},
		{envmap.FormatCompose, "environment:\n  - A\n", "line 2"},
		{envmap.FormatCompose, "environment:\n  A: true\n", "line 2"},
		{envmap.FormatCompose, "environment:\n  A: |\n    x\n", "line 2"},
		{envmap.FormatCompose, "a:\n  environment:\n    A: x\nb:\n  environment:\n    A: y\n", "line 5"},
		{envmap.FormatCompose, "services:\n  a: {}\n", "no environment"},
		{envmap.FormatKubernetes, "kind: ConfigMap\ndata:\n  A: eA==\n", "want a Secret"},
		{envmap.FormatKubernetes, "kind: Secret\ndata:\n  A: '%%%'\n", "line 3"},
		{envmap.FormatJSON, "{\n\"A\": 1}", "variable A"},
		{envmap.FormatJSON, "{\n\n\"A\": }", "line 3"},
		{envmap.FormatJSON, "[]", "object"},
		{envmap.FormatJSON, "{} {}", "line 1"},
		{envmap.FormatRuby, "mattermost['env'] = { 'A' => `id` }", "line 1"},
		{"toml", "", "unknown format"},
	} {
		e, err := envmap.Decode(tc.format, []byte(tc.text))
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s %q gave %v, %v; want an error with %q", tc.format, tc.text, values(e), err, tc.want)
		}
	}
}

func TestErrorsOfFormatsNeverHoldValues(t *testing.T) {
	const secret = "s3cr3t-value"
	for _, f := range envmap.Formats() {
		e := envmap.New()
		e.Set("A", secret+"\x00")
		if _, err := e.Encode(f); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: error %v", f, err)
		}
		for _, text := range []string{"A='" + secret, "A=\"" + secret, "{\"A\": [\"" + secret + "\"]}", "environment:\n  A: [" + secret + "]\n", "[Service]\nEnvironment=\"A=" + secret + "\n"} {
			if _, err := envmap.Decode(f, []byte(text)); err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("%s: reading %q: error shows the value: %v", f, text, err)
			}
		}
	}
}

func TestComposeFileIsTheYAMLWeMeant(t *testing.T) {
	e := carried(t, envmap.FormatCompose, notText)
	text, err := e.Encode(envmap.FormatCompose)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Services map[string]struct{ Environment map[string]any }
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for name, value := range file.Services["mattermost"].Environment {
		s, ok := value.(string)
		if !ok || strings.Contains(strings.ReplaceAll(s, "$$", ""), "$") {
			t.Errorf("%s is %T %q: not a text, or interpolated", name, value, value)
		}
		got[name] = strings.ReplaceAll(s, "$$", "$")
	}
	if diff := cmp.Diff(values(e), got); diff != "" {
		t.Errorf("-want +read by a YAML library:\n%s", diff)
	}
}

func TestDecodeComposeReadsHandWrittenYAMLAsAYAMLLibraryDoes(t *testing.T) {
	text := `
# a whole file
version: "3"
services:
  db:
    image: postgres:15
  mm:
    image: 'mattermost/mattermost-team-edition'
    environment: # ours
      PLAIN: value with blanks   # comment
      NUMBER: 8065
      SINGLE: 'it''s'
      DOUBLE: "tab\tnew\nline \u00fc \x41 \\ \""
      EMPTY: ""
      URL: http://x.example.com/a#b
      'QUOTED': "x" # after
      HASH: a#b
      COLON: "a: b"
    ports:
      - "8065:8065"
`
	e, err := envmap.Decode(envmap.FormatCompose, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Services map[string]struct{ Environment map[string]string }
	}
	if err := yaml.Unmarshal([]byte(text), &file); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(file.Services["mm"].Environment, values(e)); diff != "" {
		t.Errorf("-library +ours:\n%s", diff)
	}
	list, err := envmap.Decode(envmap.FormatCompose, []byte("environment:\n- A=1\n- \"B=two words\"\n- C=a=b$$c\nother: x\n"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"A": "1", "B": "two words", "C": "a=b$c"}, values(list)); diff != "" {
		t.Errorf("list form (-want +got):\n%s", diff)
	}
}

func TestKubernetesSecretIsTheYAMLWeMeant(t *testing.T) {
	e := carried(t, envmap.FormatKubernetes, never)
	text, err := e.Encode(envmap.FormatKubernetes)
	if err != nil {
		t.Fatal(err)
	}
	var secret struct {
		APIVersion string `yaml:"apiVersion"`
		Kind, Type string
		Metadata   struct{ Name string }
		Data       map[string]string
	}
	if err := yaml.Unmarshal(text, &secret); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for name, value := range secret.Data {
		raw, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			t.Fatal(err)
		}
		got[name] = string(raw)
	}
	if diff := cmp.Diff(values(e), got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if secret.Kind != "Secret" || secret.APIVersion != "v1" || secret.Type != "Opaque" || secret.Metadata.Name != envmap.SecretName {
		t.Errorf("head %+v", secret)
	}
}

func TestRubyReadsOurHashAsWeMeantIt(t *testing.T) {
	e := carried(t, envmap.FormatRuby, never)
	e.Put(envmap.Var{Name: "GONE"})
	text, err := e.Encode(envmap.FormatRuby)
	if err != nil {
		t.Fatal(err)
	}
	script := "mattermost = {}\n" + string(text) + `
require 'json'
puts JSON.generate(mattermost['env'].map { |k, v| [k, v && v.bytes] })
`
	path := filepath.Join(t.TempDir(), "hash.rb")
	write(t, path, script)
	out, err := exec.Command("ruby", path).Output()
	if err != nil {
		t.Fatalf("ruby is needed for this test: %v", err)
	}
	var pairs [][]any
	if err := json.Unmarshal(out, &pairs); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, pair := range pairs {
		list, ok := pair[1].([]any)
		if !ok {
			got[pair[0].(string)] = "<nil>"
			continue
		}
		raw := make([]byte, len(list))
		for i, b := range list {
			raw[i] = byte(b.(float64))
		}
		got[pair[0].(string)] = string(raw)
	}
	want := values(e)
	want["GONE"] = "<nil>"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +ruby:\n%s", diff)
	}
}

func TestDecodeRefusesHugeInput(t *testing.T) {
	big := make([]byte, 9<<20)
	for _, f := range envmap.Formats() {
		if _, err := envmap.Decode(f, big); err == nil || !strings.Contains(err.Error(), "more than") {
			t.Errorf("%s: error %v", f, err)
		}
	}
}

// dockerReference reads an env file by the rules of docker's own reader, written
// down from its documentation apart from ours: lines, a byte order mark and
// leading blanks off, # comments, the rest after the first "=" as it is.
func dockerReference(text string) map[string]string {
	out := map[string]string{}
	for line := range strings.SplitSeq(strings.TrimPrefix(text, "\ufeff"), "\n") {
		line = strings.TrimLeft(strings.TrimSuffix(line, "\r"), " \t")
		if name, value, ok := strings.Cut(line, "="); ok && line[0] != '#' {
			out[name] = value
		}
	}
	return out
}

func TestDockerFileFollowsDockersGrammar(t *testing.T) {
	e := carried(t, envmap.FormatDocker, forDocker)
	text, err := e.Encode(envmap.FormatDocker)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(values(e), dockerReference(string(text))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	hand := "\ufeff# c\n  A=1 \n\nB=\"quoted\" # kept\r\nC=\n"
	back, err := envmap.Decode(envmap.FormatDocker, []byte(hand))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(dockerReference(hand), values(back)); diff != "" {
		t.Errorf("hand-written (-want +got):\n%s", diff)
	}
}

func FuzzFormatsRoundTrip(f *testing.F) {
	for i, value := range legalValues() {
		f.Add(value, uint8(i))
	}
	f.Fuzz(func(t *testing.T, value string, which uint8) {
		formats := envmap.Formats()
		format := formats[int(which)%len(formats)]
		e := envmap.New()
		e.Set("NAME", value)
		e.Set("AFTER", "x")
		text, err := e.Encode(format)
		if err != nil {
			return
		}
		back, err := envmap.Decode(format, text)
		if err != nil {
			t.Fatalf("%s wrote %q for %q and cannot read it: %v", format, text, value, err)
		}
		if diff := cmp.Diff(values(e), values(back)); diff != "" {
			t.Errorf("%s %q: %s", format, text, diff)
		}
	})
}

func FuzzDecodeNeverPanics(f *testing.F) {
	f.Add("A='b'\nexport C=\"d\"", uint8(0))                   // shell and systemd
	f.Add("[Service]\nEnvironment=\"A=\\x41\"", uint8(1))      // escapes
	f.Add("environment:\n  - A=1\n  B: \"\\u00fc\"", uint8(4)) // YAML
	f.Add("mattermost['env'] = { 'A' => \"#{x}\" }", uint8(6)) // Ruby
	f.Add("{\"A\": null, \"B\": \"x\"", uint8(7))              // cut JSON
	f.Fuzz(func(t *testing.T, text string, which uint8) {
		formats := envmap.Formats()
		format := formats[int(which)%len(formats)]
		e, err := envmap.Decode(format, []byte(text))
		if err != nil {
			return
		}
		for v := range e.All() {
			if !envmap.ValidName(v.Name) {
				t.Errorf("%s %q gave the name %q", format, text, v.Name)
			}
		}
	})
}

// dropInSeenBySystemd loads a unit with a drop-in into systemd's test mode, as
// an unprivileged user, and returns what it says the environment is.
func dropInSeenBySystemd(t *testing.T, dropIn []byte) (map[string]string, []string) {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "envmap")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	units, run := filepath.Join(dir, "units"), filepath.Join(dir, "run")
	for _, d := range []string{filepath.Join(units, "probe.service.d"), run} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(units, "probe.service"), "[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/bin/true\n")
	write(t, filepath.Join(units, "probe.service.d", "env.conf"), string(dropIn))
	cmd := exec.Command("/lib/systemd/systemd", "--test", "--user", "--unit=probe.service", "--log-target=console")
	cmd.Env = []string{"XDG_RUNTIME_DIR=" + run, "HOME=" + dir, "SYSTEMD_UNIT_PATH=" + units, "PATH=/usr/bin:/bin"}
	unprivileged(t, cmd, dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("systemd --test (package systemd) is needed for this test: %v: %s", err, out)
	}
	_, unit, ok := strings.Cut(string(out), "-> Unit probe.service:")
	if !ok {
		t.Fatalf("systemd did not load the unit: %s", out)
	}
	seen := map[string]string{}
	var unset []string
	const env, gone = "\n\t\tEnvironment: ", "\n\t\tUnsetEnvironment: "
	for {
		i := strings.Index(unit, env)
		if i < 0 {
			break
		}
		unit = unit[i+len(env):]
		name, value, _ := strings.Cut(unit[:strings.Index(unit, "\n\t\t")], "=")
		seen[name] = value
	}
	for rest := unit; ; {
		i := strings.Index(rest, gone)
		if i < 0 {
			return seen, unset
		}
		rest = rest[i+len(gone):]
		unset = append(unset, rest[:strings.IndexByte(rest, '\n')])
	}
}

func TestSystemdReadsOurDropInAsWeMeantIt(t *testing.T) {
	e := carried(t, envmap.FormatDropIn, forSystemd)
	long := e.Len()
	e.Put(envmap.Var{Name: "GONE"})
	text, err := e.Encode(envmap.FormatDropIn)
	if err != nil {
		t.Fatal(err)
	}
	seen, unset := dropInSeenBySystemd(t, text)
	if len(seen) != long {
		t.Errorf("systemd saw %d variables of %d", len(seen), long)
	}
	if diff := cmp.Diff(values(e), seen); diff != "" {
		t.Errorf("-want +systemd:\n%s", diff)
	}
	if fmt.Sprint(unset) != "[GONE]" {
		t.Errorf("systemd unsets %v, want GONE", unset)
	}
}

func TestDecodeDropInReadsHandWrittenUnitsAsSystemdDoes(t *testing.T) {
	text := strings.Join([]string{
		"# comment", "[Unit]", "Description=x", "[Service]", "Environment=OLD=1", "Environment=", `Environment=A=1 "B=two words" 'C=it"s'`,
		`Environment="D=a\tb\x41\u00fc\101" E=%%h`, `Environment="F=long \`, `line"`, "Environment = G=x", `Environment=H=a"b c"d`, "Type=simple", "; done",
	}, "\n")
	e, err := envmap.Decode(envmap.FormatDropIn, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	seen, _ := dropInSeenBySystemd(t, []byte(text))
	if diff := cmp.Diff(seen, values(e)); diff != "" {
		t.Errorf("-systemd +ours:\n%s", diff)
	}
}
