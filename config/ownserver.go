package config

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/gitlab-mattermost/sdk/internal/redact"
	"github.com/gitlab-mattermost/sdk/internal/version"
)

// Setting is one line of gitlab.rb to write: {"redis", "enable"} = false.
type Setting struct {
	Path  []string `json:"path"`
	Value any      `json:"value"`
	Why   string   `json:"why"`
	// Call is true for names that are called with one argument instead of
	// assigned: external_url 'x'.
	Call bool `json:"call"`
	// Secret is true when the value must not be shown.
	Secret bool `json:"secret"`
}

// OwnServerOptions describe a Mattermost on its own machine.
type OwnServerOptions struct {
	GitLabVersion string // "" is 18.11
	MattermostURL string
	GitLabURL     string
	ClientID      string // of the OAuth application made by hand; "" leaves sign-in out
	ClientSecret  Secret
}

// OwnServerPlan holds the settings of both machines.
type OwnServerPlan struct {
	GitLabVersion string    `json:"gitlab_version"`
	Mattermost    []Setting `json:"mattermost"` // empty from 19.0: Mattermost is no longer in the package
	GitLab        []Setting `json:"gitlab"`
	// RedirectURIs are to be registered in GitLab, with Trusted and
	// Confidential ticked and Scope.
	RedirectURIs []string `json:"redirect_uris"`
	Scope        string   `json:"scope"`
}

// OwnServer returns the gitlab.rb settings that run Mattermost on its own
// machine with GitLab's Linux package, as the documentation of that version
// says: the Mattermost machine switches GitLab's services off, the GitLab
// machine names the Mattermost host. Only services that the version knows are
// named. Both URLs are checked by the package's own rules.
func OwnServer(o OwnServerOptions) (*OwnServerPlan, error) {
	if o.GitLabVersion == "" {
		o.GitLabVersion = "18.11"
	}
	v, err := version.Parse(o.GitLabVersion)
	if err != nil {
		return nil, fmt.Errorf("GitLab %w", err)
	}
	at := releaseOf(v)
	if at < rel(7, 14, 0) {
		return nil, fmt.Errorf("GitLab %s has no Mattermost; it came with 7.14", v)
	}
	if err := plainURL("Mattermost URL", o.MattermostURL, ""); err != nil {
		return nil, err
	}
	if err := plainURL("GitLab URL", o.GitLabURL, "a relative path is fine"); err != nil {
		return nil, err
	}
	p := &OwnServerPlan{GitLabVersion: v.String(), Mattermost: []Setting{}, GitLab: []Setting{}, Scope: "read_user"}
	url, gitlab := strings.TrimSuffix(o.MattermostURL, "/"), strings.TrimSuffix(o.GitLabURL, "/")
	p.RedirectURIs = []string{url + "/signup/gitlab/complete", url + "/login/gitlab/complete"}
	if at < rel(12, 0, 0) {
		p.Scope = ""
	}
	if at <= bundled {
		p.mattermostMachine(at, url, gitlab, o)
	}
	if at >= rel(8, 16, 0) {
		p.GitLab = append(p.GitLab, Setting{Path: []string{"gitlab_rails", "mattermost_host"}, Value: url, Why: "GitLab offers its Mattermost integrations for that address"})
	}
	return p, nil
}

func plainURL(name, text, path string) error {
	u, err := parseRubyURI(text)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", name, err)
	case !u.hasHost || u.scheme != "http" && u.scheme != "https":
		return fmt.Errorf("%s %q: want http:// or https:// and a host name", name, text)
	case path == "" && u.path != "" && u.path != "/":
		return fmt.Errorf("%s %q: the package refuses a path", name, text)
	}
	return nil
}

func (p *OwnServerPlan) mattermostMachine(at release, url, gitlab string, o OwnServerOptions) {
	add := func(why string, v any, path ...string) {
		p.Mattermost = append(p.Mattermost, Setting{Path: path, Value: v, Why: why, Call: len(path) == 1})
	}
	add("switches Mattermost on", url, "mattermost_external_url")
	const off = "no GitLab on this machine"
	add(off, false, "gitlab_rails", "enable")
	if at >= rel(11, 0, 0) {
		add(off, false, "redis", "enable")
	}
	if at >= rel(14, 0, 0) {
		add(off, false, "postgres_exporter", "enable")
		if at < rel(17, 1, 0) {
			add(off, false, "grafana", "enable")
		}
	}
	if at < rel(9, 0, 0) && at >= rel(8, 1, 0) {
		add("everybody signs up with GitLab", false, "mattermost", "email_enable_sign_up_with_email")
	}
	if o.ClientID == "" || at < rel(8, 1, 0) {
		return
	}
	const sso = "sign in with GitLab, application registered by hand"
	add(sso, true, "mattermost", "gitlab_enable")
	add(sso, o.ClientID, "mattermost", "gitlab_id")
	p.Mattermost = append(p.Mattermost, Setting{Path: []string{"mattermost", "gitlab_secret"}, Value: o.ClientSecret.Reveal(), Why: sso, Secret: true})
	add(sso, p.Scope, "mattermost", "gitlab_scope")
	add(sso, gitlab+"/oauth/authorize", "mattermost", "gitlab_auth_endpoint")
	add(sso, gitlab+"/oauth/token", "mattermost", "gitlab_token_endpoint")
	user := "/api/v4/user"
	if at < rel(9, 5, 0) {
		user = "/api/v3/user"
	}
	add(sso, gitlab+user, "mattermost", "gitlab_user_api_endpoint")
}

// Line prints the setting as a line of Ruby.
func (s Setting) Line() string {
	name := settingName(s.Path)
	if s.Call {
		return name + " " + rubyLiteral(s.Value)
	}
	return name + " = " + rubyLiteral(s.Value)
}

// rubyLiteral writes a string in single quotes where that is enough.
func rubyLiteral(v any) string {
	if text, ok := v.(string); ok && !strings.ContainsAny(text, "'\\\n\r\t\x00") {
		return "'" + text + "'"
	}
	return rubyInspect(v)
}

// Format masks a secret, whatever the verb.
func (s Setting) Format(f fmt.State, _ rune) {
	text := s.Line()
	if s.Secret {
		text = settingName(s.Path) + " = " + redact.Mask
	}
	// The write error cannot be handled here; fmt drops it as well.
	_, _ = f.Write([]byte(text))
}

// MarshalJSON masks the value of a secret.
func (s Setting) MarshalJSON() ([]byte, error) {
	v := s.Value
	if s.Secret {
		v = redact.Mask
	}
	return json.Marshal(struct {
		Path   []string       `json:"path"`
		Value  json.Marshaler `json:"value"`
		Why    string         `json:"why"`
		Call   bool           `json:"call"`
		Secret bool           `json:"secret"`
	}{s.Path, JSONValue(v), s.Why, s.Call, s.Secret})
}
