package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/gitlab-mattermost/sdk/config"
	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
	"github.com/gitlab-mattermost/sdk/envmap"
	"github.com/gitlab-mattermost/sdk/upgrade"
)

// addGitLabRB reads gitlab.rb, without executing it and without looking at
// this machine, and puts what it says into facts. configJSON may be nil.
func addGitLabRB(facts *upgrade.Facts, path, secretsPath string, gitlab upgrade.Version, configJSON []byte, notes io.Writer) error {
	o := config.LoadOptions{GitLabRB: path, Secrets: secretsPath, GitLabVersion: rulesOf(gitlab)}
	if secretsPath == "" {
		o.SecretsFile = config.NewSecretsFile(config.DefaultSecrets) // none given: this machine's are not looked at
	}
	loaded, err := config.Load(o)
	var list gitlabrb.ErrorList
	if err != nil && (loaded == nil || loaded.Installation == nil || !errors.As(err, &list)) {
		return err
	}
	// A plan needs the names of settings and few of their values: what cannot
	// be decided without running Ruby is told, and the rest used.
	for _, e := range list {
		if _, err := fmt.Fprintln(notes, e); err != nil {
			return err
		}
	}
	inst := loaded.Installation
	facts.GitLabRB = namesIn(loaded)
	if facts.Enabled == "" {
		facts.Enabled = yesNo(inst.Enabled)
	}
	if secretsPath != "" && facts.StaleSecrets == "" {
		facts.StaleSecrets = yesNo(loaded.Secrets.Mattermost().Len() > 0)
	}
	if facts.ExternalDatabase == "" {
		facts.ExternalDatabase = yesNo(inst.Mattermost.Get("sql_data_source").Origin.Kind == config.OriginGitLabRB)
	}
	if gitlab.AtLeast(upgrade.Version{Major: 11}) {
		addEnvironment(facts, inst, configJSON != nil)
	} else if err := addDrift(facts, inst, configJSON); err != nil {
		return err
	}
	// The package registers itself and remembers it in the secrets file only:
	// an "off" that did not come from there is no answer.
	unsure := secretsPath == "" || inst.Registration.Action == config.RegistrationAttempt
	if unsure && facts.Settings["GitLabSettings.Enable"] == "false" {
		delete(facts.Settings, "GitLabSettings.Enable")
	}
	return nil
}

// rulesOf is the version whose rules read the file: that of the start, as long
// as it had a bundle.
func rulesOf(gitlab upgrade.Version) string {
	if gitlab.IsZero() || gitlab.Major >= upgrade.FirstWithout().GitLab.Major {
		return ""
	}
	return gitlab.String()
}

func yesNo(yes bool) upgrade.Answer {
	if yes {
		return upgrade.Yes
	}
	return upgrade.No
}

// namesIn lists which settings gitlab.rb has, without their values.
func namesIn(l *config.Loaded) *upgrade.GitLabRB {
	rb := &upgrade.GitLabRB{ExternalURL: l.Installation.MattermostURL != ""}
	rb.MattermostKeys = keysOf(l.Result, "mattermost")
	for _, key := range rb.MattermostKeys {
		state, err := config.KeyAt("11.0", "mattermost", key)
		if err == nil && state.Legacy && state.Variable != "" {
			if rb.Variables == nil {
				rb.Variables = map[string]string{}
			}
			rb.Variables[key] = state.Variable
		}
	}
	rb.NginxKeys = keysOf(l.Result, "mattermost_nginx")
	rb.Environment = keysOf(l.Result, "mattermost", "env")
	host, set := l.Result.Lookup("gitlab_rails", "mattermost_host")
	rb.MattermostHost = set && host != nil
	return rb
}

// keysOf are the keys of a hash in gitlab.rb that are set to something: nil
// means "use the default" there.
func keysOf(r *gitlabrb.Result, path ...string) []string {
	v, ok := r.Lookup(path...)
	hash, isHash := v.(*gitlabrb.Hash)
	if !ok || !isHash {
		return nil
	}
	var keys []string
	for k, v := range hash.All() {
		if name, ok := k.(string); ok && v != nil {
			keys = append(keys, name)
		}
	}
	return keys
}

// addEnvironment lays the environment over the settings, as the server does
// from GitLab 11.0 on. Without config.json they are only a part.
func addEnvironment(facts *upgrade.Facts, inst *config.Installation, complete bool) {
	for v := range envmap.FromInstallation(inst).All() {
		text, set := v.Text()
		setting, known := envmap.Lookup(v.Name)
		if !set || text == "" || !known {
			continue // an empty file takes the variable away: config.json decides
		}
		facts.Set(setting.Path, text)
	}
	facts.PartialSettings = facts.PartialSettings || !complete
}

// addDrift compares config.json with what the package before 11.0 would write
// from gitlab.rb; without config.json that rendering is what the server has.
func addDrift(facts *upgrade.Facts, inst *config.Installation, configJSON []byte) error {
	if configJSON == nil {
		rendered, err := inst.LegacyConfigJSON(config.LegacyOptions{})
		if err != nil {
			return err
		}
		facts.Settings, facts.SecretLengths, err = upgrade.SettingsFromConfig(rendered)
		return err
	}
	c, err := config.ParseConfigJSON("config.json", configJSON)
	if err != nil {
		return err
	}
	facts.Drift = []string{}
	for _, item := range config.Drift(inst, c) {
		facts.Drift = append(facts.Drift, item.Field)
	}
	return nil
}
