package config

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
)

// TestConfigJSONHasTheFieldsOfEveryRelease compares the names in the rendered
// file with those of the template in each shipped release before 11.0.
func TestConfigJSONHasTheFieldsOfEveryRelease(t *testing.T) {
	data, err := os.ReadFile("testdata/config-json-fields.tsv")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for line := range strings.Lines(string(data)) {
		c := strings.Split(strings.TrimSpace(line), "\t")
		if strings.HasPrefix(line, "#") {
			continue
		}
		for _, v := range c[:2] {
			fields := map[string]bool{}
			for f := range renderLegacyAt(t, v, "").Fields() {
				if strings.Contains(f, ".") {
					fields[f] = true
				}
			}
			var names []string
			for f := range fields {
				names = append(names, f)
			}
			slices.Sort(names)
			sum := sha256.Sum256([]byte(strings.Join(names, "\n")))
			if got := hex.EncodeToString(sum[:])[:16]; strconv.Itoa(len(names)) != c[2] || got != c[3] {
				t.Errorf("%s: %d fields with sum %s, the release has %s with sum %s", v, len(names), got, c[2], c[3])
			}
			checked++
		}
	}
	if checked < 50 {
		t.Errorf("only %d releases checked", checked)
	}
}

// renderLegacyAt renders config.json as the package did, without settings.
func renderLegacyAt(t *testing.T, v, rb string) *ConfigJSON {
	t.Helper()
	result, err := gitlabrb.Evaluate("gitlab.rb", []byte(rb), gitlabrb.Options{GitLabVersion: v})
	if err != nil {
		t.Fatalf("%s: %v", v, err)
	}
	i, err := Resolve(Input{GitLabRB: result, GitLabVersion: v, Rand: new(counter)})
	if err != nil {
		t.Fatalf("%s: %v", v, err)
	}
	text, err := i.LegacyConfigJSON(LegacyOptions{PackageBugs: true})
	if err != nil {
		t.Fatalf("%s: %v", v, err)
	}
	c, err := ParseConfigJSON("config.json", text)
	if err != nil {
		t.Fatalf("%s: %v", v, err)
	}
	return c
}

func TestConfigJSONOf10_8HoldsTheDefaults(t *testing.T) {
	c := renderLegacyAt(t, "10.8", "")
	for i := range catalogueRows {
		row := &catalogueRows[i]
		if row.field == "" || !row.holds(rel(10, 8, 0)) || row.kind == "string-part" {
			continue
		}
		switch row.key {
		case "sql_data_source", "sql_data_source_replicas", "sql_at_rest_encrypt_key", "email_invite_salt", "file_public_link_salt":
			continue // computed
		}
		got, ok := c.Get(row.field)
		want := row.value()
		if want == nil {
			want = "" // nil renders as an empty text
		}
		if !ok || rubyInspect(got) != rubyInspect(want) {
			t.Errorf("%s (%s) = %s, want %s", row.field, row.key, rubyInspect(got), rubyInspect(want))
		}
	}
	for field, want := range map[string]any{
		"ServiceSettings.ListenAddress":       "127.0.0.1:8065",
		"SqlSettings.DataSource":              "user=gitlab_mattermost host=/var/opt/gitlab/postgresql port=5432 dbname=mattermost_production",
		"SqlSettings.AtRestEncryptKey":        "202122232425262728292a2b2c2d2e2f",
		"ServiceSettings.SiteURL":             "",
		"NativeAppSetting.IosAppDownloadLink": "https://about.mattermost.com/mattermost-ios-app/",
	} {
		if got, _ := c.Get(field); got != want {
			t.Errorf("%s = %v, want %v", field, got, want)
		}
	}
	if got, _ := c.Get("SqlSettings.DataSourceReplicas"); RubyText(got) != `["user=gitlab_mattermost host=/var/opt/gitlab/postgresql port=5432 dbname=mattermost_production"]` {
		t.Errorf("replicas: %s", RubyText(got))
	}
}

// TestEveryKeyIsAnsweredForItsVersions asks about every row of the catalogue
// at both ends of its range and just outside the key's whole life.
func TestEveryKeyIsAnsweredForItsVersions(t *testing.T) {
	for i := range catalogueRows {
		row := &catalogueRows[i]
		for _, at := range []release{row.from, row.to} {
			s := keyState(at, row.hash, row.key)
			if !s.Known || s.Since == "" || s.Until == "" {
				t.Errorf("%s['%s'] at %s: %+v", row.hash, row.key, at, s)
			}
			want := DoesItself
			switch {
			case bulkCheck(at, row.key) && row.hash == "mattermost" && at >= rel(11, 0, 0):
				want = DoesRefuse
			case bulkCheck(at, row.key) && row.hash == "mattermost":
				want = DoesNotify
			case at < rel(11, 0, 0) && row.field != "":
				want = DoesConfigJSON
			case at >= rel(11, 0, 0) && row.variable != "":
				want = DoesEnvironment
			}
			if s.Does != want && s.Does != DoesIgnore {
				t.Errorf("%s['%s'] at %s: %s, want %s", row.hash, row.key, at, s.Does, want)
			}
			if s.Does == DoesIgnore && row.note == "" {
				t.Errorf("%s['%s'] at %s is ignored and no note says why", row.hash, row.key, at)
			}
		}
	}
}

func TestKeyAtTellsTheHistoryOfAKey(t *testing.T) {
	for _, c := range []struct {
		why, version, key string
		does              string
		field, variable   string
		def               string
		legacy            bool
	}{
		{"9.4: before the rename it is unknown", "9.4.4", "team_teammate_name_display", DoesIgnore, "", "", "nil", false},
		{"9.4.2 to 9.4.4 under another name and section", "9.4.3", "service_teammate_name_display", DoesConfigJSON, "ServiceSettings.TeammateNameDisplay", "", `"full_name"`, false},
		{"first under the console's old field", "8.9.11", "log_console_enable", DoesConfigJSON, "LogSettings.ConsoleEnable", "", "true", false},
		{"then under the new one", "8.10", "log_console_enable", DoesConfigJSON, "LogSettings.EnableConsole", "", "true", false},
		{"the rate limiter was on", "8.13.12", "ratelimit_enable_rate_limiter", DoesConfigJSON, "RateLimitSettings.EnableRateLimiter", "", "true", false},
		{"and moved and went off", "8.14", "ratelimit_enable_rate_limiter", DoesConfigJSON, "RateLimitSettings.Enable", "", "false", false},
		{"commands were off to 8.14", "8.14.10", "service_enable_commands", DoesConfigJSON, "ServiceSettings.EnableCommands", "", "false", false},
		{"and on from 8.15", "8.15", "service_enable_commands", DoesConfigJSON, "ServiceSettings.EnableCommands", "", "true", false},
		{"help pages of the package to 10.1", "10.1.7", "support_about_link", DoesConfigJSON, "SupportSettings.AboutLink", "", `"/static/help/about.html"`, false},
		{"8.1 had e-mail sign-up on", "8.1", "email_enable_sign_up_with_email", DoesConfigJSON, "EmailSettings.EnableSignUpWithEmail", "", "true", false},
		{"8.2 switched it off", "8.2", "email_enable_sign_up_with_email", DoesConfigJSON, "EmailSettings.EnableSignUpWithEmail", "", "false", false},
		{"7.14 knew other names", "7.14", "service_site_name", DoesConfigJSON, "ServiceSettings.SiteName", "", `"GitLab Mattermost"`, false},
		{"which 8.1 forgot without a word", "8.1", "service_site_name", DoesIgnore, "", "", "nil", false},
		{"read by a recipe only", "9.0", "db2_team_name", DoesItself, "", "", "nil", false},
		{"10.8 lists what 11.0 drops", "10.8", "email_smtp_server", DoesNotify, "EmailSettings.SMTPServer", "MM_EMAILSETTINGS_SMTPSERVER", "nil", true},
		{"10.3.0 does not yet", "10.3.0", "email_smtp_server", DoesConfigJSON, "EmailSettings.SMTPServer", "", "nil", false},
		{"10.8.2 wrongly lists what omnibus sets itself", "10.8.2", "service_allowed_untrusted_internal_connections", DoesNotify, "ServiceSettings.AllowedUntrustedInternalConnections", "", "nil", false},
		{"10.8.3 no longer", "10.8.3", "service_allowed_untrusted_internal_connections", DoesConfigJSON, "ServiceSettings.AllowedUntrustedInternalConnections", "", "nil", false},
		{"11.0 refuses", "11.0", "email_smtp_server", DoesRefuse, "", "MM_EMAILSETTINGS_SMTPSERVER", "nil", true},
		{"11.0 to 11.2 refused the plugin directories", "11.2", "plugin_directory", DoesRefuse, "", "MM_PLUGINSETTINGS_DIRECTORY", "nil", true},
		{"11.3 brought them back", "11.3", "plugin_directory", DoesEnvironment, "", "MM_PLUGINSETTINGS_DIRECTORY", `"/var/opt/gitlab/mattermost/plugins"`, false},
		{"env_directory never made it onto the list", "11.6", "env_directory", DoesRefuse, "", "", `"/opt/gitlab/etc/mattermost/env"`, true},
		{"12.3 ignores", "12.3", "email_smtp_server", DoesIgnore, "", "MM_EMAILSETTINGS_SMTPSERVER", "nil", true},
		{"a misspelled field gets its right variable", "18.11", "email_notification_content_type", DoesIgnore, "", "MM_EMAILSETTINGS_EMAILNOTIFICATIONCONTENTSTYPE", "nil", true},
		{"a misspelled section too", "18.11", "native_app_app_download_link", DoesIgnore, "", "MM_NATIVEAPPSETTINGS_APPDOWNLOADLINK", "nil", true},
		{"an internal key", "18.11", "service_use_ssl", DoesItself, "", "", "false", false},
		{"a dead remnant", "18.11", "gitlab", DoesIgnore, "", "", "{}", false},
		{"never known at all", "18.11", "colour", DoesIgnore, "", "", "nil", false},
		{"never known, and refused", "12.2", "colour", DoesRefuse, "", "", "nil", true},
		{"19.0 refuses everything", "19.0", "home", DoesRefuse, "", "", "nil", false},
		{"19.3 only enable", "19.3", "home", DoesIgnore, "", "", "nil", false},
		{"enable at 19.3", "19.3", "enable", DoesRefuse, "", "", "nil", false},
	} {
		s, err := KeyAt(c.version, "mattermost", c.key)
		if err != nil {
			t.Fatal(err)
		}
		if s.Does != c.does || s.Field != c.field || s.Variable != c.variable || rubyInspect(s.Default) != c.def || s.Legacy != c.legacy {
			t.Errorf("%s: mattermost['%s'] at %s:\n got %s field=%q variable=%q default=%s legacy=%v\nwant %s field=%q variable=%q default=%s legacy=%v", c.why, c.key, c.version,
				s.Does, s.Field, s.Variable, rubyInspect(s.Default), s.Legacy, c.does, c.field, c.variable, c.def, c.legacy)
		}
	}
	if _, err := KeyAt("x", "mattermost", "home"); err == nil {
		t.Error("a version that is none was accepted")
	}
}

func TestErasAreInOrder(t *testing.T) {
	last := release(0)
	for _, e := range Eras() {
		if at := releaseAt(e.From); at <= last || e.Changes == "" {
			t.Errorf("%+v comes after %s", e, last)
		} else {
			last = at
		}
	}
}

func TestLegacyConfigJSONReproducesBugsOnlyOnRequest(t *testing.T) {
	rb := `mattermost['team_site_name'] = 'The "Team"'
mattermost['service_enable_post_search'] = false
mattermost['email_notification_content_type'] = 'generic'
mattermost['service_maximum_login_attempts'] = '7'
mattermost['sql_data_source_search_replicas'] = ['a', 'b']
mattermost['plugin_plugins'] = { 'x' => { 'k' => nil, 'on' => true } }
`
	result, err := gitlabrb.Evaluate("gitlab.rb", []byte(rb), gitlabrb.Options{GitLabVersion: "10.8"})
	if err != nil {
		t.Fatal(err)
	}
	i, err := Resolve(Input{GitLabRB: result, GitLabVersion: "10.8", Rand: new(counter)})
	if err != nil {
		t.Fatal(err)
	}
	buggy, err := i.LegacyConfigJSON(LegacyOptions{PackageBugs: true})
	if err != nil {
		t.Fatal(err)
	}
	if json.Valid(buggy) {
		t.Error("a quote in a value must break the package's file")
	}
	for _, line := range []string{
		`        "SiteName": "The "Team"",`, `        "EnableUserStatuses": false,`, `        "EmailNotificationContentType": "generic",`,
		`        "MaximumLoginAttempts": 7,`, `        "DataSourceSearchReplicas": ["a", "b"],`, `    "NativeAppSetting": {`,
		`        "Plugins": {"x":{"on":true}},`,
	} {
		if !strings.Contains(string(buggy), line+"\n") {
			t.Errorf("the package's file lacks the line %s", line)
		}
	}
	right, err := i.LegacyConfigJSON(LegacyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := ParseConfigJSON("config.json", right)
	if err != nil {
		t.Fatal(err)
	}
	for field, want := range map[string]any{
		"TeamSettings.SiteName": `The "Team"`, "ServiceSettings.EnableUserStatuses": true, "EmailSettings.EmailNotificationContentsType": "generic",
		"ServiceSettings.MaximumLoginAttempts": int64(7), "NativeAppSettings.AppDownloadLink": "https://about.mattermost.com/downloads/",
	} {
		if got, ok := c.Get(field); !ok || got != want {
			t.Errorf("%s = %v, want %v", field, got, want)
		}
	}
	i.GitLabVersion = "11.0"
	if _, err := i.LegacyConfigJSON(LegacyOptions{}); err == nil {
		t.Error("11.0 does not generate config.json")
	}
}
