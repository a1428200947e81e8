package nginx

import (
	"strings"
)

// locations reports locations that are given twice and locations that no
// request reaches because another one takes it.
func (c *checker) locations(server *Directive) {
	list := locationsOf(server)
	seen := map[string]*Directive{}
	for i := range list {
		l := &list[i]
		key := l.kind + " " + l.path
		if l.kind == "^~" { // nginx compares prefixes whatever the modifier
			key = " " + l.path
		}
		if first := seen[key]; first != nil {
			c.add(l.Directive, "nginx.duplicate-location", SeverityError, "merge the two",
				"location %s is given twice, first on line %d", l.path, first.Line)
			continue
		}
		seen[key] = l.Directive
		path := l.sample()
		if path == "" {
			continue
		}
		if got := route(list, path); got != nil && got.Directive != l.Directive && !c.narrower(list, l, got) {
			c.add(l.Directive, "nginx.shadowed", SeverityWarning,
				"make the path of line "+itoa(got.Line)+" narrower, or use \"^~\" here",
				"requests for location %s, for example %s, go to location %s", l.path, clip(path), got.path)
		}
	}
}

// narrower: a plain "/" is meant to give way to everything else, and the
// sample of an open prefix may fall into a longer one by accident.
func (c *checker) narrower(list []locationOf, l, got *locationOf) bool {
	if l.kind == "" && l.path == "/" {
		return true
	}
	// Another sample of the same prefix: shadowed only if that one is too.
	if l.kind == "" || l.kind == "^~" {
		other := route(list, l.path+"q7/z")
		return other == nil || other.Directive == l.Directive
	}
	return false
}

// effective is a directive as seen from a location: its own, or the server's,
// or the http block's when the location has none of that name.
func effective(name string, levels ...[]*Directive) []*Directive {
	for _, level := range levels {
		if own := find(level, name); len(own) > 0 {
			return own
		}
	}
	return nil
}

// mattermost checks what the application needs of a server that proxies to it.
func (c *checker) mattermost(server *Directive, file []*Directive) {
	if http := find(file, "http"); len(http) > 0 {
		file = http[0].Block
	}
	list := locationsOf(server)
	proxies := false
	for _, l := range list {
		if len(l.Find("proxy_pass")) > 0 || len(l.Find("include")) > 0 {
			proxies = true
		}
		c.hiddenHeaders(l, server)
	}
	c.oldTLS(server)
	if !proxies {
		return
	}
	prefix := ""
	for _, l := range list { // a sub-path shows in the websocket location
		if before, _, ok := strings.Cut(strings.TrimPrefix(l.path, "^"), "/api/v"); ok && strings.HasPrefix(before, "/") {
			prefix = strings.ReplaceAll(before, `\`, "")
		}
	}
	ws := route(list, prefix+"/api/v4/websocket")
	if ws == nil || len(ws.Find("proxy_pass")) == 0 {
		return
	}
	c.websocket(ws, server, file)
	c.forwarded(ws, server, file)
	c.bodySize(route(list, prefix+"/api/v4/files"), server, file)
}

func (c *checker) websocket(ws *locationOf, server *Directive, file []*Directive) {
	headers := effective("proxy_set_header", ws.Block, server.Block, file)
	upgrade, connection := "", ""
	for _, h := range headers {
		switch strings.ToLower(h.Arg(0)) {
		case "upgrade":
			upgrade = h.Arg(1)
		case "connection":
			connection = h.Arg(1)
		}
	}
	const fix = `set "proxy_set_header Upgrade $http_upgrade;" and a Connection header of "upgrade" in the location`
	if upgrade == "" || connection == "" || strings.EqualFold(connection, "close") {
		c.add(ws.Directive, "nginx.websocket-upgrade", SeverityError, fix,
			"websockets are not upgraded: location %s sends no Upgrade and Connection headers to Mattermost", ws.path)
	}
	version := effective("proxy_http_version", ws.Block, server.Block, file)
	if (len(version) == 0 && !atLeast(c.target.Nginx, "1.29.7")) || len(version) > 0 && version[0].Arg(0) == "1.0" {
		c.add(ws.Directive, "nginx.websocket-http-version", SeverityWarning, `add "proxy_http_version 1.1;"`,
			"websockets need HTTP/1.1 to Mattermost; nginx before 1.29.7 speaks 1.0 unless told")
	}
	for _, t := range effective("proxy_read_timeout", ws.Block, server.Block, file) {
		if seconds, ok := timeSeconds(t.Arg(0)); ok && seconds < 60 {
			c.add(t, "nginx.websocket-timeout", SeverityWarning, "set it to 60 s or more",
				"a websocket that is silent for %d s is cut; clients ping every 30 s at best", seconds)
		}
	}
}

// timeSeconds reads nginx's simple times: digits with one unit.
func timeSeconds(text string) (int64, bool) {
	units := map[byte]int64{'s': 1, 'm': 60, 'h': 3600, 'd': 86400}
	factor := int64(1)
	if n := len(text); n > 0 {
		if f, ok := units[text[n-1]]; ok {
			text, factor = text[:n-1], f
		}
	}
	if !isDigits(text) || len(text) > 9 {
		return 0, false
	}
	var n int64
	for i := range len(text) {
		n = n*10 + int64(text[i]-'0')
	}
	return n * factor, true
}

func (c *checker) forwarded(ws *locationOf, server *Directive, file []*Directive) {
	host, proto := "", ""
	for _, h := range effective("proxy_set_header", ws.Block, server.Block, file) {
		switch strings.ToLower(h.Arg(0)) {
		case "host":
			host = h.Arg(1)
		case "x-forwarded-proto":
			proto = h.Arg(1)
		}
	}
	if host == "" {
		c.add(ws.Directive, "nginx.host-header", SeverityError, `add "proxy_set_header Host $http_host;"`,
			"Mattermost does not see the name the browser used and refuses websockets as foreign (403)")
	}
	if host == "$host" && c.unusualPort(server) {
		c.add(ws.Directive, "nginx.host-port", SeverityWarning, "use $http_host",
			"$host drops the port of the URL, and Mattermost compares it with the Origin of websockets")
	}
	if proto == "" {
		c.add(ws.Directive, "nginx.forwarded-proto", SeverityWarning, `add "proxy_set_header X-Forwarded-Proto $scheme;"`,
			"Mattermost takes every request for http: secure cookies and OAuth redirects go wrong")
	}
}

func (c *checker) unusualPort(server *Directive) bool {
	for _, l := range server.Find("listen") {
		at := l.Arg(0)
		if i := lastColon(at); i >= 0 && !strings.HasSuffix(at, "]") {
			at = at[i+1:]
		}
		if isDigits(at) && at != "80" && at != "443" {
			return true
		}
	}
	return false
}

func (c *checker) bodySize(l *locationOf, server *Directive, file []*Directive) {
	if l == nil {
		return
	}
	sizes := effective("client_max_body_size", l.Block, server.Block, file)
	if len(sizes) == 0 {
		c.add(l.Directive, "nginx.body-size", SeverityError, `add "client_max_body_size 101m;"`,
			"uploads above nginx's default of 1 MB fail with 413")
		return
	}
	if n, ok := sizeBytes(sizes[0].Arg(0)); ok && n != 0 && n < 100<<20 {
		c.add(sizes[0], "nginx.body-size", SeverityWarning, "set it to Mattermost's MaxFileSize and 1 MB more",
			"%s is below Mattermost's default MaxFileSize of 100 MiB: larger uploads fail with 413", sizes[0].Arg(0))
	}
}

func sizeBytes(text string) (int64, bool) {
	if checkSize(text) != nil || len(text) > 12 {
		return 0, false
	}
	factor := int64(1)
	switch text[len(text)-1] {
	case 'k', 'K':
		factor = 1 << 10
	case 'm', 'M':
		factor = 1 << 20
	case 'g', 'G':
		factor = 1 << 30
	}
	var n int64
	for i := 0; i < len(text) && text[i] >= '0' && text[i] <= '9'; i++ {
		n = n*10 + int64(text[i]-'0')
	}
	return n * factor, true
}

// hiddenHeaders: one add_header in a location switches all of the server's off.
func (c *checker) hiddenHeaders(l locationOf, server *Directive) {
	own, above := l.Find("add_header"), server.Find("add_header")
	if len(own) == 0 {
		return
	}
	have := map[string]bool{}
	for _, h := range own {
		have[strings.ToLower(h.Arg(0))] = true
	}
	for _, h := range above {
		if name := h.Arg(0); !have[strings.ToLower(name)] {
			c.add(own[0], "nginx.hidden-header", SeverityWarning, "repeat it in the location",
				"add_header in location %s switches the server's %s off for it", l.path, name)
		}
	}
}

func (c *checker) oldTLS(server *Directive) {
	for _, p := range server.Find("ssl_protocols") {
		for _, v := range p.Args {
			if v == "SSLv2" || v == "SSLv3" || v == "TLSv1" || v == "TLSv1.1" {
				c.add(p, "nginx.old-tls", SeverityWarning, "allow TLSv1.2 and TLSv1.3 only", "%s is no longer safe", v)
			}
		}
	}
	stapling := server.Find("ssl_stapling")
	if len(stapling) > 0 && strings.EqualFold(stapling[0].Arg(0), "on") {
		for _, cert := range server.Find("ssl_certificate") {
			if strings.HasPrefix(cert.Arg(0), "/etc/letsencrypt/") {
				c.add(stapling[0], "nginx.stapling", SeverityInfo, "remove ssl_stapling and ssl_stapling_verify",
					"Let's Encrypt ended its OCSP service in 2025; stapling only fills the error log")
			}
		}
	}
}
