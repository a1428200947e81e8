package upgrade

import (
	"errors"
	"fmt"
)

func (p *planner) decide(d Decision) {
	for _, known := range p.journey.Decisions {
		if known.ID == d.ID {
			return
		}
	}
	p.journey.Decisions = append(p.journey.Decisions, d)
}

// decideLeave: before or after GitLab 19.
func (p *planner) decideLeave() {
	chosen := p.facts.Choices.Leave
	if chosen == "" {
		chosen = "before"
	}
	p.decide(Decision{
		ID: "leave", Chosen: chosen, Assumed: p.facts.Choices.Leave == "", Before: "",
		Question: "When does Mattermost leave the package: before or after GitLab 19?",
		Why:      "GitLab 19.0 has no Mattermost; its data, database and configuration stay on the disk",
		Options: []Option{
			{ID: "before", Title: "Leave on the last 18.11, then upgrade GitLab (assumed when not answered)",
				Consequences: []string{"Mattermost is down only for the switch", "the way back to the package is open until GitLab 19 is installed", "GitLab waits for the move"},
				Needs:        []string{"a standalone server before GitLab's upgrade"}},
			{ID: "after", Title: "Upgrade GitLab first, move what it left behind",
				Consequences: []string{"Mattermost is down from the installation of 19.0 until the move is finished", "the package cannot start it again: the way back is GitLab's backup", "the secrets must have been exported before: 19.0 erases them from gitlab-secrets.json"},
				Needs:        []string{"the export before 19.0", "the last bundled version as a standalone download"}},
		},
	})
}

// decideRoute: leave now or climb with GitLab first.
func (p *planner) decideRoute() {
	if p.state.GitLab.Major >= 19 || p.state.GitLab.Line() == newestBundle().GitLab.Line() {
		return
	}
	chosen := p.facts.Choices.Route
	if chosen == "" {
		chosen = "leave-now"
	}
	before := "export"
	p.decide(Decision{
		ID: "route", Chosen: chosen, Assumed: p.facts.Choices.Route == "", Before: before,
		Question: "Does Mattermost leave the package at its present version, or climb with GitLab to 18.11 first?",
		Why:      fmt.Sprintf("GitLab %s carries %s; both ways end at the same place", p.state.GitLab, p.version),
		Options: []Option{
			{ID: "leave-now", Title: "Leave at once, then climb alone (assumed when not answered)",
				Consequences: []string{"GitLab's version does not matter any more", "Mattermost climbs from one extended support release to the next, each in a window of its own", "old servers on a newer PostgreSQL are not tested by their maker"},
				Needs:        []string{"a standalone server of the old version"}},
			{ID: "gitlab-first", Title: "Upgrade GitLab to the newest 18.11 through its stops, then leave",
				Consequences: []string{"each stop upgrades Mattermost as well, as GitLab's users did", "GitLab moves by the same number of windows", "from 18.11.4 on only Mattermost 11.7.3 or later can follow"},
				Needs:        []string{"GitLab may be upgraded"}},
		},
	})
}

// decideDatabase: move it or keep it in GitLab's PostgreSQL.
func (p *planner) decideDatabase() {
	p.databaseChoice = p.facts.Choices.Database
	if p.databaseChoice == "" {
		p.databaseChoice = "move"
		if p.facts.ExternalDatabase == Yes {
			p.databaseChoice = "keep"
		}
	}
	p.decide(Decision{
		ID: "database", Chosen: p.databaseChoice, Assumed: p.facts.Choices.Database == "", Before: "prepare-" + p.version.String(),
		Question: "Does the database move to a PostgreSQL of its own, or stay where it is?",
		Why:      "the package gives Mattermost a database in GitLab's own PostgreSQL, opened by the name of the OS user",
		Options: []Option{
			{ID: "move", Title: "Move it to PostgreSQL " + p.newPostgres() + " of its own",
				Consequences: []string{"GitLab's upgrades cannot touch it any more", "the old database stays untouched for the way back"},
				Needs:        []string{"dump and load: downtime by size", "disk space for a second copy"}},
			{ID: "keep", Title: "Keep it in the same server",
				Consequences: []string{"GitLab's package decides about the PostgreSQL version and every restart", "a role with a password and an entry for it are needed, as the login by OS user ends with 19.0", "inside GitLab's PostgreSQL a copy is made, so the way back stays open; an external database is taken over in place"},
				Needs:        []string{"edits in gitlab.rb, or the data source of the external server"}},
		},
	})
}

// crossEleven takes the decision about login before Mattermost 11.
func (p *planner) crossEleven(next Version) error {
	inUse := ssoInUse(p.facts)
	team := p.facts.Edition == "" || p.facts.Edition == EditionTeam
	if inUse == No || !team {
		return nil
	}
	chosen := p.facts.Choices.Login
	p.decide(Decision{
		ID: "login", Chosen: chosen, Open: chosen == "", Before: "mattermost-" + next.String(),
		Question: "Mattermost 11 Team Edition has no GitLab login: how do people sign in from then on?",
		Why:      "whoever only has GitLab login is locked out by the upgrade; the package's accounts usually have nothing else",
		Options:  loginOptions(),
	})
	facts := *p.facts
	switch chosen {
	case "stay":
		return errors.New("the choice login \"stay\" means to stay on 10.11: plan to standalone:10.11")
	case "email":
		p.convertAccounts()
		facts.Settings = with(facts.Settings, "GitLabSettings.Enable", "false")
		facts.SSOUsers = 0
	case "entry":
		facts.Edition = EditionEntry
	case "licence":
		facts.Edition = EditionEnterprise
	}
	p.facts = &facts
	return nil
}

// with returns a copy of settings with one more value; nil stays nil.
func with(settings map[string]string, name, value string) map[string]string {
	if settings == nil {
		return nil
	}
	changed := make(map[string]string, len(settings)+1)
	for k, v := range settings {
		changed[k] = v
	}
	changed[name] = value
	return changed
}

func loginOptions() []Option {
	return []Option{
		{ID: "email", Title: "Move everybody to e-mail and password, stay on Team Edition",
			Consequences: []string{"everybody gets a password once, by mail", "GitLab login is gone", "new accounts are refused from 250 active users on", "Playbooks stops"},
			Needs:        []string{"working SMTP", "e-mail sign-in switched on before the conversion"}},
		{ID: "entry", Title: "The Enterprise build without a licence (Entry)",
			Consequences: []string{"GitLab login stays", "only the last 10,000 messages of the whole server can be seen", "meant for fewer than 50 people", "community support only"},
			Needs:        []string{"the Enterprise download"}},
		{ID: "licence", Title: "A licence (Professional or higher; non-profits pay little)",
			Consequences: []string{"GitLab login stays, also as OpenID", "no limit on messages and users"},
			Needs:        []string{"a contract and its licence file before the upgrade", "the Enterprise download"}},
		{ID: "stay", Title: "Stay on 10.11 Team Edition",
			Consequences: []string{"GitLab login stays", "no fixes any more since 2026-08-15; 10.11.23 of 2026-08-13 is the last"},
			Needs:        []string{"the destination standalone:10.11", "a server that strangers cannot reach"}},
	}
}

// convertAccounts adds the step that moves people from GitLab login to e-mail.
func (p *planner) convertAccounts() {
	p.add(Step{
		ID: "accounts", Kind: StepAccounts, Title: "Move people from GitLab login to e-mail login",
		Why: "from Mattermost 11 on Team Edition has no GitLab login; do it while the old way in still works",
		Before: append(standaloneBackup(p.state),
			Check{What: "mail goes out", Command: "System Console, SMTP, Test Connection"},
			Check{What: "how many people are concerned", Command: "psql -h 127.0.0.1 -U mmuser -d mattermost -Atc \"SELECT authservice, count(*) FROM users WHERE deleteat = 0 GROUP BY 1\""},
		),
		Commands: []Command{
			{Where: onMattermost, Kind: "setting", Text: "EmailSettings.EnableSignInWithEmail=true", Why: "bundles with GitLab login usually have it off"},
			{Where: onMattermost, Kind: "setting", Text: "EmailSettings.EnableSignUpWithEmail=true", Why: "the self-service change of the sign-in method asks for it"},
			{Where: byPeople, Kind: "text", Text: "Profile, Security, Sign-in Method: switch to e-mail (everybody who can, while logged in)"},
			{Where: onMattermost, Kind: "sql", Text: "UPDATE users SET authservice = '', authdata = NULL, updateat = (extract(epoch FROM now()) * 1000)::bigint, lastpasswordupdate = (extract(epoch FROM now()) * 1000)::bigint WHERE authservice = 'gitlab';", Why: "everybody who is left; tokens, bots, posts and memberships stay"},
			shell(onMattermost, "sudo systemctl restart mattermost", "accounts are cached"),
			shell(onMattermost, "mmctl --local user reset-password <user> ...", "mails a link to each of them"),
			{Where: onMattermost, Kind: "setting", Text: "GitLabSettings.Enable=false"},
		},
		After: []Check{
			{What: "nobody is left", Command: "psql -h 127.0.0.1 -U mmuser -d mattermost -Atc \"SELECT count(*) FROM users WHERE authservice = 'gitlab'\"", Expect: "0"},
			{What: "an administrator has logged in by e-mail"},
		},
		Rollback: []string{"restore the table users from the dump; people can also switch back one by one, which resets multi-factor login"},
		Downtime: []string{"one restart; people wait for their mail"},
	}, p.state)
}
