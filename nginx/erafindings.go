package nginx

import (
	"cmp"
	"fmt"
)

// eraFindings are the known traps of GitLab's template that this site meets.
func (s *Site) eraFindings() []Finding {
	var list []Finding
	add := func(id, severity, where, message, fix string) {
		list = append(list, Finding{ID: id, Severity: severity, Where: where, Message: message, Fix: fix})
	}
	listen := cmp.Or(s.ListenPort, s.Port)
	if s.Host == "" || listen == 0 {
		add("nginx.no-url", SeverityError, "mattermost_external_url",
			"without a URL the vhost has no name and no port (\"listen *:;\"): nginx refuses it, and GitLab's own site goes down with it",
			"set mattermost_external_url, or switch mattermost['enable'] off")
	}
	if s.TLS == nil && listen == 443 {
		add("nginx.clear-text-on-443", SeverityWarning, "mattermost_nginx['listen_https']",
			"listen_https = false does not change the port: nginx speaks clear text on 443",
			"set mattermost_nginx['listen_port'] = 80 as well")
	}
	if s.TLS == nil && s.HSTS.MaxAge > 0 {
		add("nginx.hsts-over-http", SeverityInfo, "mattermost_nginx['hsts_max_age']",
			"Strict-Transport-Security is sent over plain http, where browsers ignore it",
			"nothing to do; the standalone layout sends it over https only")
	}
	if s.Redirect != nil && listen != s.Port {
		add("nginx.redirect-port", SeverityWarning, "mattermost_nginx['listen_port']",
			fmt.Sprintf("the redirect sends browsers to port %d of the URL, nginx listens on %d", s.Port, listen),
			"something in front must forward the URL's port to this one")
	}
	if s.TLS != nil && s.TLS.VerifyClient != "" && s.TLS.VerifyClient != "off" && s.TLS.ClientCertificate == "" {
		add("nginx.verify-without-ca", SeverityError, "mattermost_nginx['ssl_verify_client']",
			"client certificates are asked for, and no CA to check them against is given",
			"set mattermost_nginx['ssl_client_certificate']")
	}
	if s.RealIP.Header != "" && len(s.RealIP.From) == 0 {
		add("nginx.real-ip-untrusted", SeverityWarning, "mattermost_nginx['real_ip_trusted_addresses']",
			"real_ip_header has no effect as long as no proxy is trusted",
			"list the addresses of the proxies in front in real_ip_trusted_addresses")
	}
	add("nginx.proxy-cache", SeverityInfo, "nginx['proxy_cache']",
		"GitLab's nginx.conf switches its proxy cache on at http level and this vhost does not switch it off",
		"the standalone layout has no cache unless asked; here, put \"proxy_cache off;\" into the custom server configuration")
	return append(list, customFindings(s.Custom)...)
}

// customFindings reads the user's own text as a server's content.
func customFindings(custom string) []Finding {
	if custom == "" {
		return nil
	}
	if _, err := Parse("custom configuration", []byte(custom)); err != nil {
		return []Finding{{
			ID: "nginx.custom-config", Severity: SeverityError,
			Where:   "mattermost_nginx['custom_gitlab_mattermost_server_config']",
			Message: fmt.Sprintf("the text is not complete nginx configuration: %v", err),
			Fix:     "close every block and end every directive with \";\"",
		}}
	}
	return nil
}
