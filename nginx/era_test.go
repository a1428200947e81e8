package nginx

import (
	"testing"

	"github.com/gitlab-mattermost/sdk/internal/golden"
)

// TestEveryEraOfTheTemplate holds the vhost of each version at which GitLab
// changed it, with everything set that the template of that time could use;
// the real nginx accepts all of them.
func TestEveryEraOfTheTemplate(t *testing.T) {
	covered := map[string]bool{}
	golden.Run(t, "testdata/era/*.txtar", func(c *golden.Case) {
		site, target := siteCase(c)
		covered[site.Era] = true
		vhost, err := Render(site, target)
		if err != nil {
			c.Fatal(err)
		}
		c.Want("vhost", vhost)
		main, err := MainConfig(site, target)
		if err != nil {
			c.Fatal(err)
		}
		c.Want("main", main)
		local, err := Render(site, localTarget(c.T))
		if err != nil {
			c.Fatal(err)
		}
		mustAccept(c.T, main+forRealNginx(c.T, local))
	})
	for _, change := range EraChanges() {
		if !covered[change.From] {
			t.Errorf("no case in testdata/era for %s: %s", change.From, change.Change)
		}
	}
}

func TestAnEraIsAVersionWithMattermost(t *testing.T) {
	for _, bad := range []string{"7.13", "19.0", "x", "18"} {
		if _, err := parseEra(bad); err == nil {
			t.Errorf("era %q accepted", bad)
		}
	}
	for _, good := range []string{"7.14", "7.14.3", "18.11", "18.11.11", "16.1.2"} {
		if _, err := parseEra(good); err != nil {
			t.Errorf("era %q: %v", good, err)
		}
	}
}
