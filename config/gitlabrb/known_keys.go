package gitlabrb

// defaultKeys are the keys of the two hashes about Mattermost that GitLab 11.0
// to 18.11 knew. Before 11.0 there were some two hundred more, which are not
// checked here; from 19.0 on nothing is read from these hashes.
func defaultKeys(version string) map[string][]string {
	r := namesOf(version).release
	if r.less(release{11, 0}) || !r.less(release{19, 0}) {
		return nil
	}
	return map[string][]string{
		"mattermost": {
			"enable", "username", "group", "uid", "gid", "home", "database_name", "env_directory", "env",
			"log_file_directory", "service_use_ssl", "service_address", "service_port", "service_site_url",
			"service_allowed_untrusted_internal_connections", "service_enable_api_team_deletion",
			"team_site_name", "sql_driver_name", "sql_data_source", "gitlab", "file_directory",
			"plugin_directory", "plugin_client_directory", "gitlab_enable", "gitlab_id", "gitlab_secret",
			"gitlab_scope", "gitlab_auth_endpoint", "gitlab_token_endpoint", "gitlab_user_api_endpoint",
			"register_as_oauth_app", "sql_at_rest_encrypt_key", "email_invite_salt", "file_public_link_salt",
			"host", "port", "log_group", "svlogd_size", "svlogd_num", "svlogd_timeout", "svlogd_filter",
			"svlogd_udp", "svlogd_prefix", "ha",
		},
		"mattermost_nginx": {
			"enable", "ha", "dir", "log_directory", "log_group", "error_log_level", "worker_processes",
			"worker_connections", "log_format", "log_format_escape", "sendfile", "tcp_nopush", "tcp_nodelay",
			"hide_server_tokens", "gzip_http_version", "gzip_comp_level", "gzip_proxied", "gzip_types",
			"gzip_enabled", "keepalive_timeout", "keepalive_time", "client_max_body_size", "cache_max_size",
			"redirect_http_to_https", "redirect_http_to_https_port", "ssl_client_certificate",
			"ssl_verify_client", "ssl_verify_depth", "ssl_certificate", "ssl_certificate_key", "ssl_ciphers",
			"ssl_prefer_server_ciphers", "ssl_protocols", "ssl_session_cache", "ssl_session_timeout",
			"ssl_session_tickets", "ssl_dhparam", "ssl_ecdh_curve", "ssl_conf_command", "ssl_password_file",
			"listen_addresses", "listen_port", "listen_https", "custom_gitlab_server_config",
			"custom_gitlab_mattermost_server_config", "custom_nginx_config", "proxy_read_timeout",
			"proxy_connect_timeout", "proxy_set_headers", "proxy_cache_path", "proxy_cache",
			"proxy_custom_buffer_size", "proxy_protocol", "referrer_policy", "http2_enabled",
			"real_ip_trusted_addresses", "real_ip_header", "real_ip_recursive",
			"server_names_hash_bucket_size", "hsts_max_age", "hsts_include_subdomains",
			"request_buffering_off_path_regex", "default_server_enabled", "consul_service_name",
			"consul_service_meta", "status", "https", "fqdn", "port", "service_port", "service_address",
			"letsencrypt_enable",
		},
	}
}
