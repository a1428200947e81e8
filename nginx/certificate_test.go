package nginx

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// authority makes a root, an intermediate and leaf certificates for tests.
type authority struct {
	t         *testing.T
	root, mid *x509.Certificate
	rootKey   *ecdsa.PrivateKey
	midKey    *ecdsa.PrivateKey
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func issue(t *testing.T, tmpl, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) *x509.Certificate {
	tmpl.SerialNumber = big.NewInt(time.Now().UnixNano())
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t, rootKey: newKey(t), midKey: newKey(t)}
	ca := func(name string) *x509.Certificate {
		return &x509.Certificate{Subject: pkix.Name{CommonName: name}, NotBefore: time.Unix(1e9, 0), NotAfter: time.Unix(4e9, 0),
			IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	}
	tmpl := ca("Test Root")
	a.root = issue(t, tmpl, tmpl, a.rootKey, a.rootKey)
	a.mid = issue(t, ca("Test Intermediate"), a.root, a.midKey, a.rootKey)
	return a
}

// leaf returns a certificate and key for host, valid around now.
func (a *authority) leaf(host string, from, to time.Time) (*x509.Certificate, *ecdsa.PrivateKey) {
	key := newKey(a.t)
	return issue(a.t, &x509.Certificate{Subject: pkix.Name{CommonName: host}, DNSNames: []string{host}, NotBefore: from, NotAfter: to,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}, a.mid, key, a.midKey), key
}

func pemCert(certs ...*x509.Certificate) []byte {
	var out []byte
	for _, c := range certs {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return out
}

func pemKey(t *testing.T, key *ecdsa.PrivateKey) []byte {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func TestCertificateChecksNameEachFault(t *testing.T) {
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	a := newAuthority(t)
	good, goodKey := a.leaf("chat.example.com", now.AddDate(0, -1, 0), now.AddDate(0, 2, 0))
	_, otherKey := a.leaf("chat.example.com", now, now.AddDate(0, 2, 0))
	old, oldKey := a.leaf("chat.example.com", now.AddDate(-1, 0, 0), now.AddDate(0, 0, -1))
	soon, soonKey := a.leaf("chat.example.com", now.AddDate(0, -1, 0), now.AddDate(0, 0, 5))
	later, laterKey := a.leaf("chat.example.com", now.AddDate(0, 0, 1), now.AddDate(0, 2, 0))
	self, err := SelfSigned(SelfSignedOptions{Hosts: []string{"chat.example.com", "[2001:db8::1]", "192.0.2.1"}, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	ec, err := x509.MarshalECPrivateKey(goodKey)
	if err != nil {
		t.Fatal(err)
	}
	encrypted := pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")})
	for _, c := range []struct {
		reason    string
		cert, key []byte
		mode      os.FileMode
		host      string
		want      string // ids, in order
	}{
		{"all is well", pemCert(good, a.mid), pemKey(t, goodKey), 0o600, "chat.example.com", ""},
		{"the key in the older EC form", pemCert(good, a.mid), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: ec}), 0o600, "chat.example.com", ""},
		{"the key of another certificate", pemCert(good, a.mid), pemKey(t, otherKey), 0o600, "chat.example.com", "tls.key-mismatch"},
		{"another host", pemCert(good, a.mid), pemKey(t, goodKey), 0o600, "talk.example.com", "tls.host"},
		{"expired", pemCert(old, a.mid), pemKey(t, oldKey), 0o600, "chat.example.com", "tls.expired"},
		{"expires soon", pemCert(soon, a.mid), pemKey(t, soonKey), 0o600, "chat.example.com", "tls.expires"},
		{"not valid yet", pemCert(later, a.mid), pemKey(t, laterKey), 0o600, "chat.example.com", "tls.not-yet"},
		{"the intermediate is missing", pemCert(good), pemKey(t, goodKey), 0o600, "chat.example.com", "tls.chain"},
		{"the wrong intermediate", pemCert(good, a.root), pemKey(t, goodKey), 0o600, "chat.example.com", "tls.untrusted"},
		{"self-made", self.Certificate, []byte(self.Key.Reveal()), 0o600, "192.0.2.1", "tls.self-signed"},
		{"self-made for an IPv6 address", self.Certificate, []byte(self.Key.Reveal()), 0o600, "[2001:db8::1]", "tls.self-signed"},
		{"others may read the key", pemCert(good, a.mid), pemKey(t, goodKey), 0o644, "chat.example.com", "tls.key-mode"},
		{"no certificate file", nil, pemKey(t, goodKey), 0o600, "chat.example.com", "tls.missing"},
		{"no key file", pemCert(good, a.mid), nil, 0o600, "chat.example.com", "tls.missing"},
		{"not PEM", []byte("\x30\x82"), pemKey(t, goodKey), 0o600, "chat.example.com", "tls.unreadable"},
		{"a broken certificate", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}), pemKey(t, goodKey), 0o600, "chat.example.com", "tls.unreadable"},
		{"a broken key", pemCert(good, a.mid), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")}), 0o600, "chat.example.com", "tls.unreadable"},
		{"an encrypted key", pemCert(good, a.mid), encrypted, 0o600, "chat.example.com", "tls.key-encrypted"},
		{"the key in the certificate file too", append(pemCert(good, a.mid), pemKey(t, goodKey)...), pemKey(t, goodKey), 0o600, "chat.example.com", "tls.key-in-certificate"},
	} {
		t.Run(c.reason, func(t *testing.T) {
			root := fstest.MapFS{}
			if c.cert != nil {
				root["etc/ssl/chat.pem"] = &fstest.MapFile{Data: c.cert, Mode: 0o644}
			}
			if c.key != nil {
				root["etc/ssl/chat.key"] = &fstest.MapFile{Data: c.key, Mode: c.mode}
			}
			pool := x509.NewCertPool()
			pool.AddCert(a.root)
			findings := CheckCertificate(root, CertificateOptions{Certificate: "/etc/ssl/chat.pem", Key: "/etc/ssl/chat.key",
				Hosts: []string{c.host}, Now: now, Roots: pool})
			var ids []string
			for _, f := range findings {
				ids = append(ids, f.ID)
				if f.Where == "" || f.Fix == "" {
					t.Errorf("%s: where %q, fix %q", f.ID, f.Where, f.Fix)
				}
				if strings.Contains(fmt.Sprint(f), "BEGIN") {
					t.Errorf("the finding shows file content: %v", f)
				}
			}
			if got := strings.Join(ids, " "); got != c.want {
				t.Errorf("findings %q, want %q\n%v", got, c.want, findings)
			}
		})
	}
}

func TestTrialCertificateIsWrittenOnceAndServesTheSite(t *testing.T) {
	dir := t.TempDir()
	pair, err := SelfSigned(SelfSignedOptions{Hosts: []string{"chat.example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	cert, key := filepath.Join(dir, "chat.pem"), filepath.Join(dir, "chat.key")
	if err := pair.Write(cert, key); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(key)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key: mode %v, %v", info.Mode(), err)
	}
	if err := pair.Write(cert, key); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("an existing certificate was replaced: %v", err)
	}
	if text := fmt.Sprintf("%v %+v", pair, *pair); strings.Contains(text, "PRIVATE") {
		t.Error("the key is printed")
	}
	site := standaloneSite()
	site.TLS.Certificate, site.TLS.Key = cert, key
	p := serve(t, site)
	if resp := p.get("/"); resp.StatusCode != 200 {
		t.Errorf("status %d", resp.StatusCode)
	}
	out, err := exec.Command("openssl", "x509", "-in", cert, "-noout", "-ext", "subjectAltName").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "DNS:chat.example.com") {
		t.Errorf("openssl reads %s, %v", out, err)
	}
	for _, bad := range [][]string{nil, {"a b"}, {"x;y"}} {
		if _, err := SelfSigned(SelfSignedOptions{Hosts: bad}); err == nil {
			t.Errorf("certificate for %q", bad)
		}
	}
}
