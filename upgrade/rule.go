package upgrade

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/gitlab-mattermost/sdk/internal/version"
)

//go:embed rules.txt
var rulesText string

// Products that a rule can be about.
const (
	ProductGitLab     = "gitlab"     // a GitLab package is installed
	ProductMattermost = "mattermost" // the Mattermost version changes
	ProductLeave      = "leave"      // Mattermost leaves the package, at the same version
)

// Rule is one thing that may break on the way, as data. It concerns a hop from
// one release of its product to another when the hop crosses At (below it
// before, at or above it after), starts inside From and lands inside Lands;
// each of the three is only tested when given.
type Rule struct {
	ID       string  `json:"id"`
	Product  string  `json:"product"`
	At       Version `json:"at,omitzero"`
	From     []Range `json:"from,omitempty"`
	Lands    []Range `json:"lands,omitempty"`
	Kind     string  `json:"kind"` // breaking, security, migration, config, database, start, path, note
	Severity string  `json:"severity"`
	// When names the installations concerned ("sso & team"); empty is all.
	When     string   `json:"when,omitempty"`
	Breaks   string   `json:"breaks"`
	Do       string   `json:"do"`
	Commands []string `json:"commands,omitempty"` // shell
	SQL      []string `json:"sql,omitempty"`
	Settings []string `json:"settings,omitempty"` // Section.Field=value, or an MM_ name
	Time     string   `json:"time,omitempty"`     // what it adds to the downtime
	Source   string   `json:"source"`
	// Notes are the rows of Mattermost's upgrade notes that the rule covers,
	// as version/number within the version.
	Notes []string `json:"notes,omitempty"`
}

// Rules returns all rules, ordered by product and by the version they are
// about. The slice is the caller's own.
func Rules() []Rule {
	all := embeddedRules().all
	list := make([]*lazyRule, len(all))
	for i := range all {
		list[i] = &all[i]
	}
	return completeRules(list)
}

// productOf splits the value of "at" into a product and a version.
func productOf(value string) (product, at string) {
	product, at, _ = strings.Cut(value, " ")
	switch product {
	case "gl":
		product = ProductGitLab
	case "mm":
		product = ProductMattermost
	}
	return product, at
}

// sources are the abbreviations used in the rules.
var sources = map[string]string{
	"notes":    "Mattermost documentation, important upgrade notes",
	"removed":  "Mattermost documentation, deprecated and removed features",
	"policy":   "Mattermost documentation, release policy",
	"prepare":  "Mattermost documentation, prepare to upgrade",
	"sso":      "Mattermost documentation, GitLab single sign-on",
	"editions": "Mattermost documentation, editions and offerings",
	"postgres": "Mattermost documentation, PostgreSQL preparation and upgrade",
	"guide":    "Mattermost documentation, migrating from GitLab Omnibus",
	"server":   "Mattermost server source",
	"model":    "Mattermost 11.7 configuration model",
	"legacy":   "Mattermost documentation, unsupported legacy releases",
	"gitlab":   "GitLab documentation, GitLab Mattermost page",
	"path":     "GitLab documentation, upgrade paths",
	"gl19":     "GitLab documentation, GitLab 19 changes",
	"package":  "omnibus-gitlab source",
	"tags":     "omnibus-gitlab release tags",
}

// parseRules reads stanzas that start with "@ id" and hold one "key value" a
// line, first those that choose the rule (at, from, lands). The sign @ occurs
// nowhere else, so that the end of a stanza is found quickly. All text is cut
// from the input, not copied.
func parseRules(text string) ([]lazyRule, error) {
	rules := make([]lazyRule, 0, strings.Count(text, "@"))
	head, text, _ := strings.Cut(text, "@ ")
	for line := range strings.SplitSeq(head, "\n") {
		if line != "" && line[0] != '#' {
			return nil, fmt.Errorf("%q before the first rule", line)
		}
	}
	for text != "" {
		var stanza string
		stanza, text = text, ""
		if end := strings.IndexByte(stanza, '@'); end >= 0 {
			stanza, text = stanza[:end], strings.TrimPrefix(stanza[end:], "@ ")
		}
		id, rest, _ := strings.Cut(stanza, "\n")
		rules = append(rules, lazyRule{id: id, text: rest})
		if err := rules[len(rules)-1].choose(); err != nil {
			return nil, err
		}
	}
	return rules, nil
}

// set stores one line of a stanza.
func (r *Rule) set(key, value string) (err error) {
	switch key {
	case "at":
		r.Product, value = productOf(value)
		if value != "" {
			r.At, err = version.Parse(value)
		}
	case "from":
		r.From, err = parseRanges(value)
	case "lands":
		r.Lands, err = parseRanges(value)
	case "is":
		var severity string
		if r.Kind, severity, _ = strings.Cut(value, " "); severity != "" {
			r.Severity = severity
		}
	case "if":
		r.When = value
	case "breaks":
		r.Breaks = value
	case "do":
		r.Do = value
	case "run":
		r.Commands = append(r.Commands, value)
	case "sql":
		r.SQL = append(r.SQL, value)
	case "set":
		r.Settings = append(r.Settings, value)
	case "time":
		r.Time = value
	case "src":
		r.Source = value
		if full, ok := sources[value]; ok {
			r.Source = full
		}
	case "rows":
		r.Notes = strings.Fields(value)
	default:
		err = fmt.Errorf("unknown key %q", key)
	}
	return err
}

// parseRanges reads "11.0.0-11.6.4 11.7.0-11.7.2"; "-5.0.0" and "10.11.16-"
// are open at one end. Both ends belong to the range.
func parseRanges(text string) ([]Range, error) {
	var list []Range
	for part := range strings.FieldsSeq(text) {
		low, high, _ := strings.Cut(part, "-")
		r := Range{Last: patch(999, 0, 0)}
		var err error
		if low != "" {
			if r.First, err = version.Parse(low); err != nil {
				return nil, err
			}
		}
		if high != "" {
			if r.Last, err = version.Parse(high); err != nil {
				return nil, err
			}
		}
		list = append(list, r)
	}
	return list, nil
}

// within reports whether v is in one of the ranges; no ranges hold everything.
func within(v Version, ranges []Range) bool {
	for _, r := range ranges {
		if v.AtLeast(r.First) && r.Last.AtLeast(v) {
			return true
		}
	}
	return len(ranges) == 0
}
