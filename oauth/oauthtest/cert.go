package oauthtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"testing"
	"time"
)

// CA is a certificate authority of a test.
type CA struct {
	Certificate *x509.Certificate
	PEM         []byte
	key         *ecdsa.PrivateKey
	t           testing.TB
}

// Leaf chooses the certificate that [CA.Issue] makes.
type Leaf struct {
	Hosts     []string      // names and addresses; empty: localhost and 127.0.0.1
	Lifetime  time.Duration // from now; negative: already over; 0: thirty days
	Start     time.Time     // zero: a day ago
	Through   *CA           // an intermediate to issue through; it is left out of the chain
	IssuerURL string        // where the issuer's certificate is to be had, as public authorities say
}

// NewCA makes an authority that nothing trusts yet.
func NewCA(t testing.TB, name string) *CA {
	t.Helper()
	return makeCA(t, name, nil)
}

// Intermediate makes an authority below ca.
func (ca *CA) Intermediate(name string) *CA { return makeCA(ca.t, name, ca) }

func makeCA(t testing.TB, name string, parent *CA) *CA {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial(t), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(60 * 24 * time.Hour),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	issuer, issuerKey := template, key
	if parent != nil {
		issuer, issuerKey = parent.Certificate, parent.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, &key.PublicKey, issuerKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &CA{cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), key, t}
}

// Issue makes a server certificate.
func (ca *CA) Issue(l Leaf) tls.Certificate {
	ca.t.Helper()
	if len(l.Hosts) == 0 {
		l.Hosts = []string{"localhost", "127.0.0.1"}
	}
	if l.Lifetime == 0 {
		l.Lifetime = 30 * 24 * time.Hour
	}
	signer := ca
	if l.Through != nil {
		signer = l.Through
	}
	if l.Start.IsZero() {
		l.Start = time.Now().Add(-24 * time.Hour)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		ca.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial(ca.t), Subject: pkix.Name{CommonName: l.Hosts[0]}, NotBefore: l.Start, NotAfter: time.Now().Add(l.Lifetime),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if l.IssuerURL != "" {
		template.IssuingCertificateURL = []string{l.IssuerURL}
	}
	for _, h := range l.Hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, signer.Certificate, &key.PublicKey, signer.key)
	if err != nil {
		ca.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// Pool is a set of roots with this authority only.
func (ca *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.Certificate)
	return pool
}

// KeyPairPEM gives a certificate and its key as nginx reads them.
func (ca *CA) KeyPairPEM(c tls.Certificate) (cert, key []byte) {
	ca.t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		ca.t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func serial(t testing.TB) *big.Int {
	n, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
