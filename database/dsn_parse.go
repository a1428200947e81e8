package database

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// parseKeywords reads key=value pairs as libpq and lib/pq do: spaces around =
// are allowed, a value may be quoted with ', and \ escapes the next character
// inside and outside quotes.
func parseKeywords(s string) (DSN, error) {
	var d DSN
	var hosts, ports string
	seen := map[string]bool{}
	for i := 0; ; {
		i = skipSpace(s, i)
		if i == len(s) {
			break
		}
		start := i
		for i < len(s) && s[i] != '=' && !isSpace(s[i]) {
			i++
		}
		key := s[start:i]
		i = skipSpace(s, i)
		if i == len(s) || s[i] != '=' {
			// The text may be the tail of a password, so it is not shown.
			return d, fmt.Errorf("column %d: want key=value; a value with spaces must stand in single quotes", start+1)
		}
		if !keyPattern.MatchString(key) {
			return d, fmt.Errorf("column %d: the text before = is not a key; a value with spaces or = must stand in single quotes", start+1)
		}
		value, next, err := keywordValue(s, skipSpace(s, i+1))
		if err != nil {
			return d, fmt.Errorf("value of %s: %w", key, err)
		}
		i = next
		if seen[key] {
			return d, fmt.Errorf("column %d: key %q is given twice", start+1, key)
		}
		seen[key] = true
		if err := d.assign(key, value, &hosts, &ports); err != nil {
			return d, err
		}
	}
	return d, d.setHosts(hosts, ports)
}

var keyPattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,62}$`)

func keywordValue(s string, i int) (value string, next int, err error) {
	var b strings.Builder
	quoted := i < len(s) && s[i] == '\''
	start := i
	if quoted {
		i++
	}
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\':
			if i++; i == len(s) {
				return "", i, errors.New("ends with a lone backslash; write \\\\ for one")
			}
			b.WriteByte(s[i])
		case quoted && c == '\'':
			return b.String(), i + 1, nil
		case !quoted && isSpace(c):
			return b.String(), i, nil
		case !quoted && c == '\'':
			return "", i, fmt.Errorf("column %d: a quote inside a value must be written \\'", i+1)
		default:
			b.WriteByte(c)
		}
	}
	if quoted {
		return "", i, fmt.Errorf("column %d: the quote is never closed", start+1)
	}
	return b.String(), i, nil
}

func skipSpace(s string, i int) int {
	for i < len(s) && isSpace(s[i]) {
		i++
	}
	return i
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// parseURL reads the URL form. The host part is read by hand, because several
// hosts and percent-encoded socket directories (which libpq knows) are not URLs
// to Go's parser.
func parseURL(s string) (DSN, error) {
	var d DSN
	rest := s[strings.Index(s, "://")+3:]
	authority, tail := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority, tail = rest[:i], rest[i:]
	}
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		user, password, _ := strings.Cut(authority[:i], ":")
		authority = authority[i+1:]
		var err error
		if d.User, err = unescape("user name", user); err != nil {
			return d, err
		}
		text, err := unescape("password", password)
		if err != nil {
			return d, err
		}
		d.Password = Secret(text)
	} else if strings.Contains(tail, "@") && strings.Contains(authority, ":") {
		return d, errors.New("the password holds / ? or #: percent-encode it (%2F %3F %23)")
	}
	if err := d.urlHosts(authority); err != nil {
		return d, err
	}
	path, rawQuery, _ := strings.Cut(tail, "?")
	if strings.Contains(tail, "#") {
		return d, errors.New("# begins a fragment, which a data source does not have: percent-encode it as %23")
	}
	var err error
	if d.Database, err = unescape("database name", strings.TrimPrefix(path, "/")); err != nil {
		return d, err
	}
	return d, d.urlQuery(rawQuery)
}

func (d *DSN) urlHosts(authority string) error {
	if authority == "" {
		return nil
	}
	for _, part := range strings.Split(authority, ",") {
		name, port := part, ""
		if strings.HasPrefix(part, "[") {
			end := strings.IndexByte(part, ']')
			if end < 0 {
				return errors.New("an IPv6 address lacks its closing bracket")
			}
			name, port = part[1:end], strings.TrimPrefix(part[end+1:], ":")
		} else if i := strings.LastIndexByte(part, ':'); i >= 0 {
			name, port = part[:i], part[i+1:]
		}
		text, err := unescape("host", name)
		if err != nil {
			return err
		}
		p, err := parsePort(port)
		if err != nil {
			return err
		}
		if strings.ContainsAny(text, ",") {
			return errors.New("a host name holds a comma")
		}
		d.Hosts = append(d.Hosts, Host{text, p})
	}
	return nil
}

func (d *DSN) urlQuery(raw string) error {
	var hosts, ports string
	seen := map[string]bool{}
	for _, pair := range strings.Split(raw, "&") {
		if pair == "" {
			continue
		}
		k, v, found := strings.Cut(pair, "=")
		key, err := url.QueryUnescape(k)
		if err != nil || !found || !keyPattern.MatchString(key) {
			return errors.New("the query after ? is not a list of key=value joined by &: a reserved character must be percent-encoded")
		}
		value, err := url.QueryUnescape(v)
		if err != nil {
			return fmt.Errorf("value of %s: a percent sign is not followed by two hexadecimal digits; write %%25 for one", key)
		}
		if seen[key] {
			return fmt.Errorf("key %q is given twice", key)
		}
		seen[key] = true
		if err := d.assign(key, value, &hosts, &ports); err != nil {
			return err
		}
	}
	switch {
	case hosts != "":
		return d.setHosts(hosts, ports)
	case ports != "" && len(d.Hosts) > 0:
		// A port in the query goes with the hosts before the slash.
		names, _ := DSN{Hosts: stripPorts(d.Hosts)}.hostLists()
		return d.setHosts(names, ports)
	}
	return d.setHosts("", ports)
}

func stripPorts(hosts []Host) []Host {
	out := make([]Host, len(hosts))
	for i, h := range hosts {
		out[i].Name = h.Name
	}
	return out
}

func unescape(what, s string) (string, error) {
	text, err := url.PathUnescape(s)
	if err != nil {
		return "", fmt.Errorf("%s: a percent sign is not followed by two hexadecimal digits; write %%25 for one", what)
	}
	return text, nil
}

var (
	urlPassword     = regexp.MustCompile(`((?:postgres|postgresql|mysql)://[^:@/\s]*:).*(@)`)
	keywordPassword = regexp.MustCompile(`(?i)(password\s*=\s*)('(?:[^'\\]|\\.)*'?|\S+)`)
	mysqlPassword   = regexp.MustCompile(`(^|\s)([^:@/\s]+:).*(@(?:tcp|tcp6|unix)\()`)
)

// Redact masks the passwords in any text that holds data sources, parseable or
// not, one a line. It is best effort: a password that spans lines, or that
// stands unquoted with spaces in it, is masked only up to the first space.
func Redact(text string) string {
	text = urlPassword.ReplaceAllString(text, "${1}"+redactMask+"${2}")
	text = mysqlPassword.ReplaceAllString(text, "${1}${2}"+redactMask+"${3}")
	return keywordPassword.ReplaceAllString(text, "${1}"+redactMask)
}

const redactMask = "[redacted]"
