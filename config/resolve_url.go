package config

import (
	"fmt"
	"strings"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
)

const sslDir = "/etc/gitlab/ssl/"

// externalURL checks external_url, as GitLab's own handler does before
// Mattermost's turn, and sets what others read from it.
func (r *resolver) externalURL() {
	set := r.top("external_url")
	if !truthy(set.Value) {
		return
	}
	text, ok := set.Value.(string)
	if !ok {
		r.errorf(r.pos("external_url"), "external_url must be a string; got %s", describe(set.Value))
		return
	}
	u, err := parseRubyURI(text)
	switch {
	case err != nil:
		r.errorf(r.pos("external_url"), "external_url: %s", err)
		return
	case !u.hasHost:
		r.errorf(r.pos("external_url"), "external_url: GitLab external URL must include a schema and FQDN, e.g. http://gitlab.example.com/")
		return
	case u.scheme != "http" && u.scheme != "https":
		r.errorf(r.pos("external_url"), "external_url: Unsupported external URL scheme: %s", u.scheme)
		return
	}
	r.gitlab, r.hasGitLab, r.gitlabText = u, true, strings.TrimSuffix(text, "/")
	from := derived("external_url", "scheme of external_url")
	r.put("gitlab_rails", "gitlab_https", u.scheme == "https", from)
	if u.scheme == "https" {
		from.Rule = "host of external_url"
		r.fill("nginx", "ssl_certificate", sslDir+u.host+".crt", from)
		r.fill("nginx", "ssl_certificate_key", sslDir+u.host+".key", from)
	}
}

// mattermostURL does everything that follows from mattermost_external_url. The
// checks hold even when mattermost['enable'] is false.
func (r *resolver) mattermostURL() {
	const name = "mattermost_external_url"
	set := r.top(name)
	if !truthy(set.Value) {
		return
	}
	if r.value("mattermost", "enable") == nil && !r.isUndecided("mattermost", "enable") {
		r.put("mattermost", "enable", true, derived(name, "on when the URL is set"))
	}
	u, err := parseRubyURI(RubyText(set.Value))
	if err != nil {
		r.errorf(r.pos(name), "%s: %s", name, err)
		return
	}
	if !u.hasHost {
		r.errorf(r.pos(name), "%s: GitLab Mattermost external URL must include a schema and FQDN, e.g. http://mattermost.example.com/", name)
		return
	}
	r.put("mattermost", "host", u.host, derived(name, "host of the URL"))
	if r.siteURLFollows() {
		r.fill("mattermost", "service_site_url", set.Value, derived(name, "the URL as written"))
	}
	if r.hasGitLab {
		r.endpoints()
		r.allowList()
	}
	switch u.scheme {
	case "http", "https":
		r.tls(u)
	default:
		r.errorf(r.pos(name), "%s: Unsupported external URL scheme: %s", name, u.scheme)
	}
	if u.path != "" && u.path != "/" {
		r.errorf(r.pos(name), "%s: Unsupported CI external URL path: %s", name, u.path)
		return
	}
	if u.port != 0 {
		r.put("mattermost", "port", int64(u.port), derived(name, "port of the URL"))
	}
}

// siteURLFollows tells whether the version takes the site URL from the
// external one: 9.0.7 and newer, but not 9.1.0 to 9.1.2.
func (r *resolver) siteURLFollows() bool {
	return r.at >= rel(9, 0, 7) && (r.at < rel(9, 1, 0) || r.at >= rel(9, 1, 3))
}

// endpoints are GitLab's OAuth addresses, each only when unset.
func (r *resolver) endpoints() {
	if r.at < rel(8, 1, 0) {
		return
	}
	user := "/api/v4/user"
	if r.at < rel(9, 5, 0) {
		user = "/api/v3/user"
	}
	for _, e := range [...][2]string{{"gitlab_auth_endpoint", "/oauth/authorize"}, {"gitlab_token_endpoint", "/oauth/token"}, {"gitlab_user_api_endpoint", user}} {
		if !r.isUndecided("mattermost", e[0]) {
			r.fill("mattermost", e[0], r.gitlabText+e[1], derived("external_url", "external_url and "+e[1]))
		}
	}
}

// allowList lets Mattermost call a GitLab on the same machine.
func (r *resolver) allowList() {
	const key = "service_allowed_untrusted_internal_connections"
	if r.at < rel(10, 0, 0) || !r.puma || r.isUndecided("mattermost", key) {
		return
	}
	own := r.get("mattermost", key)
	from := derived("external_url", "a space and the host of external_url, because "+r.webServer()+" runs here")
	switch v := own.Value.(type) {
	case string:
		from.Rule = "the own value, " + from.Rule
		r.put("mattermost", key, v+" "+r.gitlab.host, from)
	case []any:
		r.put("mattermost", key, append(append([]any{}, v...), " "+r.gitlab.host), from)
	default:
		if truthy(v) {
			r.errorf(r.pos("mattermost", key), "mattermost['%s'] must be a string of hosts; got %s", key, describe(v))
			return
		}
		r.put("mattermost", key, " "+r.gitlab.host, from)
	}
}

// tls sets what the scheme decides: service_use_ssl, certificate paths, the
// Let's Encrypt hook and the proxy headers.
func (r *resolver) tls(u rubyURI) {
	https := u.scheme == "https"
	r.put("mattermost", "service_use_ssl", https, derived("mattermost_external_url", "scheme of the URL"))
	if https {
		from := derived("mattermost_external_url", "host of the URL")
		r.fill("mattermost_nginx", "ssl_certificate", sslDir+u.host+".crt", from)
		r.fill("mattermost_nginx", "ssl_certificate_key", sslDir+u.host+".key", from)
		r.letsEncryptHook(u)
	}
	r.proxyHeaders(u.scheme)
}

// proxyHeaders computes mattermost_nginx['proxy_set_headers']: known names keep
// their place, new ones go to the end, nil removes one.
func (r *resolver) proxyHeaders(scheme string) {
	if r.at < rel(8, 11, 0) {
		return // fixed in the template
	}
	own := r.get("mattermost_nginx", "proxy_set_headers")
	user, ok := own.Value.(*gitlabrb.Hash)
	if truthy(own.Value) && !ok {
		r.errorf(r.pos("mattermost_nginx", "proxy_set_headers"), "mattermost_nginx['proxy_set_headers'] must be a hash of header names and values; got %s", describe(own.Value))
		return
	}
	headers, _ := r.catalogueDefault("mattermost_nginx", "proxy_set_headers").(*gitlabrb.Hash)
	if scheme == "https" {
		headers.Set("X-Forwarded-Ssl", "on")
	}
	headers.Set("X-Forwarded-Proto", scheme)
	if r.at >= rel(14, 7, 0) && truthy(r.value("mattermost_nginx", "proxy_protocol")) {
		headers.Set("X-Real-IP", "$proxy_protocol_addr")
		headers.Set("X-Forwarded-For", "$proxy_protocol_addr")
	}
	origin := derived("mattermost_external_url", "default headers for "+scheme)
	if user != nil {
		origin = Origin{Kind: OriginGitLabRB, Where: own.Origin.Where, Rule: fmt.Sprintf("merged over the default headers for %s", scheme)}
		for k, v := range user.All() {
			if v == nil {
				headers.Delete(k)
				continue
			}
			headers.Set(RubyText(k), v)
		}
	}
	r.put("mattermost_nginx", "proxy_set_headers", headers, origin)
	r.headers = true
}
