package upgrade_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/upgrade"
)

func TestEveryRuleIsComplete(t *testing.T) {
	seen := map[string]bool{}
	kinds := []string{"breaking", "security", "migration", "config", "database", "start", "path", "note"}
	severities := []string{upgrade.SeverityError, upgrade.SeverityWarning, upgrade.SeverityInfo}
	products := []string{upgrade.ProductGitLab, upgrade.ProductMattermost, upgrade.ProductLeave}
	for _, r := range upgrade.Rules() {
		if seen[r.ID] {
			t.Errorf("%s stands twice", r.ID)
		}
		seen[r.ID] = true
		switch {
		case r.Breaks == "" || r.Do == "" || r.Source == "":
			t.Errorf("%s: breaks, do and src must all be given: %+v", r.ID, r)
		case !slices.Contains(kinds, r.Kind) || !slices.Contains(severities, r.Severity) || !slices.Contains(products, r.Product):
			t.Errorf("%s: kind %q, severity %q, product %q", r.ID, r.Kind, r.Severity, r.Product)
		case r.At.IsZero() && r.Lands == nil && r.Product != upgrade.ProductLeave:
			t.Errorf("%s: neither at nor lands: it would concern every hop", r.ID)
		case !slices.Contains([]string{"gitlab", "mm", "leave", "start"}, strings.SplitN(r.ID, ".", 2)[0]):
			t.Errorf("%s: unknown family", r.ID)
		}
		if err := upgrade.CheckCondition(r.When); err != nil {
			t.Errorf("%s: %v", r.ID, err)
		}
	}
}

func TestEveryRowOfTheUpgradeNotesIsCoveredOrExcludedWithAReason(t *testing.T) {
	covered := map[string][]string{}
	for _, r := range upgrade.Rules() {
		for _, note := range r.Notes {
			covered[note] = append(covered[note], r.ID)
		}
	}
	excluded := map[string]bool{}
	for _, row := range lines(t, "testdata/excluded_notes.tsv", "-") {
		if len(row) != 2 || row[1] == "" {
			t.Errorf("%v: an exclusion needs a reason", row)
		}
		excluded[row[0]] = true
	}
	count := map[string]int{}
	rows := map[string]bool{}
	for _, row := range lines(t, "internal/gen/testdata/mattermost_upgrade_notes.tsv", "version\t") {
		count[row[0]]++
		key := fmt.Sprintf("%s/%d", row[0], count[row[0]])
		rows[key] = true
		switch {
		case covered[key] == nil && !excluded[key]:
			t.Errorf("row %s is neither covered nor excluded: %.120s", key, row[2])
		case covered[key] != nil && excluded[key]:
			t.Errorf("row %s is excluded and covered by %v", key, covered[key])
		}
	}
	if len(rows) < 179 {
		t.Errorf("%d rows in the upgrade notes, want at least 179", len(rows))
	}
	for key, ids := range covered {
		if !rows[key] {
			t.Errorf("%v cover row %s, which does not exist", ids, key)
		}
	}
	for key := range excluded {
		if !rows[key] {
			t.Errorf("excluded row %s does not exist", key)
		}
	}
}

func TestDataStaysUnderSixtyKilobytes(t *testing.T) {
	table, rules := upgrade.TableBytes(), upgrade.RulesBytes()
	if sum := table + rules; sum >= 60*1024 {
		t.Errorf("table %d + rules %d = %d bytes, want under %d", table, rules, sum, 60*1024)
	}
	t.Logf("table %d + rules %d bytes", table, rules)
}

func TestDamagedRulesAreRefusedByName(t *testing.T) {
	for in, want := range map[string]string{
		"at mm 5.0.0":                       "\"at mm 5.0.0\" before the first rule",
		"@ a\nat mm five":                   "rule a: version \"five\"",
		"@ a\ncolour red":                   "rule a: unknown key \"colour\"",
		"@ a\nlands 1.0-x":                  "rule a: version \"x\"",
		"@ a\n# fine\nfrom x-1.0":           "rule a: version \"x\"",
		"@ a\nbreaks x\n\ncolour red\n@ b":  "rule a: unknown key \"colour\"",
		"@ a\nbreaks x\ndo y\n@ b\nat mm x": "rule b: version \"x\"",
	} {
		if err := upgrade.ParseRules(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", in, err, want)
		}
	}
}

func TestTheLinesThatChooseARuleStandFirst(t *testing.T) {
	raw, err := os.ReadFile("rules.txt")
	if err != nil {
		t.Fatal(err)
	}
	for stanza := range strings.SplitSeq(string(raw), "\n@ ") {
		chosen := false
		for line := range strings.Lines(stanza) {
			switch key, _, _ := strings.Cut(line, " "); key {
			case "at", "from", "lands":
				if chosen {
					t.Errorf("%.40s: %s stands behind other lines", stanza, key)
				}
			case "is", "if", "breaks":
				chosen = true
			}
		}
	}
}

func TestConditionsFollowThreeValuedLogic(t *testing.T) {
	sso := map[string]string{"GitLabSettings.Enable": "true", "TeamSettings.SiteName": "Chat", "A.B": "5", "ServiceSettings.SiteURL": "chat.example.com"}
	for _, tc := range []struct {
		when   string
		facts  upgrade.Facts
		want   upgrade.Answer
		reason string
	}{
		{"", upgrade.Facts{}, upgrade.Yes, "everybody"},
		{"sso", upgrade.Facts{}, "", "nothing is known"},
		{"sso", upgrade.Facts{Settings: sso}, upgrade.Yes, "the setting says so"},
		{"sso", upgrade.Facts{Settings: map[string]string{}}, "", "not in the settings: the package may have switched it on"},
		{"sso", upgrade.Facts{Settings: map[string]string{"GitLabSettings.Enable": "false"}}, upgrade.No, "the setting says no"},
		{"sso", upgrade.Facts{SSOUsers: 3}, upgrade.Yes, "somebody logs in so"},
		{"sso & team", upgrade.Facts{SSOUsers: 3, Edition: upgrade.EditionEntry}, upgrade.No, "no beats unknown"},
		{"uses:jira & team", upgrade.Facts{Edition: upgrade.EditionEntry}, upgrade.No, "unknown and no is no"},
		{"uses:jira & team", upgrade.Facts{}, "", "unknown and yes is unknown"},
		{"uses:jira or team", upgrade.Facts{}, upgrade.Yes, "unknown or yes is yes"},
		{"uses:jira or large", upgrade.Facts{Posts: 10}, "", "unknown or no is unknown"},
		{"large", upgrade.Facts{Posts: 2_000_000}, upgrade.Yes, "above a million posts"},
		{"users>250", upgrade.Facts{Users: 250}, upgrade.No, "exactly at the limit"},
		{"users>250", upgrade.Facts{Users: 251}, upgrade.Yes, "one above"},
		{"A.B < 6", upgrade.Facts{Settings: sso}, upgrade.Yes, "number below"},
		{"A.B > 6", upgrade.Facts{Settings: sso}, upgrade.No, "number not above"},
		{"A.C < 6", upgrade.Facts{Settings: sso}, upgrade.No, "not set: the default holds"},
		{"TeamSettings.SiteName < 6", upgrade.Facts{Settings: sso}, upgrade.No, "not a number"},
		{"TeamSettings.SiteName len> 3", upgrade.Facts{Settings: sso}, upgrade.Yes, "length"},
		{"TeamSettings.SiteName in Chat|Talk", upgrade.Facts{Settings: sso}, upgrade.Yes, "one of"},
		{"TeamSettings.SiteName notin Chat|Talk", upgrade.Facts{Settings: sso}, upgrade.No, "one of"},
		{"TeamSettings.SiteName != Chat", upgrade.Facts{Settings: sso}, upgrade.No, "equal"},
		{"ServiceSettings.SiteURL no-scheme", upgrade.Facts{Settings: sso}, upgrade.Yes, "a bare host"},
		{"S.Key len< 32", upgrade.Facts{Settings: sso, SecretLengths: map[string]int{"S.Key": 31}}, upgrade.Yes, "a secret by its length"},
		{"S.Key len< 32", upgrade.Facts{Settings: sso, SecretLengths: map[string]int{"S.Key": 0}}, upgrade.No, "an empty secret is not set"},
		{"legacy-keys", upgrade.Facts{GitLabRB: &upgrade.GitLabRB{MattermostKeys: []string{"enable", "service_enable_commands"}}}, upgrade.Yes, "a key that 11.0 dropped"},
		{"legacy-keys", upgrade.Facts{GitLabRB: &upgrade.GitLabRB{MattermostKeys: []string{"enable", "env"}}}, upgrade.No, "both are supported"},
		{"A.C < 6", upgrade.Facts{Settings: sso, PartialSettings: true}, "", "not among the known settings"},
		{"sso", upgrade.Facts{Settings: map[string]string{}, PartialSettings: true}, "", "not among the known settings"},
		{"drift", upgrade.Facts{Drift: []string{}}, upgrade.No, "compared and equal"},
		{"external-db", upgrade.Facts{ExternalDatabase: upgrade.No}, upgrade.No, "answered"},
	} {
		if got := upgrade.Holds(tc.when, tc.facts); got != tc.want {
			t.Errorf("%q: %q, want %q (%s)", tc.when, got, tc.want, tc.reason)
		}
	}
}

func TestMalformedConditionsAreFound(t *testing.T) {
	for _, when := range []string{"ssso", "uses:nothing", "users>many", "A.B ~ 5", "A.B < five", "sso and team"} {
		if upgrade.CheckCondition(when) == nil {
			t.Errorf("%q passed the check", when)
		}
	}
}
