package backup

import (
	"slices"

	"github.com/gitlab-mattermost/sdk/internal/redact"
)

// Secret is a text that prints as [redacted]; only Reveal gives it.
type Secret = redact.Secret

// Finding is one thing that the caller should know. The rules' IDs are stable.
type Finding struct {
	ID       string `json:"id"`
	Severity string `json:"severity"` // "error", "warning" or "info"
	Message  string `json:"message"`
	Where    string `json:"where"`
	Fix      string `json:"fix"`
}

// The severities of a Finding.
const (
	severityError   = "error"
	severityWarning = "warning"
	severityInfo    = "info"
)

// HasErrors tells whether any finding is of severity error.
func HasErrors(findings []Finding) bool {
	return slices.ContainsFunc(findings, func(f Finding) bool { return f.Severity == severityError })
}

// maxFindings bounds a list that grows with the data, for example files that
// changed; the last entry then says how many more there were.
const maxFindings = 200
