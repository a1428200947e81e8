package nginx

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// StandaloneOptions is what the move to a host without GitLab adds.
type StandaloneOptions struct {
	// MaxFileSize is Mattermost's FileSettings.MaxFileSize in bytes; 0 is its
	// default, 100 MiB.
	MaxFileSize int64
	// Policy is the TLS policy for a site that had GitLab's default; the zero
	// value is Intermediate. A policy that somebody chose is kept.
	Policy Policy
	// Focalboard keeps the location of the Focalboard plugin, which GitLab's
	// template always had.
	Focalboard bool
}

// ToStandalone turns a site of GitLab's template into one for a host without
// GitLab: the same name, ports, certificates, headers and limits that somebody
// chose, with GitLab's defaults replaced by this package's own. Each
// difference that users or operators could notice is a finding.
func (s *Site) ToStandalone(o StandaloneOptions) (*Site, []Finding, error) {
	if s.Era == "" {
		return nil, nil, errors.New("turn the site into a standalone one: it is one already")
	}
	if s.Host == "" {
		return nil, nil, errors.New("turn the site into a standalone one: it has no host name; set mattermost_external_url")
	}
	e, err := parseEra(s.Era)
	if err != nil {
		return nil, nil, err
	}
	m := &mover{old: s, era: e, o: o}
	n := m.site()
	if err := n.Validate(); err != nil {
		return nil, nil, err
	}
	return n, m.findings, nil
}

type mover struct {
	old      *Site
	era      era
	o        StandaloneOptions
	findings []Finding
}

func (m *mover) tell(id, severity, where, message, fix string) {
	m.findings = append(m.findings, Finding{ID: id, Severity: severity, Message: message, Where: where, Fix: fix})
}

func (m *mover) site() *Site {
	old := m.old
	n := &Site{
		Host: old.Host, Aliases: old.Aliases, Port: old.Port, Listen: old.Listen, ListenPort: old.ListenPort,
		ProxyProtocol: old.ProxyProtocol, Redirect: old.Redirect, HSTS: old.HSTS, Headers: old.Headers,
		RealIP: old.RealIP, Upstream: Upstream{Addresses: old.Upstream.Addresses}, Custom: old.Custom,
		Log:        Log{ErrorLevel: old.Log.ErrorLevel, Escape: old.Log.Escape},
		Focalboard: m.o.Focalboard,
	}
	if slices.Equal(n.Listen, []string{"*"}) {
		n.Listen = nil
		m.tell("standalone.ipv6", SeverityInfo, "listen_addresses", "the site also listens on IPv6", "set Listen to [\"*\"] to keep IPv4 alone")
	}
	if n.ListenPort == n.Port {
		n.ListenPort = 0
	}
	if len(n.Upstream.Addresses) == 1 && n.Upstream.Addresses[0] == "127.0.0.1:8065" {
		n.Upstream.Addresses = nil
	}
	if len(n.RealIP.From) == 0 {
		n.RealIP.From = nil
	}
	m.ports(n)
	m.paths(n)
	m.limits(n)
	m.proxyHeaders(n)
	m.traps(n)
	return n
}

// ports drops what the scheme implies.
func (m *mover) ports(n *Site) {
	implied := 80
	if m.old.TLS != nil {
		implied = 443
	}
	if n.Redirect != nil {
		if m.old.Port == 443 {
			m.tell("standalone.redirect-port", SeverityInfo, "redirect_http_to_https", "the redirect no longer spells out :443", "nothing to do")
		}
		if n.Redirect.Port == 80 {
			n.Redirect = &Redirect{}
		}
	}
	if n.Port == implied {
		n.Port = 0
	}
}

func (m *mover) paths(n *Site) {
	if t := m.old.TLS; t != nil {
		c := *t
		n.TLS = &c
		if c.VerifyClient == "" {
			c.VerifyDepth = ""
		}
		if c.Policy.empty() || samePolicy(c.Policy, m.era.policy()) {
			n.TLS.Policy = m.o.Policy
			if m.o.Policy.empty() {
				n.TLS.Policy = Intermediate()
			}
			m.tell("standalone.tls-policy", SeverityInfo, "ssl_ciphers",
				fmt.Sprintf("GitLab's TLS defaults give way to the policy %s %s", n.TLS.Policy.Name, n.TLS.Policy.Version),
				"choose the policy linux-package for clients that need the two DHE suites")
		}
		if strings.HasPrefix(c.Certificate, "/etc/gitlab/") || strings.HasPrefix(c.Key, "/etc/gitlab/") {
			m.tell("standalone.certificate-path", SeverityWarning, "ssl_certificate",
				"the certificate lies in GitLab's directory "+dirOf(c.Certificate)+", and only GitLab renews what it obtained there",
				"copy both files to this host (the key with mode 0600), or point the site to a certificate of its own")
		}
	}
	if m.old.ACME != nil {
		n.ACME = &ACME{Root: m.old.ACME.Root}
		if strings.HasPrefix(n.ACME.Root, "/var/opt/gitlab/") {
			n.ACME.Root = challengeRoot
			m.tell("standalone.acme", SeverityWarning, "letsencrypt['enable']",
				"GitLab no longer obtains the certificate", DeployHint(m.old.Host, challengeRoot))
		}
	}
	if dir := m.old.Log.Dir; dir != "" && dir != "/var/log/gitlab/nginx" {
		n.Log.Dir = dir
	}
	if format := m.old.Log.Format; format != "" && format != m.era.logFormat() {
		n.Log.Format = format
		if strings.Contains(format, "$filtered_") {
			n.Log.Format = ""
			m.tell("standalone.log-format", SeverityWarning, "log_format",
				"the format uses variables of GitLab's nginx.conf and is replaced by the site's own", "set Log.Format without $filtered_… variables")
		}
	}
	if n.Log.Escape == "default" {
		n.Log.Escape = ""
	}
}

func dirOf(path string) string {
	if i := strings.LastIndexByte(path, '/'); i > 0 {
		return path[:i]
	}
	return path
}

func samePolicy(a, b Policy) bool {
	return slices.Equal(a.Protocols, b.Protocols) && a.Ciphers == b.Ciphers && a.PreferServerCiphers == b.PreferServerCiphers &&
		slices.Equal(a.SessionCache, b.SessionCache) && a.SessionTimeout == b.SessionTimeout && slices.Equal(a.Curves, b.Curves)
}

func (m *mover) limits(n *Site) {
	n.MaxBody = m.old.MaxBody
	if n.MaxBody == "" || n.MaxBody == "0" {
		n.MaxBody = ""
		if m.o.MaxFileSize > 0 {
			n.MaxBody = BodySize(m.o.MaxFileSize)
		}
		m.tell("standalone.body-size", SeverityInfo, "client_max_body_size",
			"uploads are bounded by Mattermost's MaxFileSize and 1 MiB more; GitLab's vhost had no bound", "raise max_body together with MaxFileSize")
	}
	p := m.old.Proxy
	n.Proxy.BufferSize = p.BufferSize
	if p.ReadTimeout != "" && p.ReadTimeout != "3600" {
		n.Proxy.ReadTimeout = p.ReadTimeout
	}
	if p.ConnectTimeout != "" && p.ConnectTimeout != "300" {
		n.Proxy.ConnectTimeout = p.ConnectTimeout
	}
	n.Proxy.WebSocketReadTimeout = p.WebSocketReadTimeout
	if n.Proxy.WebSocketReadTimeout == "" {
		n.Proxy.WebSocketReadTimeout = n.Proxy.ReadTimeout
	}
}

// proxyHeaders keeps what somebody changed, added or removed.
func (m *mover) proxyHeaders(n *Site) {
	old := m.old.Proxy.Headers
	if old == nil {
		return
	}
	r := eraRenderer{Site: m.old, era: m.era, https: m.old.TLS != nil}
	standard := map[string]string{}
	for _, h := range r.standardHeaders() {
		standard[strings.ToLower(h.Name)] = h.Value
	}
	delete(standard, "x-frame-options") // as a request header it never reached a browser
	seen := map[string]bool{"x-frame-options": true, "x-forwarded-ssl": true}
	for _, h := range old {
		key := strings.ToLower(h.Name)
		skip := seen[key] && (h.Value == "SAMEORIGIN" || h.Value == "on")
		seen[key] = true
		if !skip && standard[key] != h.Value {
			n.Proxy.Headers = append(n.Proxy.Headers, h)
		}
	}
	for _, h := range (&standalone{Site: n, variable: "$mattermost"}).standardHeaders() {
		if !seen[strings.ToLower(h.Name)] {
			n.Proxy.Headers = append(n.Proxy.Headers, Header{h.Name, ""})
		}
	}
}

// traps reports the quirks of GitLab's template that are gone now.
func (m *mover) traps(n *Site) {
	if n.HSTS.MaxAge > 0 && n.TLS == nil {
		n.HSTS = HSTS{}
		m.tell("standalone.hsts", SeverityInfo, "hsts_max_age", "Strict-Transport-Security is sent over https only", "if TLS ends in a proxy in front, let that one send it")
	}
	if !m.o.Focalboard && m.era.from("14.2") {
		m.tell("standalone.focalboard", SeverityInfo, "vhost", "the websocket location of the Focalboard plugin is not written", "set Focalboard if the plugin is in use")
	}
	m.tell("standalone.cache", SeverityInfo, "nginx['proxy_cache']", "no proxy cache is inherited", "set Assets to cache static files")
	m.tell("standalone.forwarded-for", SeverityInfo, "proxy_set_headers",
		"X-Forwarded-For holds the client's address alone unless proxies in front are trusted; GitLab passed on whatever the client claimed",
		"list the proxies in front in RealIP.From")
	if n.Custom != "" && strings.Contains(n.Custom, eraUpstream) {
		m.tell("standalone.custom-upstream", SeverityWarning, "custom_gitlab_mattermost_server_config",
			"the custom text names the upstream gitlab_mattermost; the site keeps that name", "nothing to do")
		n.Upstream.Name = eraUpstream
	}
	if strings.Contains(n.Custom, "$connection_upgrade") {
		m.tell("standalone.custom-variable", SeverityError, "custom_gitlab_mattermost_server_config",
			"the custom text uses $connection_upgrade of GitLab's nginx.conf", "define the map in nginx.conf, or use the site's own variable $mattermost_connection")
	}
}

// DeployHint tells in two commands how a certificate is obtained and renewed
// with challenge files below root. Nothing is run.
func DeployHint(host, root string) string {
	return fmt.Sprintf("certbot certonly --webroot -w %s -d %s --deploy-hook 'nginx -t && nginx -s reload' "+
		"(or: lego --http --http.webroot %s -d %s run), then name its fullchain and key in the site", root, host, root, host)
}
