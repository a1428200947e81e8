package oauth_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/gitlab-mattermost/sdk/oauth/oauthtest"
)

// proxy is a real nginx that ends TLS for several host names on one port.
type proxy struct {
	port int
	ca   *oauthtest.CA
}

// startNginx serves each host from its upstream (host:port). extra goes into
// every location.
func startNginx(t testing.TB, upstreams map[string]string, extra string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{port: l.Addr().(*net.TCPAddr).Port, ca: oauthtest.NewCA(t, "test authority")}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var conf bytes.Buffer
	fmt.Fprintf(&conf, "daemon off; master_process off; pid %[1]s/pid; error_log %[1]s/error.log;\nevents {}\nhttp {\naccess_log off; client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;\n", dir)
	for host, upstream := range upstreams {
		cert, key := p.ca.KeyPairPEM(p.ca.Issue(oauthtest.Leaf{Hosts: []string{host}}))
		for name, data := range map[string][]byte{host + ".crt": cert, host + ".key": key} {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		fmt.Fprintf(&conf, `server { listen 127.0.0.1:%[1]d ssl; server_name %[2]s; ssl_certificate %[3]s/%[2]s.crt; ssl_certificate_key %[3]s/%[2]s.key;
location / { proxy_pass http://%[4]s; proxy_set_header Host $host; proxy_set_header X-Forwarded-Proto https; %[5]s } }
`, p.port, host, dir, upstream, extra)
	}
	conf.WriteString("}\n")
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, conf.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("nginx", "-p", dir, "-c", file, "-e", filepath.Join(dir, "error.log"))
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		<-done
	})
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", p.port))
		if err == nil {
			if err := conn.Close(); err != nil {
				t.Fatal(err)
			}
			return p
		}
		select {
		case err := <-done:
			done <- err
			t.Fatalf("nginx ended: %v: %s", err, output.Bytes())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("nginx does not answer: %v", err)
		}
	}
}

// transport reaches every host through the proxy, as DNS would, and trusts its
// authority.
func (p *proxy) transport() *http.Transport {
	tr := http.DefaultTransport.(*http.Transport).Clone()
	tr.TLSClientConfig.RootCAs = p.ca.Pool()
	tr.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, fmt.Sprintf("127.0.0.1:%d", p.port))
	}
	return tr
}
