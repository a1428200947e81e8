package upgrade_test

import (
	"fmt"
	"log"
	"os"

	"github.com/gitlab-mattermost/sdk/upgrade"
)

// What does a GitLab package carry? An exact release has one answer, a line
// two: its first and its newest release.
func ExampleBundled() {
	b, err := upgrade.Bundled("17.6.1-ce.0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("Mattermost", b.First.Mattermost, "and PostgreSQL", b.First.PostgreSQL, "on", b.First.Date)

	if b, err = upgrade.Bundled("GitLab 17.6"); err != nil {
		log.Fatal(err)
	}
	fmt.Println(b.First.GitLab, "has", b.First.Mattermost, "…", b.Last.GitLab, "has", b.Last.Mattermost)

	_, err = upgrade.Bundled("18.11.10")
	fmt.Println(err)
	// Output:
	// Mattermost 10.1.2 and PostgreSQL 14.11,16.4 on 2024-11-26
	// 17.6.0 has 10.1.2 … 17.6.5 has 10.1.7
	// GitLab 18.11.10 was never released: there are 18.11.9 and 18.11.11
}

// Which GitLab carries a Mattermost? A version comes and goes: the ranges are
// not one piece.
func ExampleBundlers() {
	ranges, err := upgrade.Bundlers("10.11.12")
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range ranges {
		fmt.Println(r)
	}
	// Output:
	// 18.7.7
	// 18.8.7 to 18.8.11
	// 18.9.3 to 18.9.7
	// 18.10.0 to 18.10.6
}

// The steps from here to there, and what blocks. Facts make the plan that of
// one installation; decisions stay open until they are answered.
func ExamplePlan() {
	facts := upgrade.Facts{SSOUsers: 38}
	on, err := upgrade.ParseDate("2026-11-21")
	if err != nil {
		log.Fatal(err)
	}
	from, to := upgrade.AtGitLab(upgrade.Version{Major: 17, Minor: 6, Patch: 1}), upgrade.AtStandalone(upgrade.RecommendedStandalone())
	j, err := upgrade.Plan(from, to, facts, on)
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range j.Steps {
		fmt.Printf("%d. %s\n", s.Number, s.Title)
	}
	for _, b := range j.Blockers() {
		fmt.Println("blocks:", b.Message)
	}
	// Output:
	// 1. Export what only the package knows
	// 2. Build a standalone Mattermost 10.1.2 beside the package and rehearse
	// 3. Switch to the standalone Mattermost 10.1.2
	// 4. Tell GitLab that Mattermost lives elsewhere
	// 5. Upgrade Mattermost 10.1.2 → 10.5.14
	// 6. Upgrade Mattermost 10.5.14 → 10.11.23
	// 7. Upgrade Mattermost 10.11.23 → 11.7.9
	// 8. Delete what the package left behind
	// blocks: Mattermost 11 Team Edition has no GitLab login: how do people sign in from then on?
}

// Is the package upgrade possible with these settings? Each one in the way is
// named.
func ExampleEligible() {
	facts := upgrade.Facts{
		GitLabRB: &upgrade.GitLabRB{MattermostKeys: []string{"enable", "email_smtp_server"}},
		Drift:    []string{"TeamSettings.MaxUsersPerTeam"},
	}
	from, to := upgrade.AtGitLab(upgrade.Version{Major: 10, Minor: 8, Patch: 7}), upgrade.AtGitLab(upgrade.Version{Major: 11, Minor: 0, Patch: 6})
	e, err := upgrade.Eligible(from, to, facts, 0)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("possible:", e.Possible)
	for _, f := range e.Because {
		fmt.Println(f.Where)
	}
	// Output:
	// possible: no
	// config.json TeamSettings.MaxUsersPerTeam
	// gitlab.rb mattermost['email_smtp_server']
}

// A plan prints itself: for a terminal, as Markdown for a ticket, as JSON.
func ExampleJourney_WriteText() {
	j, err := upgrade.Plan(upgrade.AtGitLab(upgrade.Version{Major: 18, Minor: 11, Patch: 9}), upgrade.AtGitLab(upgrade.Version{Major: 18, Minor: 11, Patch: 9}), upgrade.Facts{}, 0)
	if err != nil {
		log.Fatal(err)
	}
	if err := j.WriteText(os.Stdout, upgrade.Render{}); err != nil {
		log.Fatal(err)
	}
	// Output:
	// From GitLab 18.11.9 to GitLab 18.11.9
	//   now:  GitLab 18.11.9, Mattermost 10.11.20 in the package, PostgreSQL 16
	//   then: GitLab 18.11.9, Mattermost 10.11.20 in the package, PostgreSQL 16
	//   0 steps, 0 blockers, 0 decisions
}

// The rules are data: here, every value that stops a server of 11.0.
func ExampleRules() {
	for _, r := range upgrade.Rules() {
		if r.Kind == "start" && r.At.String() == "11.0.0" && len(r.Settings) > 0 && r.Severity == upgrade.SeverityError && r.ID[:3] == "mm." {
			fmt.Println(r.ID, "wants", r.Settings[0])
		}
	}
	// Output:
	// mm.11-mysql wants SqlSettings.DriverName=postgres
	// mm.11-archived wants TeamSettings.ExperimentalViewArchivedChannels=true
	// mm.11-client-cert wants ExperimentalSettings.ClientSideCertEnable=false
}
