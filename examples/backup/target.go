package main

import (
	"errors"
	"flag"
	"fmt"
	"os/user"
	"strconv"
	"strings"

	"github.com/gitlab-mattermost/sdk/backup"
	"github.com/gitlab-mattermost/sdk/internal/cli"
)

// targetFlags say where to restore when it is not where the packages put it.
type targetFlags struct {
	root, data, config, dsnFile, adminFile, osUser, version, state, service, only, owner, adminUser string
	trees                                                                                           repeated
}

func (t *targetFlags) add(f *flag.FlagSet) {
	f.StringVar(&t.root, "root", "", "`directory` that stands for / when looking for the installation")
	f.StringVar(&t.data, "data", "", "data `directory` to replace")
	f.Var(&t.trees, "tree", "`NAME=DIRECTORY` of another tree to replace; may be repeated")
	f.StringVar(&t.config, "config", "", "`file` config.json to replace")
	f.StringVar(&t.dsnFile, "dsn-file", "", "`file` with the data source whose database is replaced; otherwise MM_SQLSETTINGS_DATASOURCE, then the installation's own")
	f.StringVar(&t.adminFile, "admin-dsn-file", "", "`file` with a data source for a role that may create and rename databases; otherwise MM_ADMIN_DATASOURCE, then the first one's role")
	f.StringVar(&t.osUser, "os-user", "", "operating system `user` that peer authentication shall see (needs root)")
	f.StringVar(&t.adminUser, "admin-os-user", "", "the same for the administrative connection")
	f.StringVar(&t.version, "mattermost", "", "`version` that will run; a backup of a newer one is refused")
	f.StringVar(&t.state, "state", "", "`directory` with the journals of restores")
	f.StringVar(&t.service, "service", "", "`kind` of service: gitlab-ctl, systemctl, or none")
	f.StringVar(&t.only, "only", "", "restore only these `parts`: database, files, config; comma separated")
	f.StringVar(&t.owner, "owner", "", "`user` that owns restored files (default mattermost when run by root and there is one)")
}

func (t *targetFlags) target() (backup.Target, error) {
	out := backup.Target{}
	keep, err := t.parts()
	if err != nil {
		return out, err
	}
	if i, err := backup.Detect(t.root); err == nil {
		out = i.Target
	} else if t.data == "" && t.config == "" && t.dsnFile == "" && t.state == "" {
		if errors.Is(err, backup.ErrNotFound) {
			return out, cli.Usagef("%v: -data, -config and -dsn-file, and -state; or -root", err)
		}
		return out, err
	}
	if out.Dirs == nil {
		out.Dirs = map[string]string{}
	}
	if out.Documents == nil {
		out.Documents = map[string]string{}
	}
	trees, err := pairs("tree", t.trees)
	if err != nil {
		return out, err
	}
	if t.data != "" {
		trees[backup.DataTree] = t.data
	}
	for name, dir := range trees {
		out.Dirs[name] = dir
	}
	if t.config != "" {
		out.Documents["config.json"] = t.config
	}
	dsn, err := dataSource(t.dsnFile, "MM_SQLSETTINGS_DATASOURCE")
	if err != nil {
		return out, err
	}
	if dsn != "" {
		out.DSN = dsn
	}
	admin, err := dataSource(t.adminFile, "MM_ADMIN_DATASOURCE")
	if err != nil {
		return out, err
	}
	if admin != "" || dsn != "" { // what was detected belongs to the detected data source
		out.AdminDSN, out.AdminOSUser = admin, ""
	}
	for value, into := range map[string]*string{t.adminUser: &out.AdminOSUser, t.osUser: &out.OSUser, t.version: &out.MattermostVersion, t.state: &out.StateDir} {
		if value != "" {
			*into = value
		}
	}
	if out.StateDir == "" {
		return out, cli.Usagef("-state is required here: the directory with the journals of restores")
	}
	if !keep["database"] {
		out.DSN = ""
	}
	if !keep["files"] {
		out.Dirs = nil
	}
	if !keep["config"] {
		out.Documents = nil
	}
	return out, t.serviceAndOwner(&out)
}

// parts is what -only names; without it everything.
func (t *targetFlags) parts() (map[string]bool, error) {
	if t.only == "" {
		return map[string]bool{"database": true, "files": true, "config": true}, nil
	}
	keep := map[string]bool{}
	for part := range strings.SplitSeq(t.only, ",") {
		if part != "database" && part != "files" && part != "config" {
			return nil, cli.Usagef("-only %q: want database, files or config", part)
		}
		keep[part] = true
	}
	return keep, nil
}

func (t *targetFlags) serviceAndOwner(out *backup.Target) error {
	switch t.service {
	case "":
	case "gitlab-ctl":
		out.Service = backup.GitlabCtl("mattermost")
	case "systemctl":
		out.Service = backup.Systemctl("mattermost")
	case "none":
		out.Service = backup.NoService{}
	default:
		return cli.Usagef("-service %q: want gitlab-ctl, systemctl or none", t.service)
	}
	name := t.owner
	self, err := user.Current()
	if err != nil {
		return err
	}
	if name == "" {
		if self.Uid != "0" {
			return nil
		}
		name = "mattermost"
	}
	u, err := user.Lookup(name)
	if err != nil {
		if t.owner == "" {
			return nil // no such user here; files stay with root
		}
		return err
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	if err1 != nil || err2 != nil {
		return fmt.Errorf("user %s: unusable ids", name)
	}
	out.Owner = &backup.Ownership{UID: uid, GID: gid}
	return nil
}

// restrict leaves out parts that the backup does not hold, when they were only
// detected and not asked for. Nothing left is an error.
func restrict(t *backup.Target, m *backup.Manifest, f *targetFlags) error {
	have := map[string]bool{}
	if m.Files != nil {
		for _, tree := range m.Files.Trees {
			have[tree.Name] = true
		}
	}
	for name := range t.Dirs {
		if !have[name] && !(name == backup.DataTree && f.data != "") {
			delete(t.Dirs, name)
		}
	}
	documents := map[string]bool{}
	for _, d := range m.Documents {
		documents[d.Name] = true
	}
	for name := range t.Documents {
		if !documents[name] && f.config == "" {
			delete(t.Documents, name)
		}
	}
	if m.Database == nil && f.dsnFile == "" {
		t.DSN = ""
	}
	if t.DSN == "" && len(t.Dirs) == 0 && len(t.Documents) == 0 {
		return cli.Usagef("nothing of backup %s has a place here: name it with -data, -tree, -config or -dsn-file, and look at -only", m.ID)
	}
	return nil
}
