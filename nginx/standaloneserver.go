package nginx

import (
	"cmp"
	"net"
	"strings"
)

// mainServer is the server in front of Mattermost.
func (r *standalone) mainServer() []*Directive {
	var list []*Directive
	if r.TLS != nil {
		flags := []string{"ssl"}
		if r.http2() && !r.target.http2Directive() && r.target.http2Flag() {
			flags = append(flags, "http2")
		}
		list = r.listen(r.port(), flags...)
		if r.quic() {
			list = append(list, r.listen(r.port(), "quic", "reuseport")...)
		}
	} else {
		list = r.listen(r.port())
	}
	list = append(list, r.serverName(), d("server_tokens", "off"))
	if r.TLS != nil {
		list = append(append(list, gap()), r.tls()...)
	}
	if ip := realIP(r.realIP()); len(ip) > 0 {
		list = append(append(list, gap()), ip...)
	}
	if headers := r.responseHeaders(); len(headers) > 0 {
		list = append(append(list, gap()), headers...)
	}
	list = append(append(list, gap()), r.logs()...)
	list = append(append(list, gap()), r.limits()...)
	list = append(append(list, gap()), r.locations()...)
	if r.Calls != nil {
		list = append(list, gap(), heading(r.callsNote()))
	}
	if r.Custom != "" {
		list = append(list, gap(), &Directive{Raw: r.Custom})
	}
	return list
}

func (r *standalone) http2() bool { return !r.TLS.NoHTTP2 && !r.target.NoHTTP2 }

func (r *standalone) quic() bool { return r.HTTP3 && r.target.http3() }

// realIP fills in what a trusted list alone means.
func (r *standalone) realIP() RealIP {
	ip := r.RealIP
	if len(ip.From) > 0 && ip.Header == "" {
		ip.Header = "X-Forwarded-For"
		if r.ProxyProtocol {
			ip.Header = "proxy_protocol"
		}
	}
	return ip
}

func (r *standalone) tls() []*Directive {
	t, p := r.TLS, r.policy()
	var list []*Directive
	if r.http2() && r.target.http2Directive() {
		list = append(list, d("http2", "on"))
	}
	if r.HTTP3 && !r.quic() {
		list = append(list, heading("HTTP/3 was asked for; this nginx is not built with it."))
	}
	list = append(list, d("ssl_certificate", t.Certificate), d("ssl_certificate_key", t.Key))
	if t.PasswordFile != "" {
		list = append(list, d("ssl_password_file", t.PasswordFile))
	}
	list = append(list, clientCertificate(t)...)
	list = append(list, d("ssl_protocols", r.protocols(p)...))
	if p.Ciphers != "" {
		list = append(list, d("ssl_ciphers", p.Ciphers))
	}
	list = append(list, d("ssl_prefer_server_ciphers", cmp.Or(p.PreferServerCiphers, "off")))
	if curves := r.curves(p); len(curves) > 0 {
		list = append(list, d("ssl_ecdh_curve", joinCurves(curves)))
	}
	if t.DHParam != "" {
		list = append(list, d("ssl_dhparam", t.DHParam))
	}
	list = append(list, d("ssl_session_cache", orList(p.SessionCache, []string{"shared:MattermostTLS:10m"})...),
		d("ssl_session_timeout", cmp.Or(p.SessionTimeout, "1d")))
	if !atLeast(r.target.Nginx, "1.23.2") {
		list = append(list, d("ssl_session_tickets", "off").
			note("Before 1.23.2 nginx never changes the key that protects tickets."))
	}
	if len(t.ConfCommands) > 0 && (r.target.Nginx == "" || atLeast(r.target.Nginx, "1.19.4")) {
		list = append(list, confCommands(t)...)
	}
	return append(list, r.stapling()...)
}

func (r *standalone) stapling() []*Directive {
	if !r.TLS.Stapling {
		return nil
	}
	if strings.HasPrefix(r.TLS.Certificate, "/etc/letsencrypt/") {
		return []*Directive{heading("No OCSP stapling: Let's Encrypt ended its OCSP service in 2025.")}
	}
	return []*Directive{d("ssl_stapling", "on"), d("ssl_stapling_verify", "on")}
}

// protocols leaves out what the target cannot speak.
func (r *standalone) protocols(p Policy) []string {
	var list []string
	for _, v := range orList(p.Protocols, []string{"TLSv1.2", "TLSv1.3"}) {
		if v != "TLSv1.3" || r.target.tls13() {
			list = append(list, v)
		}
	}
	return orList(list, []string{"TLSv1.2"})
}

func (r *standalone) curves(p Policy) []string {
	var list []string
	for _, c := range p.Curves {
		if r.target.curve(c) {
			list = append(list, c)
		}
	}
	return list
}

// responseHeaders are sent with every answer, errors too ("always").
func (r *standalone) responseHeaders() []*Directive {
	var list []*Directive
	if r.HSTS.MaxAge > 0 && r.TLS != nil {
		value := "max-age=" + itoa(r.HSTS.MaxAge)
		if r.HSTS.IncludeSubDomains {
			value += "; includeSubDomains"
		}
		list = append(list, d("add_header", "Strict-Transport-Security", value, "always"))
	}
	if r.quic() {
		list = append(list, d("add_header", "Alt-Svc", `h3=":`+itoa(cmp.Or(r.Port, r.port()))+`"; ma=86400`, "always"))
	}
	for _, h := range r.Headers {
		list = append(list, d("add_header", h.Name, h.Value, "always"))
	}
	return list
}

// limits are sizes, timeouts and everything else that holds for all locations.
func (r *standalone) limits() []*Directive {
	list := []*Directive{
		d("client_max_body_size", cmp.Or(r.MaxBody, maxBody)).note("Above Mattermost's own MaxFileSize, which then gives the answer the user sees."),
		d("client_body_timeout", "60s"), d("send_timeout", "300s"), d("lingering_timeout", "5s"),
	}
	if r.Limit != nil {
		list = append(list, d("limit_req", "zone="+r.name, "burst="+itoa(cmp.Or(r.Limit.Burst, limitBurst)), "nodelay").
			note("One page load of a busy team makes well over a hundred requests at once."),
			d("limit_req_status", "429"))
	}
	if r.TLS != nil {
		list = append(list, d("gzip", "off").note("Compressed secrets can be guessed from their size over TLS (BREACH)."))
	}
	list = append(list, gap(),
		d("proxy_cache", "off").note("Whatever cache nginx.conf switches on for other sites."),
		d("proxy_http_version", "1.1"), d("proxy_redirect", "off"),
		d("proxy_connect_timeout", cmp.Or(r.Proxy.ConnectTimeout, connectTimeout)),
		d("proxy_send_timeout", "300s"),
		r.readTimeout())
	if size := r.Proxy.BufferSize; size != "" {
		list = append(list, d("proxy_buffers", "8", size), d("proxy_buffer_size", size))
	} else {
		list = append(list, d("proxy_buffers", "256", "16k"), d("proxy_buffer_size", "16k"))
	}
	if len(r.Upstream.Addresses) > 1 {
		list = append(list, d("proxy_next_upstream", "error", "timeout").note("Another node is asked as long as this one has not taken the request."),
			d("proxy_next_upstream_tries", itoa(min(len(r.Upstream.Addresses), 3))))
	}
	list = append(list, gap())
	for _, h := range r.proxyHeaders() {
		list = append(list, d("proxy_set_header", h.Name, h.Value))
	}
	return list
}

func (r *standalone) readTimeout() *Directive {
	if t := r.Proxy.ReadTimeout; t != "" {
		return d("proxy_read_timeout", t)
	}
	return d("proxy_read_timeout", readTimeout).note("Exports, imports and some plugins take minutes to answer.")
}

// proxyHeaders stand at server level: no location has one of its own, so all
// of them inherit the whole set.
func (r *standalone) proxyHeaders() []Header {
	list := r.standardHeaders()
	for _, h := range r.Proxy.Headers {
		at := -1
		for i := range list {
			if strings.EqualFold(list[i].Name, h.Name) {
				at = i
			}
		}
		if at < 0 {
			list = append(list, h)
			continue
		}
		list[at] = h
	}
	return list
}

func (r *standalone) standardHeaders() []Header {
	host, client, chain, scheme := "$http_host", "$remote_addr", "$remote_addr", "$scheme"
	if r.quic() && r.Host != "_" { // HTTP/3 requests carry no Host header
		host = strings.TrimPrefix(r.publicURL(), "https://")
	}
	switch {
	case r.ProxyProtocol:
		client, chain = "$proxy_protocol_addr", "$proxy_protocol_addr"
	case len(r.RealIP.From) > 0:
		chain = "$proxy_add_x_forwarded_for"
	}
	if r.Proxy.TrustForwarded {
		scheme = r.variable + "_scheme"
	}
	return []Header{
		{"Host", host}, {"X-Real-IP", client}, {"X-Forwarded-For", chain}, {"X-Forwarded-Proto", scheme},
		{"Upgrade", "$http_upgrade"}, {"Connection", r.variable + "_connection"},
	}
}

func (r *standalone) locations() []*Directive {
	path := r.Path
	pass := func() *Directive { return d("proxy_pass", "http://"+r.name) }
	quoted := strings.ReplaceAll(path, ".", `\.`)
	ws := []*Directive{d("proxy_read_timeout", cmp.Or(r.Proxy.WebSocketReadTimeout, websocketTimeout)), pass()}
	var list []*Directive
	if r.TLS == nil || r.Redirect == nil {
		list = append(list, r.challenge()...)
	}
	list = append(list, block("location", []string{"~", "^" + quoted + websocketPath}, ws...).
		note("The event stream of every client: silent for long, never to be cut."), gap())
	if r.Focalboard {
		list = append(list, block("location", []string{"~", "^" + quoted + "/plugins/focalboard/ws(/|$)"}, clone(ws)...), gap())
	}
	if r.Assets != nil {
		list = append(list, r.assets(path, pass()), gap())
	}
	if path == "" {
		return append(list, block("location", []string{"/"}, pass()))
	}
	return append(list,
		block("location", []string{"~", "^" + quoted + "(/|$)"}, pass()), gap(),
		block("location", []string{"=", "/"}, d("return", "302", path+"/")), gap(),
		block("location", []string{"/"}, d("return", "404")).note("Only the sub-path belongs to Mattermost."))
}

func (r *standalone) assets(path string, pass *Directive) *Directive {
	list := []*Directive{
		d("proxy_cache", r.name+"_assets"), d("proxy_cache_revalidate", "on"), d("proxy_cache_lock", "on"),
		d("proxy_cache_use_stale", "error", "timeout", "updating"),
	}
	if r.TLS != nil {
		list = append(list, d("gzip", "on").note("Public files hold no secret that their size could give away."),
			d("gzip_types", "text/css", "application/javascript", "text/javascript", "image/svg+xml", "application/json"))
	}
	return block("location", []string{"^~", path + "/static/"}, append(list, pass)...)
}

// callsNote tells which ports the Calls plugin needs besides http.
func (r *standalone) callsNote() string {
	port := itoa(cmp.Or(r.Calls.Port, callsPort))
	text := "Calls: media goes past this server, to UDP and TCP port " + port + " of Mattermost itself;\nopen both in the firewall."
	if r.Calls.Stream && r.callsForwarded() {
		text = "Calls: media goes through the stream block in nginx.conf, UDP and TCP port " + port + "."
	}
	return text
}

// callsForwarded: a stream block on Mattermost's own machine would take the
// port away from the plugin.
func (r *standalone) callsForwarded() bool {
	for _, a := range orList(r.Upstream.Addresses, []string{"127.0.0.1:8065"}) {
		host, _, err := net.SplitHostPort(a)
		ip := net.ParseIP(host)
		if err != nil || host == "localhost" || ip != nil && ip.IsLoopback() {
			return false
		}
	}
	return true
}

// StreamConfig returns the stream block that forwards the ports of the Calls
// plugin to the first Mattermost node, for the main level of nginx.conf. It is
// "" unless Calls.Stream is set and Mattermost runs on another machine: on the
// same one the plugin listens itself. nginx needs its stream module for it.
func StreamConfig(site *Site, target Target) (string, error) {
	if _, err := site.Directives(target); err != nil {
		return "", err
	}
	r := &standalone{Site: site, target: target, name: cmp.Or(site.Upstream.Name, "mattermost")}
	if site.Era != "" || site.Calls == nil || !site.Calls.Stream || !r.callsForwarded() {
		return "", nil
	}
	host, _, _ := net.SplitHostPort(site.Upstream.Addresses[0])
	port := itoa(cmp.Or(site.Calls.Port, callsPort))
	to := net.JoinHostPort(host, port)
	return Format([]*Directive{block("stream", nil,
		block("server", nil, d("listen", port, "udp"), d("proxy_pass", to)),
		block("server", nil, d("listen", port), d("proxy_pass", to)),
	).note("Calls plugin: media ports of Mattermost.")}), nil
}
