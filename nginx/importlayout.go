package nginx

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// asEra tries GitLab's templates, newest first, and returns the site when one
// of them gives exactly this file.
func (im *importer) asEra() *Site {
	if im.site.Upstream.Name != eraUpstream {
		return nil
	}
	changes := EraChanges()
	for i := range changes {
		e, err := parseEra(changes[len(changes)-1-i].From)
		if err != nil {
			continue
		}
		site := im.eraSite(e)
		for _, candidate := range []*Site{site, withCustom(site, im.leftover())} {
			built, err := candidate.Directives(Target{})
			if err != nil {
				continue
			}
			if len(Diff(im.relevant(e), built)) == 0 {
				return candidate
			}
		}
	}
	return nil
}

func withCustom(s *Site, custom string) *Site {
	n := *s
	n.Custom = custom
	return &n
}

// eraSite is what was read, without what an era's template says by itself.
func (im *importer) eraSite(e era) *Site {
	s := *im.site
	s.Era, s.Upstream.Name, s.Upstream.Keepalive = e.v.String(), "", 0
	if s.Upstream.Addresses == nil {
		s.Upstream.Addresses = []string{"127.0.0.1:8065"}
	}
	if s.Log.Dir == "/var/log/gitlab/nginx" {
		s.Log.Dir = ""
	}
	if s.Proxy.WebSocketReadTimeout == s.Proxy.ReadTimeout {
		s.Proxy.WebSocketReadTimeout = ""
	}
	if len(s.Listen) == 1 && s.Listen[0] == "*" {
		s.Listen = nil
	}
	if s.ListenPort == s.Port {
		s.ListenPort = 0
	}
	r := eraRenderer{Site: &s, era: e, https: s.TLS != nil}
	if slices.Equal(s.Proxy.Headers, r.standardHeaders()) {
		s.Proxy.Headers = nil
	}
	return &s
}

// relevant is the file without what GitLab keeps in nginx.conf.
func (im *importer) relevant(e era) []*Directive {
	var out []*Directive
	for _, c := range im.list {
		mapHere := c.Name == "map" && (!im.whole || e.from("8.0") && !e.from("8.15") && c.Arg(0) == "$http_upgrade")
		if c.Name == "server" || c.Name == "upstream" || mapHere {
			out = append(out, c)
		}
	}
	return out
}

// leftover is the text of the server's own directives that were not understood.
func (im *importer) leftover() string {
	var rest []*Directive
	for _, c := range im.main.Block {
		if !im.used[c] {
			rest = append(rest, c)
		}
	}
	return Format(rest)
}

// toStandalone turns what was read into a site of the standalone layout and
// reports what changes with it.
func (im *importer) toStandalone() {
	s := im.site
	im.knownElsewhere()
	if s.Path == "" && im.root == nil {
		im.note(im.main, SeverityWarning, "nginx.no-root-location", "no \"location /\" was found; one for Mattermost is added", "look at the result")
	}
	s.Headers = im.keepHeaders(s.Headers, im.main.Block)
	s.Proxy.Headers = im.keepHeaders(im.ownHeaders(s.Proxy.Headers), im.main.Block)
	if s.TLS == nil {
		s.Redirect = nil
	}
	if s.TLS != nil && s.Port == 443 || s.TLS == nil && s.Port == 80 {
		s.Port = 0
	}
	if s.ListenPort == 443 && s.TLS != nil || s.ListenPort == 80 && s.TLS == nil || s.ListenPort == s.Port {
		s.ListenPort = 0
	}
	if len(s.Listen) == 0 || slices.Contains(s.Listen, "*") && (len(s.Listen) == 1 || slices.Contains(s.Listen, "[::]")) {
		s.Listen = nil
	}
	s.Headers = slices.DeleteFunc(s.Headers, func(h Header) bool { return strings.EqualFold(h.Name, "Alt-Svc") })
	s.Custom = ""
	rest := im.rest()
	if s.Upstream.Name == "mattermost" || s.Upstream.Name == "backend" && !mentions(rest, "backend") {
		s.Upstream.Name = ""
	}
	if len(rest) > 0 {
		s.Custom = Format(rest)
	}
	for _, c := range im.list {
		if !im.used[c] {
			im.note(c, SeverityWarning, "nginx.not-imported", fmt.Sprintf("%s stands outside of the server and is not carried over", short(c)),
				"keep it in nginx.conf if something else needs it")
		} else if c.Name == "upstream" {
			im.inner(c)
		}
	}
}

// mentions tells whether a directive passes requests to the upstream name.
func mentions(list []*Directive, name string) bool {
	found := false
	walk(list, func(c *Directive) { found = found || c.Name == "proxy_pass" && strings.HasSuffix(c.Arg(0), "://"+name) })
	return found
}

// rest collects the server's directives for the custom text: those that the
// model does not know, unless the layout says the same, or something else, by
// itself; nginx refuses most directives that are given twice.
func (im *importer) rest() []*Directive {
	own := map[string]*Directive{}
	rules := directiveRules()
	if built, err := im.site.Directives(Target{}); err == nil {
		if server, err := mainServerOf(built, ""); err == nil {
			for _, c := range server.Block {
				own[identity(c)] = c
			}
		}
	}
	var rest []*Directive
	for _, c := range im.main.Block {
		if im.used[c] {
			im.inner(c)
			continue
		}
		same := own[identity(c)]
		switch v := im.lost(c); {
		case same != nil && len(Diff([]*Directive{c}, []*Directive{same})) == 0:
		case same != nil && (c.HasBlock || !rules[c.Name][0].multi):
			im.note(c, SeverityWarning, "nginx.not-imported", fmt.Sprintf("%s is not carried over, the site has %s", short(c), short(same)),
				"change the site's field if the old value is needed")
		case v != "":
			im.note(c, SeverityWarning, "nginx.not-imported", fmt.Sprintf("%s uses %s, which is not carried over", short(c), v),
				"define the variable in nginx.conf and add the directive to the custom text")
		default:
			rest = append(rest, c)
			im.note(c, SeverityInfo, "nginx.imported-as-is", fmt.Sprintf("%s goes into the custom text as it is", short(c)), "check that it is still wanted")
		}
	}
	return rest
}

// lost returns a variable that a directive uses and that only the old file
// defines.
func (im *importer) lost(c *Directive) string {
	found := ""
	for _, m := range im.list {
		if m.Name != "map" && m.Name != "geo" {
			continue
		}
		name := m.Arg(len(m.Args) - 1)
		walk([]*Directive{c}, func(c *Directive) {
			for _, a := range c.Args {
				if found == "" && usesVariable(a, name) {
					found = name
				}
			}
		})
	}
	return found
}

// usesVariable: "$a" is in "x$a;" and not in "$ab".
func usesVariable(text, name string) bool {
	if len(name) < 2 {
		return false
	}
	for {
		i := strings.Index(text, name)
		if i < 0 {
			return strings.Contains(text, "${"+name[1:]+"}")
		}
		text = text[i+len(name):]
		if text == "" || !isAlnum(text[0]) && text[0] != '_' {
			return true
		}
	}
}

// inner reports what is left over inside an understood block.
func (im *importer) inner(block *Directive) {
	for _, c := range block.Block {
		if im.used[c] || im.sameAnyway(c) {
			continue
		}
		im.note(c, SeverityWarning, "nginx.not-imported", fmt.Sprintf("%s in %s is not carried over", short(c), strings.TrimSuffix(short(block), " { … }")),
			"add it to the site's custom text if it is needed")
	}
}

func (im *importer) note(c *Directive, severity, id, message, fix string) {
	im.findings = append(im.findings, Finding{ID: id, Severity: severity, Where: position(c), Message: message, Fix: fix})
}

// sameAnyway: the standalone layout writes this by itself, or something that
// serves the same purpose.
func (im *importer) sameAnyway(c *Directive) bool {
	switch c.Name {
	case "proxy_http_version", "proxy_redirect", "proxy_buffers", "proxy_buffer_size", "client_body_timeout", "send_timeout",
		"lingering_timeout", "proxy_send_timeout", "proxy_connect_timeout", "proxy_read_timeout", "client_max_body_size", "gzip":
		return true
	}
	return false
}

// keepHeaders drops headers whose value uses a variable that is lost.
func (im *importer) keepHeaders(headers []Header, block []*Directive) []Header {
	var keep []Header
	for _, h := range headers {
		dir := d("header", h.Value)
		v := im.lost(dir)
		if v == "" {
			keep = append(keep, h)
			continue
		}
		walk(block, func(c *Directive) {
			if c.Arg(0) == h.Name && c.Arg(1) == h.Value {
				dir = c
			}
		})
		im.note(dir, SeverityWarning, "nginx.not-imported", fmt.Sprintf("header %s uses %s, which is not carried over", h.Name, v),
			"define the variable in nginx.conf and add the header to the site")
	}
	return keep
}

// ownHeaders drops the headers that the layout sends itself and keeps what
// somebody changed or added.
func (im *importer) ownHeaders(headers []Header) []Header {
	standard := map[string][]string{
		"host": {"$http_host", "$host", "$http_host:$server_port"}, "x-real-ip": {"$remote_addr", "$proxy_protocol_addr"},
		"x-forwarded-for":   {"$proxy_add_x_forwarded_for", "$remote_addr", "$proxy_protocol_addr"},
		"x-forwarded-proto": {"$scheme", "$mattermost_scheme"}, "upgrade": {"$http_upgrade"},
		"connection":      {"$connection_upgrade", "upgrade", "", "Upgrade"},
		"x-frame-options": {"SAMEORIGIN"}, // as a request header it never reached a browser
	}
	scheme := "http"
	if im.site.TLS != nil {
		scheme = "https"
		standard["x-forwarded-ssl"] = []string{"on"}
	}
	standard["x-forwarded-proto"] = append(standard["x-forwarded-proto"], scheme)
	var own []Header
	for _, h := range headers {
		if !slices.Contains(standard[strings.ToLower(h.Name)], h.Value) {
			own = append(own, h)
		}
	}
	return own
}

// knownElsewhere marks what stands outside of the server and is replaced by
// the layout's own: upgrade maps, log formats, filters, caches.
func (im *importer) knownElsewhere() {
	for _, c := range im.list {
		switch {
		case c.Name == "map" && slices.Contains([]string{"$connection_upgrade"}, c.Arg(1)),
			c.Name == "map" && c.Arg(0) == "$http_upgrade",
			c.Name == "map" && strings.HasPrefix(c.Arg(1), "$mattermost_"):
			im.used[c] = true
		case c.Name == "log_format":
			im.logFormat(c)
		case c.Name == "geo" && strings.HasSuffix(c.Arg(1), "_trusted"), c.Name == "map" && strings.HasSuffix(c.Arg(0), "_trusted:$http_x_forwarded_proto"):
			im.used[c], im.site.Proxy.TrustForwarded = true, true
		case c.Name == "limit_req_zone":
			im.limit(c)
		case c.Name == "server" && c.HasBlock && defaultServer(c):
			im.used[c], im.site.DefaultServer = true, true
			walk(c.Block, func(c *Directive) { im.used[c] = true })
		case c.Name == "proxy_cache_path" && strings.Contains(strings.Join(c.Args, " "), "_assets:"):
			im.used[c], im.site.Assets = true, &Assets{Dir: c.Arg(0)}
			for _, a := range c.Args {
				if size, ok := strings.CutPrefix(a, "max_size="); ok {
					im.site.Assets.MaxSize = size
				}
			}
		case c.Name == "proxy_cache_path" && strings.Contains(strings.Join(c.Args, " "), "mattermost"):
			im.used[c] = true
			im.site.Assets = &Assets{}
			im.note(c, SeverityInfo, "nginx.cache-narrowed",
				"the cache is kept for files under /static/ only", "nothing to do: other answers belong to one user")
		}
	}
	cache := []string{"proxy_cache", "proxy_cache_revalidate", "proxy_cache_min_uses", "proxy_cache_use_stale", "proxy_cache_lock"}
	walk(im.main.Block, func(c *Directive) {
		if slices.Contains(cache, c.Name) && im.site.Assets != nil {
			im.used[c] = true
		}
	})
}

// defaultServer is the standalone layout's server for other names.
func defaultServer(s *Directive) bool {
	rejects := false
	for _, c := range s.Block {
		rejects = rejects || c.Name == "ssl_reject_handshake" || c.Name == "return" && c.Arg(0) == "444"
	}
	return rejects
}

// logFormat keeps the format that the site's access log names.
func (im *importer) logFormat(c *Directive) {
	log := im.main.Find("access_log")
	if len(log) == 0 || log[0].Arg(1) != c.Arg(0) || len(c.Args) < 2 {
		return
	}
	im.used[c] = true
	format := c.Args[1:]
	if escape, ok := strings.CutPrefix(format[0], "escape="); ok {
		format = format[1:]
		if escape != "default" {
			im.site.Log.Escape = escape
		}
	}
	text := strings.Join(format, "")
	if text != standaloneLogFormat && im.lost(d("log_format", text)) == "" {
		im.site.Log.Format = text
	}
}

// limit reads a limit on requests per address with what the server says of it.
func (im *importer) limit(c *Directive) {
	name, l := "", RateLimit{}
	for _, a := range c.Args {
		if zone, ok := strings.CutPrefix(a, "zone="); ok {
			name, _, _ = strings.Cut(zone, ":")
		}
		if rate, ok := strings.CutPrefix(a, "rate="); ok {
			l.PerSecond, _ = strconv.Atoi(strings.TrimSuffix(rate, "r/s"))
		}
	}
	for _, use := range im.main.Find("limit_req") {
		if use.Arg(0) != "zone="+name || l.PerSecond == 0 || c.Arg(0) != "$binary_remote_addr" {
			continue
		}
		if burst, ok := strings.CutPrefix(use.Arg(1), "burst="); ok {
			l.Burst, _ = strconv.Atoi(burst)
		}
		im.used[c], im.used[use], im.site.Limit = true, true, &l
		im.take(im.main.Block, "limit_req_status")
	}
}
