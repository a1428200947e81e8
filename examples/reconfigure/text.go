package main

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/gitlab-mattermost/sdk/config"
	"github.com/gitlab-mattermost/sdk/internal/cli"
	"github.com/gitlab-mattermost/sdk/internal/english"
	"github.com/gitlab-mattermost/sdk/internal/version"
)

// print writes the report for a person: what it is, what was written, what was
// found, what is left to do. Secrets stay in the files.
func (r *report) print(s cli.Streams) error {
	var b, errs bytes.Buffer
	if len(r.Errors) == 0 {
		r.printHead(&b)
		r.printTree(&b)
		r.printFindings(&b)
		r.printSteps(&b)
	} else {
		r.printFindings(&b)
		r.printErrors(&errs)
	}
	_, err := s.Out.Write(b.Bytes())
	_, errErr := s.Err.Write(errs.Bytes())
	return errors.Join(err, errErr)
}

func (r *report) printErrors(b *bytes.Buffer) {
	for _, e := range r.Errors {
		at := ""
		switch {
		case e.Line > 0:
			at = fmt.Sprintf("%s:%d:%d: ", e.File, e.Line, e.Col)
		case e.File != "":
			at = e.File + ": "
		}
		fmt.Fprintf(b, "error: %s%s\n", at, e.Message)
	}
	b.WriteString("Nothing was written.\n")
}

func (r *report) printHead(b *bytes.Buffer) {
	inst, db, account, vhost := r.inst, r.inst.Database, r.inst.Accounts, r.inst.VHost.Path
	if s := r.alone; s != nil {
		db, account, vhost = s.Database, s.Accounts, s.VHostFile
		fmt.Fprintf(b, "Mattermost on its own package, from the settings of GitLab %s\n\n", inst.GitLabVersion)
	} else {
		fmt.Fprintf(b, "Mattermost as GitLab %s would have set it up\n\n", inst.GitLabVersion)
	}
	line := func(name, format string, args ...any) {
		fmt.Fprintf(b, "  %-12s %s\n", name, fmt.Sprintf(format, args...))
	}
	if !inst.Enabled {
		line("service", "off: %s", whyOff(inst))
	} else {
		line("service", "on, run by %s:%s", account.User, account.Group)
	}
	if inst.MattermostURL != "" {
		line("URL", "%s", inst.MattermostURL)
	}
	if r.Nginx.Enabled {
		line("vhost", "%s", vhost)
	}
	if inst.Enabled {
		line("database", "%s, owner %s", db.Name, db.Role)
		line("GitLab login", "registration: %s (%s)", r.OAuth.Registration, r.OAuth.Reason)
	}
	if r.local {
		used := "asks nothing of this machine"
		if len(r.used) > 0 {
			used = "asks this machine for " + strings.Join(r.used, ", ")
		}
		line("gitlab.rb", "%s", used)
	}
	b.WriteByte('\n')
}

// whyOff says why there is no service, and what would switch it on.
func whyOff(inst *config.Installation) string {
	v, err := version.Parse(inst.GitLabVersion)
	enabled, set := inst.Mattermost.Get("enable").Value.(bool)
	switch {
	case err == nil && v.Major >= 19:
		return "GitLab 19.0 and later have no Mattermost; for one of its own: -target standalone -gitlab-version 18.11"
	case set && !enabled && inst.MattermostURL != "":
		return "mattermost['enable'] is false"
	default:
		return "mattermost_external_url is not set; mattermost_external_url 'https://chat.example.com' switches it on"
	}
}

// printTree lists files by directory, so that forty variables are one line.
func (r *report) printTree(b *bytes.Buffer) {
	switch {
	case len(r.tree.files) == 0:
		b.WriteString("Nothing to write.\n\n")
		return
	case r.dry:
		fmt.Fprintf(b, "Would write below %s:\n", r.out)
	default:
		fmt.Fprintf(b, "Written below %s:\n", r.out)
	}
	envDir := r.inst.Service.EnvDir
	variables := 0
	for _, f := range r.tree.files {
		if path.Dir(f.path) == envDir {
			variables++
		}
	}
	for _, f := range r.tree.files {
		if path.Dir(f.path) != envDir {
			fmt.Fprintf(b, "  %s  %s\n", f.mode, f.path)
		} else if variables > 0 {
			fmt.Fprintf(b, "  %s  %s/ (%s)\n", f.mode, envDir, english.Count(variables, "variable"))
			variables = 0
		}
	}
	for _, d := range r.tree.dirs {
		if d = effective(d); d.Path != envDir {
			fmt.Fprintf(b, "  %s  %s/ (for %s)\n", d.Mode, d.Path, d.Owner)
		}
	}
	b.WriteByte('\n')
}

func (r *report) printFindings(b *bytes.Buffer) {
	if len(r.Findings) == 0 {
		return
	}
	fmt.Fprintf(b, "Findings (%d):\n", len(r.Findings))
	for _, f := range r.Findings {
		fmt.Fprintf(b, "  %-7s %s  [%s]\n          %s\n", f.Severity, f.Where, f.ID, f.Message)
		if f.Fix != "" {
			fmt.Fprintf(b, "          fix: %s\n", f.Fix)
		}
	}
	b.WriteByte('\n')
}

// printSteps says what the package would have done by running programs, which
// this command never does.
func (r *report) printSteps(b *bytes.Buffer) {
	inst := r.inst
	if !inst.Enabled {
		return
	}
	b.WriteString("Left to do by hand:\n")
	n := 0
	step := func(format string, args ...any) {
		n++
		fmt.Fprintf(b, "  %d. %s\n", n, fmt.Sprintf(format, args...))
	}
	if r.alone != nil {
		printStandaloneSteps(r.alone, step)
		return
	}
	if a := inst.Accounts; a.Manage {
		step("user and group: groupadd --system%s %s; useradd --system%s --gid %s --home-dir %s --shell %s %s",
			id(" --gid ", a.GID), a.Group, id(" --uid ", a.UID), a.Group, a.Home, a.Shell, a.User)
	}
	step("copy the tree to / as root and give %s the directories it owns", inst.Accounts.User)
	db := inst.Database
	switch {
	case db.Create:
		step("database, as %s: createuser -h %s -p %s %s; createdb -h %s -p %s -O %s %s",
			db.OSUser, db.SocketDir, db.Port, db.Role, db.SocketDir, db.Port, db.Role, db.Name)
	default:
		step("database %s owned by %s: not made by the package (%s)", db.Name, db.Role, db.Reason)
	}
	r.printAuthorization(step)
	if inst.VHost.Enabled {
		step("check and load the vhost: nginx -t && nginx -s reload")
	}
}

// printAuthorization tells how to get GitLab's login working.
func (r *report) printAuthorization(step func(string, ...any)) {
	inst := r.inst
	switch {
	case inst.Mattermost.Truthy("gitlab_enable"):
		return
	case inst.Registration.Action == "attempt":
		step("GitLab login: the package would now register %q in GitLab's database. Do that with\n"+
			"       examples/oauth register -route database\n"+
			"     giving it the id and secret from %s/MM_GITLABSETTINGS_ID and _SECRET;\n"+
			"     or by hand, as docs/oauth.md shows", r.OAuth.Name, inst.Service.EnvDir)
	default:
		step("GitLab login cannot be registered automatically (%s). In GitLab, Admin > Applications, add\n"+
			"       name          %s\n       redirect URIs %s\n       trusted and confidential on, scope read_user\n"+
			"     and put its id and secret into gitlab.rb:\n"+
			"       mattermost['gitlab_enable'] = true\n       mattermost['gitlab_id'] = \"…\"\n"+
			"       mattermost['gitlab_secret'] = \"…\"\n       mattermost['gitlab_scope'] = \"read_user\"",
			inst.Registration.Reason, r.OAuth.Name, strings.Join(r.OAuth.RedirectURIs, "\n                     "))
	}
}

func id(flag string, n *int64) string {
	if n == nil {
		return ""
	}
	return fmt.Sprintf("%s%d", flag, *n)
}

// printStandaloneSteps is the move to Mattermost's own package.
func printStandaloneSteps(s *config.Standalone, step func(string, ...any)) {
	step("install Mattermost's package, first the version that the bundle had (examples/upgrade version tells which), so that\n"+
		"     %s exists and nothing is migrated yet", s.Home)
	if db := s.Database; db.Create {
		step("database, as %s: createuser %s; createdb -O %s -E UTF8 -T template0 %s; then move the content: examples/database move",
			db.OSUser, db.Role, db.Role, db.Name)
	}
	step("stop the bundled service (gitlab-ctl stop mattermost) and copy its data directory to %s,\n"+
		"     its config.json to %s (mode 0600: it holds the public link salt)", s.Data, s.ConfigFile)
	step("chown -R %s:%s %s, then copy this tree to / as root", s.Accounts.User, s.Accounts.Group, s.Home)
	step("systemctl daemon-reload; systemctl enable --now mattermost; nginx -t && systemctl reload nginx")
	step("in gitlab.rb: remove the mattermost lines, set gitlab_rails['mattermost_host'] = \"%s\", gitlab-ctl reconfigure", s.SiteURL)
}
