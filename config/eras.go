package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gitlab-mattermost/sdk/internal/version"
)

// What a version of the package does with a key (KeyState.Does).
const (
	DoesConfigJSON  = "config.json" // writes it into the generated config.json (before 11.0)
	DoesEnvironment = "environment" // hands it to the server as a variable (11.0 to 18.11)
	DoesItself      = "package"     // uses it itself: account, directory, database, vhost, secret
	DoesNotify      = "notice"      // lists it as deprecated (10.3.1 to 10.8)
	DoesRefuse      = "refuse"      // aborts reconfigure
	DoesIgnore      = "ignore"      // accepts it without a word, and nothing reads it
)

// KeyState says what one GitLab version makes of one key.
type KeyState struct {
	Key      string `json:"key"`     // mattermost['service_site_url']
	Version  string `json:"version"` // the version asked about
	Does     string `json:"does"`
	Known    bool   `json:"known"`   // the package gave the key a meaning in some version
	Default  any    `json:"default"` // the default at that version; nil is none
	Field    string `json:"field,omitempty"`
	Variable string `json:"variable,omitempty"` // from 11.0; for a legacy key: what to put into mattermost['env']
	Since    string `json:"since,omitempty"`    // first version with the key
	Until    string `json:"until,omitempty"`    // last version with the key
	Legacy   bool   `json:"legacy"`             // one of the keys that 11.0 dropped
	Message  string `json:"message,omitempty"`  // what reconfigure prints about it
	Note     string `json:"note,omitempty"`
}

// KeyEra is a range of versions in which a key kept default and destination.
type KeyEra struct {
	Hash     string `json:"hash"` // mattermost or mattermost_nginx
	Key      string `json:"key"`
	Type     string `json:"type"`
	Default  string `json:"default"` // JSON; "-" when the package gave none
	From     string `json:"from"`
	To       string `json:"to"`
	Field    string `json:"field,omitempty"`    // config.json, before 11.0
	Variable string `json:"variable,omitempty"` // environment, from 11.0
	Note     string `json:"note,omitempty"`
}

// Catalogue lists every key of mattermost[...] and mattermost_nginx[...] from
// 7.14 to 18.11 with the versions it holds for, in the package's order. A key
// has several entries when its default or destination changed.
func Catalogue() []KeyEra {
	out := make([]KeyEra, len(catalogueRows))
	for i, row := range catalogueRows {
		out[i] = KeyEra{row.hash, row.key, row.kind, row.def, row.from.String(), row.to.last(), row.field, row.variable, row.note}
	}
	return out
}

// KeyAt says what a GitLab version does with hash['key'], for example
// KeyAt("10.8", "mattermost", "email_smtp_server").
func KeyAt(gitlab, hash, key string) (KeyState, error) {
	v, err := version.Parse(gitlab)
	if err != nil {
		return KeyState{}, fmt.Errorf("GitLab %w", err)
	}
	s := keyState(releaseOf(v), hash, key)
	s.Version = v.String()
	return s, nil
}

// supported are the keys that the bulk check of 10.3.1 to 12.2 lets pass.
var supported = map[string]release{
	"enable": 0, "username": 0, "group": 0, "uid": 0, "gid": 0, "home": 0, "database_name": 0, "env": 0, "host": 0, "port": 0,
	"svlogd_prefix": 0, "service_site_url": 0, "service_address": 0, "service_port": 0, "service_use_ssl": 0,
	"team_site_name": 0, "sql_driver_name": 0, "sql_data_source": 0, "sql_data_source_replicas": 0,
	"sql_at_rest_encrypt_key": 0, "log_file_directory": 0, "file_directory": 0, "gitlab_enable": 0, "gitlab_secret": 0,
	"gitlab_id": 0, "gitlab_scope": 0, "gitlab_auth_endpoint": 0, "gitlab_token_endpoint": 0,
	"gitlab_user_api_endpoint": 0, "email_invite_salt": 0, "file_public_link_salt": 0,
	"service_allowed_untrusted_internal_connections": 10_008_003,
	"service_enable_api_team_deletion":               11_001_000,
	"plugin_directory":                               11_003_000,
	"plugin_client_directory":                        11_003_000,
}

// bulkCheck tells whether the bulk check of that version objects to a key.
func bulkCheck(at release, key string) bool {
	since, ok := supported[key]
	return at >= rel(10, 3, 1) && at < rel(12, 3, 0) && (!ok || at < since)
}

func keyState(at release, hash, key string) KeyState {
	s := KeyState{Key: hash + "['" + key + "']", Version: at.String(), Does: DoesIgnore}
	var now, last *catalogueRow
	for i := range catalogueRows {
		row := &catalogueRows[i]
		if row.hash != hash || row.key != key {
			continue
		}
		if s.Since == "" || row.from < releaseAt(s.Since) {
			s.Since = row.from.String()
		}
		if last == nil || row.to > last.to {
			last = row
		}
		if row.holds(at) && now == nil {
			now = row
		}
	}
	if last != nil {
		s.Known, s.Until, s.Note = true, last.to.last(), last.note
	}
	if now != nil {
		s.Default, s.Note, s.Does = now.value(), now.note, DoesItself
		switch {
		case at < rel(11, 0, 0) && now.field != "":
			s.Does, s.Field = DoesConfigJSON, now.field
		case at >= rel(11, 0, 0) && now.variable != "":
			s.Does, s.Variable = DoesEnvironment, now.variable
		}
		if strings.Contains(now.note, "nothing reads it") || strings.Contains(now.note, "never rendered") || strings.Contains(now.note, "no effect") && now.field == "" {
			s.Does = DoesIgnore
		}
	}
	if hash == "mattermost" {
		s.laterEra(at, key, now, last)
	}
	return s
}

// laterEra adds what 10.3.1 and newer say about a key that 11.0 dropped.
func (s *KeyState) laterEra(at release, key string, now, last *catalogueRow) {
	switch {
	case bulkCheck(at, key) && at < rel(11, 0, 0):
		s.Does, s.Legacy = DoesNotify, last == nil || last.to < rel(11, 0, 0)
		s.Message = "Detected deprecated Mattermost settings. Starting with GitLab 11.0, these settings are no longer supported."
		if now != nil && now.field != "" {
			s.Field = now.field
		}
	case bulkCheck(at, key):
		s.Does, s.Legacy = DoesRefuse, true
		s.Message = "* mattermost['" + key + "'] has been deprecated since 10.2 and was removed in 11.0."
	case at > bundled && at < rel(19, 3, 0), at >= rel(19, 3, 0) && key == "enable":
		s.Does, s.Message = DoesRefuse, removedMessage
	case at <= bundled && now == nil && last != nil && last.to < at:
		s.Legacy = at >= rel(11, 0, 0)
	}
	if s.Legacy && last != nil {
		s.Variable = last.variable
		if last.field != "" {
			s.Variable = variableOf(last.field)
		}
	}
}

// variableOf names the variable of a config.json field. Two names that the
// package spelled wrongly are put right, because Mattermost decides.
func variableOf(field string) string {
	section, name, _ := strings.Cut(field, ".")
	section = strings.Replace(section, "NativeAppSetting", "NativeAppSettings", 1)
	name = strings.Replace(name, "EmailNotificationContentType", "EmailNotificationContentsType", 1)
	return "MM_" + strings.ToUpper(section+"_"+name)
}

func releaseAt(text string) release {
	v, err := version.Parse(text)
	if err != nil {
		return 0
	}
	return releaseOf(v)
}

// Era begins with a version in which the package began or ceased to treat
// Mattermost differently.
type Era struct {
	From    string `json:"from"`
	Changes string `json:"changes"`
}

// Eras is the history of the package's Mattermost, oldest first.
func Eras() []Era {
	return slices.Clone(eras[:])
}

var eras = [...]Era{
	{"7.14", "first bundled; config.json is generated at every reconfigure; SSOSettings"},
	{"8.0", "database driver can be chosen; 8.0.2 skips the PostgreSQL steps for MySQL"},
	{"8.1", "nearly all keys and sections get new names; gitlab_* keys and GitLabSettings"},
	{"8.3", "service_address"},
	{"8.7", "uid and gid; real_ip settings of the vhost"},
	{"8.9", "one-time database upgrade of Mattermost 3, until 9.3.2"},
	{"8.11", "proxy headers can be set"},
	{"8.15", "GitLab's gitlab.yml names the Mattermost host; registration moves behind the settings"},
	{"8.16", "gitlab_rails['mattermost_host']"},
	{"8.17", "endpoints follow external_url, only when unset"},
	{"9.0.7", "the site URL falls back to the external URL (not in 9.1.0 to 9.1.2)"},
	{"9.5", "user endpoint of API v4"},
	{"10.0", "mattermost['env']; GitLab's host joins the allowed internal connections"},
	{"10.3.1", "reconfigure lists the keys that 11.0 will drop"},
	{"11.0", "config.json is created once and left alone; settings become variables; dropped keys abort reconfigure"},
	{"11.1", "service_enable_api_team_deletion; a new config.json gets mode 0600"},
	{"11.3", "plugin_directory and plugin_client_directory come back"},
	{"11.5", "SSL_CERT_DIR; the server runs with its group"},
	{"11.6", "the environment moves to /opt/gitlab/etc/mattermost/env"},
	{"11.8", "Let's Encrypt switches the redirect on; log directory without a slash"},
	{"12.0", "VERSION file; HUP after a new version"},
	{"12.3", "dropped keys are silently ignored"},
	{"12.6", "Referrer-Policy"},
	{"13.5", "MM_INSTALL_TYPE"},
	{"14.2", "websocket locations; level of the error log"},
	{"15.0", "HSTS"},
	{"15.4", "OAuth id and secret are generated; register_as_oauth_app"},
	{"16.0", "mode and group of the log directory"},
	{"16.1", "package['generate_secrets_json_file'] = false switches the registration off"},
	{"17.8", "login shell /usr/sbin/nologin"},
	{"17.11", "http2 on; instead of the flag"},
	{"18.2", "GODEBUG=tlsmlkem=0"},
	{"18.5", "the vhost moves to conf/service_conf"},
	{"18.10", "ssl_ecdh_curve and ssl_conf_command"},
	{"18.11.7", "messages about the removal; its check-config refuses everybody"},
	{"18.11.8", "its check-config may switch Mattermost on"},
	{"18.11.9", "check-config is right"},
	{"19.0", "the bundled Mattermost is gone; any mattermost[...] aborts reconfigure"},
	{"19.3", "only mattermost['enable'] = true aborts reconfigure"},
}
