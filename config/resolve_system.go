package config

import (
	"path"
	"strconv"
	"strings"
)

const postgresDir = "/var/opt/gitlab/postgresql"

// dataSource computes mattermost['sql_data_source'] when it is not given. It
// does so on every machine, with or without Mattermost.
func (r *resolver) dataSource() {
	const key = "sql_data_source"
	defer func() {
		if r.at < rel(11, 0, 0) && !r.isUndecided("mattermost", key) {
			r.fill("mattermost", "sql_data_source_replicas", []any{r.value("mattermost", key)}, derived("mattermost['sql_data_source']", "the data source, when nothing is given"))
		}
	}()
	if truthy(r.value("mattermost", key)) || r.isUndecided("mattermost", key) {
		return
	}
	text := "user=" + r.orDefault("postgresql", "sql_mattermost_user", "gitlab_mattermost") +
		" host=" + r.socketDir() + " port=" + r.orDefault("postgresql", "port", "5432") +
		" dbname=" + r.orDefault("mattermost", "database_name", "mattermost_production")
	r.put("mattermost", key, text, derived("postgresql, mattermost['database_name']", "role, socket directory, port and database of the bundled PostgreSQL"))
}

func (r *resolver) socketDir() string {
	return r.orDefault("postgresql", "unix_socket_directory", r.orDefault("postgresql", "dir", postgresDir))
}

// logShipping names the service in log lines that svlogd sends away.
func (r *resolver) logShipping() {
	host := r.value("logging", "udp_log_shipping_host")
	if !truthy(host) {
		return
	}
	to := RubyText(host)
	if port := r.value("logging", "udp_log_shipping_port"); truthy(port) {
		to += ":" + RubyText(port)
	}
	from := derived("logging['udp_log_shipping_host']", "log shipping")
	r.fill("logging", "svlogd_udp", to, from)
	r.fill("mattermost", "svlogd_prefix", r.Host.Hostname+" mattermost: ", from)
}

// database describes role and database.
func (r *resolver) database() {
	d := Database{}
	d.Name, _ = r.out.Mattermost.Text("database_name")
	d.DataSource, _ = r.out.Mattermost.Text("sql_data_source")
	switch driver := r.out.Mattermost.Get("sql_driver_name").Value; {
	case !r.out.Enabled:
		d.Reason = "Mattermost is not enabled"
	case driver == "mysql" && r.at >= rel(8, 0, 2):
		d.Reason = "mattermost['sql_driver_name'] is mysql"
	case !r.Host.PostgreSQLRunning:
		d.Reason = "the bundled PostgreSQL does not run on this machine"
	default:
		d.Create = true
	}
	read := r.peek
	if d.Create {
		read = r.orDefault
	}
	d.Role, d.OSUser = read("postgresql", "sql_mattermost_user", "gitlab_mattermost"), read("postgresql", "username", "gitlab-psql")
	d.Port, d.SocketDir = read("postgresql", "port", "5432"), read("postgresql", "unix_socket_directory", "")
	if d.SocketDir == "" {
		d.SocketDir = read("postgresql", "dir", postgresDir)
	}
	r.out.Database = d
}

// accounts describes the OS user and group.
func (r *resolver) accounts() {
	a := Accounts{Manage: true, Shell: "/bin/sh"}
	if v := r.value("manage_accounts", "enable"); v != nil {
		a.Manage = truthy(v)
	}
	if r.at >= rel(17, 8, 0) {
		a.Shell = "/usr/sbin/nologin"
	}
	a.User, _ = r.out.Mattermost.Text("username")
	a.Group, _ = r.out.Mattermost.Text("group")
	a.Home, _ = r.out.Mattermost.Text("home")
	a.UID, a.GID = r.numericID("uid"), r.numericID("gid")
	r.out.Accounts = a
}

// numericID reads uid or gid; a number in quotes is as good.
func (r *resolver) numericID(key string) *int64 {
	v := r.out.Mattermost.Get(key).Value
	if v == nil {
		return nil
	}
	id, err := strconv.ParseInt(RubyText(v), 10, 64)
	if err != nil || id < 0 || id >= 1<<32-1 {
		r.errorf(r.pos("mattermost", key), "mattermost['%s'] must be a number from 0 to 4294967294; got %s", key, describe(v))
		return nil
	}
	return &id
}

// directories lists what would be made, in the package's order.
func (r *resolver) directories() {
	if !r.out.Enabled {
		return
	}
	owner, _ := r.out.Mattermost.Text("username")
	for _, key := range [...]string{"home", "file_directory", "plugin_directory", "plugin_client_directory"} {
		if dir, ok := r.out.Mattermost.Text(key); ok {
			r.out.Directories = append(r.out.Directories, Directory{Path: dir, Owner: owner})
		}
	}
	logs, _ := r.out.Mattermost.Text("log_file_directory")
	d := Directory{Path: logs, Owner: owner}
	if r.at >= rel(16, 0, 0) {
		d.Mode = "0755"
		if group := r.logGroup(); group != "" {
			d.Group, d.Mode = group, "0750"
		}
	}
	r.out.Directories = append(r.out.Directories, d)
	if dir := r.envDir(); dir != "" {
		r.out.Directories = append(r.out.Directories, Directory{Path: dir})
	}
}

// logGroup is the group that may read the logs, "" for none.
func (r *resolver) logGroup() string {
	if v := r.out.Mattermost.Get("log_group").Value; truthy(v) {
		return RubyText(v)
	}
	return r.orDefault("logging", "log_group", "")
}

// envDir is the directory for chpst -e, since 10.0.
func (r *resolver) envDir() string {
	switch {
	case r.at < rel(10, 0, 0):
		return ""
	case r.at < rel(11, 6, 0):
		home, _ := r.out.Mattermost.Text("home")
		return home + "/env"
	}
	dir, _ := r.out.Mattermost.Text("env_directory")
	return dir
}

// service describes the runit service.
func (r *resolver) service() {
	const dir = "/opt/gitlab/sv/mattermost"
	logs, _ := r.out.Mattermost.Text("log_file_directory")
	r.out.Service = Service{Name: "mattermost", Enable: r.out.Enabled, EnvDir: r.envDir(),
		Run: r.runScript(), LogRun: r.logScript(), LogCfg: r.logConfig(), Dir: dir,
		Links: []Link{
			{Path: "/opt/gitlab/service/mattermost", Target: dir},
			{Path: "/opt/gitlab/init/mattermost", Target: "/opt/gitlab/embedded/bin/sv"},
			{Path: path.Join(logs, "config"), Target: dir + "/log/config"},
		}}
}

func (r *resolver) runScript() string {
	user, _ := r.out.Mattermost.Text("username")
	home, _ := r.out.Mattermost.Text("home")
	if group, _ := r.out.Mattermost.Text("group"); r.at >= rel(11, 5, 0) {
		user += ":" + group
	}
	flag := "--config"
	if r.at < rel(8, 16, 0) {
		flag = "-config"
	}
	if r.at < rel(8, 15, 0) {
		home = "/var/opt/gitlab/mattermost"
	}
	parts := []string{"-P", "-U " + user, "-u " + user, "/opt/gitlab/embedded/bin/mattermost", flag + " " + home + "/config.json"}
	command := "exec chpst"
	if dir := r.envDir(); dir != "" {
		command += " -e " + dir
	} else {
		command += " " + parts[0]
		parts = parts[1:]
	}
	return "#!/bin/sh\nexec 2>&1\ncd /opt/gitlab/embedded/service/mattermost\n" +
		command + " \\\n  " + strings.Join(parts, " \\\n  ") + "\n"
}

func (r *resolver) logScript() string {
	dir, _ := r.out.Mattermost.Text("log_file_directory")
	if r.at < rel(16, 0, 0) {
		return "#!/bin/sh\nexec svlogd -tt " + dir + "\n"
	}
	owner := "root:root"
	if group := r.logGroup(); group != "" {
		owner = "root:" + group
	}
	return "#!/bin/sh\nexec chpst -P \\\n  -U " + owner + " \\\n  -u " + owner + " \\\n  svlogd -tt " + dir + "\n"
}

// logConfig is svlogd's configuration: mattermost's own svlogd settings, else
// those of logging.
func (r *resolver) logConfig() string {
	var b strings.Builder
	for _, o := range [...]struct {
		prefix, key string
		def         any
	}{{"s", "svlogd_size", int64(200 << 20)}, {"n", "svlogd_num", int64(30)}, {"t", "svlogd_timeout", int64(86400)},
		{"!", "svlogd_filter", "gzip"}, {"u", "svlogd_udp", nil}, {"p", "svlogd_prefix", nil}} {
		v := o.def
		if own := r.value("logging", o.key); own != nil {
			v = own
		}
		if own := r.out.Mattermost.Get(o.key).Value; own != nil {
			v = own
		}
		if truthy(v) {
			b.WriteString(o.prefix + RubyText(v))
		}
		b.WriteByte('\n')
	}
	return b.String()
}
