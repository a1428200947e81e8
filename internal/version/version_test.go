package version_test

import (
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/internal/version"
)

func TestParseReadsTheSpellingsPeoplePaste(t *testing.T) {
	for in, want := range map[string]string{
		"17.6.1": "17.6.1", "17.6": "17.6", "v9.11": "9.11", "17.6.1-ce.0": "17.6.1",
		"17.6.1+ee.0": "17.6.1", "GitLab 17.6": "17.6", "gitlab-18.11.3": "18.11.3",
		"Mattermost v10.11.4": "10.11.4", " 18.11 ": "18.11", "0.6.0": "0.6.0",
		"gitlab-ee=18.11.3-ee.0": "18.11.3", "gitlab-ce_17.6.1-ce.0_amd64.deb": "17.6.1",
		"mattermost-team-10.11.4-linux-amd64.tar.gz": "10.11.4",
	} {
		v, err := version.Parse(in)
		if err != nil || v.String() != want {
			t.Errorf("Parse(%q) = %v, %v; want %s", in, v, err, want)
		}
	}
}

func TestParseRefusesWhatIsNoVersionAndQuotesIt(t *testing.T) {
	for _, in := range []string{"", "18", "latest", "1.2.3.4", "1.-2", "1. 2", "1.2-", "+1.2", "1_0.2", "999999.1", "18.x", strings.Repeat("1.2", 1000)} {
		v, err := version.Parse(in)
		if err == nil {
			t.Errorf("Parse(%q) = %v, want an error", in, v)
		} else if len(err.Error()) > 200 {
			t.Errorf("Parse(%.20q…): the error repeats the whole input", in)
		}
	}
}

func TestTheExampleIsOfTheProductThatIsAskedFor(t *testing.T) {
	for want, parse := range map[string]func(string) (version.Version, error){
		`version "latest": want MAJOR.MINOR or MAJOR.MINOR.PATCH, for example 18.11.3`: version.Parse,
		`version "latest": want MAJOR.MINOR or MAJOR.MINOR.PATCH, for example 10.11.4`: version.ParseMattermost,
	} {
		if _, err := parse("latest"); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
		if v, err := parse("Mattermost 10.11"); err != nil || v.String() != "10.11" {
			t.Errorf("%v, %v, want 10.11", v, err)
		}
	}
}

func TestCompareIsATotalOrder(t *testing.T) {
	ordered := []string{"7.14", "7.14.0", "7.14.3", "8.0", "8.9.11", "8.10.0", "18.2.0", "18.11", "18.11.0", "18.11.11", "19.0.0"}
	for i, a := range ordered {
		for j, b := range ordered {
			got := version.MustParse(a).Compare(version.MustParse(b))
			if want := min(1, max(-1, i-j)); got != want {
				t.Errorf("%s vs %s: %d, want %d", a, b, got, want)
			}
		}
	}
	if !version.MustParse("18.11").AtLeast(version.MustParse("18.11.0")) {
		t.Error("the line 18.11 must count as its first release")
	}
}

func TestVersionsInJSONAreTheirText(t *testing.T) {
	for _, text := range []string{"18.11.3", "17.6", ""} {
		var v version.Version
		if err := v.UnmarshalText([]byte(text)); err != nil {
			t.Fatalf("UnmarshalText(%q): %v", text, err)
		}
		if got, err := v.MarshalText(); err != nil || string(got) != text {
			t.Errorf("%q comes back as %q, %v", text, got, err)
		}
	}
	if err := new(version.Version).UnmarshalText([]byte("latest")); err == nil {
		t.Error(`"latest" was accepted`)
	}
}

func TestParseDoesNotAllocate(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { _, _ = version.Parse("GitLab 17.6.1-ce.0") }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}
