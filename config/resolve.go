package config

import (
	"errors"
	"io"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
)

// Input is everything that Resolve works from.
type Input struct {
	GitLabRB      *gitlabrb.Result // what gitlab.rb says; nil is an empty file
	Secrets       *SecretsFile     // gitlab-secrets.json; nil: there is none
	Host          Host
	GitLabVersion string    // "" is 18.11
	Rand          io.Reader // source of new secrets; nil is crypto/rand
}

// Resolve works out what the package would have made of the input.
func Resolve(in Input) (*Installation, error) {
	return &Installation{Mattermost: &Attributes{}, Nginx: &Attributes{}}, errors.New("resolve: not built yet")
}
