// Package upgrade knows which Mattermost is in which GitLab package, and plans
// the way from one release to another, leaving the bundle included. Most
// callers need Bundled, which answers "what does GitLab 17.6.1 carry?", and
// Plan, which returns the ordered steps from here to there.
//
// # The table
//
// Bundled, Lookup, Bundlers, Lines, Releases and Downgrades read a table of
// every GitLab release tag from 7.14.0 to 19.3.0 that is compiled into the
// package: the Mattermost and PostgreSQL versions in the package and the day of
// the tag. It is read from the tags themselves and is exact to the patch
// release; where GitLab's documentation says otherwise, the tag is right and
// Bundle.Findings says so. Nothing is looked up on the network.
//
// # The rules
//
// Rules returns everything that may break on the way, as data: from which
// release on it holds, which installations it concerns, what breaks, what to
// do, and where it is written. Plan picks those that lie on the way and, as far
// as Facts tell, concern the installation.
//
// # The plan
//
// A plan is data. Nothing in this package runs a command, reads a file or opens
// a connection; a plan is shown (Journey.WriteText, Journey.WriteMarkdown,
// JSON) and carried out by people. What only the owner of an installation can
// decide is a Decision with the consequences of every option, and a plan with
// an open decision has a Blocker until Facts.Choices answers it.
//
// # What is not promised
//
// The texts of steps and findings may change with any release; the ids of
// rules, decisions and steps do not. Releases newer than the table are planned
// from the announced stops only.
package upgrade

import "github.com/gitlab-mattermost/sdk/internal/version"

//go:generate go run ./internal/gen

// Version is a release number of GitLab, Mattermost or PostgreSQL. Patch is -1
// when only major.minor is known ("17.6"), which means the whole line. In JSON
// it is its text.
type Version = version.Version

// ParseVersion reads the spellings people paste: "17.6.1", "v9.11",
// "17.6.1-ce.0", "17.6.1+ee.0", "GitLab 17.6", "gitlab-ee=18.11.3-ee.0",
// "Mattermost 10.11.4". Anything else is an error that quotes the text.
func ParseVersion(text string) (Version, error) { return version.Parse(text) }

// Severities of a Finding and of a Rule.
const (
	SeverityError   = "error"   // it will fail or lose something unless acted on
	SeverityWarning = "warning" // it works, and somebody will notice
	SeverityInfo    = "info"    // worth knowing
)

// Finding says "this will bite you": which rule, how badly, where on the way,
// and what to do. Ids are stable; texts are not promised.
type Finding struct {
	ID       string `json:"id"`
	Severity string `json:"severity"`
	Message  string `json:"message"`
	Where    string `json:"where"`
	Fix      string `json:"fix"`
}
