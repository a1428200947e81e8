package nginx

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gitlab-mattermost/sdk/internal/golden"
)

// TestEveryEraIsImportedAsItself renders each era, imports the text and gets a
// site that renders the same text again.
func TestEveryEraIsImportedAsItself(t *testing.T) {
	for _, pattern := range []string{"testdata/era/*.txtar", "testdata/gitlab/*.txtar"} {
		golden.Run(t, pattern, func(c *golden.Case) {
			text, ok := c.Section("vhost")
			if findings, _ := c.Section("findings"); !ok || strings.Contains(findings, "\nerror ") || strings.HasPrefix(findings, "error ") {
				return // a broken vhost
			}
			list, err := Parse("vhost", []byte(text))
			if err != nil {
				c.Fatal(err)
			}
			site, findings, err := Import(list, "")
			if err != nil {
				c.Fatal(err)
			}
			if site.Era == "" {
				c.Fatalf("not recognized as GitLab's: %v", findings)
			}
			again, err := site.Directives(Target{})
			if err != nil {
				c.Fatal(err)
			}
			if changes := Diff(list, again); len(changes) > 0 || len(findings) > 0 {
				c.Errorf("imported as %s: %v %v", site.Era, changes, findings)
			}
		})
	}
}

// TestForeignVHostsAreImported holds vhosts as people find them: the site that
// comes out, what was not understood, and the result, which nginx accepts.
func TestForeignVHostsAreImported(t *testing.T) {
	golden.Run(t, "testdata/import/*.txtar", func(c *golden.Case) {
		text, _ := c.Section("file")
		host, _ := c.Section("host")
		list, err := Parse("file.conf", []byte(text))
		if err != nil {
			c.Fatal(err)
		}
		site, findings, err := Import(list, strings.TrimSpace(host))
		if err != nil {
			c.Want("error", err.Error())
			return
		}
		out, err := json.MarshalIndent(site, "", " ")
		if err != nil {
			c.Fatal(err)
		}
		c.Want("site", string(out))
		c.Want("findings", findingLines(findings))
		vhost, err := Render(site, localTarget(c.T))
		if err != nil {
			c.Fatal(err)
		}
		mustAccept(c.T, forRealNginx(c.T, vhost))
	})
}

// TestStandaloneSitesAreImportedAsThemselves: what the package wrote it reads
// back, apart from names that only stand in comments.
func TestStandaloneSitesAreImportedAsThemselves(t *testing.T) {
	golden.Run(t, "testdata/standalone/*.txtar", func(c *golden.Case) {
		text, ok := c.Section("vhost")
		if !ok {
			return
		}
		_, target := siteCase(c)
		list, err := Parse("vhost", []byte(text))
		if err != nil {
			c.Fatal(err)
		}
		site, _, err := Import(list, "")
		if err != nil {
			c.Fatal(err)
		}
		again, err := site.Directives(target)
		if err != nil {
			c.Fatal(err)
		}
		c.Want("reimport", changeLines(Diff(list, again)))
	})
}

func changeLines(list []Change) string {
	var b strings.Builder
	for _, c := range list {
		b.WriteString(c.String() + "\n")
	}
	return b.String()
}

// TestDiffSeesMeaningNotSpelling holds two files and what differs.
func TestDiffSeesMeaningNotSpelling(t *testing.T) {
	golden.Run(t, "testdata/diff/*.txtar", func(c *golden.Case) {
		read := func(name string) []*Directive {
			text, _ := c.Section(name)
			list, err := Parse(name, []byte(text))
			if err != nil {
				c.Fatal(err)
			}
			return list
		}
		first, second := read("first"), read("second")
		changes := Diff(first, second)
		c.Want("changes", changeLines(changes))
		if back := Diff(second, first); (len(back) == 0) != (len(changes) == 0) {
			c.Errorf("one way %d changes, the other way %d", len(changes), len(back))
		}
		if same := Diff(first, first); len(same) != 0 {
			c.Errorf("a file differs from itself: %v", same)
		}
	})
}

func TestFormatIsReadBackAsTheSameDirectives(t *testing.T) {
	golden.Run(t, "testdata/standalone/*.txtar", func(c *golden.Case) {
		text, ok := c.Section("vhost")
		if !ok {
			return
		}
		first, err := Parse("", []byte(text))
		if err != nil {
			c.Fatal(err)
		}
		second, err := Parse("", []byte(Format(first)))
		if err != nil {
			c.Fatal(err)
		}
		if diff := cmp.Diff(Format(first), Format(second)); diff != "" {
			c.Errorf("%s", diff)
		}
	})
}
