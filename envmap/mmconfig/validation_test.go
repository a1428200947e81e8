package mmconfig_test

import (
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/envmap"
	"github.com/gitlab-mattermost/sdk/envmap/mmconfig"
)

// conditional are settings whose validation looks at other settings, or at the
// machine, so that one variable alone says nothing; the reason is the value.
var conditional = map[string]string{
	"AutoTranslationSettings.Enable":                                  "needs a provider",
	"CacheSettings.CacheType":                                         "redis needs an address",
	"ContentFlaggingSettings.NotificationSettings.EventTargetMapping": "needs certain targets for each event",
	"DataRetentionSettings.FileRetentionDays":                         "days and hours exclude each other, one is needed",
	"DataRetentionSettings.FileRetentionHours":                        "days and hours exclude each other, one is needed",
	"DataRetentionSettings.MessageRetentionDays":                      "days and hours exclude each other, one is needed",
	"DataRetentionSettings.MessageRetentionHours":                     "days and hours exclude each other, one is needed",
	"ElasticsearchSettings.EnableAutocomplete":                        "needs indexing",
	"ElasticsearchSettings.EnableCJKAnalyzers":                        "needs searching",
	"ElasticsearchSettings.EnableSearching":                           "needs indexing",
	"ElasticsearchSettings.GlobalSearchPrefix":                        "needs an index prefix",
	"EmailSettings.EnableEmailBatching":                               "needs a site URL",
	"ExperimentalAuditSettings.FileEnabled":                           "needs a file name",
	"IntuneSettings.Enable":                                           "needs tenant, client and service",
	"LdapSettings.Enable":                                             "needs a server and attributes",
	"LocalizationSettings.AvailableLocales":                           "must hold the default locale of clients",
	"SamlSettings.Enable":                                             "needs an identity provider",
	"ServiceSettings.AllowCookiesForSubdomains":                       "needs a site URL",
	"ServiceSettings.ConnectionSecurity":                              "TLS needs certificate files on the machine",
	"ServiceSettings.ThreadAutoFollow":                                "collapsed threads need it",
	"ServiceSettings.DCRRedirectURIAllowlist":                         "a pattern language of its own, from 11.6 on: not reproduced",
	"WranglerSettings.AllowedEmailDomain":                             "a pattern for domains of its own: not reproduced",
}

// candidates are values that Mattermost's conditions tell apart.
var candidates = []string{
	"", "true", "false", "0", "-1", "-2", "1", "2", "4", "5", "29", "30", "72", "73", "999", "1000", "65536",
	"postgres", "mysql", "postgresql", "local", "amazons3", "s3", "TLS", "STARTTLS", "PLAIN", "tls", "full", "generic", "any", "team",
	"full_name", "nickname_full_name", "username", "disabled", "default_on", "default_off", "always_on", "lru", "redis",
	"elasticsearch", "opensearch", "https://mm.example.com", "mm.example.com", "/path", ":8065", "127.0.0.1:8065", "127.0.0.1",
	"[::1]:8065", "::1:8065", "localhost:8065", "a b:1", "host:99999", "02:30", "25:00", " /leading", "/trailing ",
	"exactly-thirty-characters-long", "thirty-one-characters-long-abcd", "0123456789abcdef0123456789abcde", "0123456789abcdef0123456789abcdef",
	"{}", "[]", "5.9.0", "5.9", "5.09.0", "5.9.0-rc1", "GLACIER", "git", "git+ssh ftp", "1a", "-x", "a,-b", "TLS_RSA_WITH_RC4_128_SHA",
	"abcdefghijklmnopqrstuvwxyz",
}

func TestTheRulesOfCheckAgreeWithMattermostsValidation(t *testing.T) {
	if err := mmconfig.Validate(mmconfig.Defaults()); err != nil {
		t.Fatal(err)
	}
	compared, refused := 0, 0
	for s := range envmap.Settings() {
		if s.In(pinned) != envmap.Present || s.Section() == "FeatureFlags" || conditional[s.Path] != "" {
			continue
		}
		x, err := envmap.Explain(s.Path, pinned)
		if err != nil {
			t.Fatal(err)
		}
		every := 1
		if x[0].Allowed == "" { // no rule of ours: a part of the values, another one for each setting
			every = 9
		}
		cfg := mmconfig.Defaults()
		for i, value := range candidates {
			if (i+len(s.Path))%every != 0 {
				continue
			}
			env := envmap.New()
			env.Set(s.Env(), value)
			report, err := envmap.Check(env, pinned)
			if err != nil {
				t.Fatal(err)
			}
			if !report.Verdicts[0].Honoured {
				continue
			}
			weSay := false
			for _, f := range report.Findings {
				weSay = weSay || f.ID == "env.not-allowed" || f.ID == "env.raw-json"
			}
			if err := mmconfig.Apply(cfg, env); err != nil {
				t.Fatal(err)
			}
			if err := mmconfig.Validate(cfg); (err != nil) != weSay {
				t.Errorf("%s=%q: Mattermost says %v, we refuse it %v", s.Env(), value, err, weSay)
			} else if weSay {
				refused++
			}
			compared++
		}
	}
	if refused < 100 {
		t.Errorf("only %d values are refused by both: the comparison is worth little", refused)
	}
	t.Logf("%d values compared, %d refused by both", compared, refused)
}

func TestValidationNamesTheConditionAndNoValue(t *testing.T) {
	env := envmap.New()
	env.Set("MM_SQLSETTINGS_ATRESTENCRYPTKEY", "short-secret")
	cfg, err := mmconfig.Effective(nil, env)
	if err != nil {
		t.Fatal(err)
	}
	err = mmconfig.Validate(cfg)
	if err == nil || !strings.Contains(err.Error(), "encrypt_sql") || strings.Contains(err.Error(), "short-secret") {
		t.Errorf("error %v, want the condition's id and no secret", err)
	}
}
