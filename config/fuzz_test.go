package config

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
)

// FuzzParseSecrets: no panic, and what is read is written back the same.
func FuzzParseSecrets(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":{"b":1.50,"c":[null,{"d":"\u00e9"}]}}`, `{"a":{"a":1,"a":2}}`, `{"mattermost":null}`, strings.Repeat(`{"a":`, 200), `{"a":{"x":"` + "\x01" + `"}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := ParseSecrets("s", data)
		if err != nil {
			return
		}
		if !json.Valid(data) {
			t.Fatalf("accepted what is not JSON: %q", data)
		}
		out := s.Bytes()
		again, err := ParseSecrets("s", out)
		if err != nil {
			t.Fatalf("cannot read back %q: %v", out, err)
		}
		if !bytes.Equal(again.Bytes(), out) {
			t.Fatalf("writing twice differs: %q, %q", out, again.Bytes())
		}
		for _, name := range s.Sections() {
			if s.Section(name) == nil {
				t.Fatalf("section %q is listed and missing", name)
			}
		}
	})
}

// FuzzResolve: no panic on any gitlab.rb that evaluates, at any version, and
// the same input gives the same result.
func FuzzResolve(f *testing.F) {
	for _, seed := range []string{
		"mattermost_external_url 'https://mm.example.com'\nexternal_url 'https://gl.example.com'\n",
		"mattermost['enable'] = {}\nmattermost_nginx['proxy_set_headers'] = { 1 => [nil], :a => nil }\n",
		"mattermost['env'] = 5\nmattermost['uid'] = -1\nmattermost['service_port'] = 1.5\n",
		"roles [['consul_role'], nil]\n", "letsencrypt['alt_names'] = 'x'\nletsencrypt['enable'] = true\nexternal_url 'https://a'\nmattermost_external_url 'https://b'\n",
		"mattermost 5\nmattermost_nginx nil\nexternal_url :sym\nmattermost_external_url [1]\n", "mattermost['x'] ||= 1\nmattermost['home'] = `id`\n",
	} {
		for _, v := range []string{"7.14", "10.8", "18.11", "19.0"} {
			f.Add(seed, v, `{"mattermost":{"env":{"A":"1"},"gitlab_enable":true},"roles":{}}`)
		}
	}
	f.Fuzz(func(t *testing.T, rb, v, secrets string) {
		result, _ := gitlabrb.Evaluate("gitlab.rb", []byte(rb), gitlabrb.Options{GitLabVersion: v})
		s, err := ParseSecrets("s", []byte(secrets))
		if err != nil {
			s = nil
		}
		one, err1 := Resolve(Input{GitLabRB: result, Secrets: s, GitLabVersion: v, Rand: new(counter)})
		two, err2 := Resolve(Input{GitLabRB: result, Secrets: s, GitLabVersion: v, Rand: new(counter)})
		if a, b := dump(one, err1), dump(two, err2); strings.Join(a, "\n") != strings.Join(b, "\n") {
			t.Fatal("two runs differ")
		}
		if _, err := one.LegacyConfigJSON(LegacyOptions{PackageBugs: true}); err == nil {
			text, err := one.LegacyConfigJSON(LegacyOptions{})
			if err != nil || !json.Valid(text) {
				t.Fatalf("config.json is not JSON (%v): %s", err, text)
			}
		}
		for _, key := range []string{"mattermost.env", "mattermost.home", "external_url"} {
			if _, err := Explain(ExplainInput{Installation: one, Result: result, Secrets: s}, key); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// FuzzParseConfigJSON: no panic, and the text stays.
func FuzzParseConfigJSON(f *testing.F) {
	for _, seed := range []string{`{}`, "{ // c\n \"A\": {\"B\": 1} /* x */ }", `{"A":[{"B":"/*"}]}`, `{/*`, `{"a":"\`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		c, err := ParseConfigJSON("c", data)
		if !bytes.Equal(before, data) {
			t.Fatal("the caller's bytes were changed")
		}
		if err != nil {
			return
		}
		for field := range c.Fields() {
			if _, ok := c.Get(field); !ok && strings.Count(field, ".") < 2 && !strings.HasPrefix(field, ".") && !strings.HasSuffix(field, ".") {
				t.Fatalf("field %q is listed and missing", field)
			}
		}
	})
}
