package upgrade

import (
	"fmt"
	"slices"
)

func shell(where, text, why string) Command {
	return Command{Where: where, Kind: "shell", Text: text, Why: why}
}

// Where a command runs.
const (
	onGitLab     = "gitlab"
	onMattermost = "mattermost"
	byPeople     = "people"
)

// postgres adds the step that brings the package's PostgreSQL to a major that
// the next package accepts, when the running one is not.
func (p *planner) postgres(next Release) {
	major, ok := nextMajor(p.packagePostgres, p.release, next)
	need := floorOf(next.GitLab).postgres
	if !ok {
		p.general("postgresql.no-way", SeverityError, "gitlab-"+next.GitLab.String(),
			fmt.Sprintf("GitLab %s needs PostgreSQL %s and runs with %q now, but the package of %s has none that serves", next.GitLab, need, p.packagePostgres, p.release.GitLab),
			"upgrade PostgreSQL by hand, or correct the version in the facts")
		return
	}
	if major == p.packagePostgres {
		return
	}
	was := p.packagePostgres
	if was == "" {
		was = "an older version"
	}
	to := p.state
	p.packagePostgres = major
	if p.facts.ExternalDatabase != Yes && !to.Standalone {
		to.PostgreSQL = major
	}
	why := fmt.Sprintf("GitLab %s carries no other", next.GitLab)
	if need != "" {
		why = fmt.Sprintf("GitLab %s refuses to be installed on a PostgreSQL older than %s", next.GitLab, need)
	}
	p.add(Step{
		ID: "postgresql-" + major, Kind: StepPostgreSQL,
		Title: fmt.Sprintf("Upgrade the package's PostgreSQL from %s to %s", was, major), Why: why,
		Before: append(packageBackup(p.state, p.facts), Check{
			What: "which PostgreSQL runs (skip this step if it is " + major + " already)", Command: "sudo gitlab-psql -c 'SHOW server_version'"}),
		Commands: []Command{
			shell(onGitLab, pgUpgradeCommand(p.release.GitLab, major), "stops all services; with replicas or an external server follow GitLab's own instructions"),
			shell(onGitLab, "sudo gitlab-psql -d mattermost_production -c 'ANALYZE'", "pg-upgrade leaves no statistics"),
		},
		After: []Check{
			{What: "the new server runs", Command: "sudo gitlab-psql -c 'SHOW server_version'", Expect: major},
			{What: "all services are up", Command: "sudo gitlab-ctl status", Expect: "no line starts with down"},
		},
		Rollback: []string{"sudo gitlab-ctl revert-pg-upgrade (works until the old data directory is deleted)", "else restore the backups"},
		Downtime: []string{"the data directory is copied: by its size, and as much free disk space", "ANALYZE afterwards"},
	}, to)
}

// pgUpgradeCommand names the target version from 12.8 on, where packages carry
// more than one.
func pgUpgradeCommand(gitlab Version, major string) string {
	if gitlab.AtLeast(line(12, 8)) {
		return "sudo gitlab-ctl pg-upgrade -V " + major
	}
	return "sudo gitlab-ctl pg-upgrade"
}

// install adds the step that installs a GitLab package.
func (p *planner) install(next Release) {
	from, to := p.state, p.state
	to.GitLab = next.GitLab
	s := Step{
		ID: "gitlab-" + next.GitLab.String(), Kind: StepGitLab,
		Title:  "Install GitLab " + next.GitLab.String(),
		Before: append(packageBackup(from, p.facts), p.beforeInstall(next)...),
		Commands: []Command{
			shell(onGitLab, installCommand(next.GitLab), "the Enterprise package is gitlab-ee=…-ee.0; on RPM systems: sudo dnf install gitlab-ce-…"),
		},
		After:    afterInstall(),
		Downtime: []string{"installation, database migrations of GitLab and restart: usually minutes"},
		Rollback: []string{
			"install GitLab " + from.GitLab.String() + " again and restore GitLab's backup",
			"restore Mattermost's database, data and config.json of the same moment: never only the old binary, it starts on the newer database and loses settings",
		},
	}
	if !from.Standalone && p.facts.Enabled != No {
		p.installBundle(&s, &to, next)
	}
	s.Why = p.whyInstall(next)
	notes, others := p.notes(ProductGitLab, from.GitLab, next.GitLab)
	s.Notes, s.Others = append(notes, s.Notes...), append(others, s.Others...)
	s.Downtime = append(s.Downtime, times(s.Notes)...)
	if next.Date != 0 && next.Date < p.release.Date {
		s.Findings = append(s.Findings, Finding{ID: "gitlab.older-release", Severity: SeverityWarning, Where: s.where(),
			Message: fmt.Sprintf("GitLab %s (%s) is older than %s (%s): it lacks fixes, and perhaps migrations, that were put back into the lower line later", next.GitLab, next.Date, p.release.GitLab, p.release.Date),
			Fix:     "choose a patch of " + next.GitLab.Line().String() + " that was released later"})
	}
	p.release = next
	p.add(s, to)
}

// installBundle adds what the package does to the Mattermost inside.
func (p *planner) installBundle(s *Step, to *State, next Release) {
	from := p.state
	switch {
	case !next.HasMattermost() && !from.Mattermost.IsZero():
		to.Mattermost = Version{}
		s.Title += ", without Mattermost"
		s.Commands = append([]Command{
			{Where: onGitLab, Kind: "text", Text: "delete every mattermost[...] and mattermost_nginx[...] line from /etc/gitlab/gitlab.rb; the copy is in " + leaveDir, Why: "19.0 stops at them right after its installation"},
			shell(onGitLab, "sudo gitlab-ctl stop mattermost", "do not run reconfigure in between: the present package would start it again with default settings"),
		}, s.Commands...)
		s.Findings = append(s.Findings, Finding{ID: "mattermost.down", Severity: SeverityWarning, Where: s.where(),
			Message: fmt.Sprintf("Mattermost %s stops here and stays down until it has left the package", from.Mattermost),
			Fix:     "choose to leave before (choices.leave), or plan the downtime"})
		s.Rollback = []string{fmt.Sprintf("install GitLab %s again, restore GitLab's backup and put gitlab.rb and gitlab-secrets.json back: the bundle starts again on its untouched database", from.GitLab)}
	case next.HasMattermost():
		to.Mattermost = next.Mattermost
		p.version = next.Mattermost
		if from.Mattermost == next.Mattermost {
			s.Title += " (Mattermost stays " + next.Mattermost.String() + ")"
			return
		}
		s.Title += " (Mattermost " + from.Mattermost.String() + " → " + next.Mattermost.String() + ")"
		if from.Mattermost.Compare(next.Mattermost) > 0 {
			s.Findings = append(s.Findings, downgradeFinding(s.where(), from, next))
			return
		}
		s.Notes, s.Others = p.notes(ProductMattermost, from.Mattermost, next.Mattermost)
		s.Before = append(s.Before, statements(s.Notes, "sudo gitlab-psql -d mattermost_production")...)
		s.After = append(s.After, Check{What: "Mattermost has finished its migrations and answers",
			Command: "curl -fsS http://127.0.0.1:8065" + pingPath(next.Mattermost), Expect: pingAnswer(next.Mattermost)})
		if need := postgresFloor(next.Mattermost); p.facts.ExternalDatabase == Yes && comparePostgres(from.PostgreSQL, need) < 0 && from.PostgreSQL != "" {
			s.Findings = append(s.Findings, Finding{ID: "postgresql.too-old", Severity: SeverityError, Where: s.where(),
				Message: fmt.Sprintf("Mattermost %s needs PostgreSQL %s, its database runs on %s", next.Mattermost, need, from.PostgreSQL),
				Fix:     "upgrade that server first"})
		}
	}
}

func downgradeFinding(where string, from State, next Release) Finding {
	f := Finding{ID: "mattermost.downgrade", Severity: SeverityError, Where: where,
		Message: fmt.Sprintf("GitLab %s carries Mattermost %s, older than the %s that runs: an older server starts on the newer database and loses settings", next.GitLab, next.Mattermost, from.Mattermost),
		Fix:     "choose a later release"}
	first, end := lineOf(next.GitLab)
	for i := first; i < end; i++ {
		if r := gitlabTable[i].release(); r.Mattermost.Compare(from.Mattermost) >= 0 {
			f.Fix = "take " + r.GitLab.String() + " or a later patch of that line"
			break
		}
	}
	return f
}

// statements is the check that says where the SQL of a step's rules is run.
func statements(notes []Note, client string) []Check {
	if !slices.ContainsFunc(notes, func(n Note) bool { return n.Product == ProductMattermost && len(n.SQL) > 0 }) {
		return nil
	}
	return []Check{{What: "the statements of the rules of this step that apply are run, in Mattermost's database", Command: client}}
}

// times are the downtime remarks of the notes.
func times(notes []Note) []string {
	var list []string
	for _, n := range notes {
		if n.Time != "" {
			list = append(list, n.ID+": "+n.Time)
		}
	}
	return list
}

func (p *planner) whyInstall(next Release) string {
	line := next.GitLab.Line()
	i := slices.IndexFunc(p.stops, func(s Stop) bool { return s.Line == line })
	switch {
	case badCheck(p.release.GitLab) && line == p.release.GitLab.Line():
		return "the check of " + p.release.GitLab.String() + " before an upgrade to 19 is faulty"
	case i >= 0 && p.release.GitLab.Line() != line && p.stops[i].Enforced:
		return line.String() + " is a required stop of GitLab; the next package checks it"
	case i >= 0 && p.release.GitLab.Line() != line:
		return line.String() + " is a required stop of GitLab"
	case line.Major == 8 && line.Minor <= 9:
		return "Mattermost before 3.1 may not skip a version"
	}
	return "the destination for GitLab"
}

func installCommand(v Version) string {
	if !v.HasPatch() {
		return "sudo apt-get install gitlab-ce='" + v.String() + ".*'"
	}
	return "sudo apt-get install gitlab-ce=" + v.String() + "-ce.0"
}

// beforeInstall are the checks before a package is installed.
func (p *planner) beforeInstall(next Release) []Check {
	var list []Check
	if p.release.GitLab.AtLeast(line(10, 0)) {
		list = append(list, Check{What: "GitLab's background migrations have finished", Command: migrationsCommand(p.release.GitLab), Expect: migrationsExpect(p.release.GitLab)})
	}
	if f := floorOf(next.GitLab); f.postgres != "" {
		list = append(list, Check{What: "PostgreSQL is new enough for the package", Command: "sudo gitlab-psql -c 'SHOW server_version'", Expect: f.postgres + " or newer"})
	}
	if next.GitLab.Major >= 19 && p.release.GitLab.Major < 19 {
		list = append(list, Check{What: "no Mattermost setting is left in gitlab.rb",
			Command: `sudo grep -nE "^[^#]*mattermost(_nginx)?\[" /etc/gitlab/gitlab.rb`, Expect: "no line"})
	}
	return list
}

// migrationsCommand lists unfinished background migrations: batched ones are
// in a table from 13.11 on.
func migrationsCommand(v Version) string {
	if v.AtLeast(line(14, 0)) {
		return `sudo gitlab-psql -c "SELECT job_class_name, table_name FROM batched_background_migrations WHERE status NOT IN (3, 6)"`
	}
	return "sudo gitlab-rails runner -e production 'puts Gitlab::BackgroundMigration.remaining'"
}

func migrationsExpect(v Version) string {
	if v.AtLeast(line(14, 0)) {
		return "(0 rows)"
	}
	return "0"
}

func afterInstall() []Check {
	return []Check{
		{What: "reconfigure ended without an error", Command: "sudo gitlab-ctl reconfigure", Expect: "gitlab Reconfigured!"},
		{What: "all services are up", Command: "sudo gitlab-ctl status", Expect: "no line starts with down"},
	}
}

// pingPath is the address that tells without login whether a server answers.
func pingPath(v Version) string {
	if v.AtLeast(line(4, 0)) {
		return "/api/v4/system/ping"
	}
	return "/api/v3/general/ping"
}

func pingAnswer(v Version) string {
	if v.AtLeast(line(4, 0)) {
		return `"status":"OK"`
	}
	return "a version"
}

// packageBackup are the checks that a backup exists which really holds
// Mattermost: GitLab's own backup does not.
func packageBackup(s State, f *Facts) []Check {
	list := []Check{{What: "GitLab is backed up, and /etc/gitlab with it", Command: backupCommand(s.GitLab)}}
	if s.Standalone || s.Mattermost.IsZero() {
		return list
	}
	if f.ExternalDatabase == Yes {
		return append(list, Check{What: "Mattermost's database on its own server is dumped, and data and config.json are copied after it"})
	}
	return append(list,
		Check{What: "Mattermost's database is dumped (GitLab's backup leaves it out)", Command: dumpCommand(s.Mattermost), Expect: "pg_restore --list reads the file"},
		Check{What: "its data and config.json are copied, after the dump",
			Command: "sudo sh -c 'umask 077; tar -C /var/opt/gitlab/mattermost -czf /var/backups/mattermost-" + s.Mattermost.String() + "-data.tar.gz data config.json'"})
}

func backupCommand(v Version) string {
	if v.AtLeast(line(12, 3)) {
		return "sudo gitlab-backup create && sudo gitlab-ctl backup-etc"
	}
	return "sudo gitlab-rake gitlab:backup:create && sudo sh -c 'umask 077; tar -czf /var/backups/etc-gitlab.tar.gz /etc/gitlab'"
}

func dumpCommand(v Version) string {
	return "sudo sh -c 'umask 077; sudo -i -u gitlab-psql -- /opt/gitlab/embedded/bin/pg_dump -h /var/opt/gitlab/postgresql --format=custom --no-owner --no-privileges mattermost_production > /var/backups/mattermost-" + v.String() + ".dump'"
}
