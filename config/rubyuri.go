package config

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// rubyURI is what Ruby's URI() makes of a text, by the grammar of RFC 3986 in
// the form that Ruby uses: a host is never empty, a query may hold anything
// but "#". Ruby folds the scheme to lower case and nothing else.
type rubyURI struct {
	scheme  string // "" when there is none
	host    string // with the brackets of an IPv6 address
	hasHost bool
	port    int // explicit, else the scheme's own, else 0
	hasPort bool
	path    string
	query   string
}

// parseRubyURI reads a URI; the error is worded as Ruby's.
func parseRubyURI(s string) (rubyURI, error) {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return rubyURI{}, fmt.Errorf("URI must be ascii only %s", rubyDump(s))
		}
	}
	if scheme, rest, ok := strings.Cut(s, ":"); ok && validScheme(scheme) {
		if u, ok := parseHier(rest, pchar); ok {
			u.scheme = strings.ToLower(scheme)
			if !u.hasPort {
				u.port = map[string]int{"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21, "ldap": 389, "ldaps": 636}[u.scheme]
			}
			return u, checkQuery(u.query)
		}
	}
	if u, ok := parseHier(s, func(c byte) bool { return c != ':' && pchar(c) }); ok {
		return u, checkQuery(u.query)
	}
	return rubyURI{}, fmt.Errorf("bad URI(is not URI?): %s", rubyQuote(s))
}

// checkQuery refuses a % before two characters that are no hex digits; Ruby
// looks no closer.
func checkQuery(query string) error {
	if !strings.Contains(query, "%") {
		return nil
	}
	query = strings.NewReplacer("\t", "", "\r", "", "\n", "").Replace(query)
	for i := 0; i+2 < len(query); i++ {
		if query[i] == '%' && !isHex(query[i+1]) && !isHex(query[i+2]) {
			return fmt.Errorf("invalid percent escape: %s", query[i:i+3])
		}
	}
	return nil
}

func validScheme(s string) bool {
	if s == "" || !isAlpha(s[0]) {
		return false
	}
	for i := 1; i < len(s); i++ {
		if c := s[i]; !isAlpha(c) && !isDigit(c) && c != '+' && c != '-' && c != '.' {
			return false
		}
	}
	return true
}

// parseHier reads everything behind the scheme. first is the set of the first
// segment of a path that does not begin with a slash; with a scheme such a
// text is opaque and has no path.
func parseHier(s string, first func(byte) bool) (rubyURI, bool) {
	s, fragment, _ := strings.Cut(s, "#")
	if !all(fragment, func(c byte) bool { return pchar(c) || c == '/' || c == '?' }) {
		return rubyURI{}, false
	}
	var u rubyURI
	s, u.query, _ = strings.Cut(s, "?")
	if rest, ok := strings.CutPrefix(s, "//"); ok {
		authority := rest
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			authority, u.path = rest[:i], rest[i:]
		}
		if !u.authority(authority) || !validPath(u.path) {
			return rubyURI{}, false
		}
		return u, true
	}
	switch {
	case s == "":
	case s[0] == '/':
		u.path = s
	default:
		segment, _, _ := strings.Cut(s, "/")
		if !all(segment, first) {
			return rubyURI{}, false
		}
		if first(':') {
			u.query = "" // with a scheme the text is opaque, its query included
		} else {
			u.path = s
		}
	}
	return u, validPath(s)
}

// authority reads [userinfo@]host[:port].
func (u *rubyURI) authority(s string) bool {
	if user, rest, ok := strings.Cut(s, "@"); ok {
		if !all(user, func(c byte) bool { return regName(c) || c == ':' }) {
			return false
		}
		s = rest
	}
	host, port := s, ""
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 || !validIPLiteral(s[1:end]) {
			return false
		}
		host, port = s[:end+1], s[end+1:]
		if port != "" && port[0] != ':' {
			return false
		}
	} else {
		if i := strings.IndexByte(s, ':'); i >= 0 {
			host, port = s[:i], s[i:]
		}
		if !all(host, regName) {
			return false
		}
	}
	for i := 1; i < len(port); i++ {
		if !isDigit(port[i]) {
			return false
		}
	}
	if len(port) > 1 {
		u.hasPort = true
		u.port, _ = strconv.Atoi(port[1:]) // too many digits: the largest int
	}
	u.host, u.hasHost = host, host != ""
	return true
}

func validIPLiteral(s string) bool {
	if strings.HasPrefix(s, "v") {
		version, rest, ok := strings.Cut(s[1:], ".")
		return ok && version != "" && rest != "" && strings.Trim(version, "0123456789abcdefABCDEF") == "" &&
			!strings.Contains(rest, "%") && all(rest, func(c byte) bool { return regName(c) || c == ':' })
	}
	a, err := netip.ParseAddr(s)
	return err == nil && a.Is6() && a.Zone() == ""
}

func validPath(s string) bool {
	return all(s, func(c byte) bool { return pchar(c) || c == '/' })
}

// all checks every byte, and that each % begins an escape.
func all(s string, ok func(byte) bool) bool {
	for i := 0; i < len(s); i++ {
		if s[i] == '%' {
			if i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2]) {
				return false
			}
			i += 2
			continue
		}
		if !ok(s[i]) {
			return false
		}
	}
	return true
}

func isAlpha(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isHex(c byte) bool   { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }

func regName(c byte) bool {
	return isAlpha(c) || isDigit(c) || strings.IndexByte("!$&'()*+,-.;=_~", c) >= 0
}

func pchar(c byte) bool { return regName(c) || c == ':' || c == '@' }

// rubyDump is String#dump: inspect with everything but ASCII escaped.
func rubyDump(s string) string {
	var b strings.Builder
	for _, r := range rubyQuote(s) {
		switch {
		case r < 0x80:
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\u{%X}`, r)
		default:
			fmt.Fprintf(&b, `\u%04X`, r)
		}
	}
	return b.String()
}
