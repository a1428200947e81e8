package backup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// Installation is a Mattermost on this machine: what to save, and where it
// would be restored to.
type Installation struct {
	Kind   string // "linux-package" or "standalone"
	Source Source
	Target Target // without Service and StateDir's parent being made
	// Bucket is set when the files are in an object store (FileSettings
	// .DriverName amazons3); Source then has no data tree.
	Bucket   *BucketSettings
	Findings []Finding
}

// BucketSettings are the AmazonS3 settings of Mattermost's FileSettings.
type BucketSettings struct {
	Endpoint, Bucket, Prefix, Region, AccessKey string
	SecretKey                                   Secret
	Insecure                                    bool
}

// layout is where one kind of installation keeps things.
type layout struct {
	kind, home, config, env, program, service string
	trees                                     [3]string // data, plugins, client plugins; relative to home
}

var layouts = [...]layout{
	{"linux-package", "/var/opt/gitlab/mattermost", "/var/opt/gitlab/mattermost/config.json", "/opt/gitlab/etc/mattermost/env", "/opt/gitlab/embedded/service/mattermost", "gitlab-ctl", [3]string{"data", "plugins", "client-plugins"}},
	{"standalone", "/opt/mattermost", "/opt/mattermost/config/config.json", "", "/opt/mattermost", "systemctl", [3]string{"data", "plugins", "client/plugins"}},
}

// ErrNotFound is wrapped when no installation is where the packages put it.
var ErrNotFound = errors.New("no Mattermost found in /var/opt/gitlab/mattermost or /opt/mattermost; name its parts")

// Detect looks for an installation of GitLab's Linux package, then for a
// standalone one. root is "" or "/" for this machine, else a directory that
// stands for it. Settings given by environment (the Linux package's env
// directory) beat config.json, as in Mattermost itself.
func Detect(root string) (*Installation, error) {
	top, err := filepath.Abs(filepath.Join(root, "."))
	if err != nil {
		return nil, fmt.Errorf("detect installation: %w", err)
	}
	if root == "" {
		top = "/"
	}
	for _, l := range layouts {
		at := func(p string) string { return filepath.Join(top, p) }
		if _, err := os.Stat(at(l.config)); err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("detect installation: %w", err)
			}
			if l.env == "" || !exists(at(l.env)) {
				continue
			}
		}
		i, err := l.read(at)
		if err != nil {
			return nil, fmt.Errorf("detect installation (%s): %w", l.kind, err)
		}
		return i, nil
	}
	return nil, fmt.Errorf("detect installation: %w", ErrNotFound)
}

// settings looks values up as Mattermost does.
type settings struct {
	env  map[string]string
	json map[string]map[string]any
}

func (s settings) text(section, name string) string {
	if v := s.env["MM_"+strings.ToUpper(section+"_"+name)]; v != "" {
		return v
	}
	switch v := s.json[section][name].(type) {
	case string:
		return v
	case bool:
		return fmt.Sprint(v)
	}
	return ""
}

func (l layout) read(at func(string) string) (*Installation, error) {
	i := &Installation{Kind: l.kind, Findings: []Finding{}}
	s := settings{env: map[string]string{}}
	if l.env != "" {
		var err error
		if s.env, err = readEnvDir(at(l.env)); err != nil {
			return nil, err
		}
	}
	if exists(at(l.config)) {
		text, err := readDocument(at(l.config))
		if err != nil {
			return nil, err
		}
		// Sections that are no objects do not matter here.
		var loose map[string]json.RawMessage
		if err := json.Unmarshal(text, &loose); err != nil {
			return nil, fmt.Errorf("%s: %w", at(l.config), err)
		}
		s.json = map[string]map[string]any{}
		for name, raw := range loose {
			var section map[string]any
			if json.Unmarshal(raw, &section) == nil {
				s.json[name] = section
			}
		}
		i.Source.Documents = append(i.Source.Documents, DocumentSource{Name: "config.json", Path: at(l.config)})
		i.Target.Documents = map[string]string{"config.json": at(l.config)}
	}
	i.Source.DSN = Secret(s.text("SqlSettings", "DataSource"))
	if d := s.text("SqlSettings", "DriverName"); d != "" && d != "postgres" {
		i.Source.DSN = ""
		i.Findings = append(i.Findings, Finding{ID: "driver", Severity: severityError, Where: "SqlSettings.DriverName", Message: fmt.Sprintf("the database is %q; only PostgreSQL can be saved", d), Fix: "save it with its own tools"})
	}
	l.addTrees(i, s, at)
	l.addVersion(i, at)
	if err := l.addDocuments(i, s, at); err != nil {
		return nil, err
	}
	if l.kind == "linux-package" && os.Geteuid() == 0 && strings.Contains(i.Source.DSN.Reveal(), "/var/opt/gitlab/postgresql") {
		// pg_ident of the package lets this user connect as Mattermost's role.
		i.Source.OSUser, i.Target.OSUser = "mattermost", "mattermost"
		if info, err := parseDSN(i.Source.DSN); err == nil {
			// The package's superuser creates and renames databases.
			admin := info.with("postgres")
			admin["user"] = "gitlab-psql"
			delete(admin, "password")
			i.Target.AdminDSN, i.Target.AdminOSUser = admin.text(), "gitlab-psql"
		}
	}
	i.Target.DSN, i.Target.StateDir = i.Source.DSN, filepath.Join(filepath.Dir(at(l.home)), ".mattermost-restores")
	i.Target.MattermostVersion = i.Source.MattermostVersion
	i.Target.Service = Systemctl("mattermost")
	if l.service == "gitlab-ctl" {
		i.Target.Service = GitlabCtl("mattermost")
	}
	return i, nil
}

// addTrees finds the data and plugin directories.
func (l layout) addTrees(i *Installation, s settings, at func(string) string) {
	i.Target.Dirs = map[string]string{}
	given := [3]string{s.text("FileSettings", "Directory"), s.text("PluginSettings", "Directory"), s.text("PluginSettings", "ClientDirectory")}
	for n, name := range [3]string{DataTree, "plugins", "client-plugins"} {
		dir := given[n]
		if dir == "" {
			dir = l.trees[n]
		}
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(l.home, dir)
		}
		dir = at(dir)
		if n == 0 && s.text("FileSettings", "DriverName") == "amazons3" {
			get := func(name string) string { return s.text("FileSettings", "AmazonS3"+name) }
			i.Bucket = &BucketSettings{Endpoint: get("Endpoint"), Bucket: get("Bucket"), Prefix: get("PathPrefix"), Region: get("Region"), AccessKey: get("AccessKeyId"), SecretKey: Secret(get("SecretAccessKey")), Insecure: get("SSL") == "false"}
			i.Findings = append(i.Findings, Finding{ID: "files-in-bucket", Severity: severityInfo, Where: "FileSettings.DriverName", Message: "the files are in the bucket " + i.Bucket.Bucket, Fix: "choose whether to list or to copy its objects"})
			continue
		}
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			if n == 0 {
				i.Findings = append(i.Findings, Finding{ID: "no-data", Severity: severityError, Where: dir, Message: "the data directory is missing or cannot be read", Fix: "check FileSettings.Directory, or run as a user who may read it"})
			}
			continue // plugin directories are made anew by the server
		}
		i.Source.Trees = append(i.Source.Trees, Tree{Name: name, Dir: dir})
		i.Target.Dirs[name] = dir
	}
}

func (l layout) addVersion(i *Installation, at func(string) string) {
	for _, p := range []string{l.program + "/VERSION", l.home + "/VERSION"} {
		if text, err := readDocument(at(p)); err == nil {
			i.Source.MattermostVersion = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(string(text)), "v"))
			return
		}
	}
}

// addDocuments collects what the database needs besides: environment, secrets,
// gitlab.rb.
func (l layout) addDocuments(i *Installation, s settings, at func(string) string) error {
	if len(s.env) > 0 {
		var b strings.Builder
		for _, k := range sortedKeys(s.env) {
			fmt.Fprintf(&b, "%s=%s\n", k, strings.ReplaceAll(s.env[k], "\n", `\n`))
		}
		i.Source.Documents = append(i.Source.Documents, DocumentSource{Name: "environment", Path: at(l.env), Data: []byte(b.String())})
	}
	if l.kind != "linux-package" {
		return nil
	}
	for _, d := range []struct {
		name, path string
		cut        func([]byte) ([]byte, error)
	}{{"gitlab.rb", "/etc/gitlab/gitlab.rb", mattermostLines}, {"gitlab-secrets.json", "/etc/gitlab/gitlab-secrets.json", mattermostSecrets}} {
		text, err := readDocument(at(d.path))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if errors.Is(err, fs.ErrPermission) {
			i.Findings = append(i.Findings, Finding{ID: "unreadable", Severity: severityWarning, Where: at(d.path), Message: "it cannot be read and is not in the backup", Fix: "run as root"})
			continue
		}
		if err != nil {
			return err
		}
		if text, err = d.cut(text); err != nil {
			return fmt.Errorf("%s: %w", at(d.path), err)
		}
		if len(text) > 0 {
			i.Source.Documents = append(i.Source.Documents, DocumentSource{Name: d.name, Path: at(d.path), Data: text})
		}
	}
	return nil
}

// readEnvDir reads a directory of one file for each variable, as chpst -e
// does: the first line, without trailing blanks.
func readEnvDir(dir string) (map[string]string, error) {
	list, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]string{}, nil
	}
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, e := range list {
		if !e.Type().IsRegular() {
			continue
		}
		text, err := readDocument(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		line, _, _ := strings.Cut(string(text), "\n")
		if line = strings.TrimRight(line, " \t"); line != "" {
			out[e.Name()] = strings.ReplaceAll(line, "\x00", "\n")
		}
	}
	return out, nil
}

// mattermostSecrets keeps the section of a gitlab-secrets.json that the
// database and the login need.
func mattermostSecrets(text []byte) ([]byte, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, errors.New("not a JSON object") // the decoder might quote a secret
	}
	if all["mattermost"] == nil {
		return nil, nil
	}
	out, err := json.MarshalIndent(map[string]json.RawMessage{"mattermost": all["mattermost"]}, "", "  ")
	return append(out, '\n'), err
}

// mattermostLines keeps the statements of a gitlab.rb that speak of
// Mattermost, and external_url. A statement goes on while brackets are open or
// its line ends in an operator; it is text to read, not a file to apply.
func mattermostLines(text []byte) ([]byte, error) {
	var out []string
	var statement []string
	depth := 0
	for line := range strings.SplitSeq(string(text), "\n") {
		trimmed := strings.TrimSpace(line)
		if depth == 0 && len(statement) == 0 && (trimmed == "" || strings.HasPrefix(trimmed, "#")) {
			continue
		}
		statement = append(statement, line)
		for _, c := range trimmed {
			switch c {
			case '(', '[', '{':
				depth++
			case ')', ']', '}':
				depth--
			}
		}
		if depth > 0 || trimmed != "" && strings.ContainsAny(trimmed[len(trimmed)-1:], ",\\=+|&") {
			continue
		}
		whole := strings.Join(statement, "\n")
		if strings.Contains(strings.ToLower(whole), "mattermost") || strings.HasPrefix(strings.TrimSpace(whole), "external_url") {
			out = append(out, whole)
		}
		statement, depth = nil, 0
	}
	if len(statement) > 0 {
		out = append(out, strings.Join(statement, "\n"))
	}
	if len(out) == 0 {
		return nil, nil
	}
	return []byte(strings.Join(out, "\n") + "\n"), nil
}

// Names lists the names of the trees that will be saved, for messages.
func (i *Installation) Names() []string {
	var out []string
	for _, t := range i.Source.Trees {
		out = append(out, t.Name)
	}
	sort.Strings(out)
	return out
}
