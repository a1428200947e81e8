package config

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
	"github.com/gitlab-mattermost/sdk/internal/golden"
	"github.com/gitlab-mattermost/sdk/internal/version"
)

// TestRulesFindTheirTrap runs one case per rule, named after it: the places of
// the findings, none with quiet.rb, and none just outside the range of
// versions that the rule names.
func TestRulesFindTheirTrap(t *testing.T) {
	byID := map[string]Rule{}
	for _, r := range Rules() {
		byID[r.ID] = r
	}
	golden.Run(t, "testdata/findings/*.txtar", func(c *golden.Case) {
		id := strings.TrimSuffix(filepath.Base(c.Path), ".txtar")
		rule, ok := byID[id]
		if !ok {
			c.Fatalf("no rule %s", id)
		}
		text, _ := c.Section("gitlab.rb")
		at, _ := c.Section("version")
		at = strings.TrimSpace(at)
		found := findingsOf(c, id, text, at)
		var places strings.Builder
		for _, f := range found {
			places.WriteString(f.Where + "\n")
			if f.Severity != rule.Severity || f.Message == "" || f.Fix == "" {
				c.Errorf("finding %+v: want severity %s, a message and a fix", f, rule.Severity)
			}
		}
		c.Want("want", places.String())
		if quiet, ok := c.Section("quiet.rb"); ok {
			if got := findingsOf(c, id, quiet, at); len(got) > 0 {
				c.Errorf("quiet.rb is found guilty: %+v", got)
			}
		}
		for _, outside := range neighbours(t, rule) {
			if got := findingsOf(c, id, text, outside); len(got) > 0 {
				c.Errorf("found at %s, outside %s to %q: %+v", outside, rule.From, rule.To, got)
			}
		}
	})
}

// elsewhere are the rules that need more than gitlab.rb and secrets.
var elsewhere = map[string]string{
	"secrets.readable":     "TestLoadReportsASecretsFileThatOthersMayRead",
	"config-json.readable": "TestConfigFileModeAndOwnerAreChecked",
	"config-json.owner":    "TestConfigFileModeAndOwnerAreChecked",
}

func TestEveryRuleHasACase(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Rules() {
		if seen[r.ID] {
			t.Errorf("%s is listed twice", r.ID)
		}
		seen[r.ID] = true
		files, err := filepath.Glob("testdata/findings/" + r.ID + ".txtar")
		if err != nil {
			t.Fatal(err)
		}
		if len(files) == 0 && elsewhere[r.ID] == "" {
			t.Errorf("%s has no case", r.ID)
		}
		if _, err := version.Parse(r.From); err != nil || r.About == "" {
			t.Errorf("%+v: want a first version and a description", r)
		}
	}
	if len(seen) < 35 {
		t.Errorf("only %d rules", len(seen))
	}
}

func findingsOf(c *golden.Case, id, text, at string) []Finding {
	in := Input{Rand: new(counter), GitLabVersion: at}
	facts := Facts{Hostname: "gl01"}
	if text, ok := c.Section("facts.json"); ok {
		var err error
		if facts, err = ReadFacts(strings.NewReader(text)); err != nil {
			c.Fatal(err)
		}
	}
	in.Host = facts.Host()
	if text, ok := c.Section("secrets.json"); ok {
		f, err := ParseSecrets("gitlab-secrets.json", []byte(text))
		if err != nil {
			c.Fatal(err)
		}
		in.Secrets = f
	}
	result, err := gitlabrb.Evaluate("gitlab.rb", []byte(text), gitlabrb.Options{Lookups: in.Host.Lookups, GitLabVersion: at})
	if err != nil && result == nil {
		c.Fatalf("evaluate at %s: %v", at, err)
	}
	in.GitLabRB = result
	out, _ := Resolve(in)
	var got []Finding
	for _, f := range out.Findings {
		if f.ID == id {
			got = append(got, f)
		}
	}
	return got
}

// neighbours are the versions just before and just behind a rule's range.
func neighbours(t *testing.T, r Rule) []string {
	t.Helper()
	var out []string
	from := version.MustParse(r.From)
	switch {
	case r.From == "7.14":
	case from.Patch > 0:
		from.Patch--
		out = append(out, from.String())
	case from.Minor > 0:
		out = append(out, version.Version{Major: from.Major, Minor: from.Minor - 1, Patch: 99}.String())
	default:
		out = append(out, version.Version{Major: from.Major - 1, Minor: 99, Patch: 0}.String())
	}
	if r.To == "" {
		return out
	}
	to := version.MustParse(r.To)
	if to.HasPatch() {
		to.Patch++
		return append(out, to.String())
	}
	if r.To == "18.11" {
		return append(out, "19.0")
	}
	return append(out, version.Version{Major: to.Major, Minor: to.Minor + 1}.String())
}
