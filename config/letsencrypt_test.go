package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
)

// certificate makes a self-signed certificate, which is its own issuer.
func certificate(t *testing.T, issuer pkix.Name, end time.Time) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: issuer, NotBefore: end.AddDate(0, -3, 0), NotAfter: end}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func TestLetsEncryptRenewsItsOwnExpiredCertificate(t *testing.T) {
	now := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	own := pkix.Name{Country: []string{"US"}, Organization: []string{"Let's Encrypt"}, CommonName: "Let's Encrypt Authority X3"}
	other := pkix.Name{Country: []string{"US"}, Organization: []string{"Example"}, CommonName: "Example CA"}
	newer := pkix.Name{Country: []string{"US"}, Organization: []string{"Let's Encrypt"}, CommonName: "R3"}
	const path = "/etc/gitlab/ssl/gl.example.com.crt"
	for _, c := range []struct {
		why     string
		content string
		want    bool
	}{
		{"expired, of the issuer that the package knows", certificate(t, own, now.AddDate(0, 0, -1)), true},
		{"still valid", certificate(t, own, now.AddDate(0, 0, 1)), false},
		{"expired, of another issuer", certificate(t, other, now.AddDate(0, 0, -1)), false},
		{"expired, of an issuer that came later: the package does not know it", certificate(t, newer, now.AddDate(0, 0, -1)), false},
		{"no certificate at all", "nonsense", false},
		{"a broken one", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", false},
	} {
		host := Facts{Hostname: "gl01", Files: map[string]*string{path: &c.content}}.Host()
		result, err := gitlabrb.Evaluate("gitlab.rb", []byte("external_url 'https://gl.example.com'\n"), gitlabrb.Options{Lookups: host.Lookups})
		if err != nil {
			t.Fatal(err)
		}
		i, err := Resolve(Input{GitLabRB: result, Host: host, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		if i.LetsEncrypt.Enabled != c.want {
			t.Errorf("%s: Let's Encrypt is on: %v, want %v", c.why, i.LetsEncrypt.Enabled, c.want)
		}
	}
}
