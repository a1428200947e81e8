package nginx

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/internal/golden"
)

// siteCase reads the "site" and "target" sections of a case; an unknown field
// is a mistake in the case.
func siteCase(c *golden.Case) (*Site, Target) {
	var site Site
	var target Target
	text, _ := c.Section("site")
	decode := func(text string, into any) {
		dec := json.NewDecoder(strings.NewReader(text))
		dec.DisallowUnknownFields()
		if err := dec.Decode(into); err != nil {
			c.Fatal(err)
		}
	}
	decode(text, &site)
	if text, ok := c.Section("target"); ok {
		decode(text, &target)
	}
	return &site, target
}

// TestStandaloneVHost holds one case for everything the layout can say; each
// is also rendered for the nginx at hand, which must accept it.
func TestStandaloneVHost(t *testing.T) {
	golden.Run(t, "testdata/standalone/*.txtar", func(c *golden.Case) {
		site, target := siteCase(c)
		vhost, err := Render(site, target)
		if err != nil {
			c.Want("error", err.Error())
			return
		}
		c.Want("vhost", vhost)
		stream, err := StreamConfig(site, target)
		if err != nil {
			c.Fatal(err)
		}
		c.Want("stream", stream)
		if mainConf, err := MainConfig(site, target); err != nil || mainConf != "" {
			c.Errorf("the layout brings everything itself, but MainConfig gives %q, %v", mainConf, err)
		}
		local, err := Render(site, localTarget(c.T))
		if err != nil {
			c.Fatal(err)
		}
		mustAccept(c.T, forRealNginx(c.T, local))
	})
}
