package upgrade

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Facts are what is known of one installation, as plain data. Every field is
// optional: what is not given is unknown, and a plan then shows the rules that
// might concern the installation as something to check.
type Facts struct {
	// Settings are the effective Mattermost settings as "Section.Field" →
	// text, as the server would use them: config.json with the environment on
	// top. SettingsFromConfig makes them. Never put a secret here: its length
	// goes to SecretLengths. nil means that nothing is known; a non-nil map
	// without a field means that the field is not set.
	Settings map[string]string `json:"settings,omitempty"`
	// PartialSettings tells that Settings are only a part: a field that is not
	// there is then unknown instead of not set.
	PartialSettings bool `json:"partial_settings,omitempty"`
	// SecretLengths are the lengths in bytes of settings that hold secrets.
	SecretLengths map[string]int `json:"secret_lengths,omitempty"`

	// GitLabRB is what gitlab.rb says; nil means that it was not given.
	GitLabRB *GitLabRB `json:"gitlab_rb,omitempty"`
	// Drift are the settings ("Section.Field") whose value in config.json is
	// not what gitlab.rb would render: edited by hand or in the System
	// Console. nil means not compared; empty means compared and equal.
	Drift []string `json:"drift,omitempty"`
	// StaleSecrets tells whether gitlab-secrets.json has a mattermost section.
	// GitLab wrote one on every machine, with or without Mattermost.
	StaleSecrets Answer `json:"stale_secrets,omitempty"`

	// Enabled tells whether the package runs Mattermost here. No means that
	// only the traps for GitLab's own upgrade are planned. Unknown counts as
	// yes.
	Enabled Answer `json:"enabled,omitempty"`
	// Mattermost is the version that really runs, when it is not the bundled
	// one, or when GitLab is already at 19 and the bundle is gone.
	Mattermost Version `json:"mattermost,omitzero"`
	// Edition is the build in use. The package always carried Team Edition,
	// which is assumed when this is empty.
	Edition Edition `json:"edition,omitempty"`
	// PostgreSQL is the version of the running server that holds the data.
	PostgreSQL Version `json:"postgresql,omitzero"`
	// ExternalDatabase tells whether Mattermost's database is outside the
	// package's own PostgreSQL.
	ExternalDatabase Answer `json:"external_database,omitempty"`

	Users         int   `json:"users,omitempty"`          // active accounts
	SSOUsers      int   `json:"sso_users,omitempty"`      // of these, how many log in through GitLab
	Posts         int   `json:"posts,omitempty"`          // rows of the table posts
	DatabaseBytes int64 `json:"database_bytes,omitempty"` // pg_database_size
	FileBytes     int64 `json:"file_bytes,omitempty"`     // size of the data directory

	// Uses answers for features that no file tells: see Features.
	Uses map[string]bool `json:"uses,omitempty"`
	// Distribution is the operating system where it matters: "sles-12.5",
	// "rhel-8"; anything else has no rule.
	Distribution string `json:"distribution,omitempty"`

	// Choices are the decisions already taken.
	Choices Choices `json:"choices,omitzero"`
}

// Set stores one effective setting, "Section.Field". Of a secret only the
// length is kept, so that its value never enters a plan.
func (f *Facts) Set(setting, value string) {
	setting = canonicalSetting(setting)
	if isSecretSetting(setting) {
		if f.SecretLengths == nil {
			f.SecretLengths = map[string]int{}
		}
		f.SecretLengths[setting] = len(value)
		return
	}
	if f.Settings == nil {
		f.Settings = map[string]string{}
	}
	f.Settings[setting] = value
}

// DropPackageSettings forgets the settings that the package gives the server
// through its environment (GitLab 11.0 to 18.11). Use it when Settings come
// from a bundle's config.json alone, where these are stale or defaults.
func (f *Facts) DropPackageSettings() {
	for _, c := range carriedSettings() {
		if c.Variable != "" {
			delete(f.Settings, c.Setting)
			delete(f.SecretLengths, c.Setting)
		}
	}
	f.PartialSettings = true
}

// GitLabRB is the part of gitlab.rb that rules look at: names, not values.
type GitLabRB struct {
	// MattermostKeys are the keys under mattermost[...] that are set.
	MattermostKeys []string `json:"mattermost_keys,omitempty"`
	// Variables name, for keys that GitLab 11.0 dropped, the variable to set
	// under mattermost['env'] instead. Optional.
	Variables map[string]string `json:"variables,omitempty"`
	// NginxKeys are the keys under mattermost_nginx[...] that are set.
	NginxKeys []string `json:"nginx_keys,omitempty"`
	// ExternalURL tells whether mattermost_external_url is set.
	ExternalURL bool `json:"mattermost_external_url,omitempty"`
	// MattermostHost tells whether gitlab_rails['mattermost_host'] is set.
	MattermostHost bool `json:"mattermost_host,omitempty"`
	// Environment are the variable names under mattermost['env'].
	Environment []string `json:"environment,omitempty"`
}

// Edition is a build of Mattermost.
type Edition string

// The builds of Mattermost. Entry is the Enterprise build without a licence.
const (
	EditionTeam       Edition = "team"
	EditionEntry      Edition = "entry"
	EditionEnterprise Edition = "enterprise" // with a licence
)

// Answer is yes, no, or unknown (the empty text). In JSON true and false are
// read as well.
type Answer string

// The known answers.
const (
	Yes Answer = "yes"
	No  Answer = "no"
)

// UnmarshalJSON reads "yes", "no", "", true, false and null.
func (a *Answer) UnmarshalJSON(text []byte) error {
	switch string(text) {
	case "true", `"yes"`:
		*a = Yes
	case "false", `"no"`:
		*a = No
	case "null", `""`:
		*a = ""
	default:
		return fmt.Errorf("answer %.20s: want true, false, \"yes\" or \"no\"", text)
	}
	return nil
}

func answer(yes bool) Answer {
	if yes {
		return Yes
	}
	return No
}

// Choices are decisions that only the owner of an installation can take. The
// empty text leaves one open; an open decision that the way needs is a blocker.
type Choices struct {
	// Login answers how people sign in once GitLab login has left Team
	// Edition: "email", "entry", "licence" or "stay".
	Login string `json:"login,omitempty"`
	// Leave answers when to leave the bundle on the way past GitLab 19:
	// "before" or "after".
	Leave string `json:"leave,omitempty"`
	// Route answers how to get from an old bundle to standalone: "leave-now"
	// (then Mattermost climbs alone) or "gitlab-first" (the bundle climbs with
	// GitLab to its last line, then leaves).
	Route string `json:"route,omitempty"`
	// Database answers where the database goes when leaving: "move" to a
	// PostgreSQL of its own or "keep" in GitLab's.
	Database string `json:"database,omitempty"`
}

// choiceValues are the allowed answers of each decision.
func choiceValues() map[string][]string {
	return map[string][]string{
		"login":    {"email", "entry", "licence", "stay"},
		"leave":    {"before", "after"},
		"route":    {"leave-now", "gitlab-first"},
		"database": {"move", "keep"},
	}
}

// Features returns the names that Facts.Uses knows, with what each means.
func Features() map[string]string {
	return map[string]string{
		"integrations":  "webhooks, slash commands or bots",
		"scripts":       "scripts that call the API, the mattermost binary or mmctl",
		"plugins":       "plugins beyond the packaged ones, or web plugins",
		"jira":          "the Jira plugin",
		"boards":        "Boards (Focalboard)",
		"playbooks":     "Playbooks",
		"calls":         "group calls",
		"public-links":  "public links to files",
		"guests":        "guest accounts",
		"mfa":           "multi-factor login",
		"old-clients":   "old desktop or mobile apps",
		"own-proxy":     "a reverse proxy that is not the package's nginx",
		"own-tls":       "TLS ended by Mattermost itself",
		"log-parsers":   "programs that read Mattermost's log",
		"bulk-import":   "accounts made by bulk import",
		"air-gapped":    "no way out to the internet",
		"image-proxy":   "the image proxy",
		"custom-emoji":  "custom emoji",
		"config-edits":  "programs that edit config.json while the server runs",
		"long-posts":    "posts longer than 4,000 characters",
		"file-search":   "search in the content of files",
		"cors":          "web pages of other origins that talk to Mattermost",
		"own-node":      "Mattermost from the package on a server without GitLab",
		"ci-messages":   "a ci_pipeline_messages table with millions of rows",
		"load-tests":    "many logins a second, by scripts or tests",
		"plugin-copies": "plugins put into the plugin directory by hand",
	}
}

// maxFactsBytes bounds a facts file.
const maxFactsBytes = 4 << 20

// ReadFacts reads Facts from JSON, at most 4 MiB. Unknown fields, unknown
// features, unknown choices and trailing text are errors that name them.
func ReadFacts(r io.Reader) (Facts, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxFactsBytes+1))
	if err != nil {
		return Facts{}, fmt.Errorf("read facts: %w", err)
	}
	if len(raw) > maxFactsBytes {
		return Facts{}, fmt.Errorf("read facts: more than %d bytes", maxFactsBytes)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	var f Facts
	if err := dec.Decode(&f); err != nil {
		return Facts{}, fmt.Errorf("read facts: %w", err)
	}
	if dec.More() {
		return Facts{}, errors.New("read facts: text after the JSON object")
	}
	return f, f.Validate()
}

// Validate reports every field that has no meaning, joined: an unknown
// feature, choice or edition, a negative count.
func (f Facts) Validate() error {
	var errs []error
	known := Features()
	for _, name := range slices.Sorted(maps.Keys(f.Uses)) {
		if _, ok := known[name]; !ok {
			errs = append(errs, fmt.Errorf("facts: uses.%.40s is not known; known are %s", name,
				strings.Join(slices.Sorted(maps.Keys(known)), ", ")))
		}
	}
	values := choiceValues()
	for _, c := range []struct{ name, value string }{
		{"login", f.Choices.Login}, {"leave", f.Choices.Leave},
		{"route", f.Choices.Route}, {"database", f.Choices.Database},
	} {
		if c.value != "" && !slices.Contains(values[c.name], c.value) {
			errs = append(errs, fmt.Errorf("facts: choice %s is %.40q; want one of %s", c.name, c.value, strings.Join(values[c.name], ", ")))
		}
	}
	if !slices.Contains([]Edition{"", EditionTeam, EditionEntry, EditionEnterprise}, f.Edition) {
		errs = append(errs, fmt.Errorf("facts: edition is %.40q; want team, entry or enterprise", f.Edition))
	}
	if min(int64(f.Users), int64(f.SSOUsers), int64(f.Posts), f.DatabaseBytes, f.FileBytes) < 0 {
		errs = append(errs, errors.New("facts: a count is negative"))
	}
	return errors.Join(errs...)
}
