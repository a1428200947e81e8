package upgrade_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/upgrade"
)

// plan is Plan for tests that expect one.
func plan(t *testing.T, from, to string, f upgrade.Facts) *upgrade.Journey {
	t.Helper()
	j, err := upgrade.Plan(point(t, from), point(t, to), f, date(t, "2026-11-21"))
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// says reports whether a journey's JSON matches every pattern.
func says(t *testing.T, j *upgrade.Journey, patterns ...string) {
	t.Helper()
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(j); err != nil {
		t.Fatal(err)
	}
	for _, p := range patterns {
		if !regexp.MustCompile(p).MatchString(b.String()) {
			t.Errorf("from %s to %s: nothing matches %s", j.From, j.To, p)
		}
	}
}

// What GitLab's page promised about upgrading, generation by generation.
func TestPromisesOfTheOfficialPage(t *testing.T) {
	says(t, plan(t, "8.11.11", "8.12", upgrade.Facts{Uses: map[string]bool{"public-links": true}}), // 3.4: public links; the half-done 3.2 step
		"links made before stop working")
	says(t, plan(t, "8.10.13", "8.12", upgrade.Facts{}), "gitlab-8.11.11")
	if !slices.ContainsFunc(upgrade.Rules(), func(r upgrade.Rule) bool {
		return slices.Contains(r.SQL, "UPDATE Systems SET Value = '3.1.0' WHERE Name = 'Version';")
	}) {
		t.Error("the repair of a half-done 3.2 step is missing")
	}
	says(t, plan(t, "9.5.10", "10.0", upgrade.Facts{Uses: map[string]bool{"integrations": true}}), // 4.2
		"AllowedUntrustedInternalConnections=<hosts>", "send JSON as application/json")
	says(t, plan(t, "8.8.9", "8.9", upgrade.Facts{}), // before 8.9
		`db2_backup_created'\] = true`, "db2_team_name", "cannot be undone", "-upgrade_db_30", "renamed")
	says(t, plan(t, "10.8.7", "11.0", upgrade.Facts{GitLabRB: &upgrade.GitLabRB{MattermostKeys: []string{"email_smtp_server"}}}), // 11.0
		"MM_<SECTION>SETTINGS_<FIELD>, values as text", "be on 10.8 first")
	says(t, plan(t, "14.5.4", "14.6", upgrade.Facts{}), // 14.6
		"runs the migrations of 6.0", "gitlab-psql -d mattermost_production", "mm.6.0-jsonb")
	says(t, plan(t, "17.6.1", "standalone", upgrade.Facts{}), // Team Edition is bundled; migrating out
		"that change is Mattermost's own procedure", "leave-10.1.2")
	says(t, plan(t, "18.11.3", "19.0", upgrade.Facts{}), // nothing is bundled from 19.0 on
		"without its mattermost section", "Removed configurations found in gitlab.rb", "mattermost_host")
}

// From 3.1 on, versions may be skipped: no Mattermost rule adds a GitLab stop.
func TestNewerMattermostsMayBeSkipped(t *testing.T) {
	j := plan(t, "15.11.13", "16.3", upgrade.Facts{})
	if got := ids(j.Steps); !slices.Equal(got, []string{"gitlab-16.3.9"}) {
		t.Errorf("15.11 to 16.3 installs %v", got)
	}
}

// The two official migration pages have mistakes; none of them may come back.
func TestMistakesOfTheOfficialGuidesAreAvoided(t *testing.T) {
	j := plan(t, "18.11.3", "standalone:11.7", upgrade.Facts{Choices: upgrade.Choices{Login: "email"}})
	var lines []string
	dumped := map[string]bool{}
	for _, s := range j.Steps {
		for _, c := range s.Commands {
			lines = append(lines, c.Text)
			for _, name := range regexp.MustCompile(`> /var/backups/(\S+\.dump)`).FindAllStringSubmatch(c.Text, -1) {
				dumped[name[1]] = true
			}
			if strings.HasPrefix(c.Text, "pg_restore") && s.Kind == upgrade.StepLeave {
				if fields := strings.Fields(c.Text); !dumped[fields[len(fields)-1]] {
					t.Errorf("%s reads a file that nothing wrote", c.Text)
				}
			}
		}
	}
	all := strings.Join(lines, "\n")
	for pattern, why := range map[string]string{
		`sudo gitlab-psql -- `:                "gitlab-psql runs psql, no other command",
		`mattermost/config/config\.json [^/]`: "the package keeps config.json in its home, not below config/",
		`scp -r`:                              "nests one level too deep",
		`sslmode=disable`:                     "no TLS over the network",
		`sslmode=required`:                    "no such value",
		`createdb mattermost`:                 "a database without an owner",
		`zcat`:                                "psql goes on after errors and ends with 0",
		`psql -U mmuser`:                      "peer authentication fails without -h",
		`(?i)password[ =]'?[a-z0-9]`:          "a password in a command line",
		`cp .*client-plugins`:                 "plugin directories are caches",
	} {
		if found := regexp.MustCompile(pattern).FindString(all); found != "" {
			t.Errorf("%q: %s", found, why)
		}
	}
	for _, must := range []string{
		"--no-owner --no-privileges", "--exit-on-error", "--owner=mmuser", "ALTER SCHEMA public OWNER TO mmuser",
		"/var/opt/gitlab/mattermost/config.json", "/var/opt/gitlab/mattermost/data/ /opt/mattermost/data/",
		"gitlab-secrets.json", "mattermost_host", "/signup/gitlab/complete and <url>/login/gitlab/complete",
		"install each plugin again",
	} {
		if !strings.Contains(all, must) {
			t.Errorf("the plan does not say %q", must)
		}
	}
	// Until the last step the package's own data is only read.
	for _, s := range j.Steps[:len(j.Steps)-1] {
		for _, c := range s.Commands {
			if c.Where == "gitlab" && regexp.MustCompile(`DROP |rm -r|dropdb|shred`).MatchString(c.Text) {
				t.Errorf("step %s destroys: %s", s.ID, c.Text)
			}
		}
	}
	if last := j.Steps[len(j.Steps)-1]; last.Kind != upgrade.StepRetire {
		t.Errorf("the last step is %s", last.ID)
	}
}

// The at-rest key and the OAuth secret leave gitlab-secrets.json with the first
// reconfigure of 19.0: whatever the order, the export comes first.
func TestSecretsAreExportedBeforeNineteen(t *testing.T) {
	for _, choice := range []string{"before", "after"} {
		exported := false
		for _, s := range plan(t, "17.11.7", "19.3", upgrade.Facts{Choices: upgrade.Choices{Leave: choice}}).Steps {
			if s.Kind == upgrade.StepExport {
				exported = true
			}
			if s.Kind == upgrade.StepGitLab && s.To.GitLab.Major >= 19 && !exported {
				t.Errorf("leave %s: %s comes before the export", choice, s.ID)
			}
		}
	}
}

func TestPostgreSQLFloors(t *testing.T) {
	for v, want := range map[string]string{"11.11": "", "12.0": "9.6", "13.0": "11", "14.10": "12", "16.0": "13", "17.11": "14", "18.11": "16", "19.11": "17"} {
		if got := upgrade.OldestPostgreSQL(version(t, v)); got != want {
			t.Errorf("GitLab %s: %q, want %q", v, got, want)
		}
	}
	for v, want := range map[string]string{"5.25": "9.4", "5.30": "10", "7.10": "10", "8.0": "11", "10.5": "11", "10.6": "13", "11.0": "14", "11.7.9": "14"} {
		if got := upgrade.OldestPostgreSQLFor(version(t, v)); got != want {
			t.Errorf("Mattermost %s: %q, want %q", v, got, want)
		}
	}
}

func TestFindingsCarryEverythingAPersonNeeds(t *testing.T) {
	j := plan(t, "8.9.11", "19.3,standalone:11.7", upgrade.Facts{SSOUsers: 5})
	for _, f := range j.Findings() {
		if f.ID == "" || f.Message == "" || f.Fix == "" || f.Where == "" ||
			!slices.Contains([]string{upgrade.SeverityError, upgrade.SeverityWarning, upgrade.SeverityInfo}, f.Severity) {
			t.Errorf("incomplete finding %+v", f)
		}
	}
}

// A database outside the package is live all the time: nothing may be loaded
// into it or dropped.
func TestAnExternalDatabaseIsNeverWrittenByThePlan(t *testing.T) {
	j := plan(t, "18.11.11", "standalone:11.7", upgrade.Facts{ExternalDatabase: upgrade.Yes, Choices: upgrade.Choices{Login: "licence"}})
	for _, s := range j.Steps {
		for _, c := range s.Commands {
			if c.Kind == "shell" && regexp.MustCompile(`pg_restore|DROP |createdb|createuser`).MatchString(c.Text) {
				t.Errorf("step %s: %s", s.ID, c.Text)
			}
		}
	}
	says(t, j, "never into the live one", "-d <rehearsal database>", "-d <database>")
}
