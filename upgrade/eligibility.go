package upgrade

import (
	"fmt"
	"slices"
	"strings"
)

// supportedKeys are the mattermost[...] keys that GitLab 11.0 and later read;
// every other key stops the installation of 11.0 and is ignored from 12.3 on.
var supportedKeys = []string{
	"enable", "username", "group", "uid", "gid", "home", "database_name", "env", "host", "port",
	"service_site_url", "service_address", "service_port", "service_use_ssl", "team_site_name",
	"sql_driver_name", "sql_data_source", "sql_data_source_replicas", "sql_at_rest_encrypt_key",
	"log_file_directory", "file_directory", "gitlab_enable", "gitlab_secret", "gitlab_id", "gitlab_scope",
	"gitlab_auth_endpoint", "gitlab_token_endpoint", "gitlab_user_api_endpoint", "email_invite_salt",
	"file_public_link_salt", "service_allowed_untrusted_internal_connections", "svlogd_prefix",
}

// laterKeys are read again from the given release on; the same check refuses
// them in between.
var laterKeys = map[string]Version{
	"service_enable_api_team_deletion": line(11, 1),
	"plugin_directory":                 line(11, 3),
	"plugin_client_directory":          line(11, 3),
	"env_directory":                    line(12, 3),
	"register_as_oauth_app":            line(15, 4),
	"log_group":                        line(16, 0),
}

// legacyKeys returns the keys of gitlab.rb that the check of GitLab 11.0
// refuses, sorted.
func legacyKeys(rb *GitLabRB) []string {
	var list []string
	for _, key := range rb.MattermostKeys {
		if _, later := laterKeys[key]; !later && !slices.Contains(supportedKeys, key) && !strings.HasPrefix(key, "svlogd_") {
			list = append(list, key)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Eligibility answers whether a journey can be made as things stand.
type Eligibility struct {
	From Point `json:"from"`
	To   Point `json:"to"`
	// Possible is no when something blocks, yes when nothing does, and unknown
	// when nothing does so far but facts are missing.
	Possible Answer `json:"possible"`
	// Because are the findings that block, one for each setting where a setting
	// is the reason.
	Because []Finding `json:"because,omitempty"`
	// Missing names what must be given for a certain answer.
	Missing []string `json:"missing,omitempty"`
}

// Eligible answers whether the way from one point to another is open for an
// installation: possible, or not because of these settings. Before GitLab 11.0
// the package upgrade only works when nothing was changed outside gitlab.rb;
// 11.0 and 19.0 refuse settings they do not know; several Mattermost releases
// refuse values. It fails as Plan does.
func Eligible(from, to Point, facts Facts, on Date) (*Eligibility, error) {
	j, err := Plan(from, to, facts, on)
	if err != nil {
		return nil, err
	}
	e := &Eligibility{From: from, To: to}
	seen := map[string]bool{}
	for _, f := range j.Blockers() {
		if seen[f.ID] && perSetting(f.ID) {
			continue // the same settings block at every stop: name them once
		}
		seen[f.ID] = true
		e.Because = append(e.Because, settingsOf(f, &facts)...)
	}
	e.Missing = missing(j, &facts)
	switch {
	case len(e.Because) > 0:
		e.Possible = No
	case len(e.Missing) == 0:
		e.Possible = Yes
	}
	return e, nil
}

func perSetting(id string) bool {
	switch id {
	case "gitlab.edits-lost", "gitlab.11.0-edits", "gitlab.11.0-keys", "gitlab.19.0-keys":
		return true
	}
	return false
}

// settingsOf splits a blocker into one finding for each setting that causes it.
func settingsOf(f Finding, facts *Facts) []Finding {
	one := func(where, message, fix string) Finding {
		return Finding{ID: f.ID, Severity: f.Severity, Where: where, Message: message, Fix: fix}
	}
	var list []Finding
	switch f.ID {
	case "gitlab.edits-lost", "gitlab.11.0-edits":
		for _, setting := range facts.Drift {
			list = append(list, one("config.json "+setting,
				setting+" was changed outside gitlab.rb: reconfigure would write it anew",
				"set it in gitlab.rb, or run Mattermost outside the package"))
		}
	case "gitlab.11.0-keys":
		for _, key := range legacyKeys(facts.GitLabRB) {
			list = append(list, one("gitlab.rb mattermost['"+key+"']",
				"mattermost['"+key+"'] is not known from 11.0 on: the package stops at it",
				"move it to "+variableOf(facts.GitLabRB, key)+", the value as text, and delete the line"))
		}
	case "gitlab.19.0-keys":
		for _, key := range facts.GitLabRB.MattermostKeys {
			list = append(list, one("gitlab.rb mattermost['"+key+"']",
				"mattermost['"+key+"'] stops the first reconfigure of 19.0",
				"take its value over to the standalone server, then delete the line"))
		}
	}
	if list == nil {
		list = []Finding{f}
	}
	return list
}

// variableOf names where a dropped key goes.
func variableOf(rb *GitLabRB, key string) string {
	if name := rb.Variables[key]; name != "" {
		return "mattermost['env']['" + name + "']"
	}
	return "mattermost['env'] as its MM_ variable"
}

// missing names the facts whose absence leaves a rule of this journey open.
func missing(j *Journey, facts *Facts) []string {
	var list []string
	add := func(text string) {
		if !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	for i := range j.Steps {
		for _, n := range slices.Concat(j.Steps[i].Notes, j.Steps[i].Others) {
			if n.Applies != "" || n.Severity != SeverityError {
				continue
			}
			switch {
			case strings.Contains(n.When, "drift"):
				add("config.json compared with what gitlab.rb would render (drift)")
			case strings.Contains(n.When, "-keys"):
				add("gitlab.rb")
			case strings.Contains(n.When, ".") || strings.Contains(n.When, "mysql") || strings.Contains(n.When, "sso"):
				add("the effective settings (config.json with the environment on top)")
			case strings.Contains(n.When, "users>"):
				add("the number of active users")
			default:
				add(fmt.Sprintf("whether %s", describe(n.When)))
			}
		}
	}
	return list
}
