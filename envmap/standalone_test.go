package envmap_test

import (
	"testing"

	"github.com/gitlab-mattermost/sdk/config"
	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
	"github.com/gitlab-mattermost/sdk/envmap"
)

func TestFromStandaloneCarriesEverythingButTheBundle(t *testing.T) {
	for _, c := range []struct {
		reason, source, name string
		want                 string // "" is not set
	}{
		{"the install type was GitLab's", "", "MM_INSTALL_TYPE", ""},
		{"the bundle's certificates are gone", "", "SSL_CERT_DIR", ""},
		{"own certificates are kept", "mattermost['env'] = { 'SSL_CERT_DIR' => '/etc/own' }", "SSL_CERT_DIR", "/etc/own"},
		{"the at-rest key must be carried over", "mattermost['sql_at_rest_encrypt_key'] = '0123456789abcdef0123456789abcdef'", "MM_SQLSETTINGS_ATRESTENCRYPTKEY", "0123456789abcdef0123456789abcdef"},
		{"directories follow the layout", "", "MM_PLUGINSETTINGS_CLIENTDIRECTORY", "/opt/mattermost/client/plugins"},
		{"mattermost['env'] wins over the layout", "mattermost['env'] = { 'MM_FILESETTINGS_DIRECTORY' => '/srv/x' }", "MM_FILESETTINGS_DIRECTORY", "/srv/x"},
		{"an empty allow list is no variable", "", "MM_SERVICESETTINGS_ALLOWEDUNTRUSTEDINTERNALCONNECTIONS", ""},
		{"login asks for the one scope that works", "mattermost['gitlab_enable'] = true", "MM_GITLABSETTINGS_SCOPE", "read_user"},
		{"a chosen scope is kept", "mattermost['gitlab_enable'] = true; mattermost['gitlab_scope'] = 'openid'", "MM_GITLABSETTINGS_SCOPE", "openid"},
		{"without login there is no scope", "", "MM_GITLABSETTINGS_SCOPE", ""},
	} {
		result, err := gitlabrb.Evaluate("gitlab.rb", []byte("mattermost_external_url 'http://chat.example.com'\n"+c.source), gitlabrb.Options{})
		if err != nil {
			t.Fatal(err)
		}
		inst, err := config.Resolve(config.Input{GitLabRB: result})
		if err != nil {
			t.Fatal(err)
		}
		v, _ := envmap.FromStandalone(inst, inst.Standalone(config.StandaloneOptions{})).Get(c.name)
		if got, set := v.Text(); got != c.want || set != (c.want != "") {
			t.Errorf("%s: %s = %q (set: %v), want %q", c.reason, c.name, got, set, c.want)
		}
	}
}
