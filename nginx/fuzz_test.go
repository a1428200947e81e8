package nginx

import (
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/config"
	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
)

// hostile are texts that try to leave their place.
func hostile() []string {
	return []string{
		"", " ", ";", "{", "}", "#", "'", `"`, `\`, "$", "\n", "\r", "\x00", "\t", "a b", "a;b", "a{b", "a}b", "a#b", "# x",
		"60; return 200", "0; } server { listen 81", "x'; return 200 '", `x"; return 200 "`, `x\`, `x\"`, `\'; return 200;`,
		"${host}", "$host", "a$", "${", "\n}\nserver{\n", "é", "\xff\xfe", "1m\n;\n", "off", "on", "80", "*", "[::]", "~^x", "/etc/passwd",
		strings.Repeat("a", 5000), "include /etc/passwd", "unix:/x", "../..", "\u2028", "a\\\nb", "'a' 'b'", `"a" "b"`, "a\"b", "%00", "\x7f",
	}
}

// fill gives a text to one field of a site, chosen by which; "" when which is
// beyond the last field.
func fill(s *Site, which uint, text string) string {
	n := uint(0)
	name := ""
	var walkValue func(v reflect.Value, path string)
	walkValue = func(v reflect.Value, path string) {
		switch v.Kind() {
		case reflect.Pointer:
			if !v.IsNil() {
				walkValue(v.Elem(), path)
			}
		case reflect.Struct:
			for i := range v.NumField() {
				walkValue(v.Field(i), path+"."+v.Type().Field(i).Name)
			}
		case reflect.Slice:
			for i := range v.Len() {
				walkValue(v.Index(i), path+"["+strconv.Itoa(i)+"]")
			}
		case reflect.String:
			if path != ".Custom" && path != ".Era" {
				if n == which {
					v.SetString(text)
					name = path
				}
				n++
			}
		}
	}
	walkValue(reflect.ValueOf(s), "")
	return name
}

// fullSite has every text field in use.
func fullSite(era string) *Site {
	s := &Site{
		Era: era, Host: "chat.example.com", Aliases: []string{"www.example.com"}, Listen: []string{"127.0.0.1"},
		TLS: &TLS{Certificate: "/c.pem", Key: "/k.pem", ClientCertificate: "/ca.pem", VerifyClient: "optional", VerifyDepth: "2",
			PasswordFile: "/pass", DHParam: "/dh.pem", ConfCommands: []string{"Options PrioritizeChaCha"}, Policy: Intermediate()},
		Redirect: &Redirect{}, ACME: &ACME{Root: "/var/www"}, HSTS: HSTS{MaxAge: 300},
		Headers: []Header{{"Referrer-Policy", "no-referrer"}}, Upstream: Upstream{Name: "mm", Addresses: []string{"127.0.0.1:8065"}},
		Proxy:  Proxy{Headers: []Header{{"X-One", "1"}}, ReadTimeout: "60", ConnectTimeout: "5", WebSocketReadTimeout: "1h", BufferSize: "8k"},
		RealIP: RealIP{Header: "X-Real-IP", Recursive: "on", From: []string{"10.0.0.1"}}, MaxBody: "1m",
		Log: Log{Dir: "/var/log", ErrorLevel: "warn", Format: "$remote_addr", Escape: "json"}, Port: 443,
	}
	if era == "" {
		s.Assets, s.Path = &Assets{Dir: "/cache", MaxSize: "1g"}, "/chat"
	}
	return s
}

// skeleton is a tree without the values: names and the number of arguments.
// No text in a field may change it.
func skeleton(list []*Directive) string {
	var b strings.Builder
	for _, c := range list {
		fmt.Fprintf(&b, "%s/%d", c.Name, len(c.Args))
		if c.HasBlock {
			b.WriteString("{" + skeleton(c.Block) + "}")
		}
		b.WriteByte(';')
	}
	return b.String()
}

// built drops comments and empty lines, which the reader does not return.
func built(list []*Directive) []*Directive {
	var out []*Directive
	for _, c := range list {
		if c.isLayout() {
			continue
		}
		n := *c
		n.Block = built(c.Block)
		out = append(out, &n)
	}
	return out
}

// checkInjection renders a site and reads the text again: it must hold the
// same directives with the same arguments as the tree it was written from, and
// the same skeleton as before the hostile text went in, but for the entries
// whose number the text legitimately decides.
func checkInjection(t *testing.T, site *Site) string {
	t.Helper()
	list, err := site.Directives(Target{})
	if err != nil {
		return "" // refused
	}
	text := Format(list)
	read, err := Parse("", []byte(text))
	if err != nil {
		t.Fatalf("our own text cannot be read: %v\n%.3000s", err, text)
	}
	if got, want := fmt.Sprint(flat(read)), fmt.Sprint(flat(built(list))); got != want {
		t.Fatalf("read back:\n%s\nbuilt:\n%s", got, want)
	}
	return text
}

func flat(list []*Directive) []string {
	var out []string
	walk(list, func(c *Directive) { out = append(out, fmt.Sprintf("%q %q %v", c.Name, c.Args, c.HasBlock)) })
	return out
}

// FuzzSiteFields feeds arbitrary text to every text field of a Site in both
// layouts: it is refused, or comes out as the parameters it should be.
func FuzzSiteFields(f *testing.F) {
	for i, text := range hostile() {
		f.Add(uint(i), text, i%2 == 0)
		f.Add(uint(i+17), text, i%2 == 1)
	}
	plain := map[string]string{}
	for _, era := range []string{"", "18.11"} {
		list, err := fullSite(era).Directives(Target{})
		if err != nil {
			f.Fatal(err)
		}
		plain[era] = skeleton(built(list))
	}
	f.Fuzz(func(t *testing.T, which uint, text string, standalone bool) {
		era := "18.11"
		if standalone {
			era = ""
		}
		site := fullSite(era)
		field := fill(site, which%64, text)
		if checkInjection(t, site) == "" || field == "" {
			return
		}
		list, _ := site.Directives(Target{})
		if got := skeleton(built(list)); got != plain[era] && !changesShape(field, text) {
			t.Fatalf("field %s with %q changes the directives:\n%s\n%s", field, text, plain[era], got)
		}
	})
}

// changesShape lists the fields whose content decides, as documented, which
// directives are written: an empty one is "not set", a known name replaces a
// standard header, a curve may be unknown to the target.
func changesShape(field, text string) bool {
	switch {
	case text == "":
		return true
	case strings.HasPrefix(field, ".Proxy.Headers"), strings.HasPrefix(field, ".TLS.Policy.Curves"),
		strings.HasPrefix(field, ".TLS.Policy.Protocols"), field == ".Upstream.Name", field == ".RealIP.From[0]" && text == "unix:",
		field == ".Host" && text == "_":
		return true
	}
	return false
}

// FuzzGitLabSettings feeds arbitrary text to every setting of
// mattermost_nginx[...].
func FuzzGitLabSettings(f *testing.F) {
	for i, text := range hostile() {
		f.Add(uint(i), text)
		f.Add(uint(i+23), text)
	}
	names := gitlabTexts(f)
	clean, _, err := FromGitLab(installation(f, nil))
	if err != nil {
		f.Fatal(err)
	}
	list, err := clean.Directives(Target{})
	if err != nil {
		f.Fatal(err)
	}
	allowed := map[string]int{}
	walk(built(list), func(c *Directive) { allowed[c.Name] = len(c.Args) })
	f.Fuzz(func(t *testing.T, which uint, text string) {
		name := names[which%uint(len(names))]
		inst := installation(t, map[string]any{})
		set(inst, name, text)
		site, _, err := FromGitLab(inst)
		if err != nil {
			return // refused
		}
		if checkInjection(t, site) == "" {
			t.Fatalf("%s = %q passes FromGitLab and is refused by Render", name, text)
		}
		list, _ := site.Directives(Target{})
		walk(built(list), func(c *Directive) {
			if _, ok := allowed[c.Name]; !ok && !optional(c.Name) {
				t.Fatalf("%s = %q brought in %s", name, text, c.Name)
			}
		})
	})
}

// optional are directives that a setting may switch on.
func optional(name string) bool {
	switch name {
	case "ssl_client_certificate", "ssl_verify_client", "ssl_verify_depth", "ssl_dhparam", "ssl_ecdh_curve", "ssl_conf_command",
		"ssl_password_file", "real_ip_header", "real_ip_recursive", "set_real_ip_from", "http2", "return", "root":
		return true
	}
	return false
}

// gitlabTexts are all settings that reach the vhost as text, with the headers
// and the elements of lists.
func gitlabTexts(t testing.TB) []string {
	var names []string
	for name := range installation(t, nil).Nginx.All() {
		names = append(names, name)
	}
	return append(names, "ssl_client_certificate", "ssl_verify_client", "ssl_dhparam", "ssl_ecdh_curve", "ssl_conf_command",
		"ssl_password_file", "listen_port", "real_ip_header", "real_ip_recursive", "proxy_custom_buffer_size",
		"service_address", "service_port", "header name", "header value", "list listen_addresses", "list real_ip_trusted_addresses",
		"list ssl_conf_command")
}

func set(inst *config.Installation, name, text string) {
	value := config.Attribute{Value: text}
	header := func(k, v string) {
		inst.Nginx.Get("proxy_set_headers").Value.(*gitlabrb.Hash).Set(k, v)
	}
	switch {
	case name == "header name":
		header(text, "x")
	case name == "header value":
		header("X-Fuzz", text)
	case name == "service_address", name == "service_port":
		inst.Mattermost.Set(name, value)
	case strings.HasPrefix(name, "list "):
		inst.Nginx.Set(name[5:], config.Attribute{Value: []any{text}})
	default:
		inst.Nginx.Set(name, value)
	}
}

// TestHostileSettingsNeverInject runs every hostile text through every field
// and setting, and a sample of what is accepted through the real nginx, which
// must then see exactly the directives that were meant.
func TestHostileSettingsNeverInject(t *testing.T) {
	accepted, sampled := 0, 0
	try := func(site *Site) {
		text := checkInjection(t, site)
		if text == "" {
			return
		}
		accepted++
		if accepted%60 != 0 {
			return
		}
		sampled++
		// nginx -T prints what it read; it may refuse a value, but never for
		// want of a directive's end or for a directive it was given by us.
		main, err := MainConfig(site, localTarget(t))
		if err != nil {
			t.Fatal(err)
		}
		local, err := Render(site, localTarget(t))
		if err != nil {
			t.Fatal(err)
		}
		out, _ := testConfig(t, main+forRealNginx(t, local))
		for _, bad := range []string{"unknown directive", "unexpected", "is not terminated", "directive is not allowed here", "invalid number of arguments"} {
			if strings.Contains(out, bad) {
				t.Errorf("nginx sees another structure: %s\n%s", out, local)
			}
		}
	}
	for _, era := range []string{"", "18.11"} {
		for which := uint(0); ; which++ {
			if fill(fullSite(era), which, "x") == "" {
				break
			}
			for _, text := range hostile() {
				site := fullSite(era)
				fill(site, which, text)
				try(site)
			}
		}
	}
	for _, name := range gitlabTexts(t) {
		for _, text := range hostile() {
			inst := installation(t, nil)
			set(inst, name, text)
			if site, _, err := FromGitLab(inst); err == nil {
				try(site)
			}
		}
	}
	t.Logf("%d settings accepted, %d of them read by the real nginx", accepted, sampled)
	if accepted < 500 || sampled < 30 {
		t.Errorf("only %d accepted and %d sampled: the test has lost its reach", accepted, sampled)
	}
}

// FuzzParse: the reader never panics, and what it read and wrote reads the
// same again.
func FuzzParse(f *testing.F) {
	for _, seed := range hostile() {
		f.Add(seed)
		f.Add("server { listen " + seed + "; }")
	}
	if text, err := Render(fullSite("18.11"), Target{}); err == nil {
		f.Add(text)
	}
	f.Add(strings.Repeat("a{", 100))
	f.Add("location ~ \\.php$ { return 200 a${host}b; }")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := Parse("f", []byte(text))
		if err != nil {
			return
		}
		again, err := Parse("f", []byte(Format(list)))
		if err != nil {
			t.Fatalf("our own text cannot be read: %v\n%q", err, Format(list))
		}
		if a, b := fmt.Sprint(flat(list)), fmt.Sprint(flat(again)); a != b {
			t.Fatalf("%s\nbecame\n%s", a, b)
		}
		CheckDirectives(list, Target{})
		if changes := Diff(list, again); len(changes) != 0 {
			t.Fatalf("differs from itself: %v", changes)
		}
		if site, _, err := Import(list, ""); err == nil {
			if _, err := site.Directives(Target{}); err != nil {
				t.Fatalf("imported site: %v", err)
			}
		}
	})
}

// TestReaderAgreesWithTheRealNginx compares our reader with nginx on texts
// made to be confusing: both accept, or both refuse.
func TestReaderAgreesWithTheRealNginx(t *testing.T) {
	if _, err := os.Stat(realNginx(t)); err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, h := range hostile() {
		if len(h) < 100 && h != "" && !strings.Contains(h, "\x00") {
			texts = append(texts, h, "'"+h+"'", `"`+h+`"`, "a"+h, h+"b")
		}
	}
	for _, text := range texts {
		// set takes any text as its value, so only the reading can fail.
		vhost := "server { listen 8080; set $x " + text + "; }\n"
		list, err := Parse("", []byte(vhost))
		ok := err == nil && len(list) == 1 && len(list[0].Block) == 2 && len(list[0].Block[1].Args) == 2
		out, nginxErr := testConfig(t, vhost)
		structural := strings.Contains(out, "unexpected") || strings.Contains(out, "invalid number of arguments") ||
			strings.Contains(out, "unknown directive") || strings.Contains(out, "too long parameter") || strings.Contains(out, "has no opening")
		if ok && nginxErr != nil && structural {
			t.Errorf("%q: we read it, nginx does not: %s", text, out)
		}
		if !ok && nginxErr == nil && err != nil {
			t.Errorf("%q: nginx reads it, we do not: %v", text, err)
		}
	}
}
