package nginx

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"
)

// CertificateOptions say what a certificate is checked against.
type CertificateOptions struct {
	Certificate string // path below root
	Key         string // path below root
	Hosts       []string
	Now         time.Time      // zero is the present
	Roots       *x509.CertPool // nil is the system's
}

// CheckCertificate reports what keeps browsers, mobile apps or nginx from
// using a certificate: missing or unreadable files, a key that does not
// belong to it or that others may read, a host that it does not name, its
// expiry, a chain that is not complete. Files are read below root; nothing of
// the key is kept or printed.
func CheckCertificate(root fs.FS, o CertificateOptions) []Finding {
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	c := &certChecker{root: root, o: o}
	chain := c.chain()
	key := c.key()
	if len(chain) == 0 {
		return c.findings
	}
	leaf := chain[0]
	if key != nil && !matches(leaf, key) {
		c.add("tls.key-mismatch", SeverityError, o.Key, "the key does not belong to the certificate; nginx does not start",
			"use the key that the certificate was requested with")
	}
	for _, host := range o.Hosts {
		if err := leaf.VerifyHostname(strings.Trim(host, "[]")); err != nil {
			c.add("tls.host", SeverityError, o.Certificate, fmt.Sprintf("the certificate does not name %s (it names %s)", host, namesOf(leaf)),
				"obtain a certificate for "+host)
		}
	}
	c.expiry(leaf)
	c.trust(chain)
	return c.findings
}

type certChecker struct {
	root     fs.FS
	o        CertificateOptions
	findings []Finding
}

func (c *certChecker) add(id, severity, where, message, fix string) {
	c.findings = append(c.findings, Finding{ID: id, Severity: severity, Message: message, Where: where, Fix: fix})
}

// read returns a file of at most 1 MiB.
func (c *certChecker) read(name, what string) ([]byte, fs.FileInfo) {
	info, err := fs.Stat(c.root, inRoot(name))
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err == nil && info.Size() > 1<<20 {
		err = errors.New("larger than 1 MiB")
	}
	var data []byte
	if err == nil {
		data, err = fs.ReadFile(c.root, inRoot(name))
	}
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		c.add("tls.missing", SeverityError, name, fmt.Sprintf("the %s cannot be read: %v", what, err), "put the file there, or correct the path")
		return nil, nil
	}
	return data, info
}

func (c *certChecker) chain() []*x509.Certificate {
	data, _ := c.read(c.o.Certificate, "certificate")
	if data == nil {
		return nil
	}
	var chain []*x509.Certificate
	for len(data) > 0 && len(chain) < 20 {
		block, rest := pem.Decode(data)
		if block == nil {
			break
		}
		data = rest
		if block.Type == "CERTIFICATE" {
			cert, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				c.add("tls.unreadable", SeverityError, c.o.Certificate, fmt.Sprintf("certificate %d of the file: %v", len(chain)+1, err), "replace the file")
				return nil
			}
			chain = append(chain, cert)
		} else if strings.Contains(block.Type, "PRIVATE KEY") {
			c.add("tls.key-in-certificate", SeverityWarning, c.o.Certificate, "the certificate file holds a private key too", "keep the key in its own file with mode 0600")
		}
	}
	if len(chain) == 0 {
		c.add("tls.unreadable", SeverityError, c.o.Certificate, "there is no certificate in PEM form in the file",
			"convert it: openssl x509 -inform der -in FILE -out FILE.pem")
	}
	return chain
}

// key returns the public half of the key, nil when it could not be read.
func (c *certChecker) key() any {
	data, info := c.read(c.o.Key, "key")
	if data == nil {
		return nil
	}
	if info.Mode().Perm()&0o077 != 0 {
		severity := SeverityWarning
		if info.Mode().Perm()&0o007 != 0 {
			severity = SeverityError
		}
		c.add("tls.key-mode", severity, c.o.Key, fmt.Sprintf("the key has mode %04o: others than its owner can use it", info.Mode().Perm()),
			"chmod 600 "+c.o.Key)
	}
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			c.add("tls.unreadable", SeverityError, c.o.Key, "there is no private key in PEM form in the file", "replace the file")
			return nil
		}
		data = rest
		if !strings.Contains(block.Type, "PRIVATE KEY") {
			continue
		}
		if block.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED") {
			c.add("tls.key-encrypted", SeverityInfo, c.o.Key, "the key has a pass phrase, so it was not compared with the certificate",
				"nginx needs ssl_password_file for it")
			return nil
		}
		public := publicOf(block.Bytes)
		if public == nil {
			c.add("tls.unreadable", SeverityError, c.o.Key, "the private key cannot be read", "replace the file")
		}
		return public
	}
}

// publicOf parses the three forms of an unencrypted key.
func publicOf(der []byte) any {
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		switch key := key.(type) {
		case *rsa.PrivateKey:
			return &key.PublicKey
		case *ecdsa.PrivateKey:
			return &key.PublicKey
		case ed25519.PrivateKey:
			return key.Public()
		}
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return &key.PublicKey
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return &key.PublicKey
	}
	return nil
}

func matches(cert *x509.Certificate, public any) bool {
	a, errA := x509.MarshalPKIXPublicKey(cert.PublicKey)
	b, errB := x509.MarshalPKIXPublicKey(public)
	return errA == nil && errB == nil && string(a) == string(b)
}

func namesOf(cert *x509.Certificate) string {
	names := append([]string{}, cert.DNSNames...)
	for _, ip := range cert.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return "nothing browsers look at"
	}
	return clip(strings.Join(names, ", "))
}

func (c *certChecker) expiry(leaf *x509.Certificate) {
	left := leaf.NotAfter.Sub(c.o.Now)
	day := leaf.NotAfter.UTC().Format(time.DateOnly)
	const fix = "renew it, then reload nginx"
	switch {
	case c.o.Now.Before(leaf.NotBefore):
		c.add("tls.not-yet", SeverityError, c.o.Certificate, "the certificate is valid from "+leaf.NotBefore.UTC().Format(time.DateOnly)+" only",
			"check the clock of this host")
	case left <= 0:
		c.add("tls.expired", SeverityError, c.o.Certificate, "the certificate expired on "+day, fix)
	case left < 14*24*time.Hour:
		c.add("tls.expires", SeverityWarning, c.o.Certificate, fmt.Sprintf("the certificate expires on %s, in %d days", day, int(left.Hours()/24)), fix)
	}
}

// trust builds the chain as a client that only knows the roots would.
func (c *certChecker) trust(chain []*x509.Certificate) {
	leaf := chain[0]
	pool := x509.NewCertPool()
	for _, cert := range chain[1:] {
		pool.AddCert(cert)
	}
	at := c.o.Now
	if at.After(leaf.NotAfter) || at.Before(leaf.NotBefore) {
		at = leaf.NotBefore.Add(time.Minute) // its dates have been reported
	}
	_, err := leaf.Verify(x509.VerifyOptions{Intermediates: pool, Roots: c.o.Roots, CurrentTime: at})
	if err == nil {
		return
	}
	if leaf.CheckSignatureFrom(leaf) == nil || string(leaf.RawIssuer) == string(leaf.RawSubject) {
		c.add("tls.self-signed", SeverityWarning, c.o.Certificate, "the certificate is self-made: browsers warn, mobile apps refuse",
			"fine for a trial; obtain one from an authority before users come")
		return
	}
	if len(chain) == 1 {
		c.add("tls.chain", SeverityError, c.o.Certificate, fmt.Sprintf("the intermediate certificate (%s) is missing: mobile apps refuse it although browsers may not", clip(leaf.Issuer.String())),
			"append the authority's intermediate certificates to the file (fullchain.pem)")
		return
	}
	c.add("tls.untrusted", SeverityWarning, c.o.Certificate, fmt.Sprintf("the chain does not lead to an authority that this host knows: %v", err),
		"check the order of the file, or install the private authority on all clients")
}

// Certificates lists the certificate and key pairs that the servers of a
// configuration name, each with the names of its server, once.
func Certificates(list []*Directive) []CertificateOptions {
	var out []CertificateOptions
	seen := map[string]bool{}
	for _, server := range serversOf(list) {
		keys := server.Find("ssl_certificate_key")
		for i, cert := range server.Find("ssl_certificate") {
			o := CertificateOptions{Certificate: cert.Arg(0)}
			if i < len(keys) {
				o.Key = keys[i].Arg(0)
			}
			for _, names := range server.Find("server_name") {
				for _, name := range names.Args {
					if checkHost(name) == nil && name != "_" {
						o.Hosts = append(o.Hosts, name)
					}
				}
			}
			if id := o.Certificate + "\x00" + o.Key + "\x00" + strings.Join(o.Hosts, " "); !seen[id] {
				seen[id] = true
				out = append(out, o)
			}
		}
	}
	return out
}
