package nginx

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"strings"
	"time"

	"github.com/gitlab-mattermost/sdk/internal/atomicfile"
	"github.com/gitlab-mattermost/sdk/internal/redact"
)

// Secret is a text that prints as [redacted]; Reveal gives it.
type Secret = redact.Secret

// SelfSignedOptions describe a certificate for a trial.
type SelfSignedOptions struct {
	Hosts []string  // names and addresses, the first is the subject
	Days  int       // 0 is 30: a trial should end
	Now   time.Time // zero is the present
}

// KeyPair is a certificate and its private key, both PEM.
type KeyPair struct {
	Certificate []byte
	Key         Secret
}

// SelfSigned makes a P-256 certificate that no browser trusts, for a trial
// before the real one is there. Do not send HSTS with it: browsers would
// refuse to let anybody past the warning.
func SelfSigned(o SelfSignedOptions) (*KeyPair, error) {
	if len(o.Hosts) == 0 {
		return nil, errors.New("make a certificate: no host name given")
	}
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	if o.Days == 0 {
		o.Days = 30
	}
	tmpl := &x509.Certificate{
		Subject:   pkix.Name{CommonName: o.Hosts[0], Organization: []string{"trial certificate, not trusted"}},
		NotBefore: o.Now.Add(-time.Hour), NotAfter: o.Now.AddDate(0, 0, o.Days),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	for _, host := range o.Hosts {
		if err := checkHost(host); err != nil {
			return nil, fmt.Errorf("make a certificate for %q: %w", clip(host), err)
		}
		if ip := net.ParseIP(strings.Trim(host, "[]")); ip != nil {
			tmpl.IPAddresses = append(tmpl.IPAddresses, ip)
		} else {
			tmpl.DNSNames = append(tmpl.DNSNames, host)
		}
	}
	var err error
	if tmpl.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)); err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	return &KeyPair{
		Certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		Key:         Secret(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})),
	}, nil
}

// Write stores the pair, the key first and readable by its owner only. It
// refuses to replace a file that exists: that may be the real one.
func (p *KeyPair) Write(certificate, key string) error {
	for _, path := range []string{certificate, key} {
		if _, err := os.Lstat(path); err == nil {
			return fmt.Errorf("write trial certificate: %s exists already; remove it first if it may go", path)
		} else if !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("write trial certificate: %w", err)
		}
	}
	if err := atomicfile.WriteFile(key, []byte(p.Key.Reveal()), 0o600); err != nil {
		return fmt.Errorf("write trial key: %w", err)
	}
	if err := atomicfile.WriteFile(certificate, p.Certificate, 0o644); err != nil {
		return fmt.Errorf("write trial certificate: %w", err)
	}
	return nil
}
