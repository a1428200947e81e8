package upgrade_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/upgrade"
)

func TestPointsReadWhatPeopleWrite(t *testing.T) {
	for in, want := range map[string]string{
		"18.11.3":               "GitLab 18.11.3",
		"GitLab 18.11":          "GitLab 18.11",
		"17.6.1-ce.0":           "GitLab 17.6.1",
		"standalone":            "standalone 11.7",
		"standalone 10.11.20":   "standalone 10.11.20",
		"standalone:11.7.9":     "standalone 11.7.9",
		"Mattermost 11.7":       "standalone 11.7",
		"19.3, standalone:11.7": "GitLab 19.3 and standalone 11.7",
	} {
		p, err := upgrade.ParsePoint(in)
		if err != nil || p.String() != want {
			t.Errorf("ParsePoint(%q) = %s, %v; want %s", in, p, err, want)
		}
	}
	for in, want := range map[string]string{
		"":                      `version ""`,
		"latest":                `version "latest"`,
		"17.6,18.11":            "names the same product twice",
		"standalone:newest":     `version "newest"`,
		"standalone,standalone": "names the same product twice",
	} {
		if p, err := upgrade.ParsePoint(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParsePoint(%q) = %s, %v; want an error with %s", in, p, err, want)
		}
	}
}

func TestSettingsFromConfigKeepsNoSecret(t *testing.T) {
	const secret = "s3cr3t-s3cr3t-s3cr3t-s3cr3t-s3cr3t"
	raw := fmt.Sprintf(`{
	 "ServiceSettings": {"SiteURL": "https://chat.example.com", "TrustedProxyIPHeader": ["X-Forwarded-For", "X-Real-IP"], "EnableUserAccessTokens": true},
	 "SqlSettings": {"DataSource": "postgres://u:%[1]s@h/db", "DataSourceReplicas": ["%[1]s"], "AtRestEncryptKey": "%[1]s", "MaxIdleConns": 20},
	 "EmailSettings": {"SMTPPassword": "%[1]s", "SMTPServer": "mail"},
	 "GitLabSettings": {"Secret": "%[1]s", "Id": "app", "UserApiEndpoint": "https://g/api/v3/user", "TokenEndpoint": "https://g/oauth/token"},
	 "FileSettings": {"PublicLinkSalt": "%[1]s", "AmazonS3SecretAccessKey": "%[1]s", "AmazonS3AccessKeyId": "%[1]s"},
	 "PasswordSettings": {"MinimumLength": 8},
	 "PluginSettings": {"Plugins": {"com.example": {"token": "%[1]s"}}, "Enable": true},
	 "Null": {"Field": null}}`, secret)
	settings, lengths, err := upgrade.SettingsFromConfig([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprint(settings, lengths); strings.Contains(text, secret) {
		t.Errorf("a secret came through: %s", text)
	}
	for name, want := range map[string]string{
		"ServiceSettings.SiteURL":                "https://chat.example.com",
		"ServiceSettings.TrustedProxyIPHeader":   "X-Forwarded-For X-Real-IP",
		"ServiceSettings.EnableUserAccessTokens": "true",
		"SqlSettings.MaxIdleConns":               "20",
		"PasswordSettings.MinimumLength":         "8",
		"GitLabSettings.UserAPIEndpoint":         "https://g/api/v3/user",
		"GitLabSettings.TokenEndpoint":           "https://g/oauth/token",
		"PluginSettings.Enable":                  "true",
	} {
		if settings[name] != want {
			t.Errorf("%s = %q, want %q", name, settings[name], want)
		}
	}
	if lengths["SqlSettings.AtRestEncryptKey"] != len(secret) {
		t.Errorf("length of the at-rest key is %d, want %d", lengths["SqlSettings.AtRestEncryptKey"], len(secret))
	}
}

func TestDamagedConfigIsRefusedWithoutItsText(t *testing.T) {
	for in, want := range map[string]string{
		"":                                   "ends too early",
		"{":                                  "ends too early",
		"[]":                                 "not an object of sections at byte 1",
		`{"A": "hunter2"}`:                   "not an object of sections",
		`{"A": {"B": hunter2}}`:              "not JSON at byte 13",
		`{"A": {}} hunter2`:                  "text after the JSON object",
		strings.Repeat("x", 9<<20):           "9437184 bytes, more than 8388608",
		strings.Repeat(`{"A":`, 1<<20) + "1": "config.json:",
	} {
		_, _, err := upgrade.SettingsFromConfig([]byte(in))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%.40q: %v, want %q", in, err, want)
		}
	}
}

func TestReadFactsNamesWhatItDoesNotKnow(t *testing.T) {
	for in, want := range map[string]string{
		`{"user": 5}`:                      `unknown field "user"`,
		`{"uses": {"jiras": true}}`:        "uses.jiras is not known; known are air-gapped",
		`{"choices": {"login": "ldap"}}`:   "choice login is \"ldap\"; want one of email, entry, licence, stay",
		`{"edition": "gold"}`:              "edition is \"gold\"; want team, entry or enterprise",
		`{"users": -1}`:                    "a count is negative",
		`{"external_database": "perhaps"}`: "want true, false",
		`{"postgresql": "sixteen"}`:        `version "sixteen"`,
		`{} {}`:                            "text after the JSON object",
		`[]`:                               "cannot unmarshal array",
		strings.Repeat(" ", 5<<20):         "more than 4194304 bytes",
	} {
		if _, err := upgrade.ReadFacts(strings.NewReader(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, want %q", in, err, want)
		}
	}
	f, err := upgrade.ReadFacts(strings.NewReader(`{"external_database": false, "stale_secrets": "yes", "enabled": null, "postgresql": "16.4", "mattermost": "10.11.13"}`))
	if err != nil || f.ExternalDatabase != upgrade.No || f.StaleSecrets != upgrade.Yes || f.Enabled != "" || f.PostgreSQL.String() != "16.4" {
		t.Errorf("facts %+v, %v", f, err)
	}
}

func TestSetKeepsOnlyTheLengthOfASecret(t *testing.T) {
	var f upgrade.Facts
	f.Set("SqlSettings.DataSource", "postgres://u:hunter2@h/db")
	f.Set("GitLabSettings.UserApiEndpoint", "https://g/api/v4/user")
	if text := fmt.Sprintf("%+v", f); strings.Contains(text, "hunter2") {
		t.Errorf("the secret is in the facts: %s", text)
	}
	if f.SecretLengths["SqlSettings.DataSource"] != 25 || f.Settings["GitLabSettings.UserAPIEndpoint"] == "" {
		t.Errorf("facts %+v", f)
	}
}

func TestSettingsOfThePackageAreForgotten(t *testing.T) {
	f := upgrade.Facts{Settings: map[string]string{"GitLabSettings.Enable": "false", "ServiceSettings.SiteURL": "", "BleveSettings.EnableIndexing": "true"},
		SecretLengths: map[string]int{"SqlSettings.AtRestEncryptKey": 5, "EmailSettings.SMTPPassword": 5}}
	f.DropPackageSettings()
	if fmt.Sprint(f.Settings, f.SecretLengths) != "map[BleveSettings.EnableIndexing:true] map[EmailSettings.SMTPPassword:5]" || !f.PartialSettings {
		t.Errorf("left: %v %v, partial %v", f.Settings, f.SecretLengths, f.PartialSettings)
	}
}

func TestFeaturesAreAllUsedByARule(t *testing.T) {
	for name := range upgrade.Features() {
		if !slices.ContainsFunc(upgrade.Rules(), func(r upgrade.Rule) bool { return strings.Contains(r.When, "uses:"+name) }) &&
			!slices.ContainsFunc(upgrade.Stops(), func(s upgrade.Stop) bool { return s.When == "uses:"+name }) {
			t.Errorf("no rule asks for the feature %s", name)
		}
	}
}

func TestPlansAreTheSameEveryTime(t *testing.T) {
	f := upgrade.Facts{Settings: map[string]string{"GitLabSettings.Enable": "true", "A.B": "c"}, SSOUsers: 3}
	var first string
	for range 5 {
		j, err := upgrade.Plan(point(t, "16.0"), point(t, "19.3,standalone:11.7"), f, date(t, "2026-11-21"))
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := j.WriteMarkdown(&b, upgrade.Render{All: true}); err != nil {
			t.Fatal(err)
		}
		if err := j.WriteText(&b, upgrade.Render{All: true}); err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = b.String()
		} else if first != b.String() {
			t.Fatal("the same journey printed differently")
		}
	}
}

func TestEnvironmentCarriesEveryVariableOfThePackage(t *testing.T) {
	j, err := upgrade.Plan(point(t, "18.11.11"), point(t, "standalone"), upgrade.Facts{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range step(t, j, upgrade.StepPrepare).Carry {
		if c.Variable != "" {
			got = append(got, c.Variable)
		}
	}
	// What GitLab 18.11 generates, with the two defaults of mattermost['env'].
	want := strings.Fields(`MM_SERVICESETTINGS_SITEURL MM_SERVICESETTINGS_LISTENADDRESS
		MM_SERVICESETTINGS_ALLOWEDUNTRUSTEDINTERNALCONNECTIONS MM_SERVICESETTINGS_ENABLEAPITEAMDELETION
		MM_TEAMSETTINGS_SITENAME MM_SQLSETTINGS_DRIVERNAME MM_SQLSETTINGS_DATASOURCE MM_SQLSETTINGS_ATRESTENCRYPTKEY
		MM_LOGSETTINGS_FILELOCATION MM_FILESETTINGS_DIRECTORY MM_GITLABSETTINGS_ENABLE MM_GITLABSETTINGS_SECRET
		MM_GITLABSETTINGS_ID MM_GITLABSETTINGS_SCOPE MM_GITLABSETTINGS_AUTHENDPOINT MM_GITLABSETTINGS_TOKENENDPOINT
		MM_GITLABSETTINGS_USERAPIENDPOINT MM_PLUGINSETTINGS_DIRECTORY MM_PLUGINSETTINGS_CLIENTDIRECTORY
		MM_INSTALL_TYPE SSL_CERT_DIR GODEBUG`)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("carried %v\nwant    %v", got, want)
	}
}

func FuzzParsePoint(f *testing.F) {
	for _, seed := range []string{"18.11.3", "standalone:11.7", "19.3,standalone:11.7", "GitLab 17.6", ",", "standalone-", "99999.99999.99999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := upgrade.ParsePoint(text)
		if err != nil {
			return
		}
		again, err := upgrade.ParsePoint(strings.Replace(strings.Replace(p.String(), " and ", ",", 1), "standalone ", "standalone:", 1))
		if err != nil || again != p {
			t.Errorf("%q reads as %s, which reads as %s, %v", text, p, again, err)
		}
	})
}

func FuzzSettingsFromConfig(f *testing.F) {
	for _, seed := range []string{`{"A":{"B":"c"}}`, `{"SqlSettings":{"DataSource":"x","MaxIdleConns":1e400}}`, `{"A":{"B":[1,[2,{"c":3}]]}}`, `{"A":null}`, "\x00", `{"A":{"B":"\ud800"}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		settings, lengths, err := upgrade.SettingsFromConfig(raw)
		if err != nil {
			return
		}
		for name := range lengths {
			if _, both := settings[name]; both {
				t.Errorf("%q is both a secret and a setting", name)
			}
		}
		facts := upgrade.Facts{Settings: settings, SecretLengths: lengths}
		if _, err := upgrade.Plan(upgrade.AtGitLab(version(t, "18.11.3")), upgrade.AtStandalone(version(t, "11.7")), facts, 0); err != nil {
			t.Errorf("no plan with these settings: %v", err)
		}
	})
}

func TestWaysThatDoNotExistAreErrorsThatSayWhy(t *testing.T) {
	email := upgrade.Facts{Choices: upgrade.Choices{Login: "email"}}
	for _, tc := range []struct {
		from, to string
		facts    upgrade.Facts
		want     string
	}{
		{"7.13.5", "8.9", upgrade.Facts{}, "had no Mattermost: the first package with one is 7.14.0"},
		{"18.11.10", "19.0", upgrade.Facts{}, "was never released: there are 18.11.9 and 18.11.11"},
		{"17.6.1", "17.9.99", upgrade.Facts{}, ""},
		{"18.11.3", "18.11.2", upgrade.Facts{}, "cannot go back from 18.11.3 to 18.11.2"},
		{"standalone:2.2.0", "standalone:11.7", upgrade.Facts{}, "rebuild it to 3.1 with GitLab 8.9 first"},
		{"standalone:11.7.9", "standalone:11.7.3", upgrade.Facts{}, "cannot go back from Mattermost 11.7.9 to 11.7.3"},
		{"standalone:10.11.20", "standalone:11.7", upgrade.Facts{Mattermost: version(t, "10.11.19")}, "the facts say Mattermost 10.11.19"},
		{"18.11.3", "standalone:10.5", email, "cannot go back from Mattermost 10.11.13 to 10.5.14"},
		{"18.11.3", "standalone:11.7", upgrade.Facts{Enabled: upgrade.No}, "the package runs no Mattermost here"},
		{"18.11.3", "standalone:11.7", upgrade.Facts{Users: -5}, "a count is negative"},
		{"standalone:0.0.0", "standalone:11.7", upgrade.Facts{}, "a start and a destination are needed"},
		{"8.9.11", "standalone:11.7", upgrade.Facts{Choices: upgrade.Choices{Route: "gitlab-first", Login: "entry"}}, ""},
		{"18.11.14", "standalone:11.7", upgrade.Facts{Choices: upgrade.Choices{Route: "gitlab-first", Login: "entry"}}, ""},
		{"18.11.14", "18.11", upgrade.Facts{}, ""},
		{"19.4.1", "99999.99999", upgrade.Facts{}, ""},
	} {
		j, err := upgrade.Plan(point(t, tc.from), point(t, tc.to), tc.facts, 0)
		switch {
		case tc.want == "" && err != nil:
			t.Errorf("%s to %s: %v", tc.from, tc.to, err)
		case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
			t.Errorf("%s to %s: %v (%v), want %q", tc.from, tc.to, err, j, tc.want)
		}
	}
}
