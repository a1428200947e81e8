package envmap

import (
	"encoding/json"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
)

func directory(s string) string {
	if s == "" {
		return "must not be empty"
	}
	return noBlanks(s)
}

func noBlanks(s string) string {
	if strings.TrimSpace(s) != s {
		return "must not start or end with blanks"
	}
	return ""
}

func absoluteURL(s string) string {
	if s == "" {
		return ""
	}
	if _, err := url.ParseRequestURI(s); err != nil {
		return "must be an absolute URL that starts with http:// or https:// (ws:// or wss:// for websockets)"
	}
	return ""
}

// listenAddress follows the rule of 11.7: a port from 0 to 65535 must be there,
// a host may be.
func listenAddress(s string) string {
	host, port, _ := net.SplitHostPort(s)
	n, err := strconv.Atoi(port)
	if err != nil || n < 0 || n > 65535 {
		return "must end in a port, for example 127.0.0.1:8065 or :8065"
	}
	if host != "" && net.ParseIP(host) == nil && !domainName(host) {
		return "must start with an IP address or a host name, or with the colon of the port"
	}
	return ""
}

// domainName accepts what Go's resolver takes for a name.
func domainName(s string) bool {
	if len(s) > 254 || s == "." {
		return s == "."
	}
	last, letters, part := byte('.'), false, 0
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z':
			letters = true
			part++
		case c >= '0' && c <= '9':
			part++
		case c == '-':
			if last == '.' {
				return false
			}
			part++
			letters = true
		case c == '.':
			if last == '.' || last == '-' || part > 63 || part == 0 {
				return false
			}
			part = 0
		default:
			return false
		}
		last = c
	}
	return last != '-' && part <= 63 && letters
}

func clock(s string) string {
	if _, err := time.Parse("15:04", s); err != nil {
		return "must be a time of day such as 02:30"
	}
	return ""
}

func downloadLink(s string) string {
	if s == "" {
		return ""
	}
	if u, err := url.ParseRequestURI(s); err != nil || u.Scheme == "" || u.Hostname() == "" {
		return "must be empty or an absolute URL"
	}
	return ""
}

// threeNumbers accepts 5.9.0 and the like, with a pre-release and build part.
func threeNumbers(s string) string {
	const want = "must be empty or a version of three numbers, such as 5.9.0"
	if s == "" {
		return ""
	}
	core, _, _ := strings.Cut(s, "+")
	core, _, _ = strings.Cut(core, "-")
	parts := strings.Split(core, ".")
	if len(parts) != 3 {
		return want
	}
	for _, p := range parts {
		if n, err := strconv.ParseUint(p, 10, 63); err != nil || strconv.FormatUint(n, 10) != p {
			return want
		}
	}
	return ""
}

func noDash(s string) string {
	for name := range strings.SplitSeq(s, ",") {
		if strings.HasPrefix(name, "-") {
			return "must not name an index that starts with a dash"
		}
	}
	return ""
}

func jsonObject(s string) string {
	var object map[string]json.RawMessage
	if json.Unmarshal([]byte(s), &object) != nil {
		return "must be a JSON object"
	}
	return ""
}

// listRule holds the conditions on elements of lists.
func listRule(r rule) (rule, bool) {
	switch r.path {
	case "DisplaySettings.CustomURLSchemes":
		r.text = scheme
	case "MetricsSettings.ClientSideUserIds":
		r.text, r.since = mattermostID, v1011
	case "ServiceSettings.TLSOverwriteCiphers":
		r.enum = ciphers()
	default:
		return r, false
	}
	return r, true
}

func scheme(s string) string {
	s = strings.TrimSpace(s)
	for i, c := range s {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789.+-", c)) {
			return "is no URL scheme such as git or tel"
		}
	}
	if s == "" {
		return "is empty"
	}
	return ""
}

// mattermostID accepts Mattermost's own ids.
func mattermostID(s string) string {
	other := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) }
	if len(s) != 26 || strings.ContainsFunc(s, other) {
		return "is no user id of 26 letters and digits"
	}
	return ""
}

// ciphers are the names that Mattermost knows.
func ciphers() []string {
	return []string{
		"TLS_RSA_WITH_RC4_128_SHA", "TLS_RSA_WITH_3DES_EDE_CBC_SHA", "TLS_RSA_WITH_AES_128_CBC_SHA",
		"TLS_RSA_WITH_AES_256_CBC_SHA", "TLS_RSA_WITH_AES_128_CBC_SHA256", "TLS_RSA_WITH_AES_128_GCM_SHA256",
		"TLS_RSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
		"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "TLS_ECDHE_RSA_WITH_RC4_128_SHA", "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
		"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
		"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
		"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
		"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305",
	}
}
