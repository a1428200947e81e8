package config

import (
	"strings"
	"testing"
)

func TestParseValueReadsWhatTheSettingExpects(t *testing.T) {
	for _, c := range []struct{ why, kind, key, text, want, err string }{
		{"a switch", KindAuto, "mattermost.enable", "true", "true", ""},
		{"every service has one", KindAuto, "redis.enable", "false", "false", ""},
		{"a number", KindAuto, "mattermost.uid", "1234", "1234", ""},
		{"a huge number", KindInt, "x.y", "123456789012345678901", "123456789012345678901", ""},
		{"text that looks like a number", KindAuto, "mattermost.service_port", "8066", `"8066"`, ""},
		{"a list", KindAuto, "mattermost_nginx.listen_addresses", `["*", "[::]"]`, `["*", "[::]"]`, ""},
		{"a hash", KindAuto, "mattermost.env", `{"A": "1"}`, `{"A"=>"1"}`, ""},
		{"a variable is always text", KindAuto, "mattermost.env.MM_X", "true", `"true"`, ""},
		{"a top-level name", KindAuto, "external_url", "http://x", `"http://x"`, ""},
		{"an unknown key is text", KindAuto, "mattermost.unknown", "5", `"5"`, ""},
		{"nil", KindNil, "mattermost.uid", "", "nil", ""},
		{"a float", KindFloat, "x.y", "1.5", "1.5", ""},
		{"JSON of any kind", KindJSON, "x.y", "null", "nil", ""},
		{"the kind can be forced", KindString, "mattermost.enable", "true", `"true"`, ""},
		{"no switch", KindAuto, "mattermost.enable", "yes", "", "value of mattermost['enable'] must be true or false"},
		{"no number", KindAuto, "mattermost.uid", "mm", "", "value of mattermost['uid'] must be a whole number"},
		{"no JSON", KindJSON, "x.y", "[1", "", "value of x['y']:1:3: not valid JSON"},
		{"not a number at all", KindFloat, "x.y", "NaN", "", "value of x['y'] must be a number"},
		{"nil takes no text", KindNil, "x.y", "z", "", "kind nil takes no text"},
		{"an unknown kind", "symbol", "x.y", "z", "", `kind "symbol": want auto`},
	} {
		path, err := ParseKey(c.key)
		if err != nil {
			t.Fatal(err)
		}
		v, err := ParseValue("", c.kind, path, c.text)
		switch {
		case c.err != "":
			if err == nil || !strings.HasPrefix(err.Error(), c.err) && !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %v, want %s", c.why, err, c.err)
			}
		case err != nil || rubyInspect(v) != c.want:
			t.Errorf("%s: %s (%v), want %s", c.why, rubyInspect(v), err, c.want)
		}
	}
}

func TestSecretKeysAreKnown(t *testing.T) {
	for key, want := range map[string]bool{
		"mattermost.gitlab_secret": true, "mattermost.sql_data_source": true, "mattermost.gitlab_id": false, "mattermost.service_site_url": false,
		"mattermost.env.MM_SQLSETTINGS_DATASOURCE": true, "mattermost.env.HTTP_PROXY": false, "gitlab_rails.smtp_password": true,
		"mattermost_nginx.ssl_certificate_key": false, "external_url": false, "gitlab_rails.db_key_base": true, "mattermost.email_smtp_password": true,
	} {
		path, err := ParseKey(key)
		if err != nil {
			t.Fatal(err)
		}
		if got := SecretKey(path); got != want {
			t.Errorf("%s: %v, want %v", key, got, want)
		}
	}
}
