package nginx

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/gitlab-mattermost/sdk/config"
	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
)

// FromGitLab builds the vhost that GitLab's Linux package would have written
// for an installation: every mattermost_nginx[...] key that had an effect, with
// the same effect.
//
// The package pasted each setting into its template. Here each is read as
// nginx would have read it there, must come out as the parameters of its own
// directive, and is quoted again; a value that would end the directive, open a
// block or add a variable is an error that names the setting. Only
// custom_gitlab_mattermost_server_config goes in whole.
//
// The findings are the traps that the settings step into. FromGitLab does not
// look at inst.VHost.Enabled: whether the file is written is the caller's
// question.
func FromGitLab(inst *config.Installation) (*Site, []Finding, error) {
	g := &gitlabReader{inst: inst}
	s := g.site()
	if len(g.errs) > 0 {
		return nil, nil, errors.Join(g.errs...)
	}
	if err := s.Validate(); err != nil {
		return nil, nil, g.inSettings(err)
	}
	return s, g.findings(s), nil
}

// StandaloneFromGitLab builds the vhost for the same installation on a host
// without GitLab: FromGitLab, then ToStandalone with the body size taken from
// Mattermost's MaxFileSize where mattermost['env'] sets it. The findings are
// the differences from what GitLab wrote.
func StandaloneFromGitLab(inst *config.Installation, o StandaloneOptions) (*Site, []Finding, error) {
	site, _, err := FromGitLab(inst)
	if err != nil {
		return nil, nil, err
	}
	if o.MaxFileSize == 0 {
		if env, ok := inst.Mattermost.Get("env").Value.(*gitlabrb.Hash); ok {
			value, _ := env.Get("MM_FILESETTINGS_MAXFILESIZE")
			if n, err := strconv.ParseInt(config.RubyText(value), 10, 64); err == nil && n > 0 && n < 1<<50 {
				o.MaxFileSize = n
			}
		}
	}
	return site.ToStandalone(o)
}

// inSettings names the gitlab.rb settings behind the fields of a Site.
func (g *gitlabReader) inSettings(err error) error {
	setting := map[string]string{
		"MaxBody": "client_max_body_size", "Proxy.ReadTimeout": "proxy_read_timeout",
		"Proxy.ConnectTimeout": "proxy_connect_timeout", "Proxy.BufferSize": "proxy_custom_buffer_size",
		"RealIP.Recursive": "real_ip_recursive", "TLS.Policy.PreferServerCiphers": "ssl_prefer_server_ciphers",
		"TLS.Policy.SessionTimeout": "ssl_session_timeout", "TLS.Certificate": "ssl_certificate",
		"TLS.Key": "ssl_certificate_key", "Listen": "listen_addresses", "Log.Format": "log_format",
		"Custom": "custom_gitlab_mattermost_server_config",
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return err
	}
	var out []error
	for _, e := range joined.Unwrap() {
		var field *FieldError
		if errors.As(e, &field) {
			base, _, _ := strings.Cut(field.Field, "[")
			if name, ok := setting[base]; ok {
				g.fail(name, field.Err)
				continue
			}
		}
		out = append(out, e)
	}
	return errors.Join(append(g.errs, out...)...)
}

// SettingError is a gitlab.rb setting that cannot be written into a vhost.
type SettingError struct {
	Setting string // "mattermost_nginx['ssl_ciphers']"
	Where   string // file:line:col when it comes from gitlab.rb
	Value   string // shortened; "" for headers, which may hold credentials
	Err     error
}

// Error names the place, the setting and its value, and what is wrong.
func (e *SettingError) Error() string {
	where := ""
	if e.Where != "" {
		where = e.Where + ": "
	}
	if e.Value == "" {
		return fmt.Sprintf("%s%s: %v", where, e.Setting, e.Err)
	}
	return fmt.Sprintf("%s%s is %q: %v", where, e.Setting, e.Value, e.Err)
}

// Unwrap gives the cause.
func (e *SettingError) Unwrap() error { return e.Err }

type gitlabReader struct {
	inst *config.Installation
	errs []error
}

func (g *gitlabReader) fail(name string, err error) {
	a := g.inst.Nginx.Get(name)
	e := &SettingError{Setting: "mattermost_nginx['" + name + "']", Err: err}
	if _, isHash := a.Value.(*gitlabrb.Hash); !isHash {
		e.Value = clip(config.RubyText(a.Value))
	}
	if a.Origin.Kind == config.OriginGitLabRB {
		e.Where = a.Origin.Where
	}
	g.errs = append(g.errs, e)
}

// text is a value as the template printed it.
func (g *gitlabReader) text(name string) (string, bool) {
	if u, ok := g.inst.Nginx.Get(name).Value.(gitlabrb.Undecided); ok {
		g.fail(name, errors.New("it cannot be decided without running Ruby: "+u.Why))
		return "", false
	}
	return g.inst.Nginx.Text(name)
}

// words reads text as nginx would at that place of the template.
func (g *gitlabReader) words(name, text string) []string {
	words, err := splitWords(text)
	if err != nil {
		g.fail(name, fmt.Errorf("it does not stay inside its directive: %w; nginx text belongs in custom_gitlab_mattermost_server_config", err))
		return nil
	}
	for _, w := range words {
		if err := checkLiteral(w); err != nil {
			g.fail(name, err)
			return nil
		}
	}
	return words
}

func (g *gitlabReader) single(name string, words []string) string {
	if words == nil {
		return ""
	}
	if len(words) != 1 {
		g.fail(name, fmt.Errorf("nginx would read %d parameters where it wants one", len(words)))
		return ""
	}
	return words[0]
}

// one reads a setting that is one parameter; nil and false give "".
func (g *gitlabReader) one(name string) string {
	text, ok := g.text(name)
	if !ok || !g.inst.Nginx.Truthy(name) {
		return ""
	}
	if strings.TrimSpace(text) == "" {
		g.fail(name, errors.New("it is empty, and nginx refuses the directive without a value"))
		return ""
	}
	return g.single(name, g.words(name, text))
}

// quoted reads a setting that the template put between single quotes.
func (g *gitlabReader) quoted(name string) string {
	text, ok := g.text(name)
	if !ok || !g.inst.Nginx.Truthy(name) {
		return ""
	}
	return g.single(name, g.words(name, "'"+text+"'"))
}

// several reads a setting of one or more parameters in one text.
func (g *gitlabReader) several(name string) []string {
	text, ok := g.text(name)
	if !ok || !g.inst.Nginx.Truthy(name) {
		return nil
	}
	words := g.words(name, text)
	if words != nil && len(words) == 0 {
		g.fail(name, errors.New("it is empty, and nginx refuses the directive without a value"))
	}
	return words
}

// list reads a Ruby array; GitLab stopped with an error on anything else.
func (g *gitlabReader) list(name string) []string {
	if _, ok := g.text(name); !ok {
		return nil
	}
	items, ok := g.inst.Nginx.Get(name).Value.([]any)
	if !ok {
		g.fail(name, errors.New("it must be a list, for example ['*', '[::]']; GitLab stopped with an error here"))
		return nil
	}
	out := []string{}
	for _, item := range items {
		if w := g.single(name, g.words(name, config.RubyText(item))); w != "" {
			out = append(out, w)
		}
	}
	return out
}

// port reads a port number, given as a number or a text.
func (g *gitlabReader) port(name string) int {
	text, ok := g.text(name)
	if !ok || !g.inst.Nginx.Truthy(name) {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 65535 {
		g.fail(name, errors.New("want a port number between 1 and 65535"))
		return 0
	}
	return n
}

func (g *gitlabReader) site() *Site {
	v, n := g.inst.VHost, g.inst.Nginx
	s := &Site{
		Era:           eraOf(g.inst.GitLabVersion),
		Host:          v.Host,
		Port:          v.Port,
		Listen:        g.list("listen_addresses"),
		ListenPort:    g.port("listen_port"),
		ProxyProtocol: n.Truthy("proxy_protocol"),
		MaxBody:       g.one("client_max_body_size"),
		Focalboard:    true,
		Upstream:      Upstream{Addresses: []string{g.address()}},
		Proxy: Proxy{
			Headers:        g.proxyHeaders(),
			ReadTimeout:    g.one("proxy_read_timeout"),
			ConnectTimeout: g.one("proxy_connect_timeout"),
			BufferSize:     g.one("proxy_custom_buffer_size"),
		},
		RealIP: RealIP{
			Header: g.one("real_ip_header"), Recursive: g.one("real_ip_recursive"),
			From: g.list("real_ip_trusted_addresses"),
		},
		Log: Log{
			Dir: g.one("log_directory"), ErrorLevel: g.errorLevel(),
			Format: g.logFormat(), Escape: g.one("log_format_escape"),
		},
		HSTS: g.hsts(),
	}
	if policy := g.one("referrer_policy"); policy != "" {
		s.Headers = []Header{{"Referrer-Policy", policy}}
	}
	if n.Truthy("custom_gitlab_mattermost_server_config") {
		s.Custom, _ = g.text("custom_gitlab_mattermost_server_config")
	}
	if v.HTTPS {
		s.TLS = g.tls()
		if n.Truthy("redirect_http_to_https") {
			s.Redirect = &Redirect{Port: g.port("redirect_http_to_https_port")}
		}
	}
	if v.ACME {
		s.ACME = &ACME{Root: v.WWWRoot}
	}
	return s
}

// eraOf is "18.11" for an installation that does not say.
func eraOf(version string) string {
	if version == "" {
		return "18.11"
	}
	return version
}

func (g *gitlabReader) tls() *TLS {
	t := &TLS{
		Certificate:       g.one("ssl_certificate"),
		Key:               g.one("ssl_certificate_key"),
		ClientCertificate: g.one("ssl_client_certificate"),
		VerifyClient:      g.one("ssl_verify_client"),
		VerifyDepth:       g.one("ssl_verify_depth"),
		PasswordFile:      g.quoted("ssl_password_file"),
		DHParam:           g.one("ssl_dhparam"),
		ConfCommands:      g.confCommands(),
		NoHTTP2:           !g.inst.Nginx.Truthy("http2_enabled"),
		Policy: Policy{
			Name: "gitlab.rb", Version: g.inst.GitLabVersion,
			Protocols:           g.several("ssl_protocols"),
			Ciphers:             g.quoted("ssl_ciphers"),
			PreferServerCiphers: g.one("ssl_prefer_server_ciphers"),
			SessionCache:        g.several("ssl_session_cache"),
			SessionTimeout:      g.one("ssl_session_timeout"),
		},
	}
	if curves := g.one("ssl_ecdh_curve"); curves != "" {
		t.Policy.Curves = strings.Split(curves, ":")
	}
	return t
}

// confCommands accepts a text or a list, as Ruby's Array() did.
func (g *gitlabReader) confCommands() []string {
	const name = "ssl_conf_command"
	if _, ok := g.text(name); !ok {
		return nil
	}
	items, ok := g.inst.Nginx.Get(name).Value.([]any)
	if !ok {
		items = []any{g.inst.Nginx.Get(name).Value}
	}
	var out []string
	for _, item := range items {
		words := g.words(name, config.RubyText(item))
		if words != nil && len(words) != 2 {
			g.fail(name, fmt.Errorf("nginx would read %d parameters where it wants a name and a value", len(words)))
			continue
		}
		if words != nil {
			out = append(out, words[0]+" "+words[1])
		}
	}
	return out
}

// address is service_address:service_port of Mattermost itself.
func (g *gitlabReader) address() string {
	host, _ := g.inst.Mattermost.Text("service_address")
	if e, err := parseEra(eraOf(g.inst.GitLabVersion)); err == nil && !e.from("8.3") {
		host = "127.0.0.1" // the setting did not reach the vhost
	}
	port, _ := g.inst.Mattermost.Text("service_port")
	address := host + ":" + port
	if err := checkName(address, "[]:"); err != nil || host == "" || port == "" {
		if err == nil {
			err = errors.New("want an address and a port")
		}
		g.errs = append(g.errs, &SettingError{
			Setting: "mattermost['service_address'] and ['service_port']", Value: clip(address), Err: err,
		})
	}
	return address
}

// proxyHeaders are the resolved headers; a nil value removed one.
func (g *gitlabReader) proxyHeaders() []Header {
	const name = "proxy_set_headers"
	if _, ok := g.text(name); !ok {
		return nil
	}
	hash, ok := g.inst.Nginx.Get(name).Value.(*gitlabrb.Hash)
	if !ok {
		g.fail(name, errors.New("it must be a hash of header names and values"))
		return nil
	}
	headers := []Header{}
	for key, value := range hash.All() {
		if value == nil {
			continue
		}
		h, err := gitlabHeader(config.RubyText(key), value)
		if err != nil {
			// The value may be a credential for a proxy: it is not shown.
			g.fail(name, fmt.Errorf("header %q: %w", clip(h.Name), err))
			continue
		}
		headers = append(headers, h)
	}
	return headers
}

func gitlabHeader(name string, value any) (Header, error) {
	h := Header{Name: name}
	if u, ok := value.(gitlabrb.Undecided); ok {
		return h, errors.New("its value cannot be decided without running Ruby: " + u.Why)
	}
	words, err := splitWords(config.RubyText(value))
	if err != nil {
		return h, err
	}
	if len(words) != 1 {
		return h, fmt.Errorf("nginx would read %d parameters where it wants one", len(words))
	}
	h.Value = words[0]
	return h, errors.Join(checkText(h.Value), checkHeaderName(h.Name))
}

// hsts: GitLab compared the age with 0, which only a number survives.
func (g *gitlabReader) hsts() HSTS {
	const name = "hsts_max_age"
	h := HSTS{IncludeSubDomains: g.inst.Nginx.Truthy("hsts_include_subdomains")}
	if _, ok := g.text(name); !ok {
		return h
	}
	n, ok := g.inst.Nginx.Get(name).Value.(int64)
	if !ok {
		g.fail(name, errors.New("it must be a number of seconds, without quotes; GitLab stopped with an error here"))
	}
	h.MaxAge = max(n, 0)
	return h
}

// errorLevel may be empty: nginx then takes its own default, error.
func (g *gitlabReader) errorLevel() string {
	if text, _ := g.text("error_log_level"); strings.TrimSpace(text) == "" {
		return ""
	}
	return g.one("error_log_level")
}

// logFormat stood between single quotes; nginx joins what it reads there.
func (g *gitlabReader) logFormat() string {
	text, ok := g.text("log_format")
	if !ok || text == "" {
		return ""
	}
	words, err := splitWords("'" + text + "'")
	if err == nil {
		err = checkText(strings.Join(words, ""))
	}
	if err != nil {
		g.fail("log_format", fmt.Errorf("it does not stay inside its directive: %w", err))
	}
	return strings.Join(words, "")
}

// without are keys that GitLab copied from nginx[...] and never used for the
// Mattermost vhost.
func without() []string {
	return []string{"ha", "worker_processes", "worker_connections", "sendfile", "tcp_nopush", "tcp_nodelay",
		"hide_server_tokens", "gzip", "gzip_http_version", "gzip_comp_level", "gzip_proxied", "gzip_types", "gzip_enabled",
		"keepalive_timeout", "keepalive_time", "cache_max_size", "request_buffering_off_path_regex",
		"ssl_session_tickets", "custom_gitlab_server_config", "custom_nginx_config", "proxy_cache_path", "proxy_cache",
		"server_names_hash_bucket_size", "default_server_enabled", "consul_service_name", "consul_service_meta", "status",
		"https", "fqdn", "port", "service_port", "service_address", "letsencrypt_enable"}
}

// findings are the traps of GitLab's template that these settings meet.
func (g *gitlabReader) findings(s *Site) []Finding {
	list := s.eraFindings()
	for name, a := range g.inst.Nginx.All() {
		if a.Origin.Kind == config.OriginGitLabRB && slices.Contains(without(), name) {
			list = append(list, Finding{
				ID: "nginx.no-effect", Severity: SeverityWarning, Where: a.Origin.Where,
				Message: fmt.Sprintf("mattermost_nginx['%s'] never had an effect on the Mattermost vhost", name),
				Fix:     "remove it, or write the directive into mattermost_nginx['custom_gitlab_mattermost_server_config']",
			})
		}
	}
	if !g.inst.VHost.HTTPS && g.inst.Nginx.Truthy("redirect_http_to_https") {
		list = append(list, Finding{
			ID: "nginx.redirect-without-https", Severity: SeverityWarning, Where: "mattermost_nginx['redirect_http_to_https']",
			Message: "the redirect is written only for a vhost that listens with TLS; this one does not",
			Fix:     "use an https mattermost_external_url, or remove the setting",
		})
	}
	if _, port, err := net.SplitHostPort(s.Upstream.Addresses[0]); err != nil || port == "" {
		list = append(list, Finding{
			ID: "nginx.upstream-address", Severity: SeverityError, Where: "mattermost['service_address']",
			Message: fmt.Sprintf("nginx cannot read the upstream address %q", s.Upstream.Addresses[0]),
			Fix:     "write an IPv6 address in brackets: '[::1]'",
		})
	}
	return list
}
