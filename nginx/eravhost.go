package nginx

import "cmp"

// The names that GitLab's template uses.
const (
	eraUpstream  = "gitlab_mattermost"
	eraLogFormat = "gitlab_mattermost_access"

	websocketPath  = `/api/v[0-9]+/(users/)?websocket$`
	focalboardPath = `/plugins/focalboard/ws/*`
	challengePath  = "/.well-known/acme-challenge/"
)

// eraVHost follows GitLab's own template of the site's Era.
func (s *Site) eraVHost(target Target) ([]*Directive, error) {
	e, err := parseEra(s.Era)
	if err != nil {
		return nil, err
	}
	if target.Nginx == "" {
		target.Nginx = e.nginx()
	}
	r := eraRenderer{Site: s, era: e, target: target, https: s.TLS != nil}
	list := []*Directive{
		heading("GitLab Mattermost, as GitLab " + s.Era + " wrote it."),
		gap(),
		block("upstream", []string{r.upstream()}, d("server", r.address())),
		gap(),
	}
	if e.from("8.0") && !e.from("8.15") {
		list = append(list, upgradeMap(), gap())
	}
	if r.https && s.Redirect != nil {
		list = append(list, block("server", nil, r.redirectServer()...).note("http: everything goes to https"), gap())
	}
	return append(list, block("server", nil, r.mainServer()...)), nil
}

type eraRenderer struct {
	*Site
	era    era
	target Target
	https  bool
}

func (r *eraRenderer) upstream() string { return cmp.Or(r.Upstream.Name, eraUpstream) }

// address is the one upstream server; before 8.3 only the port could be set.
func (r *eraRenderer) address() string {
	addr := "127.0.0.1:8065"
	if len(r.Upstream.Addresses) > 0 {
		addr = r.Upstream.Addresses[0]
	}
	if !r.era.from("8.3") {
		if i := lastColon(addr); i >= 0 {
			return "127.0.0.1" + addr[i:]
		}
	}
	return addr
}

// listen writes one listen line per address.
func (r *eraRenderer) listen(port int, https bool) []*Directive {
	addresses := r.Listen
	if addresses == nil {
		addresses = []string{"*"}
	}
	var list []*Directive
	for _, a := range addresses {
		args := []string{a + ":"}
		if port != 0 {
			args[0] += itoa(port)
		}
		if r.ProxyProtocol && r.era.from("14.7") {
			args = append(args, "proxy_protocol")
		}
		if https {
			args = append(args, "ssl")
			if r.http2() && !r.http2Directive() && r.target.http2Flag() {
				args = append(args, "http2")
			}
		}
		list = append(list, d("listen", args...))
	}
	return list
}

func (r *eraRenderer) http2() bool { return r.https && !r.TLS.NoHTTP2 && r.era.from("8.6") }

func (r *eraRenderer) http2Directive() bool { return r.era.from("17.11") && r.target.http2Directive() }

// names writes server_name; without a URL GitLab wrote it without a name.
func (r *eraRenderer) names() *Directive {
	if r.Host == "" {
		return d("server_name")
	}
	return d("server_name", append([]string{r.Host}, r.Aliases...)...)
}

func (r *eraRenderer) logs() []*Directive {
	dir := cmp.Or(r.Log.Dir, "/var/log/gitlab/nginx")
	access := d("access_log", dir+"/gitlab_mattermost_access.log")
	if r.era.from("8.0") {
		access.Args = append(access.Args, eraLogFormat)
	}
	errors := d("error_log", dir+"/gitlab_mattermost_error.log")
	if r.era.from("14.2") {
		errors.Args = append(errors.Args, cmp.Or(r.Log.ErrorLevel, "error"))
	}
	return []*Directive{access, errors}
}

func (r *eraRenderer) redirectServer() []*Directive {
	list := r.listen(cmp.Or(r.Redirect.Port, 80), false)
	list = append(list, r.names(), d("server_tokens", "off"), gap())
	to := d("return", "301", "https://"+r.Host+":"+itoa(r.Port)+"$request_uri")
	if !r.era.from("11.8") {
		return append(append(list, to, gap()), r.logs()...)
	}
	if r.ACME != nil {
		path := challengePath
		if !r.era.from("14.9") {
			path = "/.well-known"
		}
		list = append(list, block("location", []string{path}, d("root", r.ACME.Root)), gap())
	}
	list = append(list, block("location", []string{"/"}, to), gap())
	return append(list, r.logs()...)
}

func (r *eraRenderer) mainServer() []*Directive {
	list := r.listen(cmp.Or(r.ListenPort, r.Port), r.https)
	list = append(list, r.names(), d("server_tokens", "off"))
	if r.era.from("8.1") {
		list = append(list, r.bodySize())
	}
	if r.https {
		list = append(append(list, gap()), r.tls()...)
	}
	list = append(append(list, gap()), r.realIP()...)
	list = append(append(list, gap()), r.responseHeaders()...)
	list = append(append(list, gap()), r.logs()...)
	list = append(list, gap())
	if r.era.from("14.2") {
		list = append(list,
			block("location", []string{"~", websocketPath}, r.websocket("14.2")...), gap(),
			block("location", []string{"~", focalboardPath}, r.websocket("16.1.3")...), gap())
	}
	if r.ACME != nil && r.era.from("14.9") {
		list = append(list, block("location", []string{challengePath}, d("root", r.ACME.Root)), gap())
	}
	list = append(list, block("location", []string{"/"}, r.root()...))
	if r.Custom != "" {
		list = append(list, gap(), &Directive{Raw: r.Custom})
	}
	return list
}

func (r *eraRenderer) bodySize() *Directive {
	size := "0"
	if !r.era.from("8.3") {
		size = "250m"
	}
	return d("client_max_body_size", cmp.Or(r.MaxBody, size))
}

// tls writes what stands between the certificate and the pass phrases.
func (r *eraRenderer) tls() []*Directive {
	t, p := r.TLS, r.TLS.Policy
	def := r.era.policy()
	if p.empty() {
		p = def
	}
	var list []*Directive
	if r.http2() && r.http2Directive() {
		list = append(list, d("http2", "on"))
	}
	if !r.era.from("12.2") && !atLeast(r.target.Nginx, "1.25.1") { // which refuses the directive
		list = append(list, d("ssl", "on"))
	}
	list = append(list, d("ssl_certificate", t.Certificate), d("ssl_certificate_key", t.Key))
	if r.era.from("9.0") {
		list = append(list, clientCertificate(t)...)
	}
	list = append(list,
		d("ssl_ciphers", cmp.Or(p.Ciphers, def.Ciphers)).quoted('\''),
		d("ssl_prefer_server_ciphers", cmp.Or(p.PreferServerCiphers, def.PreferServerCiphers)),
		d("ssl_protocols", orList(p.Protocols, def.Protocols)...),
		d("ssl_session_cache", orList(p.SessionCache, def.SessionCache)...),
		d("ssl_session_timeout", cmp.Or(p.SessionTimeout, def.SessionTimeout)))
	if t.DHParam != "" {
		list = append(list, d("ssl_dhparam", t.DHParam))
	}
	if r.era.from("18.10") {
		if len(p.Curves) > 0 {
			list = append(list, d("ssl_ecdh_curve", joinCurves(p.Curves)))
		}
		list = append(list, confCommands(t)...)
	}
	if t.PasswordFile != "" && r.era.from("15.5") {
		list = append(list, d("ssl_password_file", t.PasswordFile).quoted('\''))
	}
	return list
}

func (r *eraRenderer) realIP() []*Directive {
	if !r.era.from("8.7") {
		return nil
	}
	return realIP(r.Site.RealIP)
}

// responseHeaders are HSTS and Referrer-Policy. GitLab sent HSTS over http too
// and spelled includeSubdomains with a small d.
func (r *eraRenderer) responseHeaders() []*Directive {
	var list []*Directive
	if r.HSTS.MaxAge > 0 && r.era.from("15.0") {
		value := "max-age=" + itoa(r.HSTS.MaxAge)
		if r.HSTS.IncludeSubDomains {
			value += "; includeSubdomains"
		}
		list = append(list, d("add_header", "Strict-Transport-Security", value).quoted('"'))
	}
	if r.era.from("12.6") {
		for _, h := range r.Headers {
			list = append(list, d("add_header", h.Name, h.Value))
		}
	}
	return list
}

// websocket is the body of both websocket locations; http11 is the version
// from which it says HTTP/1.1.
func (r *eraRenderer) websocket(http11 string) []*Directive {
	list := append([]*Directive{r.bodySize(), gap()}, r.proxyHeaders()...)
	list = append(list, gap(),
		d("proxy_buffers", "256", "16k"), d("proxy_buffer_size", "16k"), gap(),
		d("client_body_timeout", "60"), d("send_timeout", "300"), d("lingering_timeout", "5"),
		d("proxy_connect_timeout", "90"), d("proxy_send_timeout", "300"),
		d("proxy_read_timeout", cmp.Or(r.Proxy.WebSocketReadTimeout, r.readTimeout())))
	if r.era.from(http11) {
		list = append(list, d("proxy_http_version", "1.1"))
	}
	return append(list, gap(), d("proxy_pass", "http://"+r.upstream()))
}

func (r *eraRenderer) readTimeout() string {
	if !r.era.from("8.0") {
		return "300"
	}
	def := "3600"
	if !r.era.from("8.9") {
		def = "300"
	}
	return cmp.Or(r.Proxy.ReadTimeout, def)
}

func (r *eraRenderer) connectTimeout() string {
	if !r.era.from("8.0") {
		return "300"
	}
	return cmp.Or(r.Proxy.ConnectTimeout, "300")
}

func (r *eraRenderer) root() []*Directive {
	var list []*Directive
	if r.https {
		list = append(list, d("gzip", "off").note("Compressed secrets can be guessed from their size over TLS (BREACH)."))
	}
	list = append(list, d("proxy_read_timeout", r.readTimeout()),
		d("proxy_connect_timeout", r.connectTimeout()), d("proxy_redirect", "off"))
	if size := r.Proxy.BufferSize; size != "" && r.era.from("14.9") {
		list = append(list, d("proxy_buffers", "8", size), d("proxy_buffer_size", size))
	}
	list = append(append(list, gap()), r.proxyHeaders()...)
	if r.era.from("16.1.3") {
		list = append(list, d("proxy_http_version", "1.1"))
	}
	return append(list, gap(), d("proxy_pass", "http://"+r.upstream()))
}

// proxyHeaders are the site's own from 8.11, fixed ones before.
func (r *eraRenderer) proxyHeaders() []*Directive {
	headers := r.Proxy.Headers
	if headers == nil || !r.era.from("8.11") {
		headers = r.standardHeaders()
	}
	list := make([]*Directive, len(headers))
	for i, h := range headers {
		list[i] = d("proxy_set_header", h.Name, h.Value)
	}
	return list
}

func (r *eraRenderer) standardHeaders() []Header {
	scheme, client, chain := "http", "$remote_addr", "$proxy_add_x_forwarded_for"
	if r.https {
		scheme = "https"
	}
	if !r.era.from("8.0") {
		scheme = "$scheme"
	}
	if r.ProxyProtocol && r.era.from("14.7") {
		client, chain = "$proxy_protocol_addr", "$proxy_protocol_addr"
	}
	list := []Header{{"Host", "$http_host"}, {"X-Real-IP", client}, {"X-Forwarded-For", chain},
		{"X-Forwarded-Proto", scheme}, {"X-Frame-Options", "SAMEORIGIN"}}
	if r.era.from("8.0") {
		list = append(list, Header{"Upgrade", "$http_upgrade"}, Header{"Connection", "$connection_upgrade"})
	}
	if r.https {
		list = append(list, Header{"X-Forwarded-Ssl", "on"})
	}
	return list
}
