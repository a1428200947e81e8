package envmap_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gitlab-mattermost/sdk/envmap"
)

func TestEveryExampleThatExplainGivesIsHonoured(t *testing.T) {
	examples := 0
	for _, version := range []string{"4.10", "5.20", "6.7", "10.11", "11.7"} {
		v, err := envmap.ParseVersion(version)
		if err != nil {
			t.Fatal(err)
		}
		for s := range envmap.Settings() {
			all, err := envmap.Explain(s.Path, v)
			if err != nil || len(all) != 1 {
				t.Fatalf("%s: %v, %v", s.Path, all, err)
			}
			if all[0].Example == "" {
				continue
			}
			examples++
			e, err := envmap.FromEnviron([]string{all[0].Example})
			if err != nil {
				t.Fatal(err)
			}
			r, err := envmap.Check(e, v)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range r.Findings {
				if f.Severity == envmap.SeverityError && !dependsOnAnother(f.ID) {
					t.Errorf("%s on %s: %s: %s", all[0].Example, version, f.ID, f.Message)
				}
			}
		}
	}
	if examples < 1500 {
		t.Errorf("only %d examples", examples)
	}
}

// dependsOnAnother are conditions that one variable alone cannot meet, and the
// fields that no variable reaches.
func dependsOnAnother(id string) bool {
	return id == "env.unreachable" || id == "env.superseded" || id == "env.needs-key" || id == "env.list-separator"
}

func TestExplainAnswersForEveryGitLabKeyThatEverWas(t *testing.T) {
	v := envmap.Version{Major: 10, Minor: 11}
	for k := range envmap.LegacyKeys() {
		for _, name := range []string{k.Key, "mattermost['" + k.Key + "']", `mattermost["` + k.Key + `"]`} {
			all, err := envmap.Explain(name, v)
			if err != nil || len(all) == 0 {
				t.Errorf("%s: %v", name, err)
			}
			for _, x := range all {
				if x.Variable == "" && len(x.Notes) == 0 {
					t.Errorf("%s: neither a variable nor a word", name)
				}
			}
		}
	}
}

func TestDiffSaysWhatEachChangeMeans(t *testing.T) {
	old, changed := envmap.New(), envmap.New(envmap.Var{Name: "MM_UNSET"})
	old.Set("MM_SQLSETTINGS_DATASOURCE", "postgres://u:old@h/d")
	changed.Set("MM_SQLSETTINGS_DATASOURCE", "postgres://u:new@h/d")
	old.Set("MM_TEAMSETTINGS_SITENAME", "x")
	changed.Set("HTTP_PROXY", "http://u:pw@proxy")
	changed.Set("MM_FEATUREFLAGS_TESTFEATURE", "on")
	var got []string
	for _, c := range envmap.Diff(old, changed) {
		got = append(got, strings.Join([]string{c.Kind, c.Name, c.Old, c.New, c.Means}, " | "))
	}
	want := []string{
		"changed | MM_SQLSETTINGS_DATASOURCE | [redacted] | [redacted] | restart: the new value takes effect",
		`removed | MM_TEAMSETTINGS_SITENAME | "x" | (not set) | restart: config.json decides again, the System Console unlocks the setting`,
		"added | HTTP_PROXY | (not set) | [redacted] | restart: read by the process at its start",
		`added | MM_FEATUREFLAGS_TESTFEATURE | (not set) | "on" | restart: a feature flag`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if same := envmap.Diff(old, old); len(same) != 0 {
		t.Errorf("an environment differs from itself: %v", same)
	}
}

func TestReadSourceReadsProcessesDirectoriesAndFiles(t *testing.T) {
	t.Setenv("MM_ENVMAP_TEST", "set in the test's own environment does not show in /proc")
	self, err := envmap.ReadSource("pid:"+strconv.Itoa(os.Getppid()), "")
	if err != nil || self.Len() == 0 {
		t.Errorf("the parent process: %v, %v", self.Len(), err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "MM_A"), "x")
	if e, err := envmap.ReadSource(dir, ""); err != nil || e.Len() != 1 {
		t.Errorf("directory: %v", err)
	}
	for name, text := range map[string]string{
		"a.env": "A=x\n", "a.json": `{"A": "x"}`, "a.sh": "export A=x\n", "a.conf": "[Service]\nEnvironment=A=x\n", "a.yml": "environment:\n  A: x\n",
		"b.yaml": "kind: Secret\nstringData:\n  A: x\n", "gitlab.rb": "mattermost['env'] = { 'A' => 'x' }\n", "noname": "export A='x'\n",
	} {
		path := filepath.Join(t.TempDir(), name)
		write(t, path, text)
		if e, err := envmap.ReadSource(path, ""); err != nil || len(values(e)) != 1 || values(e)["A"] != "x" {
			t.Errorf("%s: %v, %v", name, values(e), err)
		}
	}
	for _, bad := range []string{"pid:0", "pid:-1", "pid:999999999", "/does/not/exist", "/dev/null"} {
		if _, err := envmap.ReadSource(bad, ""); err == nil {
			t.Errorf("%s: want an error", bad)
		}
	}
}

func TestFromConfigGivesOnlyWhatDiffers(t *testing.T) {
	v := envmap.Version{Major: 10, Minor: 11}
	file := `{"ServiceSettings": {"SiteURL": "https://x", "ReadTimeout": 300, "TrustedProxyIPHeader": ["A", "B"], "TLSOverwriteCiphers": []},
		"TeamSettings": {"ExperimentalDefaultChannels": ["a b"], "SiteName": "Mattermost"}, "SqlSettings": {"DataSource": "********************************"},
		"PluginSettings": {"PluginStates": {"x": {"Enable": true}}}, "WebrtcSettings": {"Enable": true}, "NoSuch": {"Field": 1}, "FeatureFlags": {"TestFeature": "on"}}`
	e, left, err := envmap.FromConfig([]byte(file), v)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"MM_SERVICESETTINGS_SITEURL":              "https://x",
		"MM_SERVICESETTINGS_TRUSTEDPROXYIPHEADER": "A B",
		"MM_PLUGINSETTINGS_PLUGINSTATES":          `{"x":{"Enable":true}}`,
	}
	if diff := cmp.Diff(want, values(e)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	var names []string
	for _, l := range left {
		names = append(names, l.Key)
	}
	if diff := cmp.Diff([]string{"SqlSettings.DataSource", "TeamSettings.ExperimentalDefaultChannels", "WebrtcSettings.Enable", "NoSuch.Field"}, names); diff != "" {
		t.Errorf("left out (-want +got):\n%s", diff)
	}
	again, _, err := envmap.FromConfigDiff([]byte(file), []byte(file), v)
	if err != nil || again.Len() != 0 {
		t.Errorf("a file differs from itself: %v, %v", values(again), err)
	}
}

func FuzzEffectiveKeepsWhatItDoesNotKnow(f *testing.F) {
	f.Add(`{"ServiceSettings":{"SiteURL":"https://x/"}}`)               // a plain file
	f.Add(`{"a":{"b":[1,{"c":null}]},"PluginSettings":{"Plugins":{}}}`) // unknown members
	f.Add(`{"servicesettings":{"siteurl":"x"},"ServiceSettings":null}`) // other spelling, null section
	f.Fuzz(func(t *testing.T, file string) {
		v := envmap.Version{Major: 10, Minor: 11}
		e, err := envmap.Effective([]byte(file), nil, v)
		if err != nil {
			return
		}
		out, err := e.JSON()
		if err != nil {
			t.Fatal(err)
		}
		again, err := envmap.Effective(out, nil, v)
		if err != nil {
			t.Fatalf("cannot read its own file: %v", err)
		}
		second, err := again.JSON()
		if err != nil || string(second) != string(out) {
			t.Errorf("the second file differs (%v)", err)
		}
	})
}
