package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os/user"
	"strconv"
	"strings"

	"github.com/gitlab-mattermost/sdk/backup"
	"github.com/gitlab-mattermost/sdk/internal/cli"
)

const restoreHelp = `backup restore builds a new database and new directories beside the living
installation, checks them, stops the service, swaps by renaming and starts it.
The former ones are kept until 'backup discard'; 'backup rollback' swaps back.
Any failure leaves the old state. With -n it prints the plan and does nothing.

  backup restore -store /var/backups/mattermost -n
  backup restore -store /var/backups/mattermost 20261121T074258Z-3fa9
  backup restore -store /mnt/old -only database,files -set ServiceSettings.SiteURL=https://chat.example.com \
      -dsn-file /etc/mattermost-dsn -data /opt/mattermost/data -owner mattermost -service systemctl

Flags:
`

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
	if i, err := backup.Detect(t.root); err == nil {
		out = i.Target
	} else if t.data == "" && t.config == "" && t.dsnFile == "" && t.state == "" {
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
	if err := t.limit(&out); err != nil {
		return out, err
	}
	return out, t.serviceAndOwner(&out)
}

// limit leaves out what -only does not name.
func (t *targetFlags) limit(out *backup.Target) error {
	if t.only == "" {
		return nil
	}
	keep := map[string]bool{}
	for part := range strings.SplitSeq(t.only, ",") {
		if part != "database" && part != "files" && part != "config" {
			return cli.Usagef("-only %q: want database, files or config", part)
		}
		keep[part] = true
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
	return nil
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
// detected and not asked for.
func restrict(t *backup.Target, m *backup.Manifest, f *targetFlags) {
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
}

func restore(ctx context.Context, args []string, s cli.Streams) error {
	f := cli.Flags("restore", restoreHelp, s)
	var tf targetFlags
	var keys keyFlags
	var o backup.RestoreOptions
	var set repeated
	store := storeFlag(f, "store")
	tf.add(f)
	keys.add(f)
	f.Var(&set, "set", "`SETTING=VALUE` to write into the restored configuration, for example ServiceSettings.SiteURL=https://…; the value is JSON if it parses, else text; may be repeated")
	f.BoolVar(&o.DeferFullText, "service-first", false, "start the service before the big full-text indexes are built")
	f.IntVar(&o.Workers, "workers", 0, "`number` of connections and writers (default: processors)")
	asJSON := f.Bool("json", false, "print JSON")
	dry := f.Bool("n", false, "print the plan and do nothing")
	if err := cli.Parse(f, args); err != nil {
		return err
	}
	id, err := backupID(f)
	if err != nil {
		return err
	}
	st, err := openStore(ctx, *store)
	if err != nil {
		return err
	}
	target, err := tf.target()
	if err != nil {
		return err
	}
	if o.Keys, err = keys.keys(); err != nil {
		return err
	}
	if o.Settings, err = newSettings(set); err != nil {
		return err
	}
	m, err := backup.Load(ctx, st, id)
	if err != nil {
		return err
	}
	restrict(&target, m, &tf)
	bar, end := progress(s, "restore", 0)
	o.Progress = bar
	plan, err := backup.PlanRestore(ctx, st, m.ID, target, o)
	if err != nil {
		return err
	}
	if *dry {
		return printPlan(s, plan, *asJSON)
	}
	res, err := plan.Apply(ctx)
	end()
	if err != nil {
		return err
	}
	if *asJSON {
		if err := cli.WriteJSON(s.Out, res); err != nil {
			return err
		}
		return verdict(res.Findings)
	}
	for _, line := range res.Recovered {
		fmt.Fprintln(s.Out, line)
	}
	fmt.Fprintf(s.Out, "restored backup %s: %d rows, %d files, %.1f s; the service was down for %.2f s\n", res.Backup, res.Rows, res.Files, res.Seconds, res.Downtime)
	for _, k := range res.Kept {
		fmt.Fprintf(s.Out, "kept: %s\n", k)
	}
	fmt.Fprintf(s.Out, "undo with 'backup rollback %s', delete what is kept with 'backup discard %s'\n", res.Journal, res.Journal)
	printFindings(s.Out, res.Findings)
	return verdict(res.Findings)
}

func newSettings(list []string) (map[string]any, error) {
	texts, err := pairs("set", list)
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	for name, text := range texts {
		var v any
		if json.Unmarshal([]byte(text), &v) != nil {
			v = text
		}
		out[name] = v
	}
	return out, nil
}

func printPlan(s cli.Streams, plan *backup.RestorePlan, asJSON bool) error {
	if asJSON {
		return cli.WriteJSON(s.Out, plan)
	}
	fmt.Fprintf(s.Out, "plan to restore backup %s\n", plan.Backup)
	for n, step := range plan.Steps {
		fmt.Fprintf(s.Out, "%2d. %s: %s\n", n+1, step.Action, step.What)
		if step.Detail != "" {
			fmt.Fprintf(s.Out, "    %s\n", step.Detail)
		}
	}
	printFindings(s.Out, plan.Findings)
	return verdict(plan.Findings)
}
