package envmap_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
	"github.com/gitlab-mattermost/sdk/envmap"
)

func TestTheLegacyTableHoldsAll166RenderedRows(t *testing.T) {
	rendered, irregular, paths := 0, 0, map[string]bool{}
	for k := range envmap.LegacyKeys() {
		if k.State != envmap.KeyRendered {
			continue
		}
		rendered++
		paths[k.Path] = true
		// The documentation's rule: the section's word, then the field's words.
		word, rest, _ := strings.Cut(k.Key, "_")
		section, field, _ := strings.Cut(k.Path, ".")
		regular := strings.EqualFold(section, strings.ReplaceAll(word, "_", "")+"Settings") && strings.EqualFold(field, strings.ReplaceAll(rest, "_", ""))
		if regular == k.Irregular {
			t.Errorf("%s -> %s: irregular is %v", k.Key, k.Path, k.Irregular)
		}
		if k.Irregular {
			irregular++
		}
	}
	if rendered != 166 || len(paths) != 165 || irregular != 24 {
		t.Errorf("%d rows of %d paths, %d irregular; want 166, 165, 24", rendered, len(paths), irregular)
	}
}

// irregularNames are all irregular rows with the variable that Mattermost
// obeys; "" is a key that never had an effect or whose setting is gone.
var irregularNames = map[string]string{
	"service_address":                       "MM_SERVICESETTINGS_LISTENADDRESS",
	"service_port":                          "MM_SERVICESETTINGS_LISTENADDRESS",
	"service_lets_encrypt_cert_cache_file":  "MM_SERVICESETTINGS_LETSENCRYPTCERTIFICATECACHEFILE",
	"service_user_access_tokens":            "MM_SERVICESETTINGS_ENABLEUSERACCESSTOKENS",
	"service_allow_cookies_from_subdomains": "MM_SERVICESETTINGS_ALLOWCOOKIESFORSUBDOMAINS",
	"service_enable_post_search":            "MM_SERVICESETTINGS_ENABLEUSERSTATUSES",
	"log_console_enable":                    "MM_LOGSETTINGS_ENABLECONSOLE",
	"log_file_directory":                    "MM_LOGSETTINGS_FILELOCATION",
	"email_smtp_auth":                       "MM_EMAILSETTINGS_ENABLESMTPAUTH",
	"email_enable_batching":                 "MM_EMAILSETTINGS_ENABLEEMAILBATCHING",
	"email_batching_buffer_size":            "MM_EMAILSETTINGS_EMAILBATCHINGBUFFERSIZE",
	"email_batching_interval":               "MM_EMAILSETTINGS_EMAILBATCHINGINTERVAL",
	"email_notification_content_type":       "MM_EMAILSETTINGS_EMAILNOTIFICATIONCONTENTSTYPE",
	"ratelimit_enable_rate_limiter":         "MM_RATELIMITSETTINGS_ENABLE",
	"support_email":                         "MM_SUPPORTSETTINGS_SUPPORTEMAIL",
	"localization_server_locale":            "MM_LOCALIZATIONSETTINGS_DEFAULTSERVERLOCALE",
	"localization_client_locale":            "MM_LOCALIZATIONSETTINGS_DEFAULTCLIENTLOCALE",
	"native_app_app_download_link":          "",
	"native_app_android_app_download_link":  "",
	"native_app_ios_app_download_link":      "",
	"webrtc_gateway_stun_uri":               "MM_WEBRTCSETTINGS_STUNURI",
	"webrtc_gateway_turn_uri":               "MM_WEBRTCSETTINGS_TURNURI",
	"webrtc_gateway_turn_username":          "MM_WEBRTCSETTINGS_TURNUSERNAME",
	"webrtc_gateway_turn_shared_key":        "MM_WEBRTCSETTINGS_TURNSHAREDKEY",
}

// sample is a value of the key's type that Mattermost accepts.
func sample(k envmap.LegacyKey) any {
	switch k.Type {
	case "bool":
		return true
	case "int":
		return int64(40)
	case "string-array", "raw-array":
		return []any{"postgres://u@h1/db", "postgres://u@h2/db"}
	case "json-object", "object":
		return hash("com.example.plugin", hash("Enable", true))
	}
	return "text"
}

func TestEveryRenderedKeyBecomesItsVariableOrIsNamedWithWhatToDo(t *testing.T) {
	v49 := envmap.Version{Major: 4, Minor: 10}
	for k := range envmap.LegacyKeys() {
		if k.State != envmap.KeyRendered {
			continue
		}
		settings := hash(k.Key, sample(k))
		c, err := envmap.Convert(settings, envmap.ConvertOptions{MattermostVersion: v49, Target: envmap.TargetStandalone})
		if err != nil {
			t.Fatal(err)
		}
		want := "MM_" + strings.ToUpper(strings.ReplaceAll(k.Path, ".", "_"))
		if name, ok := irregularNames[k.Key]; ok && k.Irregular {
			want = name
		}
		_, known := c.Env.Get(want)
		switch {
		case known:
		case want == "" || strings.HasPrefix(k.Type, "json"): // no effect ever; maps cannot come from a variable before 7.5
			if len(c.LeftOut) != 1 || c.LeftOut[0].Key != k.Key || c.LeftOut[0].Fix == "" {
				t.Errorf("%s: left out as %+v, want it named with what to do", k.Key, c.LeftOut)
			}
		default:
			t.Errorf("%s: got %v and left out %+v, want %s", k.Key, values(c.Env), c.LeftOut, want)
		}
	}
	if len(irregularNames) != 24 {
		t.Errorf("%d irregular names in the test, want 24", len(irregularNames))
	}
}

// upgradeExample is the worked example of GitLab's page on the upgrade to 11.0.
func upgradeExample() *gitlabrb.Hash {
	return hash(
		"service_maximum_login_attempts", int64(10), "team_teammate_name_display", "full_name", "sql_max_idle_conns", int64(10),
		"log_file_level", "INFO", "email_batching_interval", int64(30), "file_enable_file_attachments", true,
		"ratelimit_memory_store_size", int64(10000), "support_terms_of_service_link", "/static/help/terms.html",
		"privacy_show_email_address", true, "localization_available_locales", "en,es,fr,ja,pt-BR", "webrtc_enable", false)
}

func TestTheElevenLinesOfTheUpgradePageConvert(t *testing.T) {
	c, err := envmap.Convert(upgradeExample(), envmap.ConvertOptions{MattermostVersion: envmap.Version{Major: 4, Minor: 10}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"MM_SERVICESETTINGS_MAXIMUMLOGINATTEMPTS":  "10",
		"MM_TEAMSETTINGS_TEAMMATENAMEDISPLAY":      "full_name",
		"MM_SQLSETTINGS_MAXIDLECONNS":              "10",
		"MM_LOGSETTINGS_FILELEVEL":                 "INFO",
		"MM_EMAILSETTINGS_EMAILBATCHINGINTERVAL":   "30", // the page says BATCHINGINTERVAL, which nothing reads
		"MM_FILESETTINGS_ENABLEFILEATTACHMENTS":    "true",
		"MM_RATELIMITSETTINGS_MEMORYSTORESIZE":     "10000",
		"MM_SUPPORTSETTINGS_TERMSOFSERVICELINK":    "/static/help/terms.html",
		"MM_PRIVACYSETTINGS_SHOWEMAILADDRESS":      "true",
		"MM_LOCALIZATIONSETTINGS_AVAILABLELOCALES": "en,es,fr,ja,pt-BR",
		"MM_WEBRTCSETTINGS_ENABLE":                 "false",
	}
	if diff := cmp.Diff(want, values(c.Env)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	note := ""
	for _, k := range c.Converted {
		if k.Key == "email_batching_interval" {
			note = k.Note
		}
	}
	if !strings.Contains(note, "MM_EMAILSETTINGS_BATCHINGINTERVAL") || !strings.Contains(note, "obeys MM_EMAILSETTINGS_EMAILBATCHINGINTERVAL") {
		t.Errorf("note %q must name both variables and the one that is obeyed", note)
	}
}

func TestConvertFollowsSettingsToTheVersionAskedFor(t *testing.T) {
	for _, tc := range []struct {
		reason  string
		version string
		target  string
		key     string
		value   any
		want    string // NAME=value, or "left: …", or "kept"
	}{
		{"WebRTC is gone from 5.6", "10.11", "", "webrtc_enable", true, "left: remove it; video calls are the Calls plugin now"},
		{"days became hours in 7.0", "10.11", "", "service_session_length_web_in_days", int64(30), "MM_SERVICESETTINGS_SESSIONLENGTHWEBINHOURS=720"},
		{"and were days before", "6.7", "", "service_session_length_web_in_days", int64(30), "MM_SERVICESETTINGS_SESSIONLENGTHWEBINDAYS=30"},
		{"the image proxy got its own section", "10.11", "", "service_image_proxy_type", "local", "MM_IMAGEPROXYSETTINGS_IMAGEPROXYTYPE=local"},
		{"lists are separated by blanks from 5.29", "10.11", "", "sql_data_source_replicas", []any{"a", "b"}, "MM_SQLSETTINGS_DATASOURCEREPLICAS=a b"},
		{"and by commas before", "5.20", "", "sql_data_source_replicas", []any{"a", "b"}, "MM_SQLSETTINGS_DATASOURCEREPLICAS=a,b"},
		{"a list element with a blank cannot be carried", "10.11", "", "sql_data_source_replicas", []any{"user=a host=b"}, "left: set SqlSettings.DataSourceReplicas in config.json or the System Console"},
		{"maps are JSON from 7.5", "10.11", "", "plugin_plugin_states", hash("a", hash("Enable", true)), `MM_PLUGINSETTINGS_PLUGINSTATES={"a":{"Enable":true}}`},
		{"maps cannot be carried before", "6.7", "", "plugin_plugin_states", hash("a", hash("Enable", true)), "left: set PluginSettings.PluginStates in config.json or the System Console"},
		{"keys that the package kept reading stay", "10.11", "", "service_site_url", "https://x", "kept"},
		{"but become variables outside the package", "10.11", "standalone", "service_site_url", "https://x", "MM_SERVICESETTINGS_SITEURL=https://x"},
		{"address alone gets the default port", "10.11", "standalone", "service_address", "0.0.0.0", "MM_SERVICESETTINGS_LISTENADDRESS=0.0.0.0:8065"},
		{"a key of another spelling in the guide", "5.4", "", "ratelimit_enable_ratelimiter", true, "MM_RATELIMITSETTINGS_ENABLE=true"},
		{"a key of 9.4.2 that had moved", "10.11", "", "service_teammate_name_display", "username", "MM_TEAMSETTINGS_TEAMMATENAMEDISPLAY=username"},
		{"a key of 8.1 whose setting is gone", "10.11", "", "team_restrict_team_names", true, "left: remove it; look for its successor in the System Console"},
		{"an unknown key", "10.11", "", "service_nonsense", true, "left: check the spelling, or remove it"},
		{"a switch of one upgrade", "10.11", "", "db2_team_name", "x", "left: remove it"},
		{"nil is not set", "10.11", "", "email_smtp_server", nil, ""},
		{"what cannot be decided is not guessed", "10.11", "", "email_smtp_server", gitlabrb.Undecided{Why: "calls foo"}, "left: write the value out"},
	} {
		v, err := envmap.ParseVersion(tc.version)
		if err != nil {
			t.Fatal(err)
		}
		c, err := envmap.Convert(hash(tc.key, tc.value), envmap.ConvertOptions{MattermostVersion: v, Target: tc.target})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		switch {
		case len(c.LeftOut) == 1:
			got = "left: " + c.LeftOut[0].Fix
		case len(c.Kept) == 1:
			got = "kept"
		case len(c.Converted) == 1:
			got = c.Env.Environ()[0]
		}
		if got != tc.want {
			t.Errorf("%s: %s gave %q, want %q", tc.reason, tc.key, got, tc.want)
		}
	}
}

func TestConvertKeepsWhatEnvHoldsAndLetsItWin(t *testing.T) {
	c, err := envmap.Convert(hash(
		"env", hash("HTTP_PROXY", "http://p", "MM_EMAILSETTINGS_SMTPSERVER", "new.example.com"),
		"email_smtp_server", "old.example.com", "email_smtp_port", "25"), envmap.ConvertOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"HTTP_PROXY": "http://p", "MM_EMAILSETTINGS_SMTPSERVER": "new.example.com", "MM_EMAILSETTINGS_SMTPPORT": "25"}
	if diff := cmp.Diff(want, values(c.Env)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if len(c.LeftOut) != 1 || c.LeftOut[0].Key != "email_smtp_server" {
		t.Errorf("left out %+v, want the old key named", c.LeftOut)
	}
}

func TestEveryVersionsKeySetIsKnown(t *testing.T) {
	for _, tc := range []struct{ key, from, to string }{ // spot checks, one or more for each change
		{"privacy_show_phone_number", "7.14.0", "8.0.5"}, {"service_mode", "7.14.0", "8.0.5"}, {"email_by_pass_email", "7.14.0", "8.0.5"},
		{"email_apple_push_server", "7.14.0", "8.2.6"}, {"team_enable_team_listing", "8.2.0", "8.9.11"}, {"service_segment_developer_key", "8.1.0", "9.0.2"},
		{"email_password_reset_salt", "8.1.0", "9.1.10"}, {"db2_backup_created", "8.9.0", "9.3.2"}, {"file_preview_height", "8.1.0", "9.4.1"},
		{"service_teammate_name_display", "9.4.2", "9.4.4"}, {"team_restrict_team_names", "8.2.0", "10.7.7"}, {"service_site_url", "8.12.0", ""},
		{"service_websocket_url", "10.7.0", ""}, {"plugin_enable", "10.3.0", ""}, {"native_app_app_download_link", "10.8.0", ""},
	} {
		rows := envmap.LegacyKeysOf(tc.key)
		if len(rows) != 1 || rows[0].From != tc.from || rows[0].To != tc.to {
			t.Errorf("%s: %+v, want %s to %q", tc.key, rows, tc.from, tc.to)
		}
	}
	if moved := envmap.LegacyKeysOf("ratelimit_enable_rate_limiter"); len(moved) != 2 {
		t.Errorf("a key that moved has %d rows, want 2", len(moved))
	}
}

func TestKeysForIsTheReverseOfTheConversion(t *testing.T) {
	for path, want := range map[string]string{
		"ServiceSettings.ListenAddress":         "service_address service_port",
		"MM_SERVICESETTINGS_SITEURL":            "service_site_url",
		"RateLimitSettings.Enable":              "ratelimit_enable_rate_limiter ratelimit_use_rate_limiter",
		"ServiceSettings.EnableUserStatuses":    "service_enable_post_search",
		"ServiceSettings.EnableAPITeamDeletion": "service_enable_api_team_deletion",
		"NativeAppSettings.AppDownloadLink":     "native_app_app_download_link",
		"ServiceSettings.EnableLocalMode":       "",
		"No.Such":                               "",
	} {
		if got := strings.Join(envmap.KeysFor(path), " "); got != want {
			t.Errorf("KeysFor(%s) = %q, want %q", path, got, want)
		}
	}
}
