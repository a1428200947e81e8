package upgrade

import (
	"fmt"
)

// archiveName is the file that Mattermost publishes for an edition.
func archiveName(v Version, e Edition) string {
	name := "mattermost-"
	if e == EditionTeam || e == "" {
		name += "team-"
	}
	return name + v.String() + "-linux-amd64.tar.gz"
}

func downloadCommand(v Version, e Edition) string {
	if !v.HasPatch() {
		return "# download the newest " + v.String() + " from https://releases.mattermost.com/"
	}
	return "curl -fLO https://releases.mattermost.com/" + v.String() + "/" + archiveName(v, e)
}

// fetchDump brings the dump over under the name that restoreCommand reads.
func fetchDump(v Version) Command {
	return shell(onMattermost, "rsync -a root@<GitLab server>:/var/backups/"+dumpName(v)+" .",
		"on the same machine: sudo install -m 600 -o $USER /var/backups/"+dumpName(v)+" .")
}

func dumpName(v Version) string { return "mattermost-" + v.String() + ".dump" }

func restoreCommand(v Version) string {
	return "pg_restore -h 127.0.0.1 -U mmuser -d mattermost --no-owner --no-privileges --exit-on-error " + dumpName(v)
}

// binary is the server's program: platform before 5.0.
func binary(v Version) string {
	if v.AtLeast(line(5, 0)) {
		return "/opt/mattermost/bin/mattermost"
	}
	return "/opt/mattermost/bin/platform"
}

func unitText(v Version) string {
	kind := "notify"
	if !v.AtLeast(line(5, 0)) {
		kind = "simple"
	}
	return "[Unit]\nDescription=Mattermost\nAfter=network.target postgresql.service\n\n[Service]\nType=" + kind +
		"\nExecStart=" + binary(v) + "\nTimeoutStartSec=infinity\nKillMode=mixed\nRestart=always\nRestartSec=10\n" +
		"WorkingDirectory=/opt/mattermost\nUser=mattermost\nGroup=mattermost\nLimitNOFILE=49152\n\n[Install]\nWantedBy=multi-user.target"
}

// mattermostPostgres adds a step when the server under the standalone
// Mattermost is too old for the next release.
func (p *planner) mattermostPostgres(next Version) {
	need := postgresFloor(next)
	if p.state.PostgreSQL == "" || comparePostgres(p.state.PostgreSQL, need) >= 0 {
		return
	}
	to := p.state
	to.PostgreSQL = need
	if comparePostgres(need, "14") >= 0 {
		to.PostgreSQL = "16" // 14 itself ended on 2026-11-12
	}
	s := Step{
		ID: "postgresql-" + to.PostgreSQL, Kind: StepPostgreSQL,
		Title:    fmt.Sprintf("Upgrade PostgreSQL under Mattermost from %s to %s", p.state.PostgreSQL, to.PostgreSQL),
		Why:      fmt.Sprintf("Mattermost %s needs PostgreSQL %s or newer and checks it at its start", next, need),
		Before:   standaloneBackup(p.state),
		Commands: []Command{shell(onMattermost, "sudo pg_upgradecluster "+p.state.PostgreSQL+" main", "on Debian and Ubuntu; elsewhere dump, initdb of the new version, load")},
		After: []Check{
			{What: "the new server runs", Command: "psql -h 127.0.0.1 -U mmuser -d mattermost -Atc 'SHOW server_version'", Expect: to.PostgreSQL},
			{What: "statistics are there", Command: "psql -h 127.0.0.1 -U mmuser -d mattermost -c ANALYZE"},
		},
		Rollback: []string{"start the old cluster again, which is kept until it is dropped"},
		Downtime: []string{"copying the database: by its size"},
	}
	if p.kept {
		s.Findings = append(s.Findings, Finding{ID: "postgresql.kept", Severity: SeverityError, Where: s.where(),
			Message: fmt.Sprintf("the database was kept in GitLab's PostgreSQL %s, which Mattermost %s does not accept; that server moves with GitLab only", p.state.PostgreSQL, next),
			Fix:     "choose database \"move\", or upgrade GitLab first"})
	}
	p.add(s, to)
}

// standaloneBackup are the checks before anything changes a standalone server.
func standaloneBackup(s State) []Check {
	v := s.Mattermost.String()
	return []Check{
		{What: "the database is dumped", Command: "pg_dump -h 127.0.0.1 -U mmuser --format=custom --no-owner --no-privileges --file=mattermost-" + v + ".dump mattermost", Expect: "pg_restore --list reads the file"},
		{What: "configuration and data are copied, after the dump", Command: "sudo tar -C /opt/mattermost -czf mattermost-" + v + "-files.tar.gz config data"},
	}
}

// upgradeMattermost adds the step to the next standalone release.
func (p *planner) upgradeMattermost(next Version) {
	from, to := p.state, p.state
	to.Mattermost = next
	edition := p.edition()
	archive := archiveName(next, edition)
	s := Step{
		ID: "mattermost-" + next.String(), Kind: StepMattermost,
		Title:  fmt.Sprintf("Upgrade Mattermost %s → %s", from.Mattermost, next),
		Why:    whyMattermost(next, p.journey.To.Standalone),
		Before: append(standaloneBackup(from), Check{What: "PostgreSQL is new enough", Command: "psql -h 127.0.0.1 -U mmuser -d mattermost -Atc 'SHOW server_version'", Expect: postgresFloor(next) + " or newer"}),
		Commands: []Command{
			shell(onMattermost, downloadCommand(next, edition), editionWhy(edition)),
			shell(onMattermost, "sudo systemctl stop mattermost", ""),
			shell(onMattermost, "sudo mv /opt/mattermost /opt/mattermost-"+from.Mattermost.String()+" && sudo tar -C /opt -xzf "+archive, "the old tree stays beside for the way back"),
			shell(onMattermost, "sudo cp -a /opt/mattermost-"+from.Mattermost.String()+"/config/. /opt/mattermost/config/ && sudo mv -T /opt/mattermost-"+from.Mattermost.String()+"/data /opt/mattermost/data", "mv -T refuses to mix two trees"),
			shell(onMattermost, "sudo chown -R mattermost:mattermost /opt/mattermost && sudo systemctl start mattermost", "migrations run before the port opens"),
		},
		After: []Check{
			{What: "the server has finished its migrations", Command: "curl -fsS 'http://127.0.0.1:8065" + pingPath(next) + "?get_server_status=true'", Expect: pingAnswer(next)},
			{What: "it is the new version", Command: "sudo -u mattermost " + binary(next) + " version", Expect: next.String()},
			{What: "somebody logs in and sees old and new messages and files"},
		},
		Rollback: []string{
			"stop the server; move data back; put /opt/mattermost-" + from.Mattermost.String() + " in its place",
			"restore the dump into an empty database and the config of the same moment: the old binary alone starts on the new database and loses settings",
		},
		Downtime: []string{"exchange of the program and its migrations"},
	}
	p.entryLimits(&s, from.Mattermost, next)
	s.Notes, s.Others = p.notes(ProductMattermost, from.Mattermost, next)
	s.Before = append(s.Before, statements(s.Notes, "psql -h 127.0.0.1 -U mmuser -d mattermost")...)
	s.Downtime = append(s.Downtime, times(s.Notes)...)
	if known, ok := SupportOf(next); next.HasPatch() && ok && !known.Newest.IsZero() && next.Compare(known.Newest) > 0 {
		s.Findings = append(s.Findings, Finding{ID: "mattermost.unrecorded", Severity: SeverityInfo, Where: s.where(),
			Message: fmt.Sprintf("%s is newer than the newest %s recorded here, %s", next, known.Line, known.Newest),
			Fix:     "make sure that it exists; read its notes"})
	}
	p.version = next
	p.add(s, to)
}

func whyMattermost(next, destination Version) string {
	if next.Line() == destination.Line() {
		return "the destination"
	}
	why := "Mattermost tests upgrades from one extended support release to the next"
	if next.Line() == line(7, 1) {
		why += "; 7.1 is the documented minimum for everything older"
	}
	return why
}

func editionWhy(e Edition) string {
	const newer = "; take a later patch of the same line when there is one (this table knows those of 2026-08-21)"
	return editionText(e) + newer
}

func editionText(e Edition) string {
	switch e {
	case EditionEntry:
		return "the Enterprise build; without a licence it runs in Entry mode"
	case EditionEnterprise:
		return "the Enterprise build; upload the licence in the System Console"
	}
	return "Team Edition"
}

// edition is the build to install: that of the facts until 11, from then on
// the one the decision about login leads to.
func (p *planner) edition() Edition {
	if p.facts.Edition != "" {
		return p.facts.Edition
	}
	return EditionTeam
}

// entryLimits warns of what Entry mode takes away, on the hop that reaches it.
func (p *planner) entryLimits(s *Step, from, next Version) {
	if p.facts.Edition != EditionEntry || next.Major < 11 || from.Major >= 11 {
		return
	}
	severity := SeverityWarning
	if p.facts.Users > 50 || p.facts.Posts > 10_000 {
		severity = SeverityError
	}
	if p.facts.Choices.Login == "entry" && severity == SeverityError {
		severity = SeverityWarning // the owner chose it, the limit stays worth a line
	}
	s.Findings = append(s.Findings, Finding{ID: "entry.limits", Severity: severity, Where: s.where(),
		Message: "Entry mode shows only the last 10,000 messages of the whole server, is meant for fewer than 50 people, and has community support only",
		Fix:     "choose another way to log in, or a licence"})
}
