package nginx

import (
	"cmp"
	"fmt"
	"strings"
)

// Defaults of the standalone layout, each with its reason.
const (
	// Mattermost's own guide: exports, imports and plugins answer late.
	readTimeout = "600s"
	// A Mattermost that runs accepts at once; a busy kernel may take longer.
	connectTimeout = "30s"
	// The web app pings every 30 s, mobile apps sleep: an hour outlives both.
	websocketTimeout = "1h"
	// 100 MiB is Mattermost's default MaxFileSize, 1 MiB the form around it.
	maxBody = "101m"
	// One page load of a busy team makes well over a hundred requests at once.
	limitPerSecond, limitBurst = 50, 200
	// Fewer idle connections would be closed and opened again under load.
	keepalive = 32

	challengeRoot = "/var/www/acme"
	callsPort     = 8443
)

// standalone is this package's own layout, for a host without GitLab.
func (s *Site) standalone(target Target) []*Directive {
	r := &standalone{Site: s, target: target, name: cmp.Or(s.Upstream.Name, "mattermost")}
	r.variable = "$" + strings.Map(func(c rune) rune {
		if c < 0x80 && isAlnum(byte(c)) {
			return c
		}
		return '_'
	}, r.name)
	list := []*Directive{heading(r.title()), gap()}
	list = append(list, r.httpLevel()...)
	list = append(list, gap(), r.upstream(), gap())
	if s.DefaultServer {
		list = append(list, r.defaultServers()...)
	}
	if s.TLS != nil && s.Redirect != nil {
		list = append(list, r.redirectServer(), gap())
	}
	return append(list, block("server", nil, r.mainServer()...))
}

type standalone struct {
	*Site
	target   Target
	name     string // of the upstream
	variable string // prefix of the site's own variables
}

// title tells what the file was written for.
func (r *standalone) title() string {
	text := "Mattermost on " + r.Host
	if r.target.Nginx != "" {
		text += ", written for nginx " + r.target.Nginx
	}
	if r.target.OpenSSL != "" {
		text += " with OpenSSL " + r.target.OpenSSL
	}
	text += "."
	if r.TLS != nil {
		if p := r.policy(); p.Name != "" {
			text += fmt.Sprintf("\nTLS policy: %s, guideline %s.", plain(p.Name), plain(p.Version))
		}
	}
	return text
}

// plain keeps a name from leaving its comment line.
func plain(text string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return '?'
		}
		return c
	}, text)
}

func (r *standalone) policy() Policy {
	if r.TLS.Policy.empty() {
		return Intermediate()
	}
	return r.TLS.Policy
}

// httpLevel is what stands outside of the servers.
func (r *standalone) httpLevel() []*Directive {
	list := []*Directive{
		block("map", []string{"$http_upgrade", r.variable + "_connection"},
			d("default", "upgrade"),
			d("", "")).note("The Connection header for Mattermost: \"upgrade\" for a websocket, none otherwise,\nbecause any other value would end the kept-alive connection."),
	}
	if r.Proxy.TrustForwarded {
		list = append(list, gap())
		list = append(list, r.trustMaps()...)
	}
	if r.Limit != nil {
		rate := itoa(cmp.Or(r.Limit.PerSecond, limitPerSecond)) + "r/s"
		list = append(list, gap(), d("limit_req_zone", "$binary_remote_addr", "zone="+r.name+":10m", "rate="+rate).
			note("10 MB hold the state of about 160,000 addresses."))
	}
	if r.Assets != nil {
		list = append(list, gap(), d("proxy_cache_path", cmp.Or(r.Assets.Dir, "/var/cache/nginx/mattermost"), "levels=1:2",
			"keys_zone="+r.name+"_assets:10m", "max_size="+cmp.Or(r.Assets.MaxSize, "1g"), "inactive=60m", "use_temp_path=off"))
	}
	return append(append(list, gap()), r.logFormat()...)
}

// trustMaps keep the scheme that the browser used, as the proxy in front
// reports it, but only from a proxy that is trusted.
func (r *standalone) trustMaps() []*Directive {
	geo := block("geo", []string{"$realip_remote_addr", r.variable + "_trusted"}, d("default", "0"))
	for _, from := range r.RealIP.From {
		if from != "unix:" {
			geo.Block = append(geo.Block, d(from, "1"))
		}
	}
	return []*Directive{
		geo.note("The scheme the browser used is known to the proxy in front; nobody else is believed."),
		block("map", []string{r.variable + "_trusted:$http_x_forwarded_proto", r.variable + "_scheme"},
			d("default", "$scheme"), d("1:https", "https"), d("1:http", "http")),
	}
}

// standaloneLogFormat is nginx's "combined" without query strings and
// referring pages, which carry tokens (invitations, OAuth codes), and with the
// time that the request took.
const standaloneLogFormat = `$remote_addr - $remote_user [$time_local] "$request_method $uri $server_protocol" $status ` +
	`$body_bytes_sent "-" "$http_user_agent" $request_time`

func (r *standalone) logFormat() []*Directive {
	escape := "escape=" + cmp.Or(r.Log.Escape, "default")
	if r.Log.Format != "" {
		return []*Directive{d("log_format", r.name, escape, r.Log.Format).quoted('\'')}
	}
	return []*Directive{d("log_format", r.name, escape, standaloneLogFormat).quoted('\'').
		note("Query strings and referring pages carry tokens (invitations, OAuth codes) and stay out of the log.")}
}

func (r *standalone) upstream() *Directive {
	addresses := orList(r.Upstream.Addresses, []string{"127.0.0.1:8065"})
	b := block("upstream", []string{r.name})
	several := len(addresses) > 1
	if several {
		b.Block = append(b.Block, d("zone", r.name, "64k").note("All workers share what they know of the nodes."),
			d("least_conn").note("Websockets live long: the node with the fewest connections takes the next."))
	}
	for _, a := range addresses {
		server := d("server", a)
		if several {
			server.Args = append(server.Args, "max_fails=3", "fail_timeout=10s")
		}
		b.Block = append(b.Block, server)
	}
	if n := cmp.Or(r.Upstream.Keepalive, keepalive); n > 0 {
		b.Block = append(b.Block, d("keepalive", itoa(n)))
		if r.target.Nginx == "" || atLeast(r.target.Nginx, "1.15.3") {
			b.Block = append(b.Block, d("keepalive_timeout", "30s").
				note("Shorter than Mattermost's own 60 s, so that it never closes a connection just being used."))
		}
	}
	return b
}

// defaultServers answer for every name that is not the site's.
func (r *standalone) defaultServers() []*Directive {
	var list []*Directive
	if r.TLS == nil || r.Redirect != nil {
		body := append(r.listen(r.httpPort(), "default_server"), d("server_name", "_"), d("return", "444"))
		list = append(list, block("server", nil, body...).note("Requests for other names get no answer."), gap())
	}
	if r.TLS != nil && (r.target.Nginx == "" || atLeast(r.target.Nginx, "1.19.4")) {
		body := append(r.listen(r.port(), "ssl", "default_server"), d("server_name", "_"), d("ssl_reject_handshake", "on"))
		list = append(list, block("server", nil, body...).note("TLS for other names ends before a certificate is shown."), gap())
	}
	return list
}

// port is where the main server listens.
func (r *standalone) port() int {
	if r.TLS != nil {
		return cmp.Or(r.ListenPort, r.Port, 443)
	}
	return cmp.Or(r.ListenPort, r.Port, 80)
}

// httpPort is where plain http is answered.
func (r *standalone) httpPort() int {
	if r.TLS != nil {
		if r.Redirect != nil {
			return cmp.Or(r.Redirect.Port, 80)
		}
		return 80
	}
	return r.port()
}

func (r *standalone) listen(port int, flags ...string) []*Directive {
	addresses := r.Listen
	if addresses == nil {
		addresses = []string{"*", "[::]"}
	}
	if r.ProxyProtocol && !contains(flags, "quic") {
		flags = append(flags, "proxy_protocol")
	}
	var list []*Directive
	for _, a := range addresses {
		at := a + ":" + itoa(port)
		if a == "*" {
			at = itoa(port)
		}
		list = append(list, d("listen", append([]string{at}, flags...)...))
	}
	return list
}

func contains(list []string, s string) bool {
	for _, e := range list {
		if e == s {
			return true
		}
	}
	return false
}

func (r *standalone) serverName() *Directive {
	return d("server_name", append([]string{r.Host}, r.Aliases...)...)
}

// publicURL is scheme and authority, the port only where it is not implied.
func (r *standalone) publicURL() string {
	scheme, implied := "http", 80
	if r.TLS != nil {
		scheme, implied = "https", 443
	}
	host := r.Host
	if host == "_" {
		host = "$host"
	}
	if p := cmp.Or(r.Port, implied); p != implied {
		host += ":" + itoa(p)
	}
	return scheme + "://" + host
}

func (r *standalone) redirectServer() *Directive {
	list := append(r.listen(r.httpPort()), r.serverName(), d("server_tokens", "off"), gap())
	list = append(list, r.logs()...)
	list = append(append(list, gap()), r.challenge()...)
	list = append(list, block("location", []string{"/"}, d("return", "301", r.publicURL()+"$request_uri")))
	return block("server", nil, list...).note("http: everything goes to https.")
}

// challenge serves ACME's http-01 files; "^~" keeps every regular expression
// away from them.
func (r *standalone) challenge() []*Directive {
	if r.ACME == nil {
		return nil
	}
	return []*Directive{
		block("location", []string{"^~", challengePath}, d("root", r.ACME.Root), d("default_type", "text/plain")).
			note("Certificates are issued and renewed through these files."),
		gap(),
	}
}

func (r *standalone) logs() []*Directive {
	dir := cmp.Or(r.Log.Dir, "/var/log/nginx")
	return []*Directive{
		d("access_log", dir+"/"+r.name+"_access.log", r.name, "buffer=64k", "flush=5s").
			note("Lines reach the file within 5 s; one write for many requests."),
		d("error_log", dir+"/"+r.name+"_error.log", cmp.Or(r.Log.ErrorLevel, "error")),
	}
}
