package mmconfig_test

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mattermost/mattermost/server/public/model"

	"github.com/gitlab-mattermost/sdk/envmap"
	"github.com/gitlab-mattermost/sdk/envmap/mmconfig"
)

// flat is a configuration as path to canonical JSON, feature flags left out.
func flat(t *testing.T, configJSON []byte) map[string]string {
	t.Helper()
	cfg, err := mmconfig.Effective(configJSON, nil)
	if err != nil {
		t.Fatal(err)
	}
	return flatModel(t, cfg)
}

func flatModel(t *testing.T, cfg *model.Config) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, l := range leaves(reflect.ValueOf(cfg), "") {
		raw, err := json.Marshal(l.value.Interface())
		if err != nil {
			t.Fatal(err)
		}
		out[l.path] = canonical(raw)
	}
	return out
}

func flatEffective(e *envmap.EffectiveConfig) map[string]string {
	out := map[string]string{}
	for _, v := range e.Values {
		out[v.Path] = canonical(v.Value.Reveal())
	}
	return out
}

func TestDefaultsOfAnExistingInstallationAgreeWithTheModel(t *testing.T) {
	e, err := envmap.Effective(nil, nil, pinned)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(flat(t, nil), flatEffective(e)); diff != "" {
		t.Errorf("-model +envmap:\n%s", diff)
	}
}

// gitlabFile is a config.json as a bundled server has it: nothing of what the
// package gives by environment, some things changed in the console.
const gitlabFile = `{
    "ServiceSettings": {"SiteURL": "", "ListenAddress": ":8065", "SessionLengthWebInDays": 10, "SessionLengthWebInHours": 100},
    "TeamSettings": {"SiteName": "Ours", "MaxUsersPerTeam": 900},
    "SqlSettings": {"DataSource": "postgres://mmuser:mostest@localhost/mattermost_test"},
    "FileSettings": {"Directory": "./data/", "PublicLinkSalt": "0123456789abcdef0123456789abcdef"},
    "PluginSettings": {"Plugins": {"com.example": {"key": "value", "n": 12345678901234567890}}, "PluginStates": {"com.example": {"Enable": true}}},
    "FutureSettings": {"Unknown": [1, 2, {"a": null}]}
}`

func bundleEnvironment() *envmap.Environment {
	e := envmap.New()
	for _, kv := range [][2]string{
		{"MM_SERVICESETTINGS_SITEURL", "https://mm.example.com/"}, {"MM_SERVICESETTINGS_LISTENADDRESS", "127.0.0.1:8065"},
		{"MM_SERVICESETTINGS_ALLOWEDUNTRUSTEDINTERNALCONNECTIONS", " gitlab.example.com"}, {"MM_SERVICESETTINGS_ENABLEAPITEAMDELETION", "true"},
		{"MM_TEAMSETTINGS_SITENAME", "GitLab Mattermost"}, {"MM_SQLSETTINGS_DRIVERNAME", "postgres"},
		{"MM_SQLSETTINGS_DATASOURCE", "user=gitlab_mattermost host=/var/opt/gitlab/postgresql port=5432 dbname=mattermost_production"},
		{"MM_SQLSETTINGS_ATRESTENCRYPTKEY", "fedcba9876543210fedcba9876543210"}, {"MM_FILESETTINGS_DIRECTORY", "/var/opt/gitlab/mattermost/data"},
		{"MM_GITLABSETTINGS_ENABLE", "true"}, {"MM_GITLABSETTINGS_ID", "the-id"}, {"MM_GITLABSETTINGS_SECRET", "the-secret"},
		{"MM_LOGSETTINGS_FILELOCATION", "/var/log/gitlab/mattermost"}, {"MM_PLUGINSETTINGS_DIRECTORY", "/var/opt/gitlab/mattermost/plugins"},
		{"MM_INSTALL_TYPE", "gitlab_omnibus"}, {"MM_TEAMSETTINGS_MAXUSERSPERTEAM", "many"}, {"GODEBUG", "tlsmlkem=0"},
	} {
		e.Set(kv[0], kv[1])
	}
	return e
}

func TestAServerWithoutTheEnvironmentRunsWithTheSameFromTheWrittenFile(t *testing.T) {
	env := bundleEnvironment()
	effective, err := envmap.Effective([]byte(gitlabFile), env, pinned)
	if err != nil {
		t.Fatal(err)
	}
	with, err := mmconfig.Effective([]byte(gitlabFile), env)
	if err != nil {
		t.Fatal(err)
	}
	file, err := effective.JSON()
	if err != nil {
		t.Fatal(err)
	}
	without, err := mmconfig.Effective(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(with, without); diff != "" {
		t.Errorf("-with environment +from the file alone:\n%s", diff)
	}
	if err := mmconfig.Validate(without); err != nil {
		t.Error(err)
	}
	for _, kept := range []string{"12345678901234567890", `"FutureSettings"`} {
		if !strings.Contains(string(file), kept) {
			t.Errorf("the file lost %s", kept)
		}
	}
	again, err := envmap.Effective(file, nil, pinned)
	if err != nil {
		t.Fatal(err)
	}
	second, err := again.JSON()
	if err != nil || string(second) != string(file) {
		t.Errorf("writing the written file again changes it (%v)", err)
	}
}

func TestEffectiveAgreesWithTheModelOnRandomFilesAndEnvironments(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 7))
	var settings []envmap.Setting
	for s := range envmap.Settings() {
		if s.In(pinned) == envmap.Present && s.Section() != "FeatureFlags" && s.Kind != envmap.KindStructs && s.Kind != envmap.KindJSON {
			settings = append(settings, s)
		}
	}
	for range 40 {
		stored := map[string]map[string]any{}
		env := envmap.New()
		for range 30 {
			s := settings[r.IntN(len(settings))]
			if strings.Count(s.Path, ".") != 1 {
				continue
			}
			section, field, _ := strings.Cut(s.Path, ".")
			if stored[section] == nil {
				stored[section] = map[string]any{}
			}
			stored[section][field] = map[envmap.Kind]any{
				envmap.KindString: "text", envmap.KindBool: r.IntN(2) == 0, envmap.KindInt: r.IntN(1000), envmap.KindList: []string{"a", "b"},
				envmap.KindMap: map[string]any{},
			}[s.Kind]
			other := settings[r.IntN(len(settings))]
			env.Set(other.Env(), corpus(r))
		}
		file, err := json.Marshal(stored)
		if err != nil {
			t.Fatal(err)
		}
		cfg, err := mmconfig.Effective(file, env)
		if err != nil {
			t.Fatal(err)
		}
		ours, err := envmap.Effective(file, env, pinned)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if diff := cmp.Diff(flatModel(t, cfg), flatEffective(ours)); diff != "" {
			t.Fatalf("seed %d: file %s env %q\n-model +envmap:\n%s", seed, file, env.Environ(), diff)
		}
	}
}
