package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
)

// findings adds the traps that the files step into: first those of the
// settings file, then ours in the order of the derivations.
func (r *resolver) findings() {
	var all []Finding
	for _, f := range r.result.Findings {
		if f.ID == "gitlabrb.unknown-key" && r.knownSomeTime(f.Pos) {
			continue // the reader knows 18.11's keys only; the era rules say more
		}
		all = append(all, fromRB(f))
	}
	r.out.Findings = append(all, r.out.Findings...)
	if r.at > bundled {
		r.findRemoved()
		return
	}
	r.findURL()
	r.findSecrets()
	r.findNginx()
	r.findDatabase()
	r.findFiles()
	r.findEnv()
	r.findRegistration()
	r.findEras()
}

// knownSomeTime tells whether the setting made at pos was a key of Mattermost's
// in any version.
func (r *resolver) knownSomeTime(pos gitlabrb.Pos) bool {
	for _, a := range r.result.Assignments {
		if a.Pos != pos || len(a.Path) < 2 {
			continue
		}
		for i := range catalogueRows {
			if catalogueRows[i].hash == a.Path[0] && catalogueRows[i].key == a.Path[1] {
				return true
			}
		}
	}
	return false
}

// own returns a setting that gitlab.rb gives, and where.
func (r *resolver) own(hash, key string) (any, string, bool) {
	a := r.hash(hash).by[key]
	if v, ok := r.result.Lookup(hash, key); ok && v != nil {
		if _, undecided := findUndecided(v); !undecided {
			return v, r.pos(hash, key).String(), true
		}
	}
	return a.Value, "", false
}

func (r *resolver) findURL() {
	const name = "mattermost_external_url"
	where, url := r.pos(name).String(), r.out.MattermostURL
	if strings.HasSuffix(url, "/") {
		r.flag("url.trailing-slash", where, "the slash stays in the site URL and is doubled in the OAuth redirect URIs ("+url+"/signup/gitlab/complete)",
			"write "+name+" '"+strings.TrimRight(url, "/")+"'")
	}
	if i := strings.Index(url, "://"); i >= 0 && strings.ContainsAny(url[i+3:], "?#@") {
		r.flag("url.extra-parts", where, "everything behind the host stays in the site URL and in the OAuth redirect URIs, where it does not work", "give scheme, host and port only")
	}
	if r.out.Enabled && url == "" {
		r.flag("enable.without-url", orKey(r.pos("mattermost", "enable").String(), "mattermost['enable']"),
			"without a URL the vhost has neither name nor port (listen *:;), which nginx refuses, for GitLab as well", "set mattermost_external_url, or mattermost_nginx['enable'] = false")
	}
	if !r.out.Enabled && url != "" {
		r.flag("enable.off-but-announced", where, "Mattermost is switched off, and GitLab still announces "+url+" as its Mattermost", "remove "+name+" if there is no Mattermost at that URL")
	}
	if _, ok := r.result.Lookup("mattermost", "enable"); !ok {
		r.flag("enable.by-accident", "mattermost['enable']", "gitlab-ctl check-config of 18.11.8 switches the bundled Mattermost on when this key is not set", "upgrade to 18.11.9 or newer, or set mattermost['enable'] = false")
	}
	if host, at, ok := r.own("gitlab_rails", "mattermost_host"); ok && url != "" && RubyText(host) != url {
		r.flag("gitlab-yml.two-hosts", at, "it names another address than mattermost_external_url; before 19.0 the URL counts, from 19.0 on this setting", "give both the same address")
	}
	if url != "" {
		r.flag("removed.deprecated-url", where, "mattermost_external_url is deprecated since 19.0 and goes in 20.0", "use gitlab_rails['mattermost_host'] for a Mattermost that runs elsewhere")
	}
	if r.out.Enabled {
		r.flag("removed.bundled", "mattermost['enable']", "GitLab 19.0 removes the bundled Mattermost; stored secrets are dropped by its first reconfigure", "move Mattermost out of the package, and save the mattermost section of gitlab-secrets.json, before upgrading to 19.0")
	}
}

func (r *resolver) findSecrets() {
	stored := r.Secrets.Mattermost()
	if v, where, ok := r.own("mattermost", "gitlab_enable"); ok && v == false {
		if s, _ := stored.Get("gitlab_enable"); s == true {
			r.flag("secrets.enable-wins", where, "gitlab-secrets.json holds gitlab_enable true, which beats false in gitlab.rb", "set mattermost['env']['MM_GITLABSETTINGS_ENABLE'] = 'false', or remove gitlab_enable from gitlab-secrets.json")
		}
	}
	for _, key := range [...]string{"gitlab_auth_endpoint", "gitlab_token_endpoint", "gitlab_user_api_endpoint"} {
		s, _ := stored.Get(key)
		if text := RubyText(s); text != "" && r.hasGitLab && !strings.HasPrefix(text, r.gitlabText+"/") {
			r.flag("secrets.frozen-endpoint", r.Secrets.Name(), "the stored "+key+" belongs to another external_url and wins", "remove it from the mattermost section of gitlab-secrets.json")
		}
	}
	if r.value("package", "generate_secrets_json_file") == false && r.out.Enabled {
		r.flag("secrets.not-written", r.pos("package", "generate_secrets_json_file").String(), "secrets that are generated change at every reconfigure, and Mattermost is not registered in GitLab", "keep the file, or give id, secret and sql_at_rest_encrypt_key in gitlab.rb")
	}
	if a := r.out.Mattermost.Get("gitlab_user_api_endpoint"); strings.Contains(RubyText(a.Value), "/api/v3/") {
		r.flag("endpoint.v3", orKey(a.Origin.Where, "mattermost['gitlab_user_api_endpoint']"), "GitLab has no API v3 since 11.0, so nobody can sign in", "remove the setting, or end it in /api/v4/user")
	}
}

func orKey(where, key string) string {
	if where == "" {
		return key
	}
	return where
}

// nginxNoEffect are keys that the vhost inherits and never reads.
var nginxNoEffect = []string{
	"ha", "worker_processes", "worker_connections", "sendfile", "tcp_nopush", "tcp_nodelay", "hide_server_tokens",
	"gzip", "gzip_http_version", "gzip_comp_level", "gzip_proxied", "gzip_types", "gzip_enabled", "keepalive_timeout",
	"keepalive_time", "cache_max_size", "request_buffering_off_path_regex", "ssl_session_tickets",
	"custom_gitlab_server_config", "custom_nginx_config", "proxy_cache_path", "proxy_cache",
	"server_names_hash_bucket_size", "default_server_enabled", "consul_service_name", "consul_service_meta", "status",
}

// nginxOverwritten are keys that the package sets itself.
var nginxOverwritten = []string{"https", "fqdn", "port", "service_port", "service_address", "letsencrypt_enable"}

func (r *resolver) findNginx() {
	for _, key := range r.hash("mattermost_nginx").keys {
		_, where, ok := r.own("mattermost_nginx", key)
		switch {
		case !ok:
		case slices.Contains(nginxNoEffect, key):
			r.flag("nginx.no-effect", where, "mattermost_nginx['"+key+"'] is accepted and nothing reads it", "set nginx['"+key+"'] for the whole server, or use mattermost_nginx['custom_gitlab_mattermost_server_config']")
		case slices.Contains(nginxOverwritten, key):
			r.flag("nginx.overwritten", where, "the package sets mattermost_nginx['"+key+"'] itself; this value is lost", "remove the line")
		}
	}
	if !r.nginx && r.out.Enabled {
		r.flag("nginx.off", orKey(r.pos("nginx", "enable").String(), "nginx['enable']"), "the bundled nginx is off, so nothing serves "+r.out.MattermostURL, "write a vhost for your own web server that passes on to "+r.listenAddress())
	}
	if !r.out.VHost.Enabled {
		return
	}
	for _, key := range r.hash("nginx").keys {
		_, where, ok := r.own("nginx", key)
		_, _, own := r.own("mattermost_nginx", key)
		if !ok || own || key == "enable" || key == "dir" || key == "redirect_http_to_https" && r.out.Nginx.Truthy(key) || !r.vhostReads(key) {
			continue
		}
		r.flag("nginx.not-inherited", where, "nginx['"+key+"'] does not reach the Mattermost vhost, which keeps its default", "set mattermost_nginx['"+key+"'] as well if it is meant")
	}
	r.findNginxValues()
}

// vhostReads tells whether the vhost of this version has such a setting.
func (r *resolver) vhostReads(key string) bool {
	for i := range catalogueRows {
		if row := &catalogueRows[i]; row.hash == "mattermost_nginx" && row.key == key && row.holds(r.at) {
			return true
		}
	}
	return false
}

func (r *resolver) findNginxValues() {
	at := func(key string) string {
		if o := r.out.Nginx.Get(key).Origin; o.Kind == OriginGitLabRB {
			return o.Where
		}
		return "mattermost_nginx['" + key + "']"
	}
	switch v := r.out.Nginx.Get("hsts_max_age").Value.(type) {
	case nil, int64, float64:
	default:
		r.flag("nginx.hsts-not-a-number", at("hsts_max_age"), "hsts_max_age must be a number, got "+describe(v)+"; reconfigure stops while it writes the vhost", "write the number without quotes")
	}
	if v := r.out.Nginx.Get("listen_addresses").Value; v != nil {
		if _, ok := v.([]any); !ok {
			r.flag("nginx.listen-addresses-not-a-list", at("listen_addresses"), "listen_addresses must be a list, got "+describe(v)+"; reconfigure stops while it writes the vhost", "write ['"+RubyText(v)+"']")
		}
	}
	https := r.out.Mattermost.Truthy("service_use_ssl")
	if port := r.out.Nginx.Get("listen_port"); https && !r.out.VHost.HTTPS && port.Origin.Kind == OriginDerived {
		r.flag("nginx.clear-text-on-443", at("listen_https"), "nginx speaks clear text on port "+RubyText(port.Value)+", the port of the https URL", "set mattermost_nginx['listen_port'] = 80 behind a proxy that ends TLS")
	}
	for _, w := range [...][3]string{
		{"proxy_connect_timeout", "nginx.websocket-timeout", "the websocket locations keep their fixed 90 seconds"},
		{"proxy_custom_buffer_size", "nginx.websocket-buffers", "the websocket locations keep their fixed buffers"},
	} {
		if _, where, ok := r.own("mattermost_nginx", w[0]); ok {
			r.flag(w[1], where, w[2], "nothing to do unless websockets are concerned")
		}
	}
	if r.out.VHost.HTTPS && !r.out.LetsEncrypt.Enabled && r.Host.Lookups.Exists != nil {
		for _, key := range [...]string{"ssl_certificate", "ssl_certificate_key"} {
			if file, _ := r.out.Nginx.Text(key); !r.exists(file) {
				r.flag("certificate.missing", at(key), file+" does not exist; nginx will not start, for GitLab as well", "put the file there, mode 0600 for the key, or set mattermost_nginx['"+key+"']")
			}
		}
	}
	if a := r.out.Nginx.Get("redirect_http_to_https"); a.Value == true && a.Origin.Kind == OriginDerived {
		r.flag("letsencrypt.redirect", "mattermost_nginx['redirect_http_to_https']", "Let's Encrypt serves this host as well, so http is redirected to https", "set it to false if http must stay open")
	}
}

func (r *resolver) listenAddress() string {
	address, _ := r.out.Mattermost.Text("service_address")
	port, _ := r.out.Mattermost.Text("service_port")
	return address + ":" + port
}

func (r *resolver) findDatabase() {
	source, driver := r.out.Mattermost.Get("sql_data_source"), r.out.Mattermost.Get("sql_driver_name")
	if word, ok := sslMode(RubyText(source.Value)); ok && driver.Value != "mysql" {
		r.flag("database.sslmode", orKey(source.Origin.Where, "mattermost['sql_data_source']"), fmt.Sprintf("sslmode=%s is not a word that PostgreSQL knows", word), "write sslmode=require (or disable, prefer, verify-ca, verify-full)")
	}
	if driver.Value == "mysql" && source.Origin.Kind == OriginDerived {
		r.flag("database.mysql-without-source", driver.Origin.Where, "without a data source mysql is given the text for the bundled PostgreSQL", "set mattermost['sql_data_source'], or remove sql_driver_name")
	}
	if r.out.Database.Create && source.Origin.Kind == OriginGitLabRB {
		r.flag("database.created-anyway", source.Origin.Where, "role and database are made in the bundled PostgreSQL all the same", "nothing to do; they stay empty")
	}
	if _, where, ok := r.own("mattermost", "database_name"); ok && r.out.Database.Name != "mattermost_production" {
		r.flag("database.renamed", where, "a database of the old name is left as it is and a new empty one is made", "rename the database in PostgreSQL before reconfigure, if there is one")
	}
	if a := r.out.Mattermost.Get("service_address"); a.Value != nil {
		if ip, err := netip.ParseAddr(RubyText(a.Value)); err == nil && ip.Is6() {
			r.flag("address.ipv6-brackets", a.Origin.Where, "no brackets are added, so the listen address and nginx's upstream become "+r.listenAddress(), "write ["+ip.String()+"]")
		}
	}
}

// sslMode finds an sslmode that PostgreSQL does not have.
func sslMode(source string) (string, bool) {
	i := strings.Index(source, "sslmode=")
	if i < 0 {
		return "", false
	}
	word := source[i+len("sslmode="):]
	if end := strings.IndexAny(word, " &"); end >= 0 {
		word = word[:end]
	}
	word = strings.Trim(word, "'")
	return word, !slices.Contains([]string{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}, word)
}

func (r *resolver) findFiles() {
	if !r.out.Enabled {
		return
	}
	if _, where, ok := r.own("mattermost", "home"); ok {
		for _, key := range [...]string{"file_directory", "plugin_directory", "plugin_client_directory"} {
			if a := r.out.Mattermost.Get(key); a.Origin.Kind == OriginDefault && !strings.HasPrefix(RubyText(a.Value), RubyText(r.out.Mattermost.Get("home").Value)+"/") {
				r.flag("home.moved", where, "mattermost['"+key+"'] stays at "+RubyText(a.Value), "set it as well, and move the files")
				break
			}
		}
	}
	home, _ := r.out.Mattermost.Text("home")
	r.flag("directories.open", home, "data and plugin directories get no mode, so other local users can list them (0755)", "chmod 0750 "+home)
	if dir := r.out.Service.EnvDir; dir != "" {
		r.flag("env.readable", dir, "the files with the OAuth secret, the data source and the at-rest key get no mode of their own; with the usual umask every local user can read them", "chmod 0700 "+dir)
	}
}

// envOf is a hash value, nil when it is none.
func envOf(a Attribute) *gitlabrb.Hash {
	h, _ := a.Value.(*gitlabrb.Hash)
	return h
}
