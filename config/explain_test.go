package config

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
	"github.com/gitlab-mattermost/sdk/internal/golden"
)

// resolved evaluates the case's gitlab.rb and secrets at its version.
func resolved(c *golden.Case) (*gitlabrb.Result, Input, *Installation) {
	in := Input{Rand: new(counter), Host: Facts{Hostname: "gl01"}.Host()}
	if text, ok := c.Section("version"); ok {
		in.GitLabVersion = strings.TrimSpace(text)
	}
	if text, ok := c.Section("secrets.json"); ok {
		f, err := ParseSecrets("gitlab-secrets.json", []byte(text))
		if err != nil {
			c.Fatal(err)
		}
		in.Secrets = f
	}
	text, _ := c.Section("gitlab.rb")
	result, err := gitlabrb.Evaluate("gitlab.rb", []byte(text), gitlabrb.Options{Lookups: in.Host.Lookups, GitLabVersion: in.GitLabVersion})
	if err != nil {
		c.Fatal(err)
	}
	in.GitLabRB = result
	i, _ := Resolve(in)
	return result, in, i
}

func configJSONOf(c *golden.Case) *ConfigJSON {
	text, ok := c.Section("config.json")
	if !ok {
		return nil
	}
	f, err := ParseConfigJSON("config.json", []byte(text))
	if err != nil {
		c.Fatal(err)
	}
	return f
}

func TestExplainTellsTheWholeStory(t *testing.T) {
	golden.Run(t, "testdata/explain/*.txtar", func(c *golden.Case) {
		result, in, i := resolved(c)
		keys, _ := c.Section("keys")
		var out strings.Builder
		for _, key := range strings.Split(strings.TrimSpace(keys), "\n") {
			x, err := Explain(ExplainInput{Installation: i, Result: result, Secrets: in.Secrets, ConfigJSON: configJSONOf(c)}, key)
			if err != nil {
				fmt.Fprintf(&out, "error %s\n", err)
				continue
			}
			fmt.Fprintf(&out, "%s = %s\n  from %s\n", x.Key, x.Value, x.Origin)
			if x.Undecided != "" {
				fmt.Fprintf(&out, "  undecided %s\n", x.Undecided)
			}
			for _, o := range x.Overrides {
				fmt.Fprintf(&out, "  overrides %s\n", o)
			}
			for _, f := range x.Feeds {
				fmt.Fprintf(&out, "  feeds %s\n", f)
			}
			if s := x.State; s != nil {
				fmt.Fprintf(&out, "  %s %s %s-%s\n", s.Version, s.Does, s.Since, s.Until)
			}
			for _, f := range x.Findings {
				fmt.Fprintf(&out, "  finding %s\n", f.ID)
			}
		}
		c.Want("want", out.String())
		if strings.Contains(out.String(), "s3cret") {
			c.Error("a secret is shown")
		}
	})
}

func TestEveryKeyOfTheCatalogueCanBeExplained(t *testing.T) {
	i, err := Resolve(Input{Rand: new(counter)})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range Catalogue() {
		for _, spelling := range []string{k.Hash + "['" + k.Key + "']", k.Hash + "." + k.Key, k.Variable, k.Field} {
			if spelling == "" || !strings.ContainsAny(spelling, "._") {
				continue
			}
			if _, err := Explain(ExplainInput{Installation: i}, spelling); err != nil {
				t.Errorf("%s: %v", spelling, err)
			}
		}
	}
}

func TestOwnServerNamesOnlyWhatTheVersionKnows(t *testing.T) {
	golden.Run(t, "testdata/ownserver/*.txtar", func(c *golden.Case) {
		var o OwnServerOptions
		text, _ := c.Section("options.json")
		if err := json.Unmarshal([]byte(text), &o); err != nil {
			c.Fatal(err)
		}
		p, err := OwnServer(o)
		if err != nil {
			c.Want("want", "error "+err.Error())
			return
		}
		var out strings.Builder
		for _, m := range []struct {
			name string
			of   []Setting
		}{{"mattermost", p.Mattermost}, {"gitlab", p.GitLab}} {
			fmt.Fprintf(&out, "# %s\n", m.name)
			for _, s := range m.of {
				out.WriteString(s.Line() + "\n")
			}
		}
		fmt.Fprintf(&out, "# scope %q\n# %s\n", p.Scope, strings.Join(p.RedirectURIs, "\n# "))
		c.Want("want", out.String())
	})
}

// TestOwnServerLinesResolve evaluates what OwnServer gives at that version.
func TestOwnServerLinesResolve(t *testing.T) {
	for _, v := range []string{"8.1", "8.17", "9.5", "11.0", "13.12", "14.0", "17.0", "17.1", "18.11"} {
		p, err := OwnServer(OwnServerOptions{GitLabVersion: v, MattermostURL: "https://mm.example.com/", GitLabURL: "https://gl.example.com", ClientID: "id", ClientSecret: "it's"})
		if err != nil {
			t.Fatal(err)
		}
		var rb strings.Builder
		for _, s := range append(p.Mattermost, p.GitLab...) {
			rb.WriteString(s.Line() + "\n")
		}
		result, err := gitlabrb.Evaluate("gitlab.rb", []byte(rb.String()), gitlabrb.Options{GitLabVersion: v})
		if err != nil {
			t.Errorf("%s: %v\n%s", v, err, &rb)
			continue
		}
		i, err := Resolve(Input{GitLabRB: result, GitLabVersion: v, Rand: new(counter)})
		if err != nil {
			t.Errorf("%s: %v", v, err)
		}
		if !i.Enabled || i.Registration.Action != RegistrationSkip || i.Mattermost.Get("gitlab_secret").Value != "it's" || i.MattermostURL != "https://mm.example.com" {
			t.Errorf("%s: %+v %+v", v, i.Registration, i.Mattermost.Get("gitlab_id"))
		}
		for _, f := range i.Findings {
			if f.Severity == SeverityError && f.ID != "certificate.missing" && f.ID != "era.refused-keys" {
				t.Errorf("%s: %+v", v, f)
			}
		}
	}
}

func TestDriftListsWhatDoesNotCount(t *testing.T) {
	golden.Run(t, "testdata/drift/*.txtar", func(c *golden.Case) {
		_, _, i := resolved(c)
		var out strings.Builder
		for _, d := range Drift(i, configJSONOf(c)) {
			fmt.Fprintf(&out, "%s %s: file %q, package %q by %s %s\n", d.Effect, d.Field, d.File, d.Package, d.Key, d.Variable)
			if d.Line != "" {
				fmt.Fprintf(&out, "  %s\n", d.Line)
			}
		}
		if out.Len() == 0 {
			out.WriteString("nothing\n")
		}
		c.Want("want", out.String())
	})
}

func TestConfigFileModeAndOwnerAreChecked(t *testing.T) {
	i, err := Resolve(Input{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		why   string
		state FileState
		want  string
	}{
		{"as the package makes it", FileState{"c", 0o600, "mattermost"}, ""},
		{"a file from before 11.1", FileState{"c", 0o644, "mattermost"}, "config-json.readable"},
		{"edited by root", FileState{"c", 0o600, "root"}, "config-json.owner"},
		{"both", FileState{"c", 0o640, "root"}, "config-json.readable config-json.owner"},
		{"an unknown owner is not judged", FileState{"c", 0o600, ""}, ""},
	} {
		var ids []string
		for _, f := range CheckConfigFile(i, c.state) {
			ids = append(ids, f.ID)
		}
		if got := strings.Join(ids, " "); got != c.want {
			t.Errorf("%s: %s, want %s", c.why, got, c.want)
		}
	}
}

func TestConfigJSONKeepsCommentsAndUnknownFields(t *testing.T) {
	text := "{\n  // a comment with \"quotes\"\n  \"A\": { \"Url\": \"http://x/*y*/\", /* here */ \"Unknown\": [1, {\"z\": null}] },\n  \"B\": 1e3 // end\n}\n"
	c, err := ParseConfigJSON("config.json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if string(c.Bytes()) != text {
		t.Error("the text changed")
	}
	if v, _ := c.Get("A.Url"); v != "http://x/*y*/" {
		t.Errorf("a comment sign in a text was taken for one: %v", v)
	}
	var names []string
	for f := range c.Fields() {
		names = append(names, f)
	}
	if got := strings.Join(names, " "); got != "A.Url A.Unknown B" {
		t.Errorf("fields %s", got)
	}
	for _, broken := range []string{"{ /* open", "[1]", "{\"a\": }", ""} {
		if _, err := ParseConfigJSON("config.json", []byte(broken)); err == nil || !strings.HasPrefix(err.Error(), "config.json:1:") {
			t.Errorf("%q: %v", broken, err)
		}
	}
}
