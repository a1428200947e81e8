package nginx

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/internal/golden"
)

// refusals are the findings that say: nginx will not start with this.
func refusals() map[string]bool {
	return map[string]bool{"nginx.syntax": true, "nginx.context": true, "nginx.block": true, "nginx.arguments": true,
		"nginx.value": true, "nginx.duplicate": true, "nginx.duplicate-location": true, "nginx.version": true,
		"nginx.unknown-directive": true}
}

// TestCheckSaysWhatNginxSays holds vhosts with one fault each. Besides the
// findings, the real nginx is asked: it must refuse exactly the cases for
// which the checker says that it will.
func TestCheckSaysWhatNginxSays(t *testing.T) {
	golden.Run(t, "testdata/check/*.txtar", func(c *golden.Case) {
		text, ok := c.Section("vhost")
		if !ok {
			c.Fatal("no vhost section")
		}
		target := Target{Nginx: "1.22.1", OpenSSL: "3.0.19"}
		given, elsewhere := c.Section("target")
		if elsewhere {
			target = Target{}
			if err := json.Unmarshal([]byte(given), &target); err != nil {
				c.Fatal(err)
			}
		}
		findings := Check("vhost.conf", []byte(text), target)
		c.Want("findings", findingLines(findings))
		if elsewhere {
			return // another nginx than the one at hand
		}
		refused := false
		for _, f := range Check("vhost.conf", []byte(text), localTarget(c.T)) {
			refused = refused || refusals()[f.ID]
		}
		said, err := Sandbox{}.Test(c.Context(), text)
		if err != nil {
			c.Fatal(err)
		}
		really := false
		for _, f := range said {
			really = really || f.Severity == SeverityError
		}
		if refused != really {
			c.Errorf("we say refused %v, the real nginx %v:\n%s", refused, really, findingLines(said))
		}
	})
}

// TestRenderedSitesPassOurOwnCheck: what the package writes has no faults that
// the package finds, apart from those its settings ask for.
func TestRenderedSitesPassOurOwnCheck(t *testing.T) {
	known := map[string]map[string]bool{ // what GitLab's first templates lacked
		"7.14": {"nginx.websocket-upgrade": true, "nginx.body-size": true},
		"8.0":  {"nginx.body-size": true},
	}
	for _, pattern := range []string{"testdata/standalone/*.txtar", "testdata/era/*.txtar"} {
		golden.Run(t, pattern, func(c *golden.Case) {
			site, target := siteCase(c)
			vhost, err := Render(site, target)
			if err != nil {
				return
			}
			for _, f := range Check("vhost", []byte(vhost), target) {
				if f.Severity == SeverityError && !known[site.Era][f.ID] {
					c.Errorf("%s: %s", f.Where, f.Message)
				}
			}
		})
	}
}

func TestSandboxMapsMessagesToLines(t *testing.T) {
	text := "server {\n  listen 8080;\n\n  # a comment\n  location / {\n    proxy_pass http://127.0.0.1:1;\n    proxy_cache nowhere;\n  }\n}\n"
	findings, err := Sandbox{}.Test(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	if len(findings) != 1 || findings[0].Severity != SeverityError {
		t.Fatalf("findings %v", findings)
	}
	if !strings.Contains(findings[0].Message, `"proxy_cache" zone "nowhere" is unknown`) {
		t.Errorf("message %q", findings[0].Message)
	}
	text = strings.Replace(text, "proxy_cache nowhere", "proxy_casche x", 1)
	findings, err = Sandbox{}.Test(t.Context(), text)
	if err != nil || len(findings) != 1 || findings[0].Where != "vhost:7" || findings[0].Message != `unknown directive "proxy_casche"` {
		t.Errorf("findings %+v, %v", findings, err)
	}
}
