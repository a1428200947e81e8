package config

import "github.com/gitlab-mattermost/sdk/config/gitlabrb"

// Host is what must be known of the machine: an explicit value, so that a plan
// for another machine is possible.
type Host struct {
	Hostname string
	FQDN     string // node name, default certificate path
	Lookups  gitlabrb.Lookups

	PostgreSQLRunning    bool // the bundled PostgreSQL is up
	GitLabDatabaseExists bool // and holds GitLab's database
	OAuthRegistered      bool // describe the state after a successful registration in this run
}

// Facts is a Host as data (JSON). Files are the only files that exist (nil:
// exists, content unknown); Commands the only commands whose output gitlab.rb
// may use.
type Facts struct {
	Hostname             string             `json:"hostname"`
	FQDN                 string             `json:"fqdn"`
	Env                  map[string]string  `json:"env"`
	Files                map[string]*string `json:"files"`
	Commands             map[string]string  `json:"commands"`
	PostgreSQLRunning    bool               `json:"postgresql_running"`
	GitLabDatabaseExists bool               `json:"gitlab_database_exists"`
	OAuthRegistered      bool               `json:"oauth_registered"`
}
