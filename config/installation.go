package config

// Installation is what GitLab's Linux package would have made of a gitlab.rb:
// every derivation done, every value with its origin. It is data; nothing has
// been written anywhere.
type Installation struct {
	GitLabVersion string // the version whose rules were applied, "18.11"

	// Mattermost and Nginx are the resolved mattermost[...] and
	// mattermost_nginx[...] attributes, every default filled in.
	Mattermost *Attributes
	Nginx      *Attributes

	Enabled       bool   // the service is on
	ExternalURL   string // external_url as written, "" when not set
	MattermostURL string // mattermost_external_url as written, "" when not set

	VHost        VHost
	Registration Registration
	GitLabYML    GitLabYML
	Database     Database
	Accounts     Accounts
	Directories  []Directory
	Service      Service
	LetsEncrypt  LetsEncrypt
	// StoredSecrets is gitlab-secrets.json as it would be written back; nil when
	// package['generate_secrets_json_file'] is false.
	StoredSecrets *SecretsFile

	Findings []Finding
}

// VHost decides whether and where nginx's virtual host is written; its
// settings are Installation.Nginx.
type VHost struct {
	Enabled bool   // the vhost file is written
	Path    string // <nginx dir>/conf/service_conf/gitlab-mattermost.conf
	HTTPS   bool
	Host    string // server_name
	Port    int    // the URL's port, 0 without a URL
	WWWRoot string // acme-challenge root, <dir>/www/
	// ACME is true when Let's Encrypt is on and its locations are written.
	ACME bool
}

// What Registration.Action can be.
const (
	RegistrationAttempt = "attempt"
	RegistrationSkip    = "skip"
)

// Registration is the decision about the OAuth application step.
type Registration struct {
	Action string // RegistrationAttempt or RegistrationSkip
	Reason string
}

// GitLabYML is the mattermost part of GitLab's own gitlab.yml.
type GitLabYML struct {
	Enabled bool
	Host    *string
}

// Database is the role and database in the bundled PostgreSQL.
type Database struct {
	Role       string
	Name       string
	DataSource string
	Create     bool   // whether the package would create both
	Reason     string // why not, when Create is false
	SocketDir  string
	Port       string
	OSUser     string // PostgreSQL's own OS user
}

// Accounts are the OS user and group.
type Accounts struct {
	Manage bool // false: manage_accounts['enable'] is off
	User   string
	Group  string
	UID    *int64
	GID    *int64
	Home   string
	Shell  string
}

// Directory is a directory that the package would make.
type Directory struct {
	Path  string
	Owner string // "" is left as it is (root)
	Group string
	Mode  string // "0755"; "" is the umask's
}

// Service is the runit service.
type Service struct {
	Name   string
	Enable bool
	Run    string // run script
	LogRun string // log/run script
	LogCfg string // log/config of svlogd
	EnvDir string
	Dir    string // holds run, log/run and log/config
	Links  []Link
}

// Link is a symbolic link that switches something on.
type Link struct {
	Path   string
	Target string
}

// LetsEncrypt is what the Mattermost URL changes for Let's Encrypt.
type LetsEncrypt struct {
	Enabled  bool
	AltNames []string
}
