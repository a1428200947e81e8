package envmap

import (
	"github.com/gitlab-mattermost/sdk/config"
	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
)

// packageVariables are the variables that GitLab's Linux package generated at
// 18.11, in its own order, with the mattermost[...] setting each is made of.
// An empty setting is one that packageValue knows.
var packageVariables = [...]struct{ name, setting string }{
	{"MM_SERVICESETTINGS_SITEURL", "service_site_url"},
	{"MM_SERVICESETTINGS_LISTENADDRESS", ""},
	{"MM_SERVICESETTINGS_ALLOWEDUNTRUSTEDINTERNALCONNECTIONS", "service_allowed_untrusted_internal_connections"},
	{"MM_SERVICESETTINGS_ENABLEAPITEAMDELETION", "service_enable_api_team_deletion"},
	{"MM_TEAMSETTINGS_SITENAME", "team_site_name"},
	{"MM_SQLSETTINGS_DRIVERNAME", "sql_driver_name"},
	{"MM_SQLSETTINGS_DATASOURCE", "sql_data_source"},
	{"MM_SQLSETTINGS_ATRESTENCRYPTKEY", "sql_at_rest_encrypt_key"},
	{"MM_LOGSETTINGS_FILELOCATION", "log_file_directory"},
	{"MM_FILESETTINGS_DIRECTORY", "file_directory"},
	{"MM_GITLABSETTINGS_ENABLE", "gitlab_enable"},
	{"MM_GITLABSETTINGS_SECRET", "gitlab_secret"},
	{"MM_GITLABSETTINGS_ID", "gitlab_id"},
	{"MM_GITLABSETTINGS_SCOPE", "gitlab_scope"},
	{"MM_GITLABSETTINGS_AUTHENDPOINT", "gitlab_auth_endpoint"},
	{"MM_GITLABSETTINGS_TOKENENDPOINT", "gitlab_token_endpoint"},
	{"MM_GITLABSETTINGS_USERAPIENDPOINT", "gitlab_user_api_endpoint"},
	{"MM_PLUGINSETTINGS_DIRECTORY", "plugin_directory"},
	{"MM_PLUGINSETTINGS_CLIENTDIRECTORY", "plugin_client_directory"},
	{"MM_INSTALL_TYPE", ""},
}

// FromInstallation returns the environment that GitLab's Linux package 18.11
// gave the server: twenty generated variables in the package's order, then
// mattermost['env'] merged last, so that it wins over every generated variable
// (which keeps its place). With nothing in mattermost['env'] that makes 22: the
// package's own env holds SSL_CERT_DIR and GODEBUG.
//
// Values are the exact text the package wrote: numbers and booleans as Ruby's
// to_s prints them, the leading blank of the computed allow list included. A
// setting without a value is a variable without one (Value nil), which is kept
// apart from the empty text; both become an empty file in the env directory.
// nil inside mattermost['env'] disappears, as it did there.
func FromInstallation(inst *config.Installation) *Environment {
	e := &Environment{}
	for _, p := range packageVariables {
		e.Put(packageValue(inst.Mattermost, p.name, p.setting))
	}
	env := inst.Mattermost.Get("env")
	hash, ok := env.Value.(*gitlabrb.Hash)
	if !ok {
		return e // only undecided or broken input, which config reports
	}
	for key, value := range hash.All() {
		if value == nil {
			continue
		}
		name, text := config.RubyText(key), config.RubyText(value)
		e.Put(Var{Name: name, Value: &text, Origin: envOrigin(env.Origin, name, text)})
	}
	return e
}

func packageValue(mm *config.Attributes, name, setting string) Var {
	if setting != "" {
		v := Var{Name: name, Origin: mm.Get(setting).Origin}
		if text, ok := mm.Text(setting); ok {
			v.Value = &text
		}
		return v
	}
	if name == "MM_INSTALL_TYPE" {
		text := "gitlab_omnibus"
		return Var{Name: name, Value: &text, Origin: config.Origin{Kind: config.OriginDefault}}
	}
	// The listen address is glued together as it is: brackets around an IPv6
	// address are the user's, and a missing part leaves its side empty.
	address, _ := mm.Text("service_address")
	port, _ := mm.Text("service_port")
	text := address + ":" + port
	return Var{Name: name, Value: &text, Origin: config.Origin{
		Kind: config.OriginDerived, Where: "mattermost['service_address']",
		Rule: "service_address:service_port",
	}}
}

// envOrigin tells the two entries that the package itself put into
// mattermost['env'] from the user's.
func envOrigin(hash config.Origin, name, text string) config.Origin {
	switch {
	case name == "SSL_CERT_DIR" && text == "/opt/gitlab/embedded/ssl/certs/",
		name == "GODEBUG" && text == "tlsmlkem=0":
		return config.Origin{Kind: config.OriginDefault}
	}
	return hash
}
