package config

import (
	"crypto/rand"
	"fmt"
	"io"
	"time"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
	"github.com/gitlab-mattermost/sdk/internal/version"
)

// Input is everything that Resolve works from.
type Input struct {
	GitLabRB      *gitlabrb.Result // what gitlab.rb says; nil is an empty file
	Secrets       *SecretsFile     // gitlab-secrets.json; nil: there is none
	Host          Host             // the zero value is a machine without files, database or name
	GitLabVersion string           // "" is 18.11; 7.14 and newer are known
	Rand          io.Reader        // source of new secrets; nil is crypto/rand
	Now           time.Time        // decides whether a certificate has expired; zero is the clock
}

// Resolve works out what GitLab's Linux package would have made of the input,
// in the package's own order:
//
//  1. gitlab-secrets.json fills what gitlab.rb left nil or false; of hashes
//     the missing keys. A stored gitlab_enable true therefore beats an
//     explicit false.
//  2. Missing secrets are generated, unless package['generate_default_secrets']
//     is false.
//  3. The roles decide whether puma and nginx are on.
//  4. external_url, then Let's Encrypt, then the data source, then
//     mattermost_external_url with everything that follows from it, then
//     nginx's ports.
//  5. nil values are dropped, also inside hashes; the rest is laid over the
//     defaults, hashes key by key. false and "" are values and beat defaults.
//
// The rules are those of GitLabVersion. From 19.0 on nothing is left of
// Mattermost but its host in gitlab.yml.
//
// The error is a gitlabrb.ErrorList with the place of each setting. The
// Installation is never nil: with an error it holds what is known.
func Resolve(in Input) (*Installation, error) {
	if in.GitLabVersion == "" {
		in.GitLabVersion = "18.11"
	}
	if in.Rand == nil {
		in.Rand = rand.Reader
	}
	if in.Now.IsZero() {
		in.Now = time.Now()
	}
	out := &Installation{GitLabVersion: in.GitLabVersion, Mattermost: &Attributes{}, Nginx: &Attributes{}}
	v, err := version.Parse(in.GitLabVersion)
	if err != nil {
		return out, gitlabrb.ErrorList{{Message: "GitLab " + err.Error(), Err: err}}
	}
	out.GitLabVersion = v.String()
	r := &resolver{Input: in, at: releaseOf(v), settings: newSettings(in.GitLabRB), out: out}
	if r.at < rel(7, 14, 0) {
		return out, gitlabrb.ErrorList{{Message: fmt.Sprintf("GitLab version %s: Mattermost came with 7.14, nothing is known before it", v)}}
	}
	if r.at >= rel(18, 12, 0) && r.at < rel(19, 0, 0) {
		return out, gitlabrb.ErrorList{{Message: fmt.Sprintf("GitLab version %s does not exist: 18.11 is the last of the 18 series; give 18.11 or 19.0", v)}}
	}
	r.resolve()
	r.findings()
	return out, r.settle(!out.Enabled && out.MattermostURL == "" && !r.told["mattermost_external_url"] && !r.told["mattermost\x00enable"])
}

// resolver carries one run of Resolve.
type resolver struct {
	Input
	*settings
	at  release
	out *Installation

	gitlab     rubyURI // of external_url, when it is set and right
	gitlabText string  // external_url without one trailing slash
	hasGitLab  bool
	puma       bool // the web server of GitLab runs here
	nginx      bool
	rails      bool
	headers    bool // proxy_set_headers is computed already
}

func (r *resolver) resolve() {
	r.mergeSecrets(r.Secrets)
	r.out.ExternalURL = RubyText(r.top("external_url").Value)
	r.out.MattermostURL = RubyText(r.top("mattermost_external_url").Value)
	if r.at >= rel(19, 0, 0) {
		r.removed()
		return
	}
	r.generateSecrets()
	r.storeSecrets()
	r.roles()
	r.externalURL()
	r.letsEncrypt()
	r.dataSource()
	r.logShipping()
	r.mattermostURL()
	r.vhostSwitch()
	r.registrationSwitch()
	r.nginxPorts()
	r.attributes()
	if r.registration(); r.out.Registration.Action == RegistrationAttempt && r.Host.OAuthRegistered {
		r.registered()
	}
	r.gitlabYML()
	r.vhost()
	r.database()
	r.accounts()
	r.directories()
	r.service()
}

// removed is what 19.0 and newer make of the settings.
func (r *resolver) removed() {
	if r.Secrets != nil {
		r.out.StoredSecrets = r.Secrets.Clone()
		r.out.StoredSecrets.SetSection("mattermost", nil)
	}
	for _, h := range [...]struct {
		name string
		to   *Attributes
	}{{"mattermost", r.out.Mattermost}, {"mattermost_nginx", r.out.Nginx}} {
		own := r.hash(h.name)
		for _, key := range own.keys {
			if v := withoutNil(own.by[key].Value); v != nil {
				h.to.Set(key, Attribute{Value: v, Origin: own.by[key].Origin, Secret: secretKey(h.name, key)})
			}
		}
	}
	r.out.Registration = Registration{Action: RegistrationSkip, Reason: "GitLab 19.0 removed the bundled Mattermost"}
	r.out.Database.Reason = r.out.Registration.Reason
	r.out.Service.Name = "mattermost"
	r.gitlabYML()
}

// peek is orDefault for a value that is only shown: it need not be decided.
func (r *resolver) peek(name, key, def string) string {
	if v := r.hash(name).by[key].Value; truthy(v) && !r.isUndecided(name, key) {
		return RubyText(v)
	}
	return def
}

// derived is the origin of a computed value.
func derived(from, rule string) Origin { return Origin{Kind: OriginDerived, Where: from, Rule: rule} }

// orDefault is a setting of another service, or its default when nil or false.
func (r *resolver) orDefault(name, key, def string) string {
	if v := r.value(name, key); truthy(v) {
		return RubyText(v)
	}
	return def
}
