package config

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
	"github.com/gitlab-mattermost/sdk/internal/golden"
)

// counter is a source of "random" bytes 0, 1, 2, …
type counter byte

func (c *counter) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(*c)
		*c++
	}
	return len(p), nil
}

// TestResolveFollowsThePackage runs the golden cases: gitlab.rb, optional
// secrets.json, facts.json and version; "show" lists the beginnings of the
// lines that the case is about.
func TestResolveFollowsThePackage(t *testing.T) {
	golden.Run(t, "testdata/resolve/*.txtar", func(c *golden.Case) {
		out, err := resolveCase(c)
		show, ok := c.Section("show")
		if !ok {
			c.Fatal("no section show")
		}
		var got strings.Builder
		for _, line := range dump(out, err) {
			for _, prefix := range strings.Fields(show) {
				if strings.HasPrefix(line, prefix) {
					got.WriteString(line + "\n")
					break
				}
			}
		}
		if got.Len() == 0 {
			got.WriteString("nothing\n")
		}
		c.Want("want", got.String())
	})
}

func resolveCase(c *golden.Case) (*Installation, error) {
	in := Input{Rand: new(counter), Now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	facts := Facts{Hostname: "gl01", FQDN: "gl01.example.net"}
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
	if text, ok := c.Section("version"); ok {
		in.GitLabVersion = strings.TrimSpace(text)
	}
	text, _ := c.Section("gitlab.rb")
	result, err := gitlabrb.Evaluate("gitlab.rb", []byte(text), gitlabrb.Options{Lookups: in.Host.Lookups, GitLabVersion: in.GitLabVersion})
	if err != nil {
		c.Fatalf("evaluate: %v", err)
	}
	in.GitLabRB = result
	return Resolve(in)
}

// dump prints an Installation, one fact a line.
func dump(i *Installation, err error) []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	text := func(name, s string) {
		for _, line := range strings.Split(strings.TrimSuffix(s, "\n"), "\n") {
			add("%s| %s", name, line)
		}
	}
	var list gitlabrb.ErrorList
	if errors.As(err, &list) {
		for _, e := range list {
			add("error %s", e)
		}
	} else if err != nil {
		add("error %s", err)
	}
	for _, a := range []struct {
		name string
		of   *Attributes
	}{{"mattermost", i.Mattermost}, {"nginx", i.Nginx}} {
		for k, v := range a.of.All() {
			add("%s.%s = %s", a.name, k, rubyInspect(v.Value))
			add("origin.%s.%s = %s", a.name, k, v.Origin)
		}
	}
	add("version = %s", i.GitLabVersion)
	add("enabled = %v", i.Enabled)
	add("url = %s", i.MattermostURL)
	add("vhost.enabled = %v", i.VHost.Enabled)
	add("vhost.path = %s", i.VHost.Path)
	add("vhost.https = %v", i.VHost.HTTPS)
	add("vhost.host = %s", i.VHost.Host)
	add("vhost.port = %d", i.VHost.Port)
	add("vhost.www = %s", i.VHost.WWWRoot)
	add("vhost.acme = %v", i.VHost.ACME)
	add("registration = %s: %s", i.Registration.Action, i.Registration.Reason)
	host := "nil"
	if i.GitLabYML.Host != nil {
		host = fmt.Sprintf("%q", *i.GitLabYML.Host)
	}
	add("gitlab_yml = %v %s", i.GitLabYML.Enabled, host)
	add("database.role = %s", i.Database.Role)
	add("database.name = %s", i.Database.Name)
	add("database.data_source = %s", i.Database.DataSource)
	add("database.create = %v %s", i.Database.Create, i.Database.Reason)
	add("database.socket = %s port %s as %s", i.Database.SocketDir, i.Database.Port, i.Database.OSUser)
	id := func(p *int64) string {
		if p == nil {
			return "nil"
		}
		return fmt.Sprint(*p)
	}
	add("accounts = %v %s:%s %s:%s %s %s", i.Accounts.Manage, i.Accounts.User, i.Accounts.Group, id(i.Accounts.UID), id(i.Accounts.GID), i.Accounts.Home, i.Accounts.Shell)
	for _, d := range i.Directories {
		add("directory %s owner=%s group=%s mode=%s", d.Path, d.Owner, d.Group, d.Mode)
	}
	add("service.enable = %v", i.Service.Enable)
	add("service.env = %s", i.Service.EnvDir)
	text("service.run", i.Service.Run)
	text("service.logrun", i.Service.LogRun)
	text("service.logcfg", i.Service.LogCfg)
	add("letsencrypt = %v %v", i.LetsEncrypt.Enabled, i.LetsEncrypt.AltNames)
	if i.StoredSecrets == nil {
		add("stored| none")
	} else {
		text("stored", string(i.StoredSecrets.Bytes()))
	}
	for _, f := range i.Findings {
		add("finding.%s %s %s", f.ID, f.Severity, f.Where)
	}
	return out
}
