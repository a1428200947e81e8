package upgrade

import (
	"fmt"
	"strings"
)

// leaveDir is where the plan keeps what it exports, readable by root only.
const leaveDir = "/root/mattermost-leave"

// leave adds the steps that take Mattermost out of the package at its present
// version: export, build beside, switch, connect. The way back to the package
// stays open until retire.
func (p *planner) leave() error {
	if !p.version.AtLeast(line(3, 0)) {
		return fmt.Errorf("its Mattermost %s is too old to leave the package: go to GitLab 8.9 first", p.version)
	}
	p.decideDatabase()
	p.inPlace = p.facts.ExternalDatabase == Yes && p.databaseChoice == "keep"
	p.external = p.facts.ExternalDatabase == Yes
	if err := p.export(); err != nil {
		return err
	}
	p.prepare()
	p.switchOver()
	p.connect()
	p.left = true
	if p.databaseChoice == "move" {
		facts := *p.facts
		facts.ExternalDatabase = Yes // from GitLab's point of view
		p.facts = &facts
	}
	return nil
}

// export adds the step that saves what the package alone knows, once.
func (p *planner) export() error {
	if p.exported {
		return nil
	}
	p.exported = true
	s := Step{
		ID: "export", Kind: StepExport, Title: "Export what only the package knows",
		Why:    "the at-rest key, the OAuth id and secret and some twenty settings are in gitlab-secrets.json and the environment, not in config.json; the first reconfigure of 19.0 erases the former",
		Before: []Check{{What: "you are on the GitLab server, as root"}},
		Commands: []Command{
			shell(onGitLab, "sudo install -d -m 700 "+leaveDir, ""),
			shell(onGitLab, "sudo cp -p /etc/gitlab/gitlab.rb /etc/gitlab/gitlab-secrets.json /var/opt/gitlab/mattermost/config.json "+leaveDir+"/", ""),
		},
		After: []Check{
			{What: "the copies are there and nobody else can read them", Command: "sudo ls -la " + leaveDir, Expect: "drwx------ and your files"},
			{What: "the secrets are in the copy (names only, no values)",
				Command: `sudo /opt/gitlab/embedded/bin/ruby -rjson -e 'puts JSON.parse(File.read("` + leaveDir + `/gitlab-secrets.json")).fetch("mattermost").keys.sort'`,
				Expect:  "gitlab_id, gitlab_secret, sql_at_rest_encrypt_key among them"},
		},
		Rollback: []string{"nothing was changed"},
	}
	if dir := environmentDir(p.state.GitLab); dir != "" {
		s.Commands = append(s.Commands, shell(onGitLab, "sudo cp -a "+dir+" "+leaveDir+"/env", "the settings as the server really got them"))
	}
	if p.facts.ExternalDatabase != Yes {
		s.Commands = append(s.Commands, shell(onGitLab, "sudo gitlab-psql -d mattermost_production -Atc \""+countSQL+"\" | sudo tee "+leaveDir+"/counts", "to compare after the move"))
	}
	if p.state.GitLab.Major >= 19 {
		s.Findings = append(s.Findings, Finding{ID: "secrets.erased", Severity: SeverityWarning, Where: s.where(),
			Message: "the first reconfigure of 19 has erased the mattermost section of gitlab-secrets.json",
			Fix:     "take the values from /opt/gitlab/etc/mattermost/env, which stays, or from a copy of /etc/gitlab made before"})
	}
	p.add(s, p.state)
	return nil
}

const countSQL = "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM teams), (SELECT count(*) FROM channels), (SELECT count(*) FROM posts), (SELECT count(*) FROM fileinfo)"

// environmentDir is where the package writes one file for each variable.
func environmentDir(gitlab Version) string {
	switch {
	case gitlab.AtLeast(line(11, 6)):
		return "/opt/gitlab/etc/mattermost/env"
	case gitlab.AtLeast(line(10, 0)):
		return "/var/opt/gitlab/mattermost/env"
	}
	return ""
}

// prepare adds the step that builds the standalone server beside the package.
func (p *planner) prepare() {
	v := p.version
	s := Step{
		ID: "prepare-" + v.String(), Kind: StepPrepare,
		Title:  fmt.Sprintf("Build a standalone Mattermost %s beside the package and rehearse", v),
		Why:    "the same version first: moving and upgrading at once leaves no way to tell what failed",
		Carry:  carried(v, p.facts),
		Before: append(packageBackup(p.bundleState(), p.facts), Check{What: "decisions \"database\" and, if the way leads past 11.0, \"login\" are taken"}),
		Commands: append(p.databaseCommands(),
			shell(onMattermost, "id mattermost || sudo useradd --system --user-group --home-dir /opt/mattermost --shell /usr/sbin/nologin mattermost", ""),
			shell(onMattermost, downloadCommand(v, EditionTeam), "Team Edition, as in the package"),
			shell(onMattermost, "sudo tar -C /opt -xzf "+archiveName(v, EditionTeam)+" && sudo install -d -m 750 /opt/mattermost/data", ""),
			shell(onMattermost, "sudo install -m 600 -o mattermost -g mattermost config.json /opt/mattermost/config/config.json", whyConfig(p.state.GitLab)),
			shell(onMattermost, "sudo chown -R mattermost:mattermost /opt/mattermost", ""),
			Command{Where: onMattermost, Kind: "text", Text: unitText(v), Why: "/etc/systemd/system/mattermost.service"},
		),
		After: []Check{
			{What: "the counts of the rehearsal are those of the export", Command: "psql -h 127.0.0.1 -U mmuser -d mattermost -Atc \"" + countSQL + "\"", Expect: "the line in " + leaveDir + "/counts, or a little less"},
			{What: "tables and materialised views belong to mmuser", Command: "psql -h 127.0.0.1 -U mmuser -d mattermost -Atc \"SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'public' AND relkind IN ('r','m') AND pg_get_userbyid(relowner) <> 'mmuser'\"", Expect: "0"},
			{What: "no path of the package is left in the settings", Command: "sudo grep -c /var/opt/gitlab /opt/mattermost/config/config.json", Expect: "0"},
		},
		Rollback: []string{"delete the new server; the package was not touched"},
	}
	const why = "rehearsal with the backup; keep the time it takes, it is the downtime of the next step"
	if p.inPlace {
		s.Commands = append(s.Commands, Command{Where: onMattermost, Kind: "text", Text: "load a dump into the second database, never into the live one", Why: why})
	} else {
		s.Commands = append(s.Commands, fetchDump(v), shell(onMattermost, restoreCommand(v), why))
	}
	p.customPaths(&s)
	s.Notes, s.Others = p.notes(ProductLeave, v, v)
	p.add(s, p.state)
}

// whyConfig says what to do with the exported config.json.
func whyConfig(gitlab Version) string {
	if gitlab.AtLeast(line(11, 0)) {
		return "the exported file with every setting of the table below written into it"
	}
	return "the exported file: before GitLab 11.0 it holds the settings of the table below, which are the ones to change"
}

// bundleState is the present state with the Mattermost of the data, for
// backups of a bundle that does not run any more.
func (p *planner) bundleState() State {
	s := p.state
	s.Mattermost = p.version
	return s
}

// customPaths warns when gitlab.rb moved what the commands name.
func (p *planner) customPaths(s *Step) {
	if p.facts.GitLabRB == nil {
		return
	}
	for _, key := range p.facts.GitLabRB.MattermostKeys {
		switch key {
		case "home", "file_directory", "database_name", "username", "group", "sql_data_source", "env_directory", "log_file_directory":
			s.Findings = append(s.Findings, Finding{ID: "paths.custom", Severity: SeverityWarning, Where: "gitlab.rb mattermost['" + key + "']",
				Message: "mattermost['" + key + "'] is set: the commands name the package's default",
				Fix:     "put the value of mattermost['" + key + "'] into the commands"})
		}
	}
}

// databaseCommands make the new, empty database.
func (p *planner) databaseCommands() []Command {
	switch {
	case p.inPlace:
		return []Command{{Where: onMattermost, Kind: "text",
			Text: "create a second, empty database on the same server for the rehearsal; the server itself stays", Why: "the live database is taken over as it is in the next step"}}
	case p.databaseChoice == "keep":
		return []Command{
			{Where: onGitLab, Kind: "setting", Text: "postgresql['listen_address'] = '127.0.0.1'", Why: "peer login over the socket is the package's own and goes with 19.0; listen on the private address when Mattermost is on another machine"},
			{Where: onGitLab, Kind: "setting", Text: "postgresql['custom_pg_hba_entries'] = { MATTERMOST: [{ type: 'host', database: 'mattermost', user: 'mmuser', cidr: '127.0.0.1/32', method: 'scram-sha-256' }] }"},
			shell(onGitLab, "sudo gitlab-ctl reconfigure && sudo gitlab-ctl restart postgresql", "restarts GitLab's database"),
			shell(onGitLab, "sudo gitlab-psql -d template1 -c 'CREATE ROLE mmuser LOGIN'", ""),
			shell(onGitLab, "sudo gitlab-psql -d template1", "then \\password mmuser: it asks, so the password is in no command line"),
			shell(onGitLab, "sudo gitlab-psql -d template1 -c \"CREATE DATABASE mattermost OWNER mmuser ENCODING 'UTF8' TEMPLATE template0\"", "a copy under its own owner: the package's database stays as it is for the way back"),
			shell(onGitLab, "sudo gitlab-psql -d mattermost -c 'ALTER SCHEMA public OWNER TO mmuser'", ""),
		}
	}
	return []Command{
		shell(onMattermost, "sudo apt-get install postgresql-"+p.newPostgres(), "not older than the package's, or the dump does not load; new enough for every release on this way"),
		shell(onMattermost, "sudo -u postgres createuser --pwprompt mmuser", "asks for the password: it is in no command line"),
		shell(onMattermost, "sudo -u postgres createdb --owner=mmuser --encoding=UTF8 --template=template0 mattermost", "the owner matters from PostgreSQL 15 on"),
		shell(onMattermost, "sudo -u postgres psql -d mattermost -c 'ALTER SCHEMA public OWNER TO mmuser'", ""),
	}
}

// newPostgres is the major to install for a moved database: at least 16, which
// every Mattermost from 5.37 on accepts, and not below the present one.
func (p *planner) newPostgres() string {
	if comparePostgres(p.state.PostgreSQL, "16") > 0 {
		return p.state.PostgreSQL
	}
	return "16"
}

// switchOver adds the step that stops the one and starts the other.
func (p *planner) switchOver() {
	to := p.state
	to.Standalone, to.Mattermost = true, p.version
	move := []Command{
		shell(onGitLab, dumpCommand(p.version), "the last state"),
		shell(onMattermost, "psql -h 127.0.0.1 -U mmuser -d mattermost -v ON_ERROR_STOP=1 -c 'DROP SCHEMA public CASCADE; CREATE SCHEMA public'", "empties the rehearsal"),
		fetchDump(p.version),
		shell(onMattermost, restoreCommand(p.version), ""),
		shell(onMattermost, "psql -h 127.0.0.1 -U mmuser -d mattermost -c ANALYZE", ""),
	}
	switch {
	case p.inPlace:
		move = []Command{{Where: onMattermost, Kind: "text", Text: "dump the live database, then point SqlSettings.DataSource at it", Why: "both servers use it one after the other, never at once"}}
	case p.databaseChoice == "keep":
		to.PostgreSQL = p.packagePostgres
		p.kept = true
	default:
		to.PostgreSQL = p.newPostgres()
	}
	stop := shell(onGitLab, "sudo gitlab-ctl stop mattermost", "nobody can write from here on")
	if p.state.GitLab.Major >= 19 {
		stop = Command{Where: onGitLab, Kind: "text", Text: "nothing to stop: 19.0 has no Mattermost"}
	}
	commands := append([]Command{stop}, move...)
	commands = append(commands,
		shell(onMattermost, "sudo rsync -a --delete <GitLab server>:/var/opt/gitlab/mattermost/data/ /opt/mattermost/data/ && sudo chown -R mattermost:mattermost /opt/mattermost/data", "both with a slash at the end, else it nests one level too deep; on the same machine without the server's name"),
		shell(onMattermost, "sudo systemctl daemon-reload && sudo systemctl enable --now mattermost", ""),
		Command{Where: onMattermost, Kind: "text", Text: "let the virtual host of the same name point at the new server", Why: "same address, port and scheme as before, certificate and key from /etc/gitlab/ssl (or mattermost_nginx['ssl_certificate']); on the GitLab machine through nginx['custom_nginx_config']"},
	)
	p.add(Step{
		ID: "leave-" + p.version.String(), Kind: StepLeave,
		Title:    fmt.Sprintf("Switch to the standalone Mattermost %s", p.version),
		Why:      "the package has no future: its last Mattermost is 10.11.20",
		Before:   append(packageBackup(p.bundleState(), p.facts), Check{What: "the rehearsal of the step before was good"}, Check{What: "people know when it happens"}),
		Commands: commands,
		After: []Check{
			{What: "database and file store are healthy", Command: "curl -fsS 'http://127.0.0.1:8065/api/v4/system/ping?get_server_status=true'", Expect: `"status":"OK", database_status and filestore_status OK`},
			{What: "the counts are exactly those before", Command: "psql -h 127.0.0.1 -U mmuser -d mattermost -Atc \"" + countSQL + "\"", Expect: "not zero: a server on an empty database starts as well"},
			{What: "somebody logs in, by GitLab and by e-mail, and sees old messages, an old file, and live updates"},
		},
		Rollback: []string{
			"sudo systemctl disable --now mattermost; point the virtual host back; sudo gitlab-ctl start mattermost",
			"the package's database and data were only read; what people wrote after the switch is lost",
		},
		Downtime: p.moveDowntime(),
	}, to)
}

func (p *planner) moveDowntime() []string {
	list := []string{"the last dump and its loading: as long as the rehearsal took"}
	if p.facts.DatabaseBytes > 0 {
		list = append(list, fmt.Sprintf("database of %.1f GiB", float64(p.facts.DatabaseBytes)/(1<<30)))
	}
	if p.facts.FileBytes > 0 {
		list = append(list, fmt.Sprintf("files of %.1f GiB: run the rsync once before, then only the difference is copied", float64(p.facts.FileBytes)/(1<<30)))
	} else {
		list = append(list, "files: run the rsync once before, then only the difference is copied")
	}
	return list
}

// connect adds the step on GitLab's side.
func (p *planner) connect() {
	s := Step{
		ID: "connect", Kind: StepConnect, Title: "Tell GitLab that Mattermost lives elsewhere",
		Why:    "GitLab offers slash commands and login only for an address it knows; what is left of the package's settings stops GitLab 19",
		Before: []Check{{What: "the exported gitlab.rb and gitlab-secrets.json are in " + leaveDir}},
		Commands: []Command{
			{Where: onGitLab, Kind: "setting", Text: "gitlab_rails['mattermost_host'] = \"https://mattermost.example.com\"", Why: "the same address as before, in full"},
			{Where: onGitLab, Kind: "text", Text: "delete every mattermost[...] and mattermost_nginx[...] line and mattermost_external_url from /etc/gitlab/gitlab.rb"},
			shell(onGitLab, "sudo gitlab-ctl reconfigure", ""),
			{Where: onGitLab, Kind: "text", Text: "Admin, Applications, \"GitLab Mattermost\": both addresses, <url>/signup/gitlab/complete and <url>/login/gitlab/complete, are as they were; Trusted and Confidential ticked; scope read_user", Why: "the application, its id and its secret stay valid"},
			{Where: onGitLab, Kind: "text", Text: "allow GitLab's webhooks to reach the new server, if its address is private (Admin, Network, Outbound requests)"},
			{Where: onMattermost, Kind: "text", Text: "System Console, Plugins: upload or install each plugin again; its settings and data are in the configuration and the database"},
		},
		After: []Check{
			{What: "gitlab.rb has no Mattermost setting left", Command: `sudo grep -nE "^[^#]*(mattermost(_nginx)?\[|mattermost_external_url)" /etc/gitlab/gitlab.rb`, Expect: "no line"},
			{What: "login through GitLab, a slash command and a notification work"},
		},
		Rollback: []string{"copy gitlab.rb and gitlab-secrets.json back from " + leaveDir + ", sudo gitlab-ctl reconfigure, then as in the step before"},
	}
	if p.state.GitLab.Major >= 19 {
		s.Rollback = []string{"copy gitlab.rb back from " + leaveDir + " and sudo gitlab-ctl reconfigure; the package itself has no Mattermost to go back to"}
	}
	p.add(s, p.state)
}

// retire adds the last step: only here the way back to the package ends.
func (p *planner) retire() {
	commands := []Command{
		shell(onGitLab, "sudo gitlab-psql -d template1 -c 'DROP DATABASE mattermost_production'", ""),
		shell(onGitLab, "sudo rm -r /var/opt/gitlab/mattermost /var/log/gitlab/mattermost /opt/gitlab/etc/mattermost", ""),
		shell(onGitLab, "sudo find "+leaveDir+" -type f -exec shred -u {} +", "secrets"),
	}
	if p.external {
		commands = commands[1:] // the database was never in the package's server
	}
	p.add(Step{
		ID: "retire", Kind: StepRetire, Title: "Delete what the package left behind",
		Why: "the last step: until here the package's database and files are untouched, afterwards there is no way back",
		Before: []Check{
			{What: "the standalone server has run well for weeks and has backups of its own that were restored once"},
			{What: "the last backup of the package is stored elsewhere"},
			{What: "the standalone server uses no path of the package", Command: "sudo grep -c /var/opt/gitlab /opt/mattermost/config/config.json", Expect: "0"},
		},
		Commands: commands,
		After:    []Check{{What: "GitLab and Mattermost still work", Command: "sudo gitlab-ctl status", Expect: "no line starts with down"}},
		Rollback: []string{"none but the backup"},
	}, p.state)
}

// nameExternalServer puts the words for an external server, whose names this
// package does not know, where the plan otherwise names the new one.
func (p *planner) nameExternalServer() {
	for i := range p.journey.Steps {
		s := &p.journey.Steps[i]
		database := "<database>"
		if s.Kind == StepPrepare {
			database = "<rehearsal database>"
		}
		words := strings.NewReplacer(
			"-h 127.0.0.1 -U mmuser -d mattermost", "-h <database server> -U <role> -d "+database,
			"-h 127.0.0.1 -U mmuser", "-h <database server> -U <role>",
			".dump mattermost", ".dump "+database, "<> 'mmuser'", "<> '<role>'")
		for _, checks := range [][]Check{s.Before, s.After} {
			for k := range checks {
				checks[k].Command = words.Replace(checks[k].Command)
			}
		}
		for k := range s.Commands {
			s.Commands[k].Text = words.Replace(s.Commands[k].Text)
		}
	}
}
