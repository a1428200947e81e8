package nginx

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestSilentWebsocketLivesAsLongAsItsSettingSays(t *testing.T) {
	layouts(t, func(t *testing.T, site *Site) {
		site.Proxy.WebSocketReadTimeout = "1s"
		p := serve(t, site)
		if d := silence(t, p); d < 900*time.Millisecond || d > 4*time.Second {
			t.Errorf("closed after %v, the setting says 1s", d)
		}
	})
	t.Run("default", func(t *testing.T) {
		for _, site := range []*Site{eraSite(), standaloneSite()} {
			site.TLS.Certificate, site.TLS.Key = "/c", "/k"
			list, err := site.Directives(Target{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			walk(list, func(c *Directive) {
				if c.Name == "location" && strings.Contains(strings.Join(c.Args, " "), "websocket") {
					got = append(got, c.Find("proxy_read_timeout")[0].Args[0])
				}
			})
			if len(got) != 1 || got[0] != "3600" && got[0] != "1h" { // ten idle minutes and far more
				t.Errorf("era %q: websocket read timeout %q", site.Era, got)
			}
		}
	})
}

// silence opens a websocket, says nothing and measures until nginx ends it.
func silence(t *testing.T, p *proof) time.Duration {
	t.Helper()
	conn := p.dial()
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	start := time.Now()
	fmt.Fprintf(conn, "GET /api/v4/websocket HTTP/1.1\r\nHost: chat.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
	got, _ := io.ReadAll(conn) // ends with nginx closing; TLS may call that unexpected
	if !bytes.HasPrefix(got, []byte("HTTP/1.1 101")) {
		t.Fatalf("no upgrade: %.80q", got)
	}
	return time.Since(start)
}

func TestOneDeadNodeOfSeveralIsNotNoticed(t *testing.T) {
	dead := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	mm := newMattermost(t)
	p := serve(t, &Site{Host: "chat.example.com", Upstream: Upstream{Addresses: []string{dead, mm.addr()}}})
	for i := range 20 {
		if resp := p.get("/api/v4/system/ping"); resp.StatusCode != 200 {
			t.Fatalf("request %d: status %d", i, resp.StatusCode)
		}
	}
	if resp := p.do("POST", "/api/v4/posts", nil, strings.NewReader("{}")); resp.StatusCode != 200 {
		t.Errorf("POST: status %d", resp.StatusCode)
	}
	if status, _ := websocket(t, p.dial(), "chat.example.com", "/api/v4/websocket"); !strings.Contains(status, "101") {
		t.Errorf("websocket: %s", status)
	}
}

func TestKeepaliveConnectionsAreReused(t *testing.T) {
	p := serve(t, &Site{Host: "chat.example.com"})
	seen := map[string]bool{}
	for range 10 {
		p.get("/")
		seen[p.mm.request().RemoteAddr] = true
	}
	if len(seen) != 1 {
		t.Errorf("10 requests used %d connections to Mattermost", len(seen))
	}
}

func TestChallengeFilesAreServedOnPort80(t *testing.T) {
	layouts(t, func(t *testing.T, site *Site) {
		root := t.TempDir()
		writeFile(t, root+"/.well-known/acme-challenge/token-1", "token-1.thumbprint", 0o644)
		site.ACME = &ACME{Root: root}
		p := serve(t, site)
		resp, err := client(p.plain).Get("http://chat.example.com/.well-known/acme-challenge/token-1")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if got := bodyOf(resp); resp.StatusCode != 200 || got != "token-1.thumbprint" {
			t.Errorf("%d %q", resp.StatusCode, got)
		}
	})
}

func TestSubPathServesOnlyItself(t *testing.T) {
	p := serve(t, &Site{Host: "chat.example.com", Path: "/chat", Assets: &Assets{}})
	for path, want := range map[string]int{
		"/chat": 200, "/chat/": 200, "/chat/api/v4/users/me": 200, "/chat/static/main.js": 200,
		"/": 302, "/chatter": 404, "/api/v4/users/me": 404, "/chat/../etc": 404,
	} {
		if resp := p.get(path); resp.StatusCode != want {
			t.Errorf("%s: status %d, want %d", path, resp.StatusCode, want)
		}
	}
	if status, _ := websocket(t, p.dial(), "chat.example.com", "/chat/api/v4/websocket"); !strings.Contains(status, "101") {
		t.Errorf("websocket: %s", status)
	}
}

func TestRateLimitAnswers429(t *testing.T) {
	p := serve(t, &Site{Host: "chat.example.com", Limit: &RateLimit{PerSecond: 1, Burst: 3}})
	counts := map[int]int{}
	for range 10 {
		counts[p.get("/").StatusCode]++
	}
	if counts[200] < 4 || counts[200] > 5 || counts[429] != 10-counts[200] {
		t.Errorf("statuses %v, want the burst of 3 and one more, then 429", counts)
	}
}

func TestDefaultServerTurnsOtherNamesAway(t *testing.T) {
	site := standaloneSite()
	site.DefaultServer = true
	p := serve(t, site)
	addr := fmt.Sprintf("127.0.0.1:%d", p.port)
	_, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, ServerName: "other.example.com"})
	if err == nil || !strings.Contains(err.Error(), "unrecognized name") {
		t.Errorf("handshake for another name: %v", err)
	}
	if _, err := client(p.plain).Get("http://other.example.com/"); err == nil {
		t.Error("another name got an answer on http")
	}
	conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, ServerName: "chat.example.com"})
	if err != nil {
		t.Fatalf("the site's own name: %v", err)
	}
	conn.Close()
}

func TestProxyCacheIsNotInherited(t *testing.T) {
	cache := func(t *testing.T) string {
		return fmt.Sprintf("proxy_cache_path %s/gitlab keys_zone=gitlab:1m;\nproxy_cache gitlab;\nproxy_cache_valid 200 1h;\n", t.TempDir())
	}
	hits := func(p *proof) int {
		seen := map[*http.Request]bool{}
		for range 3 {
			p.get("/public.json")
			seen[p.mm.request()] = true
		}
		return len(seen)
	}
	layouts(t, func(t *testing.T, site *Site) {
		want := 3
		if site.Era != "" {
			want = 1 // the trap of GitLab's template
		}
		if n := hits(serveAlso(t, site, cache(t))); n != want {
			t.Errorf("%d of 3 requests reached Mattermost, want %d", n, want)
		}
	})
}
