package oauth

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/gitlab-mattermost/sdk/internal/english"
)

// answer is one HTTP answer, bounded.
type httpAnswer struct {
	status int
	header http.Header
	body   string
}

func (p *Prober) timeout() time.Duration {
	if p.Timeout > 0 {
		return p.Timeout
	}
	return 15 * time.Second
}

func (p *Prober) now() time.Time {
	if p.Now != nil {
		return p.Now()
	}
	return time.Now()
}

// newClient makes a client that follows no redirects and keeps no cookies.
func (p *Prober) newClient(roots *x509.CertPool) *http.Client {
	tr := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		DisableKeepAlives: true, TLSHandshakeTimeout: p.timeout(), ForceAttemptHTTP2: true,
	}
	if p.Dial != nil {
		tr.DialContext = p.Dial
		tr.Proxy = nil
	}
	return noRedirects(&http.Client{Transport: tr, Timeout: p.timeout()})
}

func (r *probe) get(ctx context.Context, address string, header http.Header) (httpAnswer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return httpAnswer{}, err
	}
	for k, v := range header {
		req.Header[k] = v
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return httpAnswer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return httpAnswer{}, err
	}
	return httpAnswer{resp.StatusCode, resp.Header, string(text)}, nil
}

// blameNetwork names the cause of a failed request.
func (s *ProbeStep) blameNetwork(err error) {
	s.see(plainError(err))
	var dns *net.DNSError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	var record tls.RecordHeaderError
	var timeout net.Error
	switch {
	case errors.As(err, &dns):
		s.blame("dns")
	case errors.As(err, &name):
		s.blame("tls-name")
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		if time.Now().Before(invalid.Cert.NotBefore) {
			s.blame("tls-not-yet-valid")
		} else {
			s.blame("tls-expired")
		}
	case errors.As(err, &unknown) && missingIntermediate(unknown.Cert):
		s.blame("tls-chain")
	case errors.As(err, &unknown), errors.As(err, &invalid):
		s.blame("tls-authority")
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		s.blame("tls-to-plain")
	case errors.Is(err, syscall.ECONNREFUSED):
		s.blame("refused")
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		s.blame("timeout")
	default:
		s.blame("connection-lost")
	}
}

// missingIntermediate: the certificate says where its issuer is to be had, as
// those of public authorities do, so the server should have sent it. One of a
// private authority does not say.
func missingIntermediate(c *x509.Certificate) bool {
	return c != nil && len(c.IssuingCertificateURL) > 0 && !c.IsCA
}

// plainError is the message without the address, which may hold a state.
func plainError(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err.Error()
	}
	return err.Error()
}

// blameStatus names what any server's status means in front of GitLab or
// Mattermost. It reports whether it named something.
func (s *ProbeStep) blameStatus(a httpAnswer) bool {
	switch {
	case a.status == http.StatusBadGateway, a.status == http.StatusServiceUnavailable, a.status == http.StatusGatewayTimeout:
		s.blame("server-down")
	case a.status == http.StatusTooManyRequests:
		if after := a.header.Get("Retry-After"); after != "" {
			s.see("Retry-After: " + after)
		}
		s.blame("rate-limited")
	case a.status == http.StatusBadRequest && plainToTLS(a.body):
		s.blame("plain-to-tls")
	case a.status == http.StatusForbidden, a.status == http.StatusUnprocessableEntity, a.status == http.StatusNotAcceptable:
		s.blame("forbidden")
	default:
		return false
	}
	return true
}

// plainToTLS recognises what nginx and Go say to plain HTTP on a TLS port.
func plainToTLS(body string) bool {
	return strings.Contains(body, "plain HTTP request was sent to HTTPS port") || strings.Contains(body, "HTTP request to an HTTPS server")
}

// skew compares a Date header with the clock here.
func (r *probe) skew(s *ProbeStep, a httpAnswer) {
	date, err := http.ParseTime(a.header.Get("Date"))
	if err != nil {
		return
	}
	if off := r.now().Sub(date).Round(time.Second); off > 5*time.Minute || off < -5*time.Minute {
		s.see(fmt.Sprintf("its clock differs from the one here by %s", off))
		s.blame("clock-skew")
	}
}

// trustOfMattermost verifies GitLab's certificate with what Mattermost trusts.
func (r *probe) trustOfMattermost(ctx context.Context, s *ProbeStep) {
	u, err := url.Parse(r.gitlab)
	if err != nil || u.Scheme != "https" || len(r.CADirs) == 0 {
		return
	}
	s.name("mattermost-trust", "Mattermost", "GitLab", "Mattermost trusts GitLab's certificate")
	pool, n, err := poolOf(r.CADirs)
	if err != nil {
		s.see(err.Error())
		s.blame("tls-mattermost-trust")
		return
	}
	s.see(english.Count(n, "certificate") + " in " + strings.Join(r.CADirs, ":"))
	if !r.gitlabUp {
		s.see("GitLab could not be reached")
		return
	}
	own := *r
	own.client = r.newClient(pool)
	_, err = own.get(ctx, r.ends.Discovery, nil)
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &unknown):
		s.see(plainError(err))
		s.blame("tls-mattermost-trust")
	case err != nil:
		s.blameNetwork(err)
	default:
		s.pass()
	}
}

// poolOf reads directories as Go, and so Mattermost, reads SSL_CERT_DIR: every
// file, those without a certificate ignored.
func poolOf(dirs []string) (*x509.CertPool, int, error) {
	pool, n := x509.NewCertPool(), 0
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, 0, fmt.Errorf("read the trusted certificates: %w", err)
		}
		for _, e := range entries {
			path := filepath.Join(dir, e.Name())
			info, err := os.Stat(path) // follows links, which such directories consist of
			if err != nil || !info.Mode().IsRegular() || info.Size() > 4<<20 {
				continue
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return nil, 0, fmt.Errorf("read the trusted certificates: %w", err)
			}
			if pool.AppendCertsFromPEM(data) {
				n++
			}
		}
	}
	return pool, n, nil
}
