package envmap_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gitlab-mattermost/sdk/config"
	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
	"github.com/gitlab-mattermost/sdk/envmap"
)

// resolved is what config makes of a plain installation with
// mattermost_external_url and external_url, before SSO is registered.
func resolved(changes map[string]any) *config.Installation {
	mm := &config.Attributes{}
	for _, kv := range []struct {
		name  string
		value any
	}{
		{"service_site_url", "https://mattermost.example.com"},
		{"service_address", "127.0.0.1"},
		{"service_port", "8065"},
		{"service_allowed_untrusted_internal_connections", " gitlab.example.com"},
		{"service_enable_api_team_deletion", true},
		{"team_site_name", "GitLab Mattermost"},
		{"sql_driver_name", "postgres"},
		{"sql_data_source", "user=gitlab_mattermost host=/var/opt/gitlab/postgresql port=5432 dbname=mattermost_production"},
		{"sql_at_rest_encrypt_key", "0123456789abcdef0123456789abcdef"},
		{"log_file_directory", "/var/log/gitlab/mattermost"},
		{"file_directory", "/var/opt/gitlab/mattermost/data"},
		{"gitlab_enable", false},
		{"gitlab_secret", "the-secret"},
		{"gitlab_id", "the-id"},
		{"gitlab_scope", nil},
		{"gitlab_auth_endpoint", "https://gitlab.example.com/oauth/authorize"},
		{"gitlab_token_endpoint", "https://gitlab.example.com/oauth/token"},
		{"gitlab_user_api_endpoint", "https://gitlab.example.com/api/v4/user"},
		{"plugin_directory", "/var/opt/gitlab/mattermost/plugins"},
		{"plugin_client_directory", "/var/opt/gitlab/mattermost/client-plugins"},
		{"env", hash("SSL_CERT_DIR", "/opt/gitlab/embedded/ssl/certs/", "GODEBUG", "tlsmlkem=0")},
	} {
		value := kv.value
		if v, ok := changes[kv.name]; ok {
			value = v
		}
		mm.Set(kv.name, config.Attribute{Value: value, Origin: config.Origin{Kind: config.OriginGitLabRB, Where: "gitlab.rb:1:1"}})
	}
	return &config.Installation{Mattermost: mm}
}

func hash(pairs ...any) *gitlabrb.Hash {
	h := &gitlabrb.Hash{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

// dump shows an environment, nil and empty apart.
func dump(e *envmap.Environment) string {
	var b strings.Builder
	for v := range e.All() {
		if text, ok := v.Text(); ok {
			b.WriteString(v.Name + "=" + text + "|\n")
		} else {
			b.WriteString(v.Name + " not set\n")
		}
	}
	return b.String()
}

func TestFromInstallationGivesThe22VariablesInThePackagesOrder(t *testing.T) {
	want := `MM_SERVICESETTINGS_SITEURL=https://mattermost.example.com|
MM_SERVICESETTINGS_LISTENADDRESS=127.0.0.1:8065|
MM_SERVICESETTINGS_ALLOWEDUNTRUSTEDINTERNALCONNECTIONS= gitlab.example.com|
MM_SERVICESETTINGS_ENABLEAPITEAMDELETION=true|
MM_TEAMSETTINGS_SITENAME=GitLab Mattermost|
MM_SQLSETTINGS_DRIVERNAME=postgres|
MM_SQLSETTINGS_DATASOURCE=user=gitlab_mattermost host=/var/opt/gitlab/postgresql port=5432 dbname=mattermost_production|
MM_SQLSETTINGS_ATRESTENCRYPTKEY=0123456789abcdef0123456789abcdef|
MM_LOGSETTINGS_FILELOCATION=/var/log/gitlab/mattermost|
MM_FILESETTINGS_DIRECTORY=/var/opt/gitlab/mattermost/data|
MM_GITLABSETTINGS_ENABLE=false|
MM_GITLABSETTINGS_SECRET=the-secret|
MM_GITLABSETTINGS_ID=the-id|
MM_GITLABSETTINGS_SCOPE not set
MM_GITLABSETTINGS_AUTHENDPOINT=https://gitlab.example.com/oauth/authorize|
MM_GITLABSETTINGS_TOKENENDPOINT=https://gitlab.example.com/oauth/token|
MM_GITLABSETTINGS_USERAPIENDPOINT=https://gitlab.example.com/api/v4/user|
MM_PLUGINSETTINGS_DIRECTORY=/var/opt/gitlab/mattermost/plugins|
MM_PLUGINSETTINGS_CLIENTDIRECTORY=/var/opt/gitlab/mattermost/client-plugins|
MM_INSTALL_TYPE=gitlab_omnibus|
SSL_CERT_DIR=/opt/gitlab/embedded/ssl/certs/|
GODEBUG=tlsmlkem=0|
`
	got := envmap.FromInstallation(resolved(nil))
	if diff := cmp.Diff(want, dump(got)); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
	if got.Len() != 22 {
		t.Errorf("%d variables, want 22", got.Len())
	}
}

func TestFromInstallationFollowsThePackagesRules(t *testing.T) {
	for _, tc := range []struct {
		reason  string
		setting string
		value   any
		name    string
		want    string // "not set" for nil
	}{
		{"an empty text is not the same as no value", "gitlab_scope", "", "MM_GITLABSETTINGS_SCOPE", ""},
		{"nil stays unset", "gitlab_auth_endpoint", nil, "MM_GITLABSETTINGS_AUTHENDPOINT", "not set"},
		{"an integer port becomes its digits", "service_port", int64(8066), "MM_SERVICESETTINGS_LISTENADDRESS", "127.0.0.1:8066"},
		{"IPv6 gets no brackets by itself", "service_address", "::1", "MM_SERVICESETTINGS_LISTENADDRESS", "::1:8065"},
		{"a boolean is Ruby's to_s", "gitlab_enable", true, "MM_GITLABSETTINGS_ENABLE", "true"},
		{"the user's env wins over a generated variable", "env", hash("MM_SERVICESETTINGS_SITEURL", "https://other.example.com"), "MM_SERVICESETTINGS_SITEURL", "https://other.example.com"},
		{"numbers in env become text", "env", hash("MM_SQLSETTINGS_MAXIDLECONNS", int64(20)), "MM_SQLSETTINGS_MAXIDLECONNS", "20"},
		{"an empty text in env stays", "env", hash("HTTP_PROXY", ""), "HTTP_PROXY", ""},
		{"nil in env disappears, the generated value stays", "env", hash("MM_TEAMSETTINGS_SITENAME", nil), "MM_TEAMSETTINGS_SITENAME", "GitLab Mattermost"},
		{"a symbol in env is its name", "env", hash("MM_INSTALL_TYPE", gitlabrb.Symbol("own")), "MM_INSTALL_TYPE", "own"},
	} {
		v, known := envmap.FromInstallation(resolved(map[string]any{tc.setting: tc.value})).Get(tc.name)
		got, ok := v.Text()
		if !ok {
			got = "not set"
		}
		if !known || got != tc.want {
			t.Errorf("%s: %s = %q (known %v), want %q", tc.reason, tc.name, got, known, tc.want)
		}
	}
}

func TestFromInstallationKeepsThePlaceOfAnOverriddenVariable(t *testing.T) {
	e := envmap.FromInstallation(resolved(map[string]any{
		"env": hash("ZZZ", "1", "MM_SERVICESETTINGS_SITEURL", "https://x.example.com"),
	}))
	var names []string
	for v := range e.All() {
		names = append(names, v.Name)
	}
	if names[0] != "MM_SERVICESETTINGS_SITEURL" || names[len(names)-1] != "ZZZ" {
		t.Errorf("order %v: an overridden variable keeps its place, a new one goes last", names)
	}
}

func TestFromInstallationTellsTheOrigins(t *testing.T) {
	e := envmap.FromInstallation(resolved(map[string]any{
		"env": hash("GODEBUG", "tlsmlkem=0", "SSL_CERT_DIR", "/etc/ssl/certs", "A", "b"),
	}))
	for name, want := range map[string]string{
		"MM_TEAMSETTINGS_SITENAME":         config.OriginGitLabRB,
		"MM_SERVICESETTINGS_LISTENADDRESS": config.OriginDerived,
		"MM_INSTALL_TYPE":                  config.OriginDefault,
		"GODEBUG":                          config.OriginDefault,
		"SSL_CERT_DIR":                     config.OriginGitLabRB,
		"A":                                config.OriginGitLabRB,
	} {
		if v, _ := e.Get(name); v.Origin.Kind != want {
			t.Errorf("%s comes from %q, want %q", name, v.Origin.Kind, want)
		}
	}
}
