package envmap_test

import (
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
	"github.com/gitlab-mattermost/sdk/envmap"
	"github.com/gitlab-mattermost/sdk/internal/golden"
)

// convertFile converts the text of a gitlab.rb and edits it.
func convertFile(t *testing.T, src string) (*envmap.Conversion, string, error) {
	t.Helper()
	result, err := gitlabrb.Evaluate("gitlab.rb", []byte(src), gitlabrb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	mm, _ := result.Settings.Get("mattermost")
	settings, _ := mm.(*gitlabrb.Hash)
	c, err := envmap.Convert(settings, envmap.ConvertOptions{})
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.Edit("gitlab.rb", []byte(src))
	return c, string(out), err
}

func TestEditsOfGitLabRB(t *testing.T) {
	golden.Run(t, "testdata/edit/*.txtar", func(c *golden.Case) {
		src, _ := c.Section("gitlab.rb")
		_, out, err := convertFile(c.T, src)
		if err != nil {
			c.Want("error", err.Error())
			return
		}
		c.Want("want", out)
		if _, again, err := convertFile(c.T, out); err != nil || again != out {
			c.Errorf("a second conversion changes the result: %v\n%s", err, again)
		}
	})
}

func TestEditKeepsLineEndings(t *testing.T) {
	src := "external_url 'https://g.example.com'\r\nmattermost['email_smtp_server'] = 'h'\r\n"
	_, out, err := convertFile(t, src)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(out, "\n") != strings.Count(out, "\r\n") || !strings.HasPrefix(out, "external_url 'https://g.example.com'\r\n# mattermost[") {
		t.Errorf("line endings changed: %q", out)
	}
}
