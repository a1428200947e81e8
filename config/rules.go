package config

import "fmt"

// Rule describes one kind of finding and the GitLab versions it holds for.
type Rule struct {
	ID       string `json:"id"`
	Severity string `json:"severity"`
	From     string `json:"from"` // first version, "7.14"
	To       string `json:"to"`   // last version, "" is still open
	About    string `json:"about"`
}

// rule is a Rule with its range ready to compare.
type rule struct {
	id, severity string
	from, to     release
	about        string
}

const open = release(1<<62 - 1)

// bundled is the last line that had Mattermost inside.
const bundled = release(18_011_999)

var rules = [...]rule{
	{"url.trailing-slash", SeverityWarning, 7_014_000, bundled, "mattermost_external_url ends in a slash"},
	{"url.extra-parts", SeverityWarning, 7_014_000, bundled, "mattermost_external_url has a query, fragment or user name"},
	{"enable.without-url", SeverityError, 7_014_000, bundled, "mattermost['enable'] is true without mattermost_external_url"},
	{"enable.off-but-announced", SeverityInfo, 8_015_000, bundled, "Mattermost is off and its URL still reaches gitlab.yml"},
	{"enable.by-accident", SeverityError, 18_011_008, 18_011_008, "check-config of 18.11.8 switches Mattermost on"},
	{"secrets.readable", SeverityWarning, 7_014_000, open, "gitlab-secrets.json can be read by others"},
	{"secrets.enable-wins", SeverityWarning, 8_001_000, bundled, "mattermost['gitlab_enable'] = false is beaten by the stored true"},
	{"secrets.frozen-endpoint", SeverityWarning, 8_001_000, 10_008_999, "endpoints in gitlab-secrets.json survive a change of external_url"},
	{"secrets.lost", SeverityWarning, 19_000_000, open, "the first 19.x reconfigure drops the mattermost section"},
	{"secrets.not-written", SeverityWarning, 16_001_000, bundled, "the secrets file is not written, so there is no registration"},
	{"endpoint.v3", SeverityError, 11_000_000, bundled, "the user endpoint is of API v3, which GitLab no longer has"},
	{"nginx.not-inherited", SeverityInfo, 7_014_000, bundled, "nginx[...] is set, the Mattermost vhost does not see it"},
	{"nginx.no-effect", SeverityWarning, 7_014_000, bundled, "a mattermost_nginx key that the vhost never reads"},
	{"nginx.overwritten", SeverityWarning, 7_014_000, bundled, "a mattermost_nginx key that the package overwrites"},
	{"nginx.off", SeverityInfo, 7_014_000, bundled, "nginx is off, so no vhost is written"},
	{"nginx.hsts-not-a-number", SeverityError, 15_000_000, bundled, "hsts_max_age is not a number"},
	{"nginx.listen-addresses-not-a-list", SeverityError, 7_014_000, bundled, "listen_addresses is not a list"},
	{"nginx.clear-text-on-443", SeverityError, 7_014_000, bundled, "listen_https is false and the port stays 443"},
	{"nginx.websocket-timeout", SeverityInfo, 14_002_000, bundled, "proxy_connect_timeout does not reach the websocket locations"},
	{"nginx.websocket-buffers", SeverityInfo, 14_009_000, bundled, "proxy_custom_buffer_size does not reach the websocket locations"},
	{"certificate.missing", SeverityError, 7_014_000, bundled, "the certificate or key file does not exist"},
	{"letsencrypt.certificate-replaced", SeverityWarning, 11_000_000, bundled, "Let's Encrypt replaces an explicit certificate path"},
	{"letsencrypt.redirect", SeverityInfo, 11_008_000, bundled, "Let's Encrypt switched the redirect to https on"},
	{"database.sslmode", SeverityError, 7_014_000, bundled, "sslmode is no word that PostgreSQL knows"},
	{"database.mysql-without-source", SeverityError, 8_000_002, bundled, "mysql gets a PostgreSQL data source"},
	{"database.created-anyway", SeverityInfo, 7_014_000, bundled, "an own data source does not stop the bundled role and database"},
	{"database.renamed", SeverityWarning, 7_014_000, bundled, "database_name is not the default; nothing is renamed"},
	{"address.ipv6-brackets", SeverityError, 8_003_000, bundled, "an IPv6 service_address needs brackets"},
	{"home.moved", SeverityWarning, 7_014_000, bundled, "home is moved, data and plugins stay"},
	{"directories.open", SeverityInfo, 7_014_000, bundled, "other local users can list the data directories"},
	{"env.readable", SeverityWarning, 10_000_000, bundled, "files of the environment get no mode of their own"},
	{"env.several-lines", SeverityWarning, 10_000_000, bundled, "only the first line of a variable counts"},
	{"env.trailing-blank", SeverityWarning, 10_000_000, bundled, "blanks at the end of a variable are cut"},
	{"env.nul", SeverityError, 10_000_000, bundled, "a NUL in a variable becomes a line break"},
	{"env.empty", SeverityInfo, 10_000_000, bundled, "an empty variable is removed from the environment"},
	{"env.overrides", SeverityWarning, 11_000_000, bundled, "mattermost['env'] overrides a setting of its own"},
	{"env.not-text", SeverityWarning, 10_000_000, bundled, "a variable's value is a list or a hash"},
	{"env.bad-name", SeverityError, 10_000_000, bundled, "a name that cannot be a variable"},
	{"allow-list.double", SeverityInfo, 10_000_000, bundled, "GitLab's host is appended a second time"},
	{"registration.new-credentials-each-run", SeverityWarning, 15_004_000, bundled, "id and secret are random at every reconfigure"},
	{"registration.scope-emptied", SeverityInfo, 8_001_000, bundled, "the run that registers empties gitlab_scope"},
	{"registration.own-credentials", SeverityInfo, 15_004_000, bundled, "an own id and secret do not stop the registration"},
	{"registration.not-trusted", SeverityInfo, 15_004_000, bundled, "the automatic application is not trusted and has no scopes"},
	{"gitlab-yml.two-hosts", SeverityWarning, 8_016_000, 19_999_999, "mattermost_host and the URL differ; 19.0 turns their order round"},
	{"era.unknown-name", SeverityWarning, 8_000_000, 17_000_999, "grafana is an unknown name from 17.1 on"},
	{"era.deprecated-keys", SeverityWarning, 10_003_001, 10_008_999, "keys that 11.0 refuses"},
	{"era.refused-keys", SeverityError, 11_000_000, 12_002_999, "keys that make reconfigure abort"},
	{"era.ignored-keys", SeverityWarning, 12_003_000, bundled, "keys of old versions, silently ignored"},
	{"era.user-statuses", SeverityWarning, 9_002_000, 10_008_999, "EnableUserStatuses follows service_enable_post_search"},
	{"era.misspelled-field", SeverityWarning, 9_005_000, 10_008_999, "a field that Mattermost does not read"},
	{"era.swapped-fields", SeverityWarning, 9_000_003, 9_000_013, "link previews and typing messages are swapped"},
	{"era.search-replicas", SeverityError, 9_002_000, 9_002_000, "DataSourceSearchReplicas is a string, Mattermost does not start"},
	{"era.teammate-name", SeverityWarning, 9_004_002, 9_004_004, "service_teammate_name_display has no effect"},
	{"era.broken-json", SeverityError, 7_014_000, 10_008_999, "a value breaks config.json"},
	{"era.env-not-cleaned", SeverityInfo, 11_005_006, 11_006_001, "variables removed from env stay in their directory"},
	{"removed.deprecated-url", SeverityWarning, 18_011_007, open, "mattermost_external_url is deprecated"},
	{"removed.any-setting", SeverityError, 19_000_000, 19_002_999, "any mattermost[...] aborts reconfigure"},
	{"removed.enabled", SeverityError, 19_003_000, open, "mattermost['enable'] = true aborts reconfigure"},
	{"removed.bundled", SeverityWarning, 18_000_000, bundled, "19.0 removes the bundled Mattermost"},
	{"config-json.readable", SeverityWarning, 7_014_000, open, "config.json can be read by others"},
	{"config-json.owner", SeverityWarning, 7_014_000, open, "config.json does not belong to the service's user"},
}

// Rules lists every kind of finding that Resolve, Load and Drift report about
// Mattermost, in a stable order. Findings of the settings file itself (ids
// "gitlabrb.…") come from package gitlabrb.
func Rules() []Rule {
	out := make([]Rule, len(rules))
	for i, r := range rules {
		out[i] = Rule{ID: r.id, Severity: r.severity, From: r.from.String(), About: r.about}
		if r.to != open {
			out[i].To = r.to.last()
		}
	}
	return out
}

// String prints 18.11.3, and the first release of a line as 18.11.
func (r release) String() string {
	if r%1_000 == 0 {
		return fmt.Sprintf("%d.%d", r/1_000_000, r/1_000%1_000)
	}
	return r.last()
}

// last prints the end of a range: the line alone when all of it is meant.
func (r release) last() string {
	major, minor, patch := r/1_000_000, r/1_000%1_000, r%1_000
	if patch == 999 {
		return fmt.Sprintf("%d.%d", major, minor)
	}
	return fmt.Sprintf("%d.%d.%d", major, minor, patch)
}

// ruleFinding makes a finding, if the rule holds at that version.
func ruleFinding(at release, id, where, message, fix string) (Finding, bool) {
	for _, r := range rules {
		if r.id == id {
			return Finding{ID: id, Severity: r.severity, Message: message, Where: where, Fix: fix}, r.from <= at && at <= r.to
		}
	}
	return Finding{}, false
}

// flag records a finding of a rule, if it holds at this version.
func (r *resolver) flag(id, where, message, fix string) {
	if f, ok := ruleFinding(r.at, id, where, message, fix); ok {
		r.find(f)
	}
}
