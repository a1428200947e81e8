package oauth

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// maxURL bounds every address that is read: longer ones are no addresses.
const maxURL = 2048

// NormalizeURL gives the one spelling of an http or https address that this
// package works with, and an error for everything that cannot be one:
//
//   - scheme and host in lower case, an international host name as xn--;
//   - the scheme's own port (80, 443) dropped, any other kept;
//   - no trailing and no doubled slash, a relative path kept;
//   - no user name, query or fragment: those are errors.
//
// GitLab compares redirect URIs as text, so the same spelling must stand in
// GitLab and in Mattermost's SiteURL. See [CheckSiteURL].
func NormalizeURL(text string) (string, error) {
	u, err := parseURL(text)
	if err != nil {
		return "", err
	}
	return u.String(), nil
}

func parseURL(text string) (*url.URL, error) {
	text = strings.TrimSpace(text)
	fail := func(why string) (*url.URL, error) {
		return nil, fmt.Errorf("address %q: %s", shorten(text), why)
	}
	switch {
	case text == "":
		return fail("is empty; write it as https://host.example.com")
	case len(text) > maxURL:
		return fail("is longer than " + strconv.Itoa(maxURL) + " bytes")
	case strings.ContainsAny(text, "\\ \t\r\n"):
		return fail("contains a blank or a backslash")
	}
	u, err := url.Parse(text)
	if err != nil {
		return fail("is no URL; write it as https://host.example.com")
	}
	u.Scheme = strings.ToLower(u.Scheme)
	switch {
	case u.User != nil:
		return nil, fmt.Errorf("address %q: must not hold a user name or password", shorten(u.Redacted()))
	case u.Scheme != "http" && u.Scheme != "https":
		return fail("must start with http:// or https://")
	case u.Hostname() == "":
		return fail("has no host")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(text, "#"):
		return fail("must not have a query or a fragment")
	}
	host, err := canonicalHost(u)
	if err != nil {
		return fail(err.Error())
	}
	path, err := canonicalPath(u.Path)
	if err != nil {
		return fail(err.Error())
	}
	return &url.URL{Scheme: u.Scheme, Host: host, Path: path}, nil
}

func canonicalHost(u *url.URL) (string, error) {
	host, port := u.Hostname(), u.Port()
	if ip := net.ParseIP(host); ip != nil {
		host = ip.String()
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
	} else {
		ascii, err := asciiHost(host)
		if err != nil {
			return "", err
		}
		host = ascii
	}
	if strings.HasSuffix(u.Host, ":") {
		return "", fmt.Errorf("ends in a colon without a port")
	}
	if port == "" {
		return host, nil
	}
	n, err := strconv.Atoi(port)
	if err != nil || n < 1 || n > 65535 {
		return "", fmt.Errorf("has port %s, want 1 to 65535", shorten(port))
	}
	if u.Scheme == "http" && n == 80 || u.Scheme == "https" && n == 443 {
		return host, nil
	}
	return host + ":" + strconv.Itoa(n), nil
}

func canonicalPath(path string) (string, error) {
	var keep []string
	for _, part := range strings.Split(path, "/") {
		switch part {
		case "":
		case ".", "..":
			return "", fmt.Errorf("has %q in its path", part)
		default:
			keep = append(keep, part)
		}
	}
	if len(keep) == 0 {
		return "", nil
	}
	return "/" + strings.Join(keep, "/"), nil
}

// join appends a path to an address that was normalised before.
func join(base, path string) string { return strings.TrimRight(base, "/") + path }

// shorten keeps hostile input from filling a message.
func shorten(s string) string {
	const limit = 120
	if len(s) > limit {
		return strings.ToValidUTF8(s[:limit], "") + "…"
	}
	return s
}

// CheckSiteURL compares Mattermost's SiteURL, as it is written, with its
// normal spelling. Mattermost sends SiteURL unchanged (without its trailing
// slashes) in redirect_uri and GitLab compares that as text, so a port that is
// spelled out or a capital letter fails the login although the address works.
func CheckSiteURL(siteURL string) []Finding {
	normal, err := NormalizeURL(siteURL)
	if err != nil {
		return []Finding{{
			ID: "site-url-invalid", Severity: severityError, Where: "SiteURL",
			Message: err.Error(), Fix: "set ServiceSettings.SiteURL to the address that browsers use",
		}}
	}
	if sent := strings.TrimRight(siteURL, "/"); sent != normal {
		return []Finding{{
			ID: "site-url-spelling", Severity: severityWarning, Where: "SiteURL",
			Message: fmt.Sprintf("Mattermost will send %q, the application has %q; GitLab compares them as text", shorten(sent), normal),
			Fix:     "set ServiceSettings.SiteURL to " + normal,
		}}
	}
	return nil
}
