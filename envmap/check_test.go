package envmap_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/envmap"
	"github.com/gitlab-mattermost/sdk/internal/golden"
)

// TestChecks runs golden cases: section "env" is an environment file, each
// "want VERSION" section what Check says of it for that version.
func TestChecks(t *testing.T) {
	golden.Run(t, "testdata/check/*.txtar", func(c *golden.Case) {
		text, _ := c.Section("env")
		e, err := envmap.Decode(envmap.FormatSystemd, []byte(text))
		if err != nil {
			c.Fatal(err)
		}
		versions := 0
		for _, name := range c.Files() {
			version, ok := strings.CutPrefix(name, "want ")
			if !ok {
				continue
			}
			versions++
			v, err := envmap.ParseVersion(version)
			if err != nil {
				c.Fatal(err)
			}
			report, err := envmap.Check(e, v)
			if err != nil {
				c.Fatal(err)
			}
			c.Want(name, reportText(report))
		}
		if versions == 0 {
			c.Fatal("no version to check")
		}
	})
}

func reportText(r *envmap.Report) string {
	var b strings.Builder
	for _, v := range r.Verdicts {
		value := ""
		if x := v.Value(); x != nil {
			raw, err := json.Marshal(x)
			value = " = " + string(raw)
			if err != nil {
				value = " = no JSON"
			}
		}
		fmt.Fprintf(&b, "%s: %s honoured=%v locked=%v%s\n", v.Name, v.Role, v.Honoured, v.Locked, value)
	}
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%s %s %s: %s | %s\n", f.Severity, f.ID, f.Where, f.Message, f.Fix)
	}
	return b.String()
}

func TestCheckNeverPrintsValues(t *testing.T) {
	const secret = "s3cr3t-value"
	for s := range envmap.Settings() {
		e := envmap.New()
		e.Set(s.Env(), secret)
		for _, version := range []string{"4.2", "5.20", "6.7", "10.11", "11.11"} {
			v, err := envmap.ParseVersion(version)
			if err != nil {
				t.Fatal(err)
			}
			r, err := envmap.Check(e, v)
			if err != nil {
				t.Fatal(err)
			}
			js, err := json.Marshal(r)
			if err != nil || strings.Contains(string(js), secret) || strings.Contains(fmt.Sprintf("%+v", r), secret) {
				t.Fatalf("%s %s: the report shows the value (%v)", s.Path, version, err)
			}
		}
	}
}

func TestCheckRefusesVersionsThatNobodySampled(t *testing.T) {
	if _, err := envmap.Check(envmap.New(), envmap.Version{Major: 3, Minor: 10}); err == nil || !strings.Contains(err.Error(), "4.0") {
		t.Errorf("error %v, want the oldest version named", err)
	}
	r, err := envmap.Check(envmap.New(), envmap.Version{Major: 99})
	if err != nil || len(r.Findings) != 1 || r.Findings[0].ID != "env.version-unknown" {
		t.Errorf("a future version: %+v, %v; want one finding", r, err)
	}
}

func TestEverySettingIsJudgedByTheReleasesThatHaveIt(t *testing.T) {
	for _, tc := range []struct {
		reason, path, version string
		want                  envmap.Presence
	}{
		{"there from the oldest sample on", "ServiceSettings.SiteURL", "4.2", envmap.Present},
		{"gone with 5.6", "WebrtcSettings.Enable", "10.11", envmap.Removed},
		{"between 5.4 and 5.11 nobody looked", "WebrtcSettings.Enable", "5.8", envmap.Maybe},
		{"added in 10.3", "CacheSettings.CacheType", "9.11", envmap.NotYet},
		{"added in 10.3", "CacheSettings.CacheType", "10.3", envmap.Present},
		{"a patch release changes nothing", "CacheSettings.CacheType", "10.3.7", envmap.Present},
		{"Bleve went with 11", "BleveSettings.EnableIndexing", "11.1", envmap.Removed},
		{"the rename of one development state never shipped", "ServiceSettings.ExperimentalStrictCSRFEnforcement", "10.11", envmap.Present},
		{"spellings that differ in case only are one setting", "ElasticSearchSettings.ConnectionUrl", "4.0", envmap.Present},
		{"newer than all samples counts as the newest", "ServiceSettings.SiteURL", "12.3", envmap.Present},
	} {
		s, ok := envmap.Lookup(tc.path)
		v, err := envmap.ParseVersion(tc.version)
		if !ok || err != nil {
			t.Fatal(tc.path, ok, err)
		}
		if got := s.In(v); got != tc.want {
			t.Errorf("%s: %s in %s is %v, want %v", tc.reason, tc.path, tc.version, got, tc.want)
		}
	}
}

func TestLookupFindsEverySettingByEverySpelling(t *testing.T) {
	n := 0
	for s := range envmap.Settings() {
		n++
		for _, name := range []string{s.Path, s.Env(), strings.ToLower(s.Env()), strings.ToUpper(s.Path), s.Env()[3:]} {
			if got, ok := envmap.Lookup(name); !ok || got.Path != s.Path {
				t.Errorf("Lookup(%q) = %q, %v", name, got.Path, ok)
			}
		}
		for _, name := range []string{s.Path + "X", s.Path[:len(s.Path)-1], "X" + s.Path, ""} {
			if got, ok := envmap.Lookup(name); ok && !strings.EqualFold(got.Path, name) {
				t.Errorf("Lookup(%q) = %q, want nothing", name, got.Path)
			}
		}
	}
	if n < 850 {
		t.Errorf("only %d settings", n)
	}
}

func TestLookupAllocatesNothing(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() {
		s, ok := envmap.Lookup("MM_SERVICESETTINGS_ALLOWEDUNTRUSTEDINTERNALCONNECTIONS")
		if _, def := s.Default(envmap.Version{Major: 10, Minor: 11}); !ok || !def || s.In(envmap.Version{Major: 9}) != envmap.Present {
			t.Fatal("not found")
		}
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// typical is an environment of n settings as a large installation has them.
func typical(n int) *envmap.Environment {
	e := envmap.New()
	v := envmap.Version{Major: 10, Minor: 11}
	for s := range envmap.Settings() {
		if e.Len() == n {
			break
		}
		if s.In(v) != envmap.Present || s.Section() == "FeatureFlags" {
			continue
		}
		switch s.Kind {
		case envmap.KindString:
			if text, ok := s.Default(v); ok && text != "null" {
				e.Set(s.Env(), strings.Trim(text, `"`))
			}
		case envmap.KindBool:
			e.Set(s.Env(), "false")
		case envmap.KindInt:
			e.Set(s.Env(), "1000")
		case envmap.KindList:
			e.Set(s.Env(), "one two")
		}
	}
	return e
}

// BenchmarkCheck200 is the promise: 200 variables checked in under 200 µs.
func BenchmarkCheck200(b *testing.B) {
	e := typical(200)
	v := envmap.Version{Major: 10, Minor: 11}
	b.ReportAllocs()
	for b.Loop() {
		if r, err := envmap.Check(e, v); err != nil || len(r.Verdicts) != 200 {
			b.Fatal(err)
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := envmap.Lookup("MM_SERVICESETTINGS_SITEURL"); !ok {
			b.Fatal("not found")
		}
	}
}

// How long a check takes depends on the machine (BenchmarkCheck200 measures it);
// how much it allocates does not.
func TestCheckOf200VariablesAllocatesLittle(t *testing.T) {
	e, v := typical(200), envmap.Version{Major: 10, Minor: 11}
	const limit = 150
	if n := testing.AllocsPerRun(100, func() {
		if r, err := envmap.Check(e, v); err != nil || len(r.Verdicts) != 200 {
			t.Fatal(err)
		}
	}); n > limit {
		t.Errorf("%v allocations, want at most %d", n, limit)
	}
}
