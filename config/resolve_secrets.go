package config

import (
	"encoding/base64"
	"encoding/hex"
	"io"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
)

// generatedSecret is one secret that the package makes itself.
type generatedSecret struct {
	key      string
	from, to release // versions that make it
	bytes    int
	base64   bool // url-safe base64 without padding, else hex
}

var generatedSecrets = [...]generatedSecret{
	{"service_invite_salt", rel(7, 14, 0), rel(8, 0, 999), 64, false},
	{"service_public_link_salt", rel(7, 14, 0), rel(8, 0, 999), 64, false},
	{"service_reset_salt", rel(7, 14, 0), rel(8, 0, 999), 64, false},
	{"email_invite_salt", rel(8, 1, 0), rel(18, 11, 999), 16, false},
	{"file_public_link_salt", rel(8, 1, 0), rel(18, 11, 999), 16, false},
	{"email_password_reset_salt", rel(8, 1, 0), rel(9, 1, 999), 16, false},
	{"sql_at_rest_encrypt_key", rel(7, 14, 0), rel(18, 11, 999), 16, false},
	{"gitlab_id", rel(15, 4, 0), rel(18, 11, 999), 32, true},
	{"gitlab_secret", rel(15, 4, 0), rel(18, 11, 999), 32, true},
}

// generateSecrets makes what neither gitlab.rb nor the secrets file has.
func (r *resolver) generateSecrets() {
	if r.value("package", "generate_default_secrets") == false {
		return
	}
	for _, g := range generatedSecrets {
		if r.at < g.from || r.at > g.to || truthy(r.value("mattermost", g.key)) || r.isUndecided("mattermost", g.key) {
			continue
		}
		raw := make([]byte, g.bytes)
		if _, err := io.ReadFull(r.Rand, raw); err != nil {
			r.errs = append(r.errs, &gitlabrb.Error{Message: "generate mattermost['" + g.key + "']: " + err.Error(), Err: err})
			return
		}
		text := hex.EncodeToString(raw)
		if g.base64 {
			text = base64.RawURLEncoding.EncodeToString(raw)
		}
		r.put("mattermost", g.key, text, Origin{Kind: OriginGenerated, Rule: "random, made in this run"})
	}
}

// storeSecrets puts the mattermost section into the file as it would be
// written back.
func (r *resolver) storeSecrets() {
	if r.at >= rel(16, 1, 0) && r.value("package", "generate_secrets_json_file") == false {
		return
	}
	f := r.Secrets.Clone()
	if f == nil {
		f = NewSecretsFile("gitlab-secrets.json")
	}
	section := &gitlabrb.Hash{}
	keep := func(key string) { section.Set(key, r.value("mattermost", key)) }
	for _, g := range generatedSecrets {
		if !g.base64 && r.at >= g.from && r.at <= g.to {
			keep(g.key)
		}
	}
	if r.at >= rel(15, 4, 0) {
		keep("register_as_oauth_app")
	}
	if truthy(r.value("mattermost", "gitlab_enable")) {
		keep("gitlab_enable")
		keep("gitlab_secret")
		keep("gitlab_id")
		if r.at < rel(11, 0, 0) {
			for _, key := range [...]string{"gitlab_scope", "gitlab_auth_endpoint", "gitlab_token_endpoint", "gitlab_user_api_endpoint"} {
				keep(key)
			}
		}
	}
	f.SetSection("mattermost", section)
	r.out.StoredSecrets = f
}

// secretKeys are settings whose value must not be shown.
func secretKey(hash, key string) bool {
	if hash != "mattermost" {
		return false
	}
	switch key {
	case "gitlab_secret", "sql_data_source", "sql_data_source_replicas", "sql_data_source_search_replicas", "oauth",
		"email_smtp_password", "file_amazon_s3_secret_access_key", "service_google_developer_key",
		"webrtc_gateway_admin_secret", "webrtc_gateway_turn_shared_key", "aws", "env", "plugin_plugins":
		return true
	}
	for _, g := range generatedSecrets {
		if g.key == key && key != "gitlab_id" {
			return true
		}
	}
	return false
}
