package nginx

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/quic"
)

// TestHTTP3IsThereWhereNginxHasIt asks for HTTP/3. An nginx that is built with
// it completes a QUIC handshake for h3 and announces it; any other gets a vhost
// that says so and works without.
func TestHTTP3IsThereWhereNginxHasIt(t *testing.T) {
	site := standaloneSite()
	site.HTTP3 = true
	p := serve(t, site)
	altSvc := p.get("/").Header.Get("Alt-Svc")
	if !localTarget(t).HTTP3 {
		text, err := Render(site, localTarget(t))
		if err != nil {
			t.Fatal(err)
		}
		if altSvc != "" || strings.Contains(text, "quic") || !strings.Contains(text, "# HTTP/3 was asked for; this nginx is not built with it.") {
			t.Errorf("Alt-Svc %q and\n%s", altSvc, text)
		}
		return
	}
	if want := fmt.Sprintf(`h3=":%d"; ma=86400`, p.port); altSvc != want {
		t.Errorf("Alt-Svc %q, want %q", altSvc, want)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	end, err := quic.Listen("udp", "127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer end.Close(ctx)
	conn, err := end.Dial(ctx, "udp", fmt.Sprintf("127.0.0.1:%d", p.port), &quic.Config{TLSConfig: &tls.Config{
		InsecureSkipVerify: true, ServerName: "chat.example.com", NextProtos: []string{"h3"}, MinVersion: tls.VersionTLS13}})
	if err != nil {
		t.Fatalf("QUIC handshake: %v\n%s", err, p.log())
	}
	if got := conn.ConnectionState().NegotiatedProtocol; got != "h3" {
		t.Errorf("negotiated %q, want h3", got)
	}
	conn.Abort(nil)
}
