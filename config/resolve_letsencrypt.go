package config

import (
	"crypto/x509"
	"encoding/pem"
	"regexp"
	"strings"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
)

// letsEncrypt decides whether Let's Encrypt is on, when the user has not:
// GitLab's own URL is https, nginx is on and listens with https, and GitLab's
// certificate is missing, was made by an earlier run, or is an expired one of
// Let's Encrypt.
func (r *resolver) letsEncrypt() {
	if r.at < rel(10, 7, 0) || r.value("letsencrypt", "enable") != nil || r.isUndecided("letsencrypt", "enable") {
		return
	}
	listen := r.value("nginx", "listen_https")
	auto := truthy(r.value("gitlab_rails", "gitlab_https")) && r.nginx && (listen == nil || truthy(listen)) &&
		(truthy(r.value("letsencrypt", "auto_enabled")) || !r.gitLabCertificate() || r.certificateExpired())
	if auto && r.at >= rel(16, 1, 0) && r.value("package", "generate_secrets_json_file") == false {
		return // the package only warns
	}
	from := derived("external_url", "automatic: GitLab's URL is https and it has no certificate of its own")
	if !auto {
		from.Rule = "automatic: not needed or not possible"
	}
	r.put("letsencrypt", "enable", auto, from)
}

func (r *resolver) exists(path string) bool {
	return r.Host.Lookups.Exists != nil && r.Host.Lookups.Exists(path)
}

func (r *resolver) gitLabCertificate() bool {
	return r.exists(RubyText(r.value("nginx", "ssl_certificate_key"))) || r.exists(RubyText(r.value("nginx", "ssl_certificate")))
}

var letsEncryptIssuer = regexp.MustCompile(`^Let's Encrypt Authority X[1-4]`)

// certificateExpired tells whether GitLab's certificate is an expired one of
// the issuers that the package knows.
func (r *resolver) certificateExpired() bool {
	if r.Host.Lookups.ReadFile == nil {
		return false
	}
	data, err := r.Host.Lookups.ReadFile(RubyText(r.value("nginx", "ssl_certificate")))
	if err != nil {
		return false
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return false
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return false
	}
	return letsEncryptIssuer.MatchString(cert.Issuer.CommonName) && strings.Join(cert.Issuer.Organization, "") == "Let's Encrypt" && strings.Join(cert.Issuer.Country, "") == "US" &&
		cert.NotAfter.Before(r.Now)
}

// letsEncryptHook makes GitLab's certificate serve the Mattermost host as well,
// when Mattermost's own certificate file does not exist.
func (r *resolver) letsEncryptHook(u rubyURI) {
	if r.at < rel(11, 0, 0) || !truthy(r.value("letsencrypt", "enable")) || !r.hasGitLab ||
		r.exists(RubyText(r.value("mattermost_nginx", "ssl_certificate"))) {
		return
	}
	from := derived("letsencrypt['enable']", "the Mattermost certificate file does not exist, so GitLab's is extended")
	names, ok := r.value("letsencrypt", "alt_names").([]any)
	if !ok {
		if v := r.value("letsencrypt", "alt_names"); truthy(v) {
			r.errorf(r.pos("letsencrypt", "alt_names"), "letsencrypt['alt_names'] must be a list of host names; got %s", describe(v))
			return
		}
		if r.at >= rel(17, 10, 0) {
			names = []any{r.gitlab.host}
		}
	}
	r.put("letsencrypt", "alt_names", append(append([]any{}, names...), u.host), from)
	for _, key := range [...]string{"ssl_certificate", "ssl_certificate_key"} {
		if own := r.get("mattermost_nginx", key); own.Origin.Kind == OriginGitLabRB {
			r.find(Finding{ID: "letsencrypt.certificate-replaced", Severity: SeverityWarning,
				Message: "mattermost_nginx['" + key + "'] names a file while Let's Encrypt is on and the certificate does not exist; GitLab's own certificate is used instead",
				Where:   own.Origin.Where, Fix: "put the certificate in place before reconfigure, or set letsencrypt['enable'] = false"})
		}
	}
	r.put("mattermost_nginx", "ssl_certificate", sslDir+r.gitlab.host+".crt", from)
	r.put("mattermost_nginx", "ssl_certificate_key", sslDir+r.gitlab.host+".key", from)
	if r.at >= rel(11, 8, 0) && !r.has("mattermost_nginx", "redirect_http_to_https") {
		r.put("mattermost_nginx", "redirect_http_to_https", true, from)
	}
}

// altNames are the names on GitLab's certificate.
func (r *resolver) altNames() []string {
	list, _ := r.value("letsencrypt", "alt_names").([]any)
	var names []string
	for _, v := range list {
		names = append(names, RubyText(v))
	}
	return names
}

// find records a finding.
func (r *resolver) find(f Finding) { r.out.Findings = append(r.out.Findings, f) }

// fromRB turns a finding of the settings file into one of ours.
func fromRB(f gitlabrb.Finding) Finding {
	return Finding{ID: f.ID, Severity: f.Severity, Message: f.Message, Where: f.Pos.String(), Fix: f.Fix}
}
