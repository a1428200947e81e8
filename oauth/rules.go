package oauth

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// oobURIs are the two redirect "URIs" without an address that GitLab's OAuth
// library lets pass for programs without a browser.
var oobURIs = [...]string{"urn:ietf:wg:oauth:2.0:oob", "urn:ietf:wg:oauth:2.0:oob:auto"}

// CheckRedirectURI applies the rules of GitLab's application model to one
// redirect URI, in this order: it parses; it has no fragment; its scheme is not
// data, vbscript or javascript; it has a scheme and is not opaque
// ("localhost:8065" is refused); http and https have a host. http and custom
// schemes are allowed, as in GitLab.
//
// Beyond GitLab it refuses white space, control characters and a user name,
// which GitLab would store as two entries or accept as a trap.
func CheckRedirectURI(uri string) error {
	fail := func(why string) error { return fmt.Errorf("redirect URI %q: %s", shorten(uri), why) }
	if slices.Contains(oobURIs[:], uri) {
		return nil
	}
	switch {
	case uri == "":
		return fail("is empty")
	case len(uri) > maxURL:
		return fail("is too long")
	case strings.IndexFunc(uri, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' }) >= 0:
		return fail("contains a blank, a control character or a backslash")
	}
	u, err := url.Parse(uri)
	if err != nil {
		return fail("must be a valid URI")
	}
	scheme := strings.ToLower(u.Scheme)
	switch {
	case u.Fragment != "" || strings.Contains(uri, "#"):
		return fail("cannot contain a fragment")
	case slices.Contains([]string{"data", "vbscript", "javascript"}, scheme):
		return fail("is forbidden by the server")
	case scheme == "" || u.Opaque != "":
		return fail("must specify a scheme followed by //")
	case (scheme == "http" || scheme == "https") && u.Hostname() == "":
		return fail("must have a host")
	case u.User != nil:
		return fmt.Errorf("redirect URI with a user name: must not hold one")
	}
	return nil
}

// MatchRedirectURI reports whether GitLab accepts the requested redirect URI
// for an application: equal as text to one entry, except that the order of
// query parameters does not count and that the port of a loopback address
// (not the name localhost) may differ. There is no tolerance for a trailing
// slash, for upper case or for a prefix.
func MatchRedirectURI(registered []string, requested string) bool {
	for _, r := range registered {
		if r == requested || sameButOrder(r, requested) {
			return true
		}
	}
	return false
}

func sameButOrder(a, b string) bool {
	x, errX := url.Parse(a)
	y, errY := url.Parse(b)
	// url.Parse folds the scheme's case, GitLab does not.
	if errX != nil || errY != nil || !strings.HasPrefix(b, a[:len(x.Scheme)]+":") || x.EscapedPath() != y.EscapedPath() || x.Opaque != y.Opaque || y.Fragment != "" {
		return false
	}
	if x.Host != y.Host && (!loopbackIP(x.Hostname()) || x.Hostname() != y.Hostname()) {
		return false
	}
	p, q := strings.Split(x.RawQuery, "&"), strings.Split(y.RawQuery, "&")
	slices.Sort(p)
	slices.Sort(q)
	return slices.Equal(p, q)
}

func loopbackIP(host string) bool {
	return host == "::1" || strings.HasPrefix(host, "127.") && strings.Count(host, ".") == 3 &&
		strings.Trim(host, "0123456789.") == ""
}

// serverScopes are the scopes that GitLab configures; an application may ask
// for nothing else.
var serverScopes = [...]string{
	"api", "read_api", "read_user", "create_runner", "manage_runner", "k8s_proxy", "self_rotate", "mcp",
	"read_repository", "write_repository", "read_registry", "write_registry", "read_virtual_registry",
	"write_virtual_registry", "read_observability", "write_observability", "ai_features", "ai_workflows",
	"sudo", "admin_mode", "read_service_ping", "openid", "profile", "email",
}

// CheckScopes reports scopes that no GitLab configures. No scope at all passes:
// GitLab's model accepts it (the Linux package relied on it), but its REST API
// and its forms do not.
func CheckScopes(scopes []string) error {
	for _, s := range scopes {
		if !slices.Contains(serverScopes[:], s) {
			return fmt.Errorf("scope %q: doesn't match what GitLab configures; Mattermost needs read_user", shorten(s))
		}
	}
	return nil
}

// GrantedScopes is what GitLab grants when an application with the scopes app
// is asked for the scopes requested. ok is false where GitLab answers
// invalid_scope. Two rules surprise: with neither side naming a scope the token
// gets api; and an application with scopes grants nothing to a request without
// any, unless it has api itself, because only the default scope (api) counts.
func GrantedScopes(app, requested []string) (granted []string, ok bool) {
	if len(requested) == 0 {
		if len(app) == 0 || slices.Contains(app, "api") {
			return []string{"api"}, true
		}
		return nil, false
	}
	allowed := app
	if len(app) == 0 {
		allowed = serverScopes[:]
	}
	for _, s := range requested {
		if !slices.Contains(allowed, s) {
			return nil, false
		}
	}
	return requested, true
}
