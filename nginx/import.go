package nginx

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Import reads an existing vhost into a Site: GitLab's own of every era, the
// ones that Mattermost's documentation and mattermost/docker give, and what
// people made of them. list is what Parse or Load returned, of the vhost or of
// a whole nginx.conf. host picks one site of several by its name; "" is the
// only one there is.
//
// A file that an Era's template reproduces without any difference (as Diff
// sees it) becomes a Site of that Era, the newest one that fits. Everything
// else becomes a Site of the standalone layout, in two steps: what the model
// knows goes into its fields; directives and locations of the server that it
// does not know go into Custom as they are. The findings name, with their
// lines, what went into Custom and what was not carried over at all.
func Import(list []*Directive, host string) (*Site, []Finding, error) {
	whole := false
	for _, dir := range list {
		if dir.Name == "http" && dir.HasBlock {
			list, whole = dir.Block, true
			break
		}
	}
	main, err := mainServerOf(list, host)
	if err != nil {
		return nil, nil, err
	}
	im := &importer{list: list, whole: whole, main: main, used: map[*Directive]bool{main: true}, site: &Site{}}
	im.read()
	if era := im.asEra(); era != nil {
		return era, nil, nil
	}
	im.toStandalone()
	if err := im.site.Validate(); err != nil {
		return nil, nil, fmt.Errorf("import the vhost: %w", err)
	}
	return im.site, im.findings, nil
}

// mainServerOf finds the server that proxies to Mattermost.
func mainServerOf(list []*Directive, host string) (*Directive, error) {
	var found []*Directive
	var names []string
	for _, s := range serversOf(list) {
		proxies := false
		walk(s.Block, func(c *Directive) { proxies = proxies || c.Name == "proxy_pass" })
		name := ""
		if n := s.Find("server_name"); len(n) > 0 {
			name = n[0].Arg(0)
		}
		if proxies && (host == "" || name == host) {
			found, names = append(found, s), append(names, name)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) == 0 && host != "":
		return nil, fmt.Errorf("import the vhost: no server named %q passes requests on", clip(host))
	case len(found) == 0:
		return nil, errors.New("import the vhost: no server passes requests on (proxy_pass)")
	}
	for i, s := range found { // http and https of the same name: https is the site
		if isTLS(s) && !slices.ContainsFunc(slices.Delete(slices.Clone(found), i, i+1), isTLS) && allSame(names) {
			return s, nil
		}
	}
	return nil, fmt.Errorf("import the vhost: several servers pass requests on (%s); choose one by its name", strings.Join(names, ", "))
}

func allSame(list []string) bool {
	for _, s := range list {
		if s != list[0] {
			return false
		}
	}
	return true
}

func isTLS(s *Directive) bool {
	for _, l := range s.Find("listen") {
		if slices.Contains(l.Args, "ssl") {
			return true
		}
	}
	return len(s.Find("ssl_certificate")) > 0
}

type importer struct {
	list     []*Directive
	whole    bool // a whole nginx.conf, of which list is the http block
	main     *Directive
	used     map[*Directive]bool
	site     *Site
	root, ws *Directive // locations, nil when missing
	findings []Finding
}

// take returns the first argument of a directive and marks it as understood.
func (im *importer) take(block []*Directive, name string) string {
	for _, c := range find(block, name) {
		im.used[c] = true
		return c.Arg(0)
	}
	return ""
}

func (im *importer) takeArgs(block []*Directive, name string) []string {
	for _, c := range find(block, name) {
		im.used[c] = true
		return c.Args
	}
	return nil
}

func (im *importer) read() {
	im.names()
	im.listen()
	im.tls()
	im.upstream()
	im.locations()
	im.redirect()
	s, b := im.site, im.main.Block
	s.RealIP.Header, s.RealIP.Recursive = im.take(b, "real_ip_header"), im.take(b, "real_ip_recursive")
	for _, c := range find(b, "set_real_ip_from") {
		im.used[c] = true
		s.RealIP.From = append(s.RealIP.From, c.Arg(0))
	}
	im.responseHeaders()
	im.logs()
	im.take(b, "server_tokens")
}

func (im *importer) names() {
	names := im.takeArgs(im.main.Block, "server_name")
	if len(names) > 0 {
		im.site.Host, im.site.Aliases = names[0], names[1:]
	}
	if len(im.site.Aliases) == 0 {
		im.site.Aliases = nil
	}
}

func (im *importer) listen() {
	s := im.site
	seen := map[string]bool{}
	for _, c := range im.main.Find("listen") {
		at, port := splitListen(c.Arg(0), isTLS(im.main))
		s.ListenPort = cmp.Or(s.ListenPort, port)
		s.ProxyProtocol = s.ProxyProtocol || slices.Contains(c.Args, "proxy_protocol")
		s.HTTP3 = s.HTTP3 || slices.Contains(c.Args, "quic")
		if port == s.ListenPort && port != 0 {
			im.used[c] = true
			if !seen[at] {
				s.Listen = append(s.Listen, at)
			}
			seen[at] = true
		}
	}
	s.Port = s.ListenPort
	if len(im.main.Find("listen")) == 0 { // nginx then listens on port 80
		s.Listen, s.Port = []string{}, 80
	}
}

// splitListen reads "80", "*:80", "[::]:443", "127.0.0.1".
func splitListen(at string, tls bool) (address string, port int) {
	if isDigits(at) {
		n, _ := strconv.Atoi(at)
		return "*", n
	}
	i := lastColon(at)
	if i < 0 || strings.HasSuffix(at, "]") {
		if tls {
			return at, 443
		}
		return at, 80
	}
	n, _ := strconv.Atoi(at[i+1:])
	return at[:i], n
}

func (im *importer) tls() {
	if !isTLS(im.main) {
		return
	}
	b := im.main.Block
	t := &TLS{
		Certificate: im.take(b, "ssl_certificate"), Key: im.take(b, "ssl_certificate_key"),
		ClientCertificate: im.take(b, "ssl_client_certificate"), VerifyClient: im.take(b, "ssl_verify_client"),
		VerifyDepth: im.take(b, "ssl_verify_depth"), PasswordFile: im.take(b, "ssl_password_file"),
		DHParam: im.take(b, "ssl_dhparam"), NoHTTP2: !im.http2(),
	}
	t.Policy = Policy{
		Name: "as found", Protocols: im.takeArgs(b, "ssl_protocols"), Ciphers: im.take(b, "ssl_ciphers"),
		PreferServerCiphers: im.take(b, "ssl_prefer_server_ciphers"),
		SessionCache:        im.takeArgs(b, "ssl_session_cache"), SessionTimeout: im.take(b, "ssl_session_timeout"),
	}
	if t.Policy.empty() {
		t.Policy = Policy{}
	}
	if curves := im.take(b, "ssl_ecdh_curve"); curves != "" {
		t.Policy.Curves = strings.Split(curves, ":")
	}
	for _, c := range find(b, "ssl_conf_command") {
		im.used[c] = true
		t.ConfCommands = append(t.ConfCommands, c.Arg(0)+" "+c.Arg(1))
	}
	im.take(b, "ssl") // "ssl on" says what the listen line says
	im.site.TLS = t
}

func (im *importer) http2() bool {
	on := strings.EqualFold(im.take(im.main.Block, "http2"), "on")
	for _, c := range im.main.Find("listen") {
		on = on || slices.Contains(c.Args, "http2")
	}
	return on
}

// upstream follows proxy_pass to its servers.
func (im *importer) upstream() {
	target := ""
	walk(im.main.Block, func(c *Directive) {
		if c.Name == "proxy_pass" && target == "" {
			target = c.Arg(0)
		}
	})
	name := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(target, "http://"), "https://"), "/")
	im.site.Upstream = Upstream{Addresses: []string{name}}
	for _, u := range find(im.list, "upstream") {
		if u.Arg(0) != name {
			continue
		}
		im.used[u] = true
		im.site.Upstream = Upstream{Name: name, Keepalive: -1}
		for _, c := range u.Block {
			switch c.Name {
			case "server":
				im.used[c] = !slices.ContainsFunc(c.Args[1:], func(a string) bool {
					return !strings.HasPrefix(a, "max_fails=") && !strings.HasPrefix(a, "fail_timeout=")
				})
				im.site.Upstream.Addresses = append(im.site.Upstream.Addresses, c.Arg(0))
			case "keepalive":
				im.used[c] = true
				im.site.Upstream.Keepalive, _ = strconv.Atoi(c.Arg(0))
			case "zone", "least_conn", "keepalive_timeout":
				im.used[c] = true // the standalone layout decides on these
			}
		}
	}
}

func (im *importer) locations() {
	for _, l := range locationsOf(im.main) {
		switch {
		case strings.Contains(l.path, "websocket"):
			im.ws, im.used[l.Directive] = l.Directive, true
			if before, _, ok := strings.Cut(strings.TrimPrefix(l.path, "^"), "/api/v"); ok {
				im.site.Path = strings.ReplaceAll(before, `\`, "")
			}
		case strings.Contains(l.path, "focalboard/ws"):
			im.site.Focalboard, im.used[l.Directive] = true, true
			walk(l.Block, func(c *Directive) { im.used[c] = true })
		case strings.HasPrefix(l.path, "/.well-known"):
			im.challenge(l.Directive)
		case l.path == "/" && l.kind == "" && len(l.Find("proxy_pass")) > 0, im.subPathRoot(l):
			im.root, im.used[l.Directive] = l.Directive, true
		}
	}
	var root, ws []*Directive
	if im.root != nil {
		root = im.root.Block
	}
	if im.ws != nil {
		ws = im.ws.Block
	}
	s, server := im.site, im.main.Block
	s.MaxBody = cmp.Or(im.take(root, "client_max_body_size"), im.take(server, "client_max_body_size"))
	im.take(ws, "client_max_body_size")
	im.take(server, "client_max_body_size")
	p := &s.Proxy
	p.ReadTimeout = cmp.Or(im.take(root, "proxy_read_timeout"), im.take(server, "proxy_read_timeout"))
	p.ConnectTimeout = cmp.Or(im.take(root, "proxy_connect_timeout"), im.take(server, "proxy_connect_timeout"))
	p.WebSocketReadTimeout = im.take(ws, "proxy_read_timeout")
	for _, level := range [][]*Directive{root, server} {
		if b := find(level, "proxy_buffers"); len(b) == 1 && b[0].Arg(0) == "8" {
			p.BufferSize = b[0].Arg(1)
			im.used[b[0]] = true
			im.take(level, "proxy_buffer_size")
		}
	}
	headers := find(root, "proxy_set_header")
	if len(headers) == 0 {
		headers = find(server, "proxy_set_header")
	}
	for _, h := range headers {
		im.used[h] = true
		p.Headers = append(p.Headers, Header{h.Arg(0), h.Arg(1)})
	}
	for _, h := range find(ws, "proxy_set_header") {
		im.used[h] = true
	}
	im.take(root, "proxy_pass")
	im.take(ws, "proxy_pass")
}

// subPathRoot is the standalone layout's location of a sub-path.
func (im *importer) subPathRoot(l locationOf) bool {
	return im.site.Path != "" && l.path == "^"+strings.ReplaceAll(im.site.Path, ".", `\.`)+"(/|$)"
}

func (im *importer) challenge(l *Directive) {
	root := l.Find("root")
	if len(root) == 0 {
		return
	}
	im.site.ACME = &ACME{Root: root[0].Arg(0)}
	im.used[l] = true
	for _, c := range l.Block {
		switch c.Name {
		case "root", "default_type", "allow":
			im.used[c] = true
		}
	}
}

// redirect recognizes an http server that only sends to https.
func (im *importer) redirect() {
	for _, s := range serversOf(im.list) {
		if s == im.main || isTLS(s) || !isTLS(im.main) {
			continue
		}
		var to string
		walk(s.Block, func(c *Directive) {
			if c.Name == "return" && strings.HasPrefix(c.Arg(1), "https://") {
				to = c.Arg(1)
			}
		})
		if to == "" {
			continue
		}
		im.site.Redirect = &Redirect{}
		for _, l := range s.Find("listen") {
			if _, port := splitListen(l.Arg(0), false); port != 0 && port != 80 {
				im.site.Redirect.Port = port
			}
		}
		// The port that the redirect names is the public one.
		rest := strings.TrimSuffix(strings.TrimPrefix(to, "https://"), "$request_uri")
		if i := lastColon(rest); i >= 0 && isDigits(rest[i+1:]) {
			im.site.Port, _ = strconv.Atoi(rest[i+1:])
		}
		for _, l := range locationsOf(s) {
			if strings.HasPrefix(l.path, "/.well-known") {
				im.challenge(l.Directive)
			}
		}
		im.used[s] = true
		walk(s.Block, func(c *Directive) { im.used[c] = true })
	}
}

func (im *importer) responseHeaders() {
	for _, h := range im.main.Find("add_header") {
		im.used[h] = true
		if strings.EqualFold(h.Arg(0), "Strict-Transport-Security") {
			for part := range strings.SplitSeq(h.Arg(1), ";") {
				part = strings.TrimSpace(part)
				if age, ok := strings.CutPrefix(part, "max-age="); ok {
					im.site.HSTS.MaxAge, _ = strconv.ParseInt(age, 10, 64)
				}
				if strings.EqualFold(part, "includeSubDomains") {
					im.site.HSTS.IncludeSubDomains = true
				}
			}
			continue
		}
		im.site.Headers = append(im.site.Headers, Header{h.Arg(0), h.Arg(1)})
	}
}

func (im *importer) logs() {
	access := im.takeArgs(im.main.Block, "access_log")
	if len(access) > 0 && access[0] != "off" {
		im.site.Log.Dir = path.Dir(access[0])
	}
	if errs := im.takeArgs(im.main.Block, "error_log"); len(errs) > 1 {
		im.site.Log.ErrorLevel = errs[1]
	}
}
