package nginx

import (
	"cmp"
	"strings"
)

// The directives that both layouts share.

func lastColon(s string) int { return strings.LastIndexByte(s, ':') }

func orList(list, def []string) []string {
	if len(list) > 0 {
		return list
	}
	return def
}

func (p Policy) empty() bool {
	return len(p.Protocols) == 0 && p.Ciphers == "" && p.PreferServerCiphers == "" &&
		len(p.SessionCache) == 0 && p.SessionTimeout == "" && len(p.Curves) == 0
}

func joinCurves(curves []string) string { return strings.Join(curves, ":") }

// upgradeMap turns a client's Upgrade header into the Connection header that
// Mattermost must see: "upgrade" for a websocket, "close" otherwise.
func upgradeMap() *Directive {
	return block("map", []string{"$http_upgrade", "$connection_upgrade"},
		d("default", "upgrade"), d("", "close"))
}

func clientCertificate(t *TLS) []*Directive {
	var list []*Directive
	if t.ClientCertificate != "" {
		list = append(list, d("ssl_client_certificate", t.ClientCertificate))
	}
	if t.VerifyClient != "" {
		list = append(list, d("ssl_verify_client", t.VerifyClient),
			d("ssl_verify_depth", cmp.Or(t.VerifyDepth, "1")))
	}
	return list
}

// confCommands are OpenSSL's own commands; each is a name and the rest.
func confCommands(t *TLS) []*Directive {
	var list []*Directive
	for _, c := range t.ConfCommands {
		name, value, _ := strings.Cut(c, " ")
		list = append(list, d("ssl_conf_command", name, strings.TrimSpace(value)))
	}
	return list
}

func realIP(r RealIP) []*Directive {
	var list []*Directive
	if r.Header != "" {
		list = append(list, d("real_ip_header", r.Header))
	}
	if r.Recursive != "" {
		list = append(list, d("real_ip_recursive", r.Recursive))
	}
	for _, from := range r.From {
		list = append(list, d("set_real_ip_from", from))
	}
	return list
}
