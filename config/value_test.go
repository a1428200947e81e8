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
		{"the port of nginx is text as well", KindAuto, "mattermost_nginx.listen_port", "65535", `"65535"`, ""},
		{"nginx's port may have options of listen behind it", KindAuto, "mattermost_nginx.listen_port", "443 http2", `"443 http2"`, ""},
		{"an installation without mail has no SMTP port", KindAuto, "mattermost.email_smtp_port", "", `""`, ""},
		{"another kind sets a port that is none", KindString, "mattermost.service_port", "http", `"http"`, ""},
		{"a size of nginx with its unit, as the package took it", KindAuto, "mattermost_nginx.client_max_body_size", "250m", `"250m"`, ""},
		{"a size of nginx without a unit", KindAuto, "mattermost_nginx.client_max_body_size", "0", "0", ""},
		{"a time of nginx with units", KindAuto, "mattermost_nginx.proxy_read_timeout", "1h30m", `"1h30m"`, ""},
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
		{"the error repeats the text of a setting that is no secret", KindAuto, "mattermost.uid", "mm", "", `must be a whole number, not "mm"; give another kind`},
		{"but nothing that came with a kind of its own, which may be one", KindInt, "x.y", "s3cret", "", "value of x['y'] must be a whole number; give another kind"},
		{"no port", KindAuto, "mattermost.service_port", "abc", "", `value of mattermost['service_port'] must be a port number from 1 to 65535, not "abc"; give another kind`},
		{"a port that no machine has", KindAuto, "mattermost.service_port", "65536", "", `not "65536"`},
		{"port 0 is nowhere in nginx", KindAuto, "mattermost.service_port", "0", "", "must be a port number"},
		{"a blank in a port", KindAuto, "mattermost.service_port", " 8065", "", "must be a port number"},
		{"without a port nginx finds no server", KindAuto, "mattermost.service_port", "", "", `not ""`},
		{"no port of nginx", KindAuto, "mattermost_nginx.listen_port", "https", "", `value of mattermost_nginx['listen_port'] must be a port number`},
		{"a unit that nginx does not have", KindAuto, "mattermost_nginx.client_max_body_size", "250mb", "", "must be a whole number"},
		{"a port has no unit", KindAuto, "mattermost_nginx.redirect_http_to_https_port", "80k", "", "must be a whole number"},
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
