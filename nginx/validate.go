package nginx

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// FieldError names the field of a Site that Render refuses.
type FieldError struct {
	Field string // "TLS.Certificate", "Proxy.Headers[2].Value"
	Value string // shortened
	Err   error
}

// Error names the field and what is wrong with it.
func (e *FieldError) Error() string {
	return fmt.Sprintf("site field %s %q: %v", e.Field, e.Value, e.Err)
}

// Unwrap gives the cause.
func (e *FieldError) Unwrap() error { return e.Err }

// Validate reports every field that cannot be written as exactly the
// parameter it is meant to be, joined; each is a *FieldError.
func (s *Site) Validate() error {
	v := &validator{}
	v.place(s)
	v.tls(s)
	v.headers("Headers", s.Headers)
	v.headers("Proxy.Headers", s.Proxy.Headers)
	v.check("MaxBody", s.MaxBody, checkSize)
	v.check("Proxy.ReadTimeout", s.Proxy.ReadTimeout, checkTime)
	v.check("Proxy.ConnectTimeout", s.Proxy.ConnectTimeout, checkTime)
	v.check("Proxy.WebSocketReadTimeout", s.Proxy.WebSocketReadTimeout, checkTime)
	v.check("Proxy.BufferSize", s.Proxy.BufferSize, checkSize)
	v.optional("RealIP.Header", s.RealIP.Header)
	v.check("RealIP.Recursive", s.RealIP.Recursive, checkFlag)
	v.list("RealIP.From", s.RealIP.From)
	v.optional("Log.Dir", s.Log.Dir)
	v.optional("Log.ErrorLevel", s.Log.ErrorLevel)
	v.optional("Log.Escape", s.Log.Escape)
	if err := checkText(s.Log.Format); err != nil {
		v.add("Log.Format", s.Log.Format, err)
	}
	if s.ACME != nil {
		v.literal("ACME.Root", s.ACME.Root)
	}
	if strings.Contains(s.Custom, "\x00") {
		v.add("Custom", "", errors.New("it holds a NUL byte"))
	}
	v.layout(s)
	return errors.Join(v.errs...)
}

type validator struct{ errs []error }

func (v *validator) add(field, value string, err error) {
	v.errs = append(v.errs, &FieldError{Field: field, Value: clip(value), Err: err})
}

func (v *validator) literal(field, value string) {
	if err := checkLiteral(value); err != nil {
		v.add(field, value, err)
	}
}

func (v *validator) optional(field, value string) {
	if value != "" {
		v.literal(field, value)
	}
}

// check applies a rule to a text that is set.
func (v *validator) check(field, value string, rule func(string) error) {
	if value == "" {
		return
	}
	if err := rule(value); err != nil {
		v.add(field, value, err)
	}
}

func (v *validator) list(field string, values []string) {
	for i, value := range values {
		v.literal(fmt.Sprintf("%s[%d]", field, i), value)
	}
}

func (v *validator) headers(field string, headers []Header) {
	for i, h := range headers {
		if err := checkHeaderName(h.Name); err != nil {
			v.add(fmt.Sprintf("%s[%d].Name", field, i), h.Name, err)
		}
		if err := checkText(h.Value); err != nil {
			v.add(fmt.Sprintf("%s[%d].Value", field, i), h.Value, err)
		}
	}
}

// checkHeaderName allows the characters of an HTTP field name.
func checkHeaderName(name string) error {
	if name == "" {
		return errors.New("it is empty")
	}
	if len(name) > 200 {
		return errors.New("it is longer than 200 bytes")
	}
	for i := 0; i < len(name); i++ {
		c := name[i]
		if !isAlnum(c) && strings.IndexByte("!#%&'*+-.^_`|~", c) < 0 {
			return fmt.Errorf("%q is not allowed in a header's name", string(c))
		}
	}
	return nil
}

func isAlnum(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// checkHost accepts a DNS name (underscores too, as in the wild), an IPv4
// address, a bracketed IPv6 address, and "_" for any name.
func checkHost(host string) error {
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, closed := strings.CutSuffix(inner, "]")
		if a, err := netip.ParseAddr(inner); !closed || err != nil || !a.Is6() || a.Zone() != "" {
			return errors.New("it is not an IPv6 address in brackets")
		}
		return nil
	}
	return checkName(host, "")
}

// checkName accepts letters, digits, "-", "_", "." and the bytes in extra.
func checkName(name, extra string) error {
	if name == "" {
		return errors.New("it is empty")
	}
	if len(name) > 253 {
		return errors.New("it is longer than 253 bytes")
	}
	for i := 0; i < len(name); i++ {
		if c := name[i]; !isAlnum(c) && strings.IndexByte("-_."+extra, c) < 0 {
			return fmt.Errorf("%q is not allowed there (an international name is written in its xn-- form)", string(c))
		}
	}
	return nil
}

func (v *validator) name(field, name, extra string) {
	if err := checkName(name, extra); err != nil {
		v.add(field, name, err)
	}
}

func (v *validator) port(field string, port int) {
	if port < 0 || port > 65535 {
		v.add(field, itoa(port), errors.New("a port is between 1 and 65535"))
	}
}

// place checks names, addresses and ports.
func (v *validator) place(s *Site) {
	if s.Host == "" {
		if s.Era == "" {
			v.add("Host", "", errors.New("it is empty; the site needs its public name"))
		}
	} else if err := checkHost(s.Host); err != nil {
		v.add("Host", s.Host, err)
	}
	for i, a := range s.Aliases {
		v.name(fmt.Sprintf("Aliases[%d]", i), a, "*")
	}
	v.port("Port", s.Port)
	v.port("ListenPort", s.ListenPort)
	for i, a := range s.Listen {
		v.name(fmt.Sprintf("Listen[%d]", i), a, "*[]:")
	}
	if s.Redirect != nil {
		v.port("Redirect.Port", s.Redirect.Port)
	}
	if s.Upstream.Name != "" {
		v.name("Upstream.Name", s.Upstream.Name, "")
	}
	for i, a := range s.Upstream.Addresses {
		v.name(fmt.Sprintf("Upstream.Addresses[%d]", i), strings.TrimPrefix(a, "unix:"), "[]:/")
	}
}

func (v *validator) tls(s *Site) {
	t := s.TLS
	if t == nil {
		return
	}
	v.literal("TLS.Certificate", t.Certificate)
	v.literal("TLS.Key", t.Key)
	v.optional("TLS.ClientCertificate", t.ClientCertificate)
	v.optional("TLS.VerifyClient", t.VerifyClient)
	v.optional("TLS.VerifyDepth", t.VerifyDepth)
	v.optional("TLS.PasswordFile", t.PasswordFile)
	v.optional("TLS.DHParam", t.DHParam)
	v.list("TLS.ConfCommands", t.ConfCommands)
	for i, c := range t.ConfCommands {
		if name, value, _ := strings.Cut(c, " "); name == "" || strings.TrimSpace(value) == "" {
			v.add(fmt.Sprintf("TLS.ConfCommands[%d]", i), c, errors.New("want a name, a blank and a value"))
		}
	}
	p := t.Policy
	v.list("TLS.Policy.Protocols", p.Protocols)
	v.optional("TLS.Policy.Ciphers", p.Ciphers)
	v.check("TLS.Policy.PreferServerCiphers", p.PreferServerCiphers, checkFlag)
	v.list("TLS.Policy.SessionCache", p.SessionCache)
	v.check("TLS.Policy.SessionTimeout", p.SessionTimeout, checkTime)
	v.list("TLS.Policy.Curves", p.Curves)
}

// layout refuses what the chosen layout cannot say, so that no setting is
// dropped silently.
func (v *validator) layout(s *Site) {
	if s.Era != "" {
		if _, err := parseEra(s.Era); err != nil {
			v.add("Era", s.Era, err)
		}
		for _, f := range [...]struct {
			name string
			set  bool
		}{
			{"Path", s.Path != ""}, {"DefaultServer", s.DefaultServer}, {"HTTP3", s.HTTP3}, {"Assets", s.Assets != nil},
			{"Limit", s.Limit != nil}, {"Calls", s.Calls != nil}, {"Proxy.TrustForwarded", s.Proxy.TrustForwarded},
			{"TLS.Stapling", s.TLS != nil && s.TLS.Stapling},
		} {
			if f.set {
				v.add(f.name, "", errors.New("GitLab's template has no such thing; leave Era empty"))
			}
		}
		if len(s.Upstream.Addresses) > 1 {
			v.add("Upstream.Addresses", "", errors.New("GitLab's template has one Mattermost; leave Era empty"))
		}
		return
	}
	v.standalone(s)
}

// standalone checks the fields that only the standalone layout has.
func (v *validator) standalone(s *Site) {
	if s.Path != "" {
		if s.Path[0] != '/' || strings.HasSuffix(s.Path, "/") || strings.Contains(s.Path, "//") {
			v.add("Path", s.Path, errors.New(`want "/name" without a final slash`))
		}
		v.name("Path", s.Path, "/~")
	}
	if s.Redirect != nil && s.TLS == nil {
		v.add("Redirect", "", errors.New("there is no https to redirect to; set TLS"))
	}
	if s.HTTP3 && s.TLS == nil {
		v.add("HTTP3", "", errors.New("HTTP/3 needs TLS"))
	}
	if s.Proxy.TrustForwarded && len(s.RealIP.From) == 0 {
		v.add("Proxy.TrustForwarded", "", errors.New("name the proxies that are trusted in RealIP.From"))
	}
	if s.Assets != nil {
		v.optional("Assets.Dir", s.Assets.Dir)
		v.check("Assets.MaxSize", s.Assets.MaxSize, checkSize)
	}
	if l := s.Limit; l != nil && (l.PerSecond < 0 || l.Burst < 0 || l.PerSecond > 1e6 || l.Burst > 1e6) {
		v.add("Limit", "", errors.New("want positive numbers up to 1000000"))
	}
	if s.Calls != nil {
		v.port("Calls.Port", s.Calls.Port)
	}
}
