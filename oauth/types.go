package oauth

import (
	"github.com/gitlab-mattermost/sdk/internal/redact"
	"github.com/gitlab-mattermost/sdk/internal/version"
)

// Secret is a text that prints as [redacted] with every verb, in JSON and in
// logs. Only its Reveal method gives the text.
type Secret = redact.Secret

// Version is a GitLab or Mattermost release. Patch is -1 for a whole minor
// line; the zero value means "not known".
type Version = version.Version

// ParseVersion reads "17.6.1", "v9.11", "17.6.1-ee.0" or "18.11".
func ParseVersion(text string) (Version, error) { return version.Parse(text) }

// Finding is one thing that will bite, or has bitten.
type Finding struct {
	ID       string `json:"id"`
	Severity string `json:"severity"` // "error", "warning" or "info"
	Message  string `json:"message"`
	Where    string `json:"where"`
	Fix      string `json:"fix"`
}

const (
	severityError   = "error"
	severityWarning = "warning"
	severityInfo    = "info"
)

// known tells whether v was given at all.
func known(v Version) bool { return !v.IsZero() }

// since reports whether v is known and major.minor or newer.
func since(v Version, major, minor int) bool {
	return known(v) && v.AtLeast(Version{Major: major, Minor: minor})
}

// before reports whether v is known and older than major.minor.
func before(v Version, major, minor int) bool {
	return known(v) && !v.AtLeast(Version{Major: major, Minor: minor})
}
