package config

import (
	"errors"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
)

// LoadOptions say which files Load reads.
type LoadOptions struct {
	Root          string // prefix of both paths on this machine; "" is "/"
	GitLabRB      string // "" is /etc/gitlab/gitlab.rb
	Secrets       string // "" is /etc/gitlab/gitlab-secrets.json, which may be missing
	Host          Host
	GitLabVersion string // "" is 18.11
}

// Loaded is what Load read and worked out.
type Loaded struct {
	Result       *gitlabrb.Result
	Secrets      *SecretsFile // nil: there is none
	Installation *Installation
}

// Load reads gitlab.rb and gitlab-secrets.json and resolves them.
func Load(o LoadOptions) (*Loaded, error) {
	return nil, errors.New("load: not built yet")
}
