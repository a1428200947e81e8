package upgrade

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A condition says which installations a rule concerns. It is text:
//
//	condition = all { "or" all }
//	all       = term { "&" term }
//	term      = name | "uses:" feature | "users>" number | setting test
//	setting   = Section.Field
//	test      = "=" text | "!=" text | "in" a|b|c | "notin" a|b|c | "set"
//	          | "<" number | ">" number | "len<" number | "len>" number
//	          | "no-scheme" (no http:// or https://) | "no-port"
//
// The empty condition concerns everybody. Every term is yes, no or unknown;
// "&" and "or" follow three-valued logic.
type condition string

// holds evaluates the condition; "" is unknown.
func (c condition) holds(f *Facts) Answer {
	if c == "" {
		return Yes
	}
	result := No
	for alternative := range strings.SplitSeq(string(c), " or ") {
		all := Yes
		for term := range strings.SplitSeq(alternative, " & ") {
			switch evalTerm(term, f) {
			case No:
				all = No
			case "":
				if all == Yes {
					all = ""
				}
			}
			if all == No {
				break
			}
		}
		if all == Yes {
			return Yes
		}
		if all == "" {
			result = ""
		}
	}
	return result
}

// namedTerms are the terms that are one word.
var namedTerms = map[string]func(f *Facts) Answer{
	"sso":           ssoInUse,
	"team":          func(f *Facts) Answer { return answer(f.Edition == "" || f.Edition == EditionTeam) },
	"mysql":         func(f *Facts) Answer { return settingIs(f, "SqlSettings.DriverName", "mysql") },
	"large":         large,
	"drift":         func(f *Facts) Answer { return knownWhen(f.Drift != nil, len(f.Drift) > 0) },
	"external-db":   func(f *Facts) Answer { return f.ExternalDatabase },
	"stale-secrets": func(f *Facts) Answer { return f.StaleSecrets },
	"package-keys": func(f *Facts) Answer {
		return knownWhen(f.GitLabRB != nil, f.GitLabRB != nil && len(f.GitLabRB.MattermostKeys) > 0)
	},
	"nginx-keys": func(f *Facts) Answer {
		return knownWhen(f.GitLabRB != nil, f.GitLabRB != nil && len(f.GitLabRB.NginxKeys) > 0)
	},
	"external-url": func(f *Facts) Answer {
		return knownWhen(f.GitLabRB != nil, f.GitLabRB != nil && f.GitLabRB.ExternalURL)
	},
	"legacy-keys": func(f *Facts) Answer {
		return knownWhen(f.GitLabRB != nil, f.GitLabRB != nil && len(legacyKeys(f.GitLabRB)) > 0)
	},
	"env-in-days": func(f *Facts) Answer {
		return knownWhen(f.GitLabRB != nil, f.GitLabRB != nil && slices.ContainsFunc(f.GitLabRB.Environment, isSessionInDays))
	},
	"db2-unset": func(f *Facts) Answer { return answer(!db2Set(f.GitLabRB)) },
	"sles-12.5": func(f *Facts) Answer { return knownWhen(f.Distribution != "", f.Distribution == "sles-12.5") },
	"old-rhel": func(f *Facts) Answer {
		return knownWhen(f.Distribution != "", f.Distribution == "rhel-7" || f.Distribution == "rhel-8")
	},
	"db-over-socket": func(f *Facts) Answer {
		if f.ExternalDatabase == "" {
			return ""
		}
		return answer(f.ExternalDatabase == No)
	},
}

func isSessionInDays(name string) bool {
	return strings.HasPrefix(name, "MM_SERVICESETTINGS_SESSIONLENGTH") && strings.HasSuffix(name, "INDAYS")
}

// db2Set: gitlab.rb holds both keys that 8.9 asks for. They are never there by
// themselves, so "not known" counts as "not set".
func db2Set(rb *GitLabRB) bool {
	return rb != nil && slices.Contains(rb.MattermostKeys, "db2_backup_created") && slices.Contains(rb.MattermostKeys, "db2_team_name")
}

func knownWhen(known, yes bool) Answer {
	if !known {
		return ""
	}
	return answer(yes)
}

// ssoInUse: people log in through GitLab. The package switches it on by itself
// and tells nobody but its secrets file, so a missing setting is not a no.
func ssoInUse(f *Facts) Answer {
	enabled, known := f.Settings["GitLabSettings.Enable"]
	if f.SSOUsers > 0 {
		return Yes
	}
	return knownWhen(known, strings.EqualFold(enabled, "true"))
}

// large: migrations that rewrite tables take more than a moment.
func large(f *Facts) Answer {
	if f.Posts == 0 && f.DatabaseBytes == 0 {
		return ""
	}
	return answer(f.Posts > 1_000_000 || f.DatabaseBytes > 5<<30)
}

func settingIs(f *Facts, name, value string) Answer {
	got, set := f.Settings[name]
	if f.Settings == nil || f.PartialSettings && !set {
		return ""
	}
	return answer(strings.EqualFold(got, value))
}

func evalTerm(term string, f *Facts) Answer {
	if eval, ok := namedTerms[term]; ok {
		return eval(f)
	}
	if name, ok := strings.CutPrefix(term, "uses:"); ok {
		used, known := f.Uses[name]
		return knownWhen(known, used)
	}
	if limit, ok := strings.CutPrefix(term, "users>"); ok {
		n, err := strconv.Atoi(limit)
		return knownWhen(err == nil && f.Users > 0, f.Users > n)
	}
	return evalSetting(term, f)
}

// settingTest splits "Section.Field op value".
func settingTest(term string) (name, op, value string, err error) {
	name, rest, _ := strings.Cut(term, " ")
	op, value, _ = strings.Cut(rest, " ")
	numeric := slices.Contains([]string{"<", ">", "len<", "len>"}, op)
	var numErr error
	if numeric {
		_, numErr = strconv.Atoi(value)
	}
	switch {
	case !strings.Contains(name, "."):
		return "", "", "", fmt.Errorf("condition %q: not a known term", term)
	case !numeric && !slices.Contains([]string{"=", "!=", "in", "notin", "set", "no-scheme", "no-port"}, op):
		return "", "", "", fmt.Errorf("condition %q: unknown test %q", term, op)
	case numeric && numErr != nil:
		return "", "", "", fmt.Errorf("condition %q: %q is not a number", term, value)
	}
	return name, op, value, nil
}

func evalSetting(term string, f *Facts) Answer {
	if f.Settings == nil {
		return ""
	}
	name, op, want, err := settingTest(term)
	if err != nil {
		return "" // a test checks that every rule's condition is well formed
	}
	got, set := f.Settings[name]
	length := len(got)
	if n, secret := f.SecretLengths[name]; secret {
		length, set = n, true
	}
	if !set && f.PartialSettings {
		return ""
	}
	if !set {
		return No // the server's own default applies, which is never a trap
	}
	if op == "=" {
		return answer(strings.EqualFold(got, want))
	}
	if length == 0 {
		return No // empty: as good as not set
	}
	switch op {
	case "set":
		return Yes
	case "no-scheme":
		return answer(!strings.HasPrefix(got, "http://") && !strings.HasPrefix(got, "https://"))
	case "no-port":
		return answer(!strings.Contains(got, ":") || strings.HasSuffix(got, ":"))
	case "!=":
		return answer(!strings.EqualFold(got, want))
	case "in", "notin":
		return answer(slices.Contains(strings.Split(want, "|"), got) == (op == "in"))
	}
	limit, err := strconv.Atoi(want)
	number, numErr := strconv.Atoi(got)
	switch {
	case err != nil:
		return ""
	case op == "len<":
		return answer(length < limit)
	case op == "len>":
		return answer(length > limit)
	case numErr != nil:
		return No // not a number: Mattermost ignores the value
	case op == "<":
		return answer(number < limit)
	default:
		return answer(number > limit)
	}
}

// check reports the first malformed term.
func (c condition) check() error {
	if c == "" {
		return nil
	}
	for alternative := range strings.SplitSeq(string(c), " or ") {
		for term := range strings.SplitSeq(alternative, " & ") {
			if err := checkTerm(term); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkTerm(term string) error {
	if _, ok := namedTerms[term]; ok {
		return nil
	}
	if name, ok := strings.CutPrefix(term, "uses:"); ok {
		if _, known := Features()[name]; !known {
			return fmt.Errorf("condition %q: no such feature", term)
		}
		return nil
	}
	if limit, ok := strings.CutPrefix(term, "users>"); ok {
		_, err := strconv.Atoi(limit)
		return err
	}
	_, _, _, err := settingTest(term)
	return err
}
