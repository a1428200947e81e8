package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
)

// tree writes files below a new root; the value is the content.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestLoadReadsBothFilesBelowRoot(t *testing.T) {
	root := tree(t, map[string]string{
		DefaultGitLabRB: "mattermost_external_url 'http://mm.example.com'\n",
		DefaultSecrets:  `{"mattermost": {"gitlab_id": "stored"}}`,
	})
	l, err := Load(LoadOptions{Root: root, Host: LocalHost(root)})
	if err != nil {
		t.Fatal(err)
	}
	if !l.Installation.Enabled || l.Installation.Mattermost.Get("gitlab_id").Value != "stored" {
		t.Errorf("enabled %v, id %v", l.Installation.Enabled, l.Installation.Mattermost.Get("gitlab_id"))
	}
	if where := l.Installation.Mattermost.Get("gitlab_id").Origin.Where; where != filepath.Join(root, DefaultSecrets) {
		t.Errorf("the origin names %s", where)
	}
	for _, f := range l.Installation.Findings {
		if f.ID == "secrets.readable" {
			t.Errorf("mode 0600 is reported: %+v", f)
		}
	}
}

func TestLoadReportsASecretsFileThatOthersMayRead(t *testing.T) {
	root := tree(t, map[string]string{DefaultGitLabRB: "", DefaultSecrets: `{}`})
	secrets := filepath.Join(root, DefaultSecrets)
	if err := os.Chmod(secrets, 0o644); err != nil {
		t.Fatal(err)
	}
	l, err := Load(LoadOptions{Root: root})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range l.Installation.Findings {
		if f.ID == "secrets.readable" && f.Where == secrets && strings.Contains(f.Message, "0644") && f.Fix == "chmod 0600 "+secrets {
			return
		}
	}
	t.Errorf("no finding about mode 0644 in %+v", l.Installation.Findings)
}

func TestLoadRefusesWhatItCannotRead(t *testing.T) {
	big := tree(t, nil)
	bigFile := filepath.Join(big, "big.rb")
	if err := os.WriteFile(bigFile, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(bigFile, 100<<20); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		why   string
		files map[string]string
		o     LoadOptions
		want  string // %s is the root
	}{
		{"no gitlab.rb", nil, LoadOptions{}, "read %s/etc/gitlab/gitlab.rb: no such file or directory"},
		{"a directory", map[string]string{"/etc/gitlab/gitlab.rb/x": ""}, LoadOptions{}, "read %s/etc/gitlab/gitlab.rb: is a directory, want a file"},
		{"a device", nil, LoadOptions{Root: "/", GitLabRB: "/dev/zero"}, "read /dev/zero: not a regular file"},
		{"100 MB", nil, LoadOptions{Root: big, GitLabRB: "big.rb"}, "read " + bigFile + ": file has 104857600 bytes, more than the 8388608 that are read"},
		{"NUL bytes", map[string]string{DefaultGitLabRB: "external_url 'x'\n# \x00"}, LoadOptions{}, "%s/etc/gitlab/gitlab.rb:2:3: NUL byte: this is not a text file"},
		{"not UTF-8", map[string]string{DefaultGitLabRB: "# caf\xe9\n"}, LoadOptions{}, "%s/etc/gitlab/gitlab.rb:1:6: byte that is not UTF-8; save the file as UTF-8"},
		{"secrets that are not JSON", map[string]string{DefaultGitLabRB: "", DefaultSecrets: "{\n  nope\n}"}, LoadOptions{}, "%s/etc/gitlab/gitlab-secrets.json:2:3: not valid JSON: invalid character 'n'"},
		{"secrets cut off", map[string]string{DefaultGitLabRB: "", DefaultSecrets: `{"a": {"b": "c"`}, LoadOptions{}, "%s/etc/gitlab/gitlab-secrets.json:1:16: not valid JSON: the text ends too early"},
		{"empty secrets file", map[string]string{DefaultGitLabRB: "", DefaultSecrets: ""}, LoadOptions{}, "%s/etc/gitlab/gitlab-secrets.json:1:1: not valid JSON: the text ends too early"},
		{"secrets that are a list", map[string]string{DefaultGitLabRB: "", DefaultSecrets: "[]"}, LoadOptions{}, "%s/etc/gitlab/gitlab-secrets.json:1:1: want a JSON object with one section per service"},
		{"a section that is text", map[string]string{DefaultGitLabRB: "", DefaultSecrets: `{"mattermost": "s3cret"}`}, LoadOptions{}, `%s/etc/gitlab/gitlab-secrets.json: section "mattermost" is not a JSON object`},
		{"named secrets that are missing", map[string]string{DefaultGitLabRB: ""}, LoadOptions{Secrets: "/x.json"}, "read %s/x.json: no such file or directory"},
		{"a secrets file that is a directory", map[string]string{DefaultGitLabRB: "", DefaultSecrets + "/x": ""}, LoadOptions{}, "read %s/etc/gitlab/gitlab-secrets.json: is a directory, want a file"},
		{"a syntax error keeps its place", map[string]string{DefaultGitLabRB: "external_url 'x'\nmattermost[\n"}, LoadOptions{}, "%s/etc/gitlab/gitlab.rb:2:"},
	} {
		root := c.o.Root
		if root == "" {
			root = tree(t, c.files)
			c.o.Root = root
		}
		l, err := Load(c.o)
		want := c.want
		if strings.Contains(want, "%s") {
			want = fmt.Sprintf(want, root)
		}
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s:\n got %v\nwant %s", c.why, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the message holds a secret", c.why)
		}
		if l == nil || l.Installation != nil {
			t.Errorf("%s: want what was read and no installation, got %+v", c.why, l)
		}
	}
}

func TestLoadGivesWhatIsKnownWithItsErrors(t *testing.T) {
	root := tree(t, map[string]string{DefaultGitLabRB: "mattermost_external_url 'mm'\nmattermost['team_site_name'] = 'T'\nmattermost['uid'] = 'x'\n"})
	l, err := Load(LoadOptions{Root: root})
	var list gitlabrb.ErrorList
	if !errors.As(err, &list) || len(list) != 2 || list[0].Pos.Line != 1 || list[1].Pos.Line != 3 {
		t.Fatalf("want two errors in order, got %v", err)
	}
	if v := l.Installation.Mattermost.Get("team_site_name").Value; v != "T" {
		t.Errorf("the site name is lost: %v", v)
	}
}

func TestLoadTakesSecretsThatAreGiven(t *testing.T) {
	root := tree(t, map[string]string{DefaultGitLabRB: "", DefaultSecrets: "not read"})
	given, err := ParseSecrets("given", []byte(`{"mattermost":{"gitlab_id":"given"}}`))
	if err != nil {
		t.Fatal(err)
	}
	l, err := Load(LoadOptions{Root: root, SecretsFile: given})
	if err != nil || l.Installation.Mattermost.Get("gitlab_id").Value != "given" {
		t.Errorf("%v, %v", l, err)
	}
}

func TestSecretsNeverPrint(t *testing.T) {
	f, err := ParseSecrets("secrets.json", []byte(`{"mattermost": {"gitlab_secret": "s3cret", "sql_at_rest_encrypt_key": "s3cret", "email_invite_salt": "s3cret"}}`))
	if err != nil {
		t.Fatal(err)
	}
	i, err := Resolve(Input{Secrets: f})
	if err != nil {
		t.Fatal(err)
	}
	if i.Mattermost.Get("gitlab_secret").Value != "s3cret" {
		t.Fatal("the secret is not there at all")
	}
	c, err := ParseConfigJSON("config.json", []byte(`{"SqlSettings": {"DataSource": "s3cret"}}`))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, v := range []any{f, i.Mattermost.Get("gitlab_secret"), i.Mattermost.Get("sql_at_rest_encrypt_key"), i.StoredSecrets, c,
		Setting{Path: []string{"mattermost", "gitlab_secret"}, Value: "s3cret", Secret: true}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	for _, m := range []interface{ MarshalJSON() ([]byte, error) }{f, c} {
		text, err := m.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		out.Write(text)
	}
	if strings.Contains(out.String(), "s3cret") || strings.Contains(out.String(), fmt.Sprintf("%x", "s3cret")) {
		t.Errorf("a secret is printed:\n%s", &out)
	}
	if !strings.Contains(out.String(), "[redacted] (secrets file (secrets.json))") {
		t.Errorf("a masked attribute must still say where it comes from:\n%s", &out)
	}
}

func TestSecretsFileKeepsEverythingElse(t *testing.T) {
	text := `{"z":{"n":1.50,"e":1E5,"u":"\u00e9\/","big":123456789012345678901234567890},"mattermost":{"gitlab_id":"x"},"a":{"l":[true,null]}}`
	f, err := ParseSecrets("s", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	section := f.Mattermost()
	section.Set("gitlab_id", "y")
	if v, _ := f.Mattermost().Get("gitlab_id"); v != "x" {
		t.Error("a section that was handed out is not a copy")
	}
	c := f.Clone()
	c.SetSection("mattermost", section)
	c.SetSection("new", &gitlabrb.Hash{})
	want := "{\n  \"z\": {\n    \"n\": 1.50,\n    \"e\": 1E5,\n    \"u\": \"\\u00e9\\/\",\n    \"big\": 123456789012345678901234567890\n  },\n" +
		"  \"mattermost\": {\n    \"gitlab_id\": \"y\"\n  },\n  \"a\": {\n    \"l\": [\n      true,\n      null\n    ]\n  },\n  \"new\": {}\n}\n"
	if got := string(c.Bytes()); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if strings.Contains(string(f.Bytes()), `"y"`) {
		t.Error("a change of the clone reached the original")
	}
	c.SetSection("mattermost", nil)
	if c.Mattermost() != nil || len(c.Sections()) != 3 {
		t.Errorf("sections after removal: %v", c.Sections())
	}
	if v, _ := f.Section("z").Get("u"); v != "é/" {
		t.Errorf("the decoded text is %v", v)
	}
	var missing *SecretsFile
	if missing.Mattermost() != nil || missing.Sections() != nil || missing.Name() != "" || missing.Clone() != nil {
		t.Error("a missing file must answer like an empty one")
	}
}

func TestUnreadableFilesAreNamed(t *testing.T) {
	if os.Geteuid() != 0 {
		root := tree(t, map[string]string{DefaultGitLabRB: ""})
		path := filepath.Join(root, DefaultGitLabRB)
		if err := os.Chmod(path, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(LoadOptions{Root: root}); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), path) {
			t.Errorf("got %v", err)
		}
		return
	}
	// root may read everything; a path through a file fails for everybody.
	root := tree(t, map[string]string{"/etc/gitlab": "a file"})
	if _, err := Load(LoadOptions{Root: root, SecretsFile: NewSecretsFile("x")}); err == nil || !strings.Contains(err.Error(), "/etc/gitlab/gitlab.rb: not a directory") {
		t.Errorf("got %v", err)
	}
}
