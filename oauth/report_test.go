package oauth_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/internal/golden"
	"github.com/gitlab-mattermost/sdk/oauth"
)

func TestReportsAsTextAndDiagram(t *testing.T) {
	golden.Run(t, "testdata/report/*.txtar", func(c *golden.Case) {
		var r oauth.Report
		input, _ := c.Section("report.json")
		if err := json.Unmarshal([]byte(input), &r); err != nil {
			c.Fatal(err)
		}
		var text strings.Builder
		if err := r.WriteText(&text); err != nil {
			c.Fatal(err)
		}
		c.Want("text", text.String())
		c.Want("mermaid", r.Mermaid())
		c.Want("svg", r.SVG())
		checkXML(c.T, r.SVG())
	})
}

// checkXML parses a whole document and refuses what runs or loads something.
func checkXML(t *testing.T, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("the SVG is no XML: %v", err)
		}
		if e, ok := tok.(xml.StartElement); ok {
			if e.Name.Local == "script" || e.Name.Local == "image" || e.Name.Local == "style" {
				t.Errorf("the SVG has an element %s", e.Name.Local)
			}
		}
	}
}

func FuzzDiagramsAreWellFormed(f *testing.F) {
	for _, seed := range []string{"plain", "<script>", "a;b#c%%d", "\x1b[2J", "\u202eevil", "a\nb->>c", `"quoted" & 'single'`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, title string) {
		r := oauth.Report{GitLab: "https://g.example", Mattermost: title, Steps: []oauth.ProbeStep{
			{From: "GitLab", To: "Browser", Title: title, Outcome: oauth.Failed, Evidence: []string{title}, Causes: []oauth.Cause{{ID: title}}},
		}}
		checkXML(t, r.SVG())
		if n := strings.Count(r.Mermaid(), "\n"); n != 6 {
			t.Errorf("%q makes %d lines of Mermaid", title, n)
		}
		var text strings.Builder
		if err := r.WriteText(&text); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(text.String(), "\x1b\x07\x00") {
			t.Errorf("%q steers a terminal", title)
		}
	})
}

func FuzzParseEnvNeverShowsAValue(f *testing.F) {
	for _, seed := range []string{"MM_GITLABSETTINGS_ID=a", "MM_GITLABSETTINGS_ENABLE=canary", "canary", "A=canary\n=\n", "MM_GITLABSETTINGS_SECRET='x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := oauth.ParseEnv(text)
		if err != nil {
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("the message shows a value: %v", err)
			}
			return
		}
		if out, err := s.Env(); err == nil {
			if again, err := oauth.ParseEnv(out.Reveal()); err != nil || again != s {
				t.Errorf("%q is read back as %+v, %v", out.Reveal(), again, err)
			}
		}
	})
}
