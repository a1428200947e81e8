package config

import "strings"

// feedsOf lists what the package makes of settings that are not simply handed
// on, by key; versions are those of 18.11.
var feedsOf = map[string][]string{
	"mattermost_external_url": {"mattermost['enable']", "mattermost['host']", "mattermost['port']", "mattermost['service_site_url']", "mattermost['service_use_ssl']", "mattermost_nginx['ssl_certificate']", "mattermost_nginx['listen_port']", "mattermost_nginx['proxy_set_headers']", "OAuth redirect URIs", "gitlab.yml: mattermost.host"},
	"external_url":            {"mattermost['gitlab_auth_endpoint']", "mattermost['gitlab_token_endpoint']", "mattermost['gitlab_user_api_endpoint']", "mattermost['service_allowed_untrusted_internal_connections']", "Let's Encrypt"},

	"gitlab_rails['mattermost_host']":            {"gitlab.yml: mattermost.host"},
	"gitlab_rails['enable']":                     {"OAuth registration", "mattermost['service_allowed_untrusted_internal_connections']"},
	"gitlab_rails['db_database']":                {"OAuth registration"},
	"puma['enable']":                             {"mattermost['service_allowed_untrusted_internal_connections']"},
	"nginx['enable']":                            {"vhost"},
	"nginx['dir']":                               {"path of the vhost"},
	"postgresql['dir']":                          {"mattermost['sql_data_source']", "createdb"},
	"postgresql['unix_socket_directory']":        {"mattermost['sql_data_source']", "createdb"},
	"postgresql['port']":                         {"mattermost['sql_data_source']", "createdb"},
	"postgresql['username']":                     {"createdb"},
	"postgresql['sql_mattermost_user']":          {"mattermost['sql_data_source']", "database role"},
	"letsencrypt['enable']":                      {"mattermost_nginx['ssl_certificate']", "mattermost_nginx['redirect_http_to_https']", "acme locations of the vhost"},
	"manage_accounts['enable']":                  {"OS user and group"},
	"package['generate_default_secrets']":        {"generated secrets"},
	"package['generate_secrets_json_file']":      {"gitlab-secrets.json", "mattermost['register_as_oauth_app']"},
	"logging['log_group']":                       {"log directory", "svlogd"},
	"mattermost['enable']":                       {"service", "mattermost_nginx['enable']", "gitlab.yml: mattermost.enabled", "OAuth registration"},
	"mattermost['username']":                     {"OS user", "owner of directories", "run script", "pg_ident.conf"},
	"mattermost['group']":                        {"OS group", "run script"},
	"mattermost['uid']":                          {"OS user"},
	"mattermost['gid']":                          {"OS group"},
	"mattermost['home']":                         {"OS user", "config.json", "VERSION", "run script"},
	"mattermost['database_name']":                {"database", "mattermost['sql_data_source']"},
	"mattermost['env_directory']":                {"run script (chpst -e)"},
	"mattermost['env']":                          {"environment, merged last"},
	"mattermost['log_file_directory']":           {"log directory", "svlogd"},
	"mattermost['service_use_ssl']":              {"vhost"},
	"mattermost['service_address']":              {"upstream of the vhost"},
	"mattermost['service_port']":                 {"upstream of the vhost"},
	"mattermost['sql_driver_name']":              {"whether role and database are made"},
	"mattermost['gitlab_id']":                    {"uid of the OAuth application"},
	"mattermost['gitlab_secret']":                {"secret of the OAuth application"},
	"mattermost['register_as_oauth_app']":        {"OAuth registration"},
	"mattermost['host']":                         {"server_name of the vhost"},
	"mattermost['port']":                         {"mattermost_nginx['listen_port']", "redirect of the vhost"},
	"mattermost['log_group']":                    {"log directory", "svlogd"},
	"mattermost_nginx['proxy_protocol']":         {"mattermost_nginx['real_ip_header']", "mattermost_nginx['proxy_set_headers']", "listen lines of the vhost"},
	"mattermost_nginx['log_format']":             {"log_format of the main nginx.conf"},
	"mattermost_nginx['log_format_escape']":      {"log_format of the main nginx.conf"},
	"mattermost_nginx['dir']":                    {"root of the acme locations"},
	"mattermost_nginx['redirect_http_to_https']": {"redirect server of the vhost"},
}

// feeds lists what is made of the setting.
func (x *explainer) feeds() {
	s := x.out.State
	if x.at > bundled {
		if x.out.Key == "mattermost_external_url" && x.at < rel(20, 0, 0) || x.out.Key == "gitlab_rails['mattermost_host']" {
			x.out.Feeds = append(x.out.Feeds, "gitlab.yml: mattermost.host")
		}
		return
	}
	x.out.Feeds = append(x.out.Feeds, feedsOf[x.out.Key]...)
	switch {
	case len(x.path) == 3 && x.path[1] == "env":
		x.out.Feeds = append(x.out.Feeds, x.path[2])
		if f := fieldOf(x.path[2]); f != "" {
			x.out.Feeds = append(x.out.Feeds, f)
		}
	case s == nil || len(x.path) != 2:
	case s.Does == DoesEnvironment:
		x.out.Feeds = append(x.out.Feeds, s.Variable)
		if f := fieldOf(s.Variable); f != "" {
			x.out.Feeds = append(x.out.Feeds, f)
		}
	case s.Field != "":
		x.out.Feeds = append(x.out.Feeds, s.Field)
	case x.path[0] == "mattermost_nginx" && s.Does == DoesItself && len(x.out.Feeds) == 0:
		x.out.Feeds = append(x.out.Feeds, "vhost")
	}
}

// secretName tells whether a name outside the catalogue sounds like a secret.
func secretName(name string) bool {
	name = strings.ToLower(name)
	for _, part := range [...]string{"secret", "password", "passwd", "token", "_key", "salt", "datasource", "data_source", "credential"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return strings.HasSuffix(name, "key")
}
