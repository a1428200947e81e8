package config

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
)

// StandaloneOptions choose where the installation goes. The zero value is the
// layout of Mattermost's own packages.
type StandaloneOptions struct {
	Home string // "" is /opt/mattermost
}

// Standalone is the same installation on Mattermost's own packages: a systemd
// service in /opt/mattermost, the distribution's nginx and PostgreSQL. It is
// data; nothing has been written anywhere.
//
// A path, address or data source that somebody chose is kept; what only the
// bundle's defaults made is replaced, and each replacement is a finding.
type Standalone struct {
	Home       string // /opt/mattermost
	ConfigFile string // Mattermost's own config.json
	EnvFile    string // EnvironmentFile= of the unit
	UnitFile   string
	VHostFile  string

	SiteURL       string
	ListenAddress string
	// AllowedInternal is AllowedUntrustedInternalConnections, "" for none.
	AllowedInternal string
	Data            string
	Plugins         string
	ClientPlugins   string
	Logs            string

	Accounts    Accounts
	Directories []Directory
	Database    Database
	Unit        string // text of the systemd unit
	Findings    []Finding
}

// Standalone works out the standalone layout of an installation that has a
// URL. Nothing of it depends on whether the bundle is still there.
func (inst *Installation) Standalone(o StandaloneOptions) *Standalone {
	home := cmp.Or(o.Home, "/opt/mattermost")
	s := &Standalone{
		Home: home, ConfigFile: path.Join(home, "config/config.json"), EnvFile: path.Join(home, "config/mattermost.environment"),
		UnitFile: "/etc/systemd/system/mattermost.service", VHostFile: "/etc/nginx/conf.d/mattermost.conf",
		Accounts: inst.Accounts,
	}
	s.Accounts.Home, s.Accounts.Shell = home, "/usr/sbin/nologin"
	s.addresses(inst)
	s.paths(inst)
	s.database(inst)
	s.login(inst)
	for _, dir := range [...]string{home, path.Dir(s.ConfigFile), s.Data, s.Plugins, s.ClientPlugins, s.Logs} {
		mode := "0750"
		if dir == home {
			mode = "0755"
		}
		s.Directories = append(s.Directories, Directory{Path: dir, Owner: s.Accounts.User, Group: s.Accounts.Group, Mode: mode})
	}
	s.Unit = s.unit()
	return s
}

func (s *Standalone) tell(id, severity, where, message, fix string) {
	s.Findings = append(s.Findings, Finding{ID: "standalone." + id, Severity: severity, Message: message, Where: where, Fix: fix})
}

// addresses mends what the bundle took literally.
func (s *Standalone) addresses(inst *Installation) {
	site, _ := inst.Mattermost.Text("service_site_url")
	if s.SiteURL = strings.TrimRight(site, "/"); s.SiteURL != site {
		s.tell("url-slash", SeverityInfo, inst.Mattermost.Get("service_site_url").Origin.Where,
			"the site URL loses its trailing slash, which the server drops anyhow",
			"in GitLab's application, add redirect URIs without the double slash")
	}
	host, _ := inst.Mattermost.Text("service_address")
	port, _ := inst.Mattermost.Text("service_port")
	if strings.Contains(host, ":") && !strings.HasPrefix(host, "[") {
		host = "[" + host + "]"
	}
	s.ListenAddress = host + ":" + port
	allowed, _ := inst.Mattermost.Text("service_allowed_untrusted_internal_connections")
	var hosts []string
	for _, h := range strings.Fields(allowed) {
		if !slices.Contains(hosts, h) {
			hosts = append(hosts, h)
		}
	}
	s.AllowedInternal = strings.Join(hosts, " ")
}

// paths moves what lay in the bundle's own directories.
func (s *Standalone) paths(inst *Installation) {
	for _, p := range [...]struct {
		setting, bundle, own string
		to                   *string
	}{
		{"file_directory", "/var/opt/gitlab/mattermost/data", "data", &s.Data},
		{"plugin_directory", "/var/opt/gitlab/mattermost/plugins", "plugins", &s.Plugins},
		{"plugin_client_directory", "/var/opt/gitlab/mattermost/client-plugins", "client/plugins", &s.ClientPlugins},
		{"log_file_directory", "/var/log/gitlab/mattermost", "logs", &s.Logs},
	} {
		was, _ := inst.Mattermost.Text(p.setting)
		*p.to = path.Join(s.Home, p.own)
		switch {
		case path.Clean(was) != p.bundle:
			*p.to = was // somebody's choice
		case p.setting == "file_directory":
			s.tell("data-moves", SeverityWarning, "mattermost['file_directory']", was+" becomes "+*p.to,
				fmt.Sprintf("copy it: rsync -a %s/ %s/", was, *p.to))
		case p.setting == "plugin_directory":
			s.tell("plugins-move", SeverityInfo, "mattermost['plugin_directory']",
				"the plugin directories are caches of what lies in the data directory; the server fills them again",
				"copy nothing; install plugins that were put there by hand anew")
		}
	}
}

// database replaces the bundled PostgreSQL by the distribution's. The role is
// named after the OS user, so that peer authentication over the socket works
// without a password and without a map.
func (s *Standalone) database(inst *Installation) {
	d := inst.Database
	d.Create, d.OSUser, d.Reason = true, "postgres", ""
	given := inst.Mattermost.Get("sql_data_source").Origin
	if given.Kind == OriginDerived {
		d.Role, d.SocketDir, d.Port = s.Accounts.User, "/var/run/postgresql", "5432"
		d.DataSource = "user=" + d.Role + " host=" + d.SocketDir + " port=" + d.Port + " dbname=" + d.Name
		s.tell("data-source", SeverityWarning, "mattermost['sql_data_source']",
			"the bundled PostgreSQL gives way to the distribution's: role "+d.Role+" over the socket "+d.SocketDir+", without a password",
			"move the database "+d.Name+" there: examples/database move")
		s.Database = d
		return
	}
	d.Create, d.Reason = false, "mattermost['sql_data_source'] names a database of its own"
	if mended := strings.Replace(d.DataSource, "sslmode=required", "sslmode=require", 1); mended != d.DataSource {
		d.DataSource = mended
		s.tell("sslmode", SeverityWarning, given.Where, "sslmode=required, which no driver knows, becomes sslmode=require", "correct it in gitlab.rb too")
	}
	s.Database = d
}

// login says what becomes of GitLab's login outside the bundle.
func (s *Standalone) login(inst *Installation) {
	if !inst.Mattermost.Truthy("gitlab_enable") {
		s.tell("login-off", SeverityWarning, "mattermost['gitlab_enable']", "GitLab login is off: no registration is known",
			"register with examples/oauth, then set MM_GITLABSETTINGS_ENABLE, _ID and _SECRET in "+s.EnvFile)
		return
	}
	s.tell("edition", SeverityWarning, "GitLabSettings",
		"Mattermost Team Edition 11.0 and newer has no GitLab login; 10.11, the last with it, is without support since 2026-08-15",
		"decide with examples/upgrade leave: 10.11 for now, the Enterprise build, or e-mail login")
	if id := inst.Mattermost.Get("gitlab_id").Origin.Kind; id == OriginGenerated {
		s.tell("login-unknown", SeverityError, "gitlab-secrets.json", "the id and secret of the registered application are not in the files given",
			"give the secrets file of the GitLab machine with -secrets")
	}
}

// unit is the systemd service as Mattermost's documentation has it.
func (s *Standalone) unit() string {
	after, binds := "network.target", ""
	if s.Database.Create {
		after, binds = "network.target postgresql.service", "BindsTo=postgresql.service\n"
	}
	return fmt.Sprintf(`[Unit]
Description=Mattermost
After=%s
%s
[Service]
Type=notify
ExecStart=%s/bin/mattermost
# Ready only after the database's migrations.
TimeoutStartSec=3600
KillMode=mixed
Restart=always
RestartSec=10
WorkingDirectory=%s
User=%s
Group=%s
LimitNOFILE=49152
EnvironmentFile=%s

[Install]
WantedBy=multi-user.target
`, after, binds, s.Home, s.Home, s.Accounts.User, s.Accounts.Group, s.EnvFile)
}
