package oauth

import (
	"fmt"
	"strconv"
	"strings"
)

// Settings are the seven values that Mattermost needs for the login, as
// gitlab.rb and Mattermost name them.
type Settings struct {
	Enable          bool   `json:"gitlab_enable"`
	ID              string `json:"gitlab_id"`
	Secret          Secret `json:"gitlab_secret"` // masked in JSON
	Scope           string `json:"gitlab_scope"`
	AuthEndpoint    string `json:"gitlab_auth_endpoint"`
	TokenEndpoint   string `json:"gitlab_token_endpoint"`
	UserAPIEndpoint string `json:"gitlab_user_api_endpoint"`
}

// SettingsFor puts an application's credentials and GitLab's endpoints
// together. The scope is that of the application: once it has any, Mattermost
// must ask for it, or GitLab answers invalid_scope.
func SettingsFor(c Credentials, a Application, e Endpoints) Settings {
	return Settings{
		Enable: true, ID: c.ID, Secret: c.Secret, Scope: a.ScopeText(),
		AuthEndpoint: e.Authorize, TokenEndpoint: e.Token, UserAPIEndpoint: e.UserAPI,
	}
}

// row is one setting under its two names.
type row struct {
	ruby, env, value string
	text             bool
}

func (s Settings) rows() []row {
	return []row{
		{"gitlab_enable", "MM_GITLABSETTINGS_ENABLE", strconv.FormatBool(s.Enable), false},
		{"gitlab_id", "MM_GITLABSETTINGS_ID", s.ID, true},
		{"gitlab_secret", "MM_GITLABSETTINGS_SECRET", s.Secret.Reveal(), true},
		{"gitlab_scope", "MM_GITLABSETTINGS_SCOPE", s.Scope, true},
		{"gitlab_auth_endpoint", "MM_GITLABSETTINGS_AUTHENDPOINT", s.AuthEndpoint, true},
		{"gitlab_token_endpoint", "MM_GITLABSETTINGS_TOKENENDPOINT", s.TokenEndpoint, true},
		{"gitlab_user_api_endpoint", "MM_GITLABSETTINGS_USERAPIENDPOINT", s.UserAPIEndpoint, true},
	}
}

// GitlabRB gives the lines for gitlab.rb of GitLab up to 18.11. They hold the
// secret in the clear: write them to a file of mode 0600, never to a log.
func (s Settings) GitlabRB() (Secret, error) {
	if err := s.check(); err != nil {
		return "", err
	}
	var b strings.Builder
	for _, r := range s.rows() {
		value := r.value
		if r.text {
			value = rubyString(value)
		}
		fmt.Fprintf(&b, "mattermost['%s'] = %s\n", r.ruby, value)
	}
	return Secret(b.String()), nil
}

// Env gives the same as MM_ variables, one NAME=value a line without quotes:
// the values cannot hold a blank, a quote, a dollar sign or a line end except
// the scope, which may hold one blank between two scopes. They hold the secret
// in the clear.
func (s Settings) Env() (Secret, error) {
	if err := s.check(); err != nil {
		return "", err
	}
	var b strings.Builder
	for _, r := range s.rows() {
		fmt.Fprintf(&b, "%s=%s\n", r.env, r.value)
	}
	return Secret(b.String()), nil
}

// check keeps values out that one of the formats would read differently.
func (s Settings) check() error {
	for _, r := range s.rows() {
		if r.value == "" && r.ruby != "gitlab_scope" {
			return fmt.Errorf("setting %s: is empty", r.ruby)
		}
		if i := strings.IndexFunc(r.value, func(c rune) bool {
			return c > '~' || c < ' ' || c == ' ' && r.ruby != "gitlab_scope" || strings.ContainsRune("'\"\\$#`;", c)
		}); i >= 0 {
			return fmt.Errorf("setting %s: has a character (at byte %d) that is not safe in every file format", r.ruby, i)
		}
	}
	return nil
}

// rubyString quotes a text as a Ruby single-quoted literal.
func rubyString(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// ParseEnv reads the MM_GITLABSETTINGS_ variables out of a file of NAME=value
// lines as [Settings.Env] writes them; quotes around a value, other variables,
// blank lines and comments are passed over. An error names the line, never its
// value.
func ParseEnv(text string) (Settings, error) {
	const limit = 1 << 20
	if len(text) > limit {
		return Settings{}, fmt.Errorf("environment: longer than %d bytes", limit)
	}
	var s Settings
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimPrefix(strings.TrimSpace(line), "export ")
		name, value, ok := strings.Cut(line, "=")
		if line == "" || line[0] == '#' || ok && !strings.HasPrefix(name, "MM_GITLABSETTINGS_") {
			continue
		}
		if !ok {
			return Settings{}, fmt.Errorf("environment: line %d: want NAME=value", i+1)
		}
		if n := len(value); n >= 2 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
			value = value[1 : n-1]
		}
		if err := s.set(name, value); err != nil {
			return Settings{}, fmt.Errorf("environment: line %d: %w", i+1, err)
		}
	}
	return s, nil
}

func (s *Settings) set(name, value string) error {
	switch strings.TrimPrefix(name, "MM_GITLABSETTINGS_") {
	case "ENABLE":
		on, err := strconv.ParseBool(value)
		if err != nil {
			return fmt.Errorf("%s: want true or false", name)
		}
		s.Enable = on
	case "ID":
		s.ID = value
	case "SECRET":
		s.Secret = Secret(value)
	case "SCOPE":
		s.Scope = value
	case "AUTHENDPOINT":
		s.AuthEndpoint = value
	case "TOKENENDPOINT":
		s.TokenEndpoint = value
	case "USERAPIENDPOINT":
		s.UserAPIEndpoint = value
	}
	return nil
}
