package upgrade

import (
	"slices"
	"strings"
)

// supportedKeys are the mattermost[...] keys that GitLab 11.0 and later read;
// every other key stops the installation of 11.0 and is ignored from 12.3 on.
var supportedKeys = []string{
	"enable", "username", "group", "uid", "gid", "home", "database_name", "env", "host", "port",
	"service_site_url", "service_address", "service_port", "service_use_ssl", "team_site_name",
	"sql_driver_name", "sql_data_source", "sql_data_source_replicas", "sql_at_rest_encrypt_key",
	"log_file_directory", "file_directory", "gitlab_enable", "gitlab_secret", "gitlab_id", "gitlab_scope",
	"gitlab_auth_endpoint", "gitlab_token_endpoint", "gitlab_user_api_endpoint", "email_invite_salt",
	"file_public_link_salt", "service_allowed_untrusted_internal_connections",
	"service_enable_api_team_deletion", "plugin_directory", "plugin_client_directory",
	"env_directory", "register_as_oauth_app", "log_group",
}

// legacyKeys returns the keys of gitlab.rb that GitLab 11.0 dropped, sorted.
func legacyKeys(rb *GitLabRB) []string {
	var list []string
	for _, key := range rb.MattermostKeys {
		if !slices.Contains(supportedKeys, key) && !strings.HasPrefix(key, "svlogd_") {
			list = append(list, key)
		}
	}
	slices.Sort(list)
	return list
}
