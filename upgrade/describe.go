package upgrade

import (
	"strings"
)

// describe turns a condition into words: "sso & uses:jira" becomes "people log
// in through GitLab, and the Jira plugin is in use".
func describe(when string) string {
	var alternatives []string
	for alternative := range strings.SplitSeq(when, " or ") {
		var all []string
		for term := range strings.SplitSeq(alternative, " & ") {
			all = append(all, describeTerm(term))
		}
		alternatives = append(alternatives, strings.Join(all, ", and "))
	}
	return strings.Join(alternatives, "; or ")
}

// termWords are the words of the named terms.
var termWords = map[string]string{
	"sso":            "people log in through GitLab",
	"team":           "it is Team Edition",
	"mysql":          "the database is MySQL",
	"large":          "the database is large (over a million posts or 5 GiB)",
	"drift":          "config.json was changed outside gitlab.rb",
	"external-db":    "the database is outside the package",
	"db-over-socket": "the database is in the package's own PostgreSQL",
	"stale-secrets":  "gitlab-secrets.json has a mattermost section",
	"package-keys":   "gitlab.rb has mattermost[...] lines",
	"nginx-keys":     "gitlab.rb has mattermost_nginx[...] lines",
	"external-url":   "gitlab.rb has mattermost_external_url",
	"legacy-keys":    "gitlab.rb has mattermost[...] keys that 11.0 dropped",
	"env-in-days":    "mattermost['env'] has session lengths in days",
	"db2-unset":      "gitlab.rb lacks the two db2 keys",
	"sles-12.5":      "the system is SLES 12.5",
	"old-rhel":       "the system is RHEL 7 or 8",
}

func describeTerm(term string) string {
	if words, ok := termWords[term]; ok {
		return words
	}
	if name, ok := strings.CutPrefix(term, "uses:"); ok {
		return "you have " + Features()[name]
	}
	if limit, ok := strings.CutPrefix(term, "users>"); ok {
		return "there are more than " + limit + " active users"
	}
	name, op, value, _ := settingTest(term)
	switch op {
	case "set":
		return name + " is set"
	case "=":
		return name + " is " + value
	case "!=":
		return name + " is not " + value
	case "in":
		return name + " is one of " + strings.ReplaceAll(value, "|", ", ")
	case "notin":
		return name + " is none of " + strings.ReplaceAll(strings.TrimPrefix(value, "|"), "|", ", ")
	case "no-scheme":
		return name + " has no http:// or https://"
	case "no-port":
		return name + " has no port"
	case "len<":
		return name + " is shorter than " + value + " characters"
	case "len>":
		return name + " is longer than " + value + " characters"
	}
	return name + " " + op + " " + value
}
