package nginx

import (
	"fmt"
	"strings"

	"github.com/gitlab-mattermost/sdk/internal/version"
)

// Target is the nginx that will read the result. The zero value is "not
// known": an Era is then written for GitLab's own nginx of that version, and
// the standalone layout in the spelling that every nginx from 1.18 reads.
type Target struct {
	Nginx   string `json:"nginx,omitzero"`   // "1.22.1"
	OpenSSL string `json:"openssl,omitzero"` // "3.0.19", "1.1.1w"
	// NoHTTP2 and HTTP3 tell which modules the binary was built with; Detect
	// fills them in.
	NoHTTP2 bool `json:"no_http2,omitzero"`
	HTTP3   bool `json:"http3,omitzero"`
}

// Validate reports versions that cannot be read.
func (t Target) Validate() error {
	for _, v := range [...]struct{ name, text string }{{"nginx", t.Nginx}, {"OpenSSL", t.OpenSSL}} {
		if v.text == "" {
			continue
		}
		if _, err := parseVersion(v.text); err != nil {
			return fmt.Errorf("target %s %w", v.name, err)
		}
	}
	return nil
}

// parseVersion also reads OpenSSL's old style 1.1.1w.
func parseVersion(text string) (version.Version, error) {
	if strings.Count(text, ".") == 2 {
		text = strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyz")
	}
	return version.Parse(text)
}

// atLeast compares a version text; an unknown one is older than everything.
func atLeast(have, want string) bool {
	v, err := parseVersion(have)
	return have != "" && err == nil && v.AtLeast(version.MustParse(want))
}

// http2Directive tells "http2 on;" (nginx 1.25.1) from the listen flag.
func (t Target) http2Directive() bool { return atLeast(t.Nginx, "1.25.1") }

// http2Flag tells whether "listen … http2" is known at all.
func (t Target) http2Flag() bool { return t.Nginx == "" || atLeast(t.Nginx, "1.9.5") }

// http3 tells whether "listen … quic" is known and built in.
func (t Target) http3() bool { return t.HTTP3 && atLeast(t.Nginx, "1.25.0") }

// tls13 tells whether both sides know TLS 1.3; unknown versions do.
func (t Target) tls13() bool {
	return (t.Nginx == "" || atLeast(t.Nginx, "1.13.0")) && (t.OpenSSL == "" || atLeast(t.OpenSSL, "1.1.1"))
}

// curve tells whether OpenSSL has a group. The hybrid post-quantum group needs
// OpenSSL 3.5; an unknown version is taken to lack it, because nginx does not
// start with a group that its library lacks.
func (t Target) curve(name string) bool {
	switch name {
	case "X25519MLKEM768":
		return atLeast(t.OpenSSL, "3.5.0")
	case "X25519":
		return t.OpenSSL == "" || atLeast(t.OpenSSL, "1.1.0")
	}
	return true
}

// parseBuild reads the output of "nginx -V".
func parseBuild(text string) (Target, error) {
	var t Target
	for line := range strings.Lines(text) {
		if _, rest, ok := strings.Cut(line, "nginx version: "); ok {
			_, v, _ := strings.Cut(strings.TrimSpace(rest), "/")
			t.Nginx, _, _ = strings.Cut(v, " ")
		}
		// "built with" is what the binary was compiled for, "running with" what
		// it uses; only the latter is named when they differ.
		for _, mark := range [...]string{"built with OpenSSL ", "running with OpenSSL "} {
			if _, rest, ok := strings.Cut(line, mark); ok {
				t.OpenSSL, _, _ = strings.Cut(strings.TrimSpace(rest), " ")
			}
		}
	}
	if t.Nginx == "" {
		return Target{}, fmt.Errorf("nginx -V: no version in %q", clip(text))
	}
	t.NoHTTP2 = !strings.Contains(text, "--with-http_v2_module")
	t.HTTP3 = strings.Contains(text, "--with-http_v3_module")
	return t, t.Validate()
}
