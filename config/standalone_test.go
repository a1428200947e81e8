package config_test

import (
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/config"
	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
)

// standalone resolves a gitlab.rb and works out its standalone layout.
func standalone(t *testing.T, source, secrets string) (*config.Installation, *config.Standalone) {
	t.Helper()
	result, err := gitlabrb.Evaluate("gitlab.rb", []byte(source), gitlabrb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	in := config.Input{GitLabRB: result}
	if secrets != "" {
		if in.Secrets, err = config.ParseSecrets("gitlab-secrets.json", []byte(secrets)); err != nil {
			t.Fatal(err)
		}
	}
	inst, err := config.Resolve(in)
	if err != nil {
		t.Fatal(err)
	}
	return inst, inst.Standalone(config.StandaloneOptions{})
}

func ids(findings []config.Finding) string {
	var out []string
	for _, f := range findings {
		out = append(out, f.ID)
	}
	return strings.Join(out, " ")
}

func TestStandaloneReplacesOnlyTheBundlesDefaults(t *testing.T) {
	const url = "mattermost_external_url 'http://chat.example.com'\n"
	for _, c := range []struct {
		reason, source string
		got            func(*config.Standalone) string
		want, finding  string
	}{
		{"the default data directory moves", url, func(s *config.Standalone) string { return s.Data }, "/opt/mattermost/data", "standalone.data-moves"},
		{"a chosen one stays", url + "mattermost['file_directory'] = '/srv/files'", func(s *config.Standalone) string { return s.Data }, "/srv/files", ""},
		{"the old default with a slash is the default", url + "mattermost['log_file_directory'] = '/var/log/gitlab/mattermost/'", func(s *config.Standalone) string { return s.Logs }, "/opt/mattermost/logs", ""},
		{"peer authentication needs the role of the OS user", url + "mattermost['username'] = 'chat'", func(s *config.Standalone) string { return s.Database.DataSource }, "user=chat host=/var/run/postgresql port=5432 dbname=mattermost_production", "standalone.data-source"},
		{"a chosen data source stays", url + "mattermost['sql_data_source'] = 'host=db dbname=mm'", func(s *config.Standalone) string { return s.Database.DataSource }, "host=db dbname=mm", ""},
		{"the documentation's sslmode is mended", url + "mattermost['sql_data_source'] = 'host=db sslmode=required'", func(s *config.Standalone) string { return s.Database.DataSource }, "host=db sslmode=require", "standalone.sslmode"},
		{"IPv6 needs brackets", url + "mattermost['service_address'] = '::1'", func(s *config.Standalone) string { return s.ListenAddress }, "[::1]:8065", ""},
		{"the trailing slash goes", "mattermost_external_url 'http://chat.example.com/'", func(s *config.Standalone) string { return s.SiteURL }, "http://chat.example.com", "standalone.url-slash"},
		{"the allow list has no leading blank and nothing twice", "external_url 'http://git.example.com'\n" + url + "mattermost['service_allowed_untrusted_internal_connections'] = 'a git.example.com'",
			func(s *config.Standalone) string { return s.AllowedInternal }, "a git.example.com", ""},
	} {
		_, s := standalone(t, c.source, "")
		if got := c.got(s); got != c.want {
			t.Errorf("%s: %q, want %q", c.reason, got, c.want)
		}
		if c.finding != "" && !strings.Contains(ids(s.Findings), c.finding) {
			t.Errorf("%s: no finding %s among %s", c.reason, c.finding, ids(s.Findings))
		}
	}
}

func TestStandaloneSaysWhatBecomesOfGitLabLogin(t *testing.T) {
	const url = "mattermost_external_url 'http://chat.example.com'\n"
	for _, c := range []struct{ reason, source, secrets, want string }{
		{"never registered", url, "", "standalone.login-off"},
		{"registered: the edition decides", url, `{"mattermost": {"gitlab_enable": true, "gitlab_id": "i", "gitlab_secret": "s"}}`, "standalone.edition"},
		{"on, but the secrets are missing", url + "mattermost['gitlab_enable'] = true", "", "standalone.login-unknown"},
	} {
		_, s := standalone(t, c.source, c.secrets)
		if !strings.Contains(ids(s.Findings), c.want) {
			t.Errorf("%s: no finding %s among %s", c.reason, c.want, ids(s.Findings))
		}
	}
}

func TestStandaloneUnitWaitsForALocalDatabaseOnly(t *testing.T) {
	_, local := standalone(t, "mattermost_external_url 'http://a.example.com'", "")
	_, remote := standalone(t, "mattermost_external_url 'http://a.example.com'\nmattermost['sql_data_source'] = 'host=db dbname=mm'", "")
	if !strings.Contains(local.Unit, "BindsTo=postgresql.service") || strings.Contains(remote.Unit, "postgresql") {
		t.Errorf("local:\n%s\nremote:\n%s", local.Unit, remote.Unit)
	}
	for _, line := range []string{"Type=notify", "TimeoutStartSec=3600", "EnvironmentFile=/opt/mattermost/config/mattermost.environment", "User=mattermost"} {
		if !strings.Contains(local.Unit, line+"\n") {
			t.Errorf("the unit lacks %s:\n%s", line, local.Unit)
		}
	}
}
