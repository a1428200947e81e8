package nginx

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// realNginx is the binary that every behaviour test runs; a missing one is a
// failure, never a skip.
func realNginx(t testing.TB) string {
	t.Helper()
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/usr/local/sbin") {
		path := filepath.Join(dir, "nginx")
		if info, err := os.Stat(path); err == nil && info.Mode()&0o111 != 0 {
			return path
		}
	}
	t.Fatal("nginx is not installed; the tests need it (apt-get install nginx)")
	return ""
}

// localTarget is the version of the nginx under test, the first in PATH.
func localTarget(t testing.TB) Target {
	t.Helper()
	out, err := exec.Command(realNginx(t), "-V").CombinedOutput()
	if err != nil {
		t.Fatalf("nginx -V: %v\n%s", err, out)
	}
	target, err := parseBuild(string(out))
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// certificate makes a self-signed certificate and returns the two paths.
func certificate(t testing.TB, dir string, hosts ...string) (cert, key string) {
	t.Helper()
	priv, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: hosts[0]}, DNSNames: hosts,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &priv.PublicKey, priv)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(priv)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, hosts[0]+".crt"), filepath.Join(dir, hosts[0]+".key")
	writeFile(t, cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), 0o644)
	writeFile(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})), 0o600)
	return cert, key
}

func writeFile(t testing.TB, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// freePort returns a TCP port that nothing listened on a moment ago.
func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// mainFile is a whole nginx.conf around http-level text.
func mainFile(dir, http string) string {
	user := ""
	if os.Getuid() == 0 {
		user = "user root;\n"
	}
	temp := ""
	for _, name := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		temp += fmt.Sprintf("  %s_temp_path %s/tmp-%s;\n", name, dir, name)
	}
	return fmt.Sprintf("%sworker_processes 1;\ndaemon off;\npid %s/nginx.pid;\nerror_log %s/error.log notice;\n"+
		"events { worker_connections 512; }\nhttp {\n  access_log %s/access.log;\n%s%s}\n", user, dir, dir, dir, temp, http)
}

// testConfig runs the real "nginx -t" over http-level text in a throw-away
// prefix and returns its messages.
func testConfig(t testing.TB, http string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	conf := filepath.Join(dir, "nginx.conf")
	writeFile(t, conf, mainFile(dir, http), 0o644)
	out, err := exec.Command(realNginx(t), "-t", "-p", dir, "-c", conf).CombinedOutput()
	return string(out), err
}

// mustAccept fails unless the real nginx accepts the text.
func mustAccept(t testing.TB, http string) {
	t.Helper()
	if out, err := testConfig(t, http); err != nil {
		t.Errorf("nginx -t refuses it: %v\n%s\n%s", err, out, http)
	}
}

// server is a running nginx of the test's own.
type server struct {
	t   testing.TB
	dir string
	cmd *exec.Cmd
	err bytes.Buffer
}

// startNginx runs the real nginx with http-level text until the test ends and
// waits until it answers on port.
func startNginx(t testing.TB, dir, http string, port int) *server {
	t.Helper()
	conf := filepath.Join(dir, "nginx.conf")
	writeFile(t, conf, mainFile(dir, http), 0o644)
	s := &server{t: t, dir: dir, cmd: exec.Command(realNginx(t), "-p", dir, "-c", conf)}
	s.cmd.Stderr = &s.err
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.cmd.Wait() }()
	t.Cleanup(func() {
		_ = s.cmd.Process.Signal(syscall.SIGTERM)
		<-ended
	})
	deadline := time.Now().Add(10 * time.Second)
	for {
		c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), time.Second)
		if err == nil {
			c.Close()
			return s
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("nginx ended: %v\n%s\n%s", err, s.err.String(), s.log())
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("nginx does not answer on port %d: %v\n%s", port, err, s.log())
		}
	}
}

func (s *server) log() string {
	b, _ := os.ReadFile(filepath.Join(s.dir, "error.log"))
	return string(b)
}

// mattermost is a stand-in for the Mattermost server: it upgrades websockets,
// counts upload bytes and shows the headers that reached it.
type mattermost struct {
	*httptest.Server
	mu   sync.Mutex
	last *http.Request
}

func newMattermost(t testing.TB) *mattermost {
	m := &mattermost{}
	m.Server = httptest.NewServer(m)
	t.Cleanup(m.Close)
	return m
}

func (m *mattermost) addr() string { return strings.TrimPrefix(m.URL, "http://") }

func (m *mattermost) request() *http.Request {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last
}

func (m *mattermost) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	m.last = r.Clone(context.Background())
	m.mu.Unlock()
	if strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		if !strings.Contains(strings.ToLower(r.Header.Get("Connection")), "upgrade") {
			http.Error(w, "URL Blocked because of CORS", http.StatusBadRequest)
			return
		}
		conn, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
		rw.Flush()
		line, err := rw.ReadString('\n') // one line back and forth proves the tunnel
		if err == nil {
			fmt.Fprintf(rw, "echo %s", line)
			rw.Flush()
		}
		return
	}
	var n int64
	buf := make([]byte, 64<<10)
	for {
		k, err := r.Body.Read(buf)
		n += int64(k)
		if err != nil {
			break
		}
	}
	w.Header().Set("Content-Type", "text/plain")
	fmt.Fprintf(w, "%s %s %d bytes\n", r.Method, r.URL.RequestURI(), n)
	fmt.Fprint(w, strings.Repeat("padding that gzip likes ", 200))
}

// client talks to nginx on 127.0.0.1 whatever the URL's host says, without
// following redirects.
func client(port int) *http.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	return &http.Client{
		Timeout: 60 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
		Transport: &http.Transport{
			DisableCompression: true,
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return dialer.DialContext(ctx, network, fmt.Sprintf("127.0.0.1:%d", port))
			},
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // the test's own certificate
		},
	}
}

// websocket asks for an upgrade on path and sends one line through the tunnel.
// It returns the status line and what came back.
func websocket(t testing.TB, conn net.Conn, host, path string) (status, echo string) {
	t.Helper()
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", path, host)
	var got bytes.Buffer
	buf := make([]byte, 4096)
	for !bytes.Contains(got.Bytes(), []byte("\r\n\r\n")) {
		n, err := conn.Read(buf)
		got.Write(buf[:n])
		if err != nil {
			t.Fatalf("websocket %s: %v after %q", path, err, got.String())
		}
	}
	status, _, _ = strings.Cut(got.String(), "\r\n")
	if !strings.Contains(status, "101") {
		return status, ""
	}
	fmt.Fprint(conn, "hello\n")
	n, err := conn.Read(buf)
	if err != nil {
		t.Fatalf("websocket %s: nothing comes back: %v", path, err)
	}
	return status, string(buf[:n])
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
