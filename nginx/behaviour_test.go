package nginx

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// proof is a site served by a real nginx in front of a stand-in Mattermost.
type proof struct {
	*server
	site  *Site
	mm    *mattermost
	port  int // of the main server
	plain int // of the redirect server
}

// serve renders a site for the nginx at hand, with free ports and a
// certificate of the test's own, and starts it.
func serve(t *testing.T, site *Site) *proof {
	t.Helper()
	return serveAlso(t, site, "")
}

// serveAlso is serve with further http-level text in front of the site's own.
func serveAlso(t *testing.T, site *Site, http string) *proof {
	t.Helper()
	dir := t.TempDir()
	p := &proof{site: site, mm: newMattermost(t), port: freePort(t), plain: freePort(t)}
	site.Listen, site.ListenPort = []string{"127.0.0.1"}, p.port
	site.Log.Dir = dir
	if site.Upstream.Addresses == nil {
		site.Upstream.Addresses = []string{p.mm.addr()}
	}
	if site.TLS != nil && site.TLS.Certificate == "" {
		site.TLS.Certificate, site.TLS.Key = certificate(t, dir, "chat.example.com")
	}
	if site.Redirect != nil {
		site.Redirect.Port = p.plain
	}
	if site.Assets != nil {
		site.Assets.Dir = dir + "/cache"
	}
	target := localTarget(t)
	vhost, err := Render(site, target)
	if err != nil {
		t.Fatal(err)
	}
	main, err := MainConfig(site, target)
	if err != nil {
		t.Fatal(err)
	}
	p.server = startNginx(t, dir, http+main+vhost, p.port)
	return p
}

// era is GitLab's 18.11 site with its default headers.
func eraSite() *Site {
	return &Site{
		Era: "18.11", Host: "chat.example.com", Port: 443, TLS: &TLS{}, Redirect: &Redirect{},
		HSTS: HSTS{MaxAge: 63072000}, Headers: []Header{{"Referrer-Policy", "strict-origin-when-cross-origin"}},
		Focalboard: true,
	}
}

func standaloneSite() *Site {
	return &Site{
		Host: "chat.example.com", TLS: &TLS{}, Redirect: &Redirect{},
		HSTS: HSTS{MaxAge: 63072000}, Focalboard: true,
	}
}

func (p *proof) get(path string) *http.Response { return p.do("GET", path, nil, nil) }

func (p *proof) do(method, path string, header http.Header, body io.Reader) *http.Response {
	p.t.Helper()
	scheme := "http"
	if p.site.TLS != nil {
		scheme = "https"
	}
	req, err := http.NewRequest(method, scheme+"://chat.example.com"+path, body)
	if err != nil {
		p.t.Fatal(err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	resp, err := client(p.port).Do(req)
	if err != nil {
		p.t.Fatalf("%s %s: %v\n%s", method, path, err, p.log())
	}
	text, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		p.t.Fatal(err)
	}
	resp.Body = io.NopCloser(bytes.NewReader(text))
	return resp
}

func bodyOf(resp *http.Response) string {
	b, _ := io.ReadAll(resp.Body)
	return string(b)
}

func (p *proof) dial() net.Conn {
	p.t.Helper()
	addr := fmt.Sprintf("127.0.0.1:%d", p.port)
	var conn net.Conn
	var err error
	if p.site.TLS != nil {
		conn, err = tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
	} else {
		conn, err = net.Dial("tcp", addr)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return conn
}

// layouts runs one behaviour for both layouts, since both promise it.
func layouts(t *testing.T, f func(t *testing.T, site *Site)) {
	t.Run("GitLab 18.11", func(t *testing.T) { f(t, eraSite()) })
	t.Run("standalone", func(t *testing.T) { f(t, standaloneSite()) })
}

func TestRedirectGoesToThePublicURL(t *testing.T) {
	want := map[string]string{
		"18.11": "https://chat.example.com:443/team/channels/town-square?a=1&b=%20", // GitLab always wrote the port
		"":      "https://chat.example.com/team/channels/town-square?a=1&b=%20",
	}
	layouts(t, func(t *testing.T, site *Site) {
		p := serve(t, site)
		resp, err := client(p.plain).Get("http://chat.example.com/team/channels/town-square?a=1&b=%20")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 301 || resp.Header.Get("Location") != want[site.Era] {
			t.Errorf("got %d to %q, want 301 to %q", resp.StatusCode, resp.Header.Get("Location"), want[site.Era])
		}
		if got := resp.Header.Get("Server"); got != "nginx" {
			t.Errorf("Server header %q tells the version", got)
		}
	})
}

func TestWebsocketsAreUpgradedInEveryLocation(t *testing.T) {
	layouts(t, func(t *testing.T, site *Site) {
		p := serve(t, site)
		for _, path := range []string{
			"/api/v4/websocket", "/api/v3/users/websocket", "/api/v4/websocket?connection_id=x",
			"/plugins/focalboard/ws/onchange", "/plugins/playbooks/websocket",
		} {
			status, echo := websocket(t, p.dial(), "chat.example.com", path)
			if status != "HTTP/1.1 101 Switching Protocols" || echo != "echo hello\n" {
				t.Errorf("%s: %q, %q", path, status, echo)
			}
			if r := p.mm.request(); r.Host != "chat.example.com" || r.Header.Get("X-Forwarded-Proto") != "https" {
				t.Errorf("%s: Mattermost sees host %q, scheme %q", path, r.Host, r.Header.Get("X-Forwarded-Proto"))
			}
		}
	})
}

func TestResponseHeadersAreSentAsConfigured(t *testing.T) {
	layouts(t, func(t *testing.T, site *Site) {
		site.Headers = []Header{{"Referrer-Policy", "strict-origin-when-cross-origin"}}
		site.HSTS.IncludeSubDomains = true
		p := serve(t, site)
		resp := p.get("/")
		hsts := "max-age=63072000; includeSubDomains"
		if site.Era != "" {
			hsts = "max-age=63072000; includeSubdomains"
		}
		for name, want := range map[string]string{
			"Strict-Transport-Security": hsts, "Referrer-Policy": "strict-origin-when-cross-origin", "Server": "nginx",
		} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
	})
}

func TestHSTSIsSentOverHTTPOnlyByGitLabsTemplate(t *testing.T) {
	layouts(t, func(t *testing.T, site *Site) {
		site.TLS, site.Redirect, site.Port = nil, nil, 80
		p := serve(t, site)
		if got := p.get("/").Header.Get("Strict-Transport-Security"); (got != "") != (site.Era != "") {
			t.Errorf("over plain http: %q", got)
		}
	})
}

func TestGzipIsOffUnderTLS(t *testing.T) {
	layouts(t, func(t *testing.T, site *Site) {
		p := serveAlso(t, site, "gzip on; gzip_types text/plain; gzip_min_length 1; gzip_proxied any;\n")
		resp := p.do("GET", "/api/v4/config/client", http.Header{"Accept-Encoding": {"gzip"}}, nil)
		if got := resp.Header.Get("Content-Encoding"); got != "" {
			t.Errorf("Content-Encoding %q under TLS", got)
		}
	})
	t.Run("but on without TLS", func(t *testing.T) {
		p := serveAlso(t, &Site{Host: "chat.example.com"}, "gzip on; gzip_types text/plain; gzip_min_length 1; gzip_proxied any;\n")
		resp := p.do("GET", "/", http.Header{"Accept-Encoding": {"gzip"}}, nil)
		if got := resp.Header.Get("Content-Encoding"); got != "gzip" {
			t.Errorf("Content-Encoding %q, so the test above proves nothing", got)
		}
	})
	t.Run("and on for public files under TLS", func(t *testing.T) {
		site := standaloneSite()
		site.Assets = &Assets{}
		p := serveAlso(t, site, "gzip_min_length 1; gzip_proxied any; types { text/css css; }\n")
		resp := p.do("GET", "/static/a.css", http.Header{"Accept-Encoding": {"gzip"}}, nil)
		if resp.StatusCode != 200 {
			t.Errorf("status %d", resp.StatusCode)
		}
	})
}

func TestBodyLimitIsExact(t *testing.T) {
	const mb = 1 << 20
	for _, c := range []struct {
		name  string
		site  *Site
		size  int64
		allow bool
	}{
		{"GitLab's default has no limit", eraSite(), 101 * mb, true},
		{"GitLab's setting, at the limit", withBody(eraSite(), "1m"), mb, true},
		{"GitLab's setting, one byte more", withBody(eraSite(), "1m"), mb + 1, false},
		{"standalone default takes a 100 MiB file in its form", standaloneSite(), 101 * mb, true},
		{"standalone default, one byte more", standaloneSite(), 101*mb + 1, false},
		{"from MaxFileSize, at the limit", withBody(standaloneSite(), BodySize(mb)), 2 * mb, true},
		{"from MaxFileSize, one byte more", withBody(standaloneSite(), BodySize(mb)), 2*mb + 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := serve(t, c.site)
			resp := p.do("POST", "/api/v4/files", nil, io.LimitReader(zeros{}, c.size))
			if c.allow {
				want := fmt.Sprintf("POST /api/v4/files %d bytes", c.size)
				if got := bodyOf(resp); resp.StatusCode != 200 || !strings.HasPrefix(got, want) {
					t.Errorf("%d %.60q, want 200 and %q", resp.StatusCode, got, want)
				}
			} else if resp.StatusCode != 413 {
				t.Errorf("status %d, want 413", resp.StatusCode)
			}
		})
	}
}

func withBody(s *Site, max string) *Site {
	s.MaxBody = max
	return s
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestMattermostSeesTheClientThroughOneProxy(t *testing.T) {
	layouts(t, func(t *testing.T, site *Site) {
		p := serve(t, site)
		p.do("GET", "/", http.Header{"X-Forwarded-For": {"6.6.6.6"}, "X-Forwarded-Proto": {"http"}}, nil)
		h := p.mm.request().Header
		chain := "6.6.6.6, 127.0.0.1" // GitLab appended to whatever the client claimed
		if site.Era == "" {
			chain = "127.0.0.1"
		}
		for name, want := range map[string]string{
			"X-Real-Ip": "127.0.0.1", "X-Forwarded-For": chain, "X-Forwarded-Proto": "https",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		if host := p.mm.request().Host; host != "chat.example.com" {
			t.Errorf("Host %q", host)
		}
	})
}

func TestHostHeaderKeepsItsPort(t *testing.T) {
	layouts(t, func(t *testing.T, site *Site) {
		p := serve(t, site)
		conn := p.dial()
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: chat.example.com:8443\r\nConnection: close\r\n\r\n")
		if _, err := io.Copy(io.Discard, conn); err != nil {
			t.Fatal(err)
		}
		if host := p.mm.request().Host; host != "chat.example.com:8443" {
			t.Errorf("Host %q", host)
		}
	})
}

func TestSecondProxyIsBelievedOnlyWhenTrusted(t *testing.T) {
	site := func() *Site {
		return &Site{Host: "chat.example.com", Proxy: Proxy{TrustForwarded: true},
			RealIP: RealIP{From: []string{"127.0.0.1"}, Recursive: "on"}}
	}
	sent := http.Header{"X-Forwarded-For": {"203.0.113.7"}, "X-Forwarded-Proto": {"https"}}
	t.Run("trusted", func(t *testing.T) {
		p := serve(t, site())
		p.do("GET", "/", sent, nil)
		h := p.mm.request().Header
		if h.Get("X-Real-Ip") != "203.0.113.7" || h.Get("X-Forwarded-Proto") != "https" {
			t.Errorf("Mattermost sees client %q over %q", h.Get("X-Real-Ip"), h.Get("X-Forwarded-Proto"))
		}
	})
	t.Run("not trusted", func(t *testing.T) {
		s := site()
		s.RealIP.From = []string{"192.0.2.1"}
		p := serve(t, s)
		p.do("GET", "/", sent, nil)
		h := p.mm.request().Header
		if h.Get("X-Real-Ip") != "127.0.0.1" || h.Get("X-Forwarded-Proto") != "http" {
			t.Errorf("Mattermost sees client %q over %q", h.Get("X-Real-Ip"), h.Get("X-Forwarded-Proto"))
		}
	})
	t.Run("nonsense from a trusted one", func(t *testing.T) {
		p := serve(t, site())
		p.do("GET", "/", http.Header{"X-Forwarded-Proto": {"https, http"}}, nil)
		if got := p.mm.request().Header.Get("X-Forwarded-Proto"); got != "http" {
			t.Errorf("scheme %q", got)
		}
	})
}

func TestProxyProtocolGivesTheClientAddress(t *testing.T) {
	layouts(t, func(t *testing.T, site *Site) {
		site.TLS, site.Redirect, site.ProxyProtocol = nil, nil, true
		p := serve(t, site)
		conn := p.dial()
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		fmt.Fprintf(conn, "PROXY TCP4 203.0.113.7 192.0.2.1 5555 443\r\nGET / HTTP/1.1\r\nHost: chat.example.com\r\nConnection: close\r\n\r\n")
		answer, err := io.ReadAll(conn)
		if err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 200")) {
			t.Fatalf("%v %.100q", err, answer)
		}
		h := p.mm.request().Header
		if h.Get("X-Real-Ip") != "203.0.113.7" || h.Get("X-Forwarded-For") != "203.0.113.7" {
			t.Errorf("Mattermost sees %q, %q", h.Get("X-Real-Ip"), h.Get("X-Forwarded-For"))
		}
	})
}
