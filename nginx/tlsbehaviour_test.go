package nginx

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// negotiate asks the openssl client what it gets; "" when refused.
func negotiate(t *testing.T, port int, args ...string) (protocol, cipher string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "openssl", append([]string{"s_client", "-connect", fmt.Sprintf("127.0.0.1:%d", port),
		"-servername", "chat.example.com"}, args...)...)
	cmd.Stdin = strings.NewReader("")
	out, err := cmd.CombinedOutput()
	if len(out) == 0 {
		t.Fatalf("openssl s_client: %v", err)
	}
	if m := regexp.MustCompile(`New, (\S+), Cipher is (\S+)`).FindSubmatch(out); m != nil && string(m[2]) != "(NONE)" {
		cipher = string(m[2])
		if m := regexp.MustCompile(`Protocol *: (\S+)`).FindSubmatch(out); m != nil {
			protocol = string(m[1])
		} else {
			protocol = string(regexp.MustCompile(`New, (\S+),`).FindSubmatch(out)[1])
		}
	}
	return protocol, cipher
}

func TestNegotiatedVersionsAndCiphers(t *testing.T) {
	for _, c := range []struct {
		reason   string
		policy   Policy
		era      string
		args     []string
		protocol string // "" is refused
		cipher   string // "" is any
	}{
		{"TLS 1.3 is preferred", Intermediate(), "", nil, "TLSv1.3", "TLS_AES_256_GCM_SHA384"},
		{"TLS 1.2 is offered", Intermediate(), "", []string{"-tls1_2"}, "TLSv1.2", ""},
		{"the client's preference wins", Intermediate(), "", []string{"-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256"}, "TLSv1.2", "ECDHE-ECDSA-CHACHA20-POLY1305"},
		{"TLS 1.1 is not", Intermediate(), "", []string{"-tls1_1", "-cipher", "ALL:@SECLEVEL=0"}, "", ""},
		{"CBC is not", Intermediate(), "", []string{"-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"}, "", ""},
		{"modern refuses 1.2", Modern(), "", []string{"-tls1_2"}, "", ""},
		{"modern speaks 1.3", Modern(), "", []string{"-tls1_3"}, "TLSv1.3", ""},
		{"a curve of the policy", Modern(), "", []string{"-groups", "X25519"}, "TLSv1.3", ""},
		{"a curve outside of it", Modern(), "", []string{"-groups", "secp521r1"}, "", ""},
		{"the package's list, 1.2", Policy{}, "18.11", []string{"-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"}, "TLSv1.2", "ECDHE-ECDSA-AES128-GCM-SHA256"},
		{"the package's list, 1.1", Policy{}, "18.11", []string{"-tls1_1", "-cipher", "ALL:@SECLEVEL=0"}, "", ""},
		{"the package's list, CBC", Policy{}, "18.11", []string{"-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-SHA"}, "", ""},
		{"11.0 listed suites for RSA only, an ECDSA certificate gets none", Policy{}, "11.0", []string{"-tls1_2"}, "", ""},
	} {
		t.Run(c.reason, func(t *testing.T) {
			site := standaloneSite()
			if c.era != "" {
				site = eraSite()
				site.Era = c.era
			}
			site.TLS.Policy = c.policy
			p := serve(t, site)
			protocol, cipher := negotiate(t, p.port, c.args...)
			if protocol != c.protocol || c.cipher != "" && cipher != c.cipher {
				t.Errorf("negotiated %q %q, want %q %q", protocol, cipher, c.protocol, c.cipher)
			}
		})
	}
}

func TestHTTP2IsNegotiated(t *testing.T) {
	layouts(t, func(t *testing.T, site *Site) {
		for _, off := range []bool{false, true} {
			site.TLS.NoHTTP2 = off
			p := serve(t, site)
			tr := &http.Transport{ForceAttemptHTTP2: true,
				TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: "chat.example.com"}}
			resp, err := (&http.Client{Transport: tr}).Get(fmt.Sprintf("https://127.0.0.1:%d/", p.port))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if want := map[bool]int{false: 2, true: 1}[off]; resp.ProtoMajor != want {
				t.Errorf("NoHTTP2 %v: %s", off, resp.Proto)
			}
			tr.CloseIdleConnections()
		}
	})
}

func TestClientCertificatesAreAskedFor(t *testing.T) {
	layouts(t, func(t *testing.T, site *Site) {
		dir := t.TempDir()
		ca, key := certificate(t, dir, "client.example.com") // self-signed: its own CA
		site.TLS.ClientCertificate, site.TLS.VerifyClient = ca, "on"
		p := serve(t, site)
		if resp := p.get("/"); resp.StatusCode != 400 {
			t.Errorf("without a certificate: status %d, want 400", resp.StatusCode)
		}
		pair, err := tls.LoadX509KeyPair(ca, key)
		if err != nil {
			t.Fatal(err)
		}
		c := client(p.port)
		c.Transport.(*http.Transport).TLSClientConfig.Certificates = []tls.Certificate{pair}
		resp, err := c.Get("https://chat.example.com/")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Errorf("with a certificate: status %d, want 200", resp.StatusCode)
		}
	})
}

func TestProxyProtocolUnderTLS(t *testing.T) {
	layouts(t, func(t *testing.T, site *Site) {
		site.ProxyProtocol = true
		p := serve(t, site)
		raw, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", p.port))
		if err != nil {
			t.Fatal(err)
		}
		defer raw.Close()
		fmt.Fprint(raw, "PROXY TCP4 203.0.113.9 192.0.2.1 5555 443\r\n")
		conn := tls.Client(raw, &tls.Config{InsecureSkipVerify: true, ServerName: "chat.example.com"})
		status, _ := websocket(t, conn, "chat.example.com", "/api/v4/websocket")
		if !strings.Contains(status, "101") {
			t.Errorf("status %q", status)
		}
		if got := p.mm.request().Header.Get("X-Real-Ip"); got != "203.0.113.9" {
			t.Errorf("X-Real-IP %q", got)
		}
	})
}
