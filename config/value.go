package config

import (
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gitlab-mattermost/sdk/internal/version"
)

// Kinds of a value given as text (ParseValue).
const (
	KindAuto   = "auto" // by the setting: what the package expects there, else a string
	KindString = "string"
	KindInt    = "int"
	KindFloat  = "float"
	KindBool   = "bool"
	KindNil    = "nil"
	KindJSON   = "json" // any JSON text: lists and hashes too
)

// ParseKey reads a key in any of the spellings that Explain takes and returns
// its path in gitlab.rb: {"mattermost", "service_site_url"}. A variable that
// no setting feeds is a path into mattermost['env'].
func ParseKey(key string) ([]string, error) { return parseKey(key) }

// SecretKey tells whether a setting holds a secret, by the catalogue for
// Mattermost's own and by its name for others: such a value belongs into no
// argument list, log or message.
func SecretKey(path []string) bool {
	switch {
	case len(path) == 0:
		return false
	case path[0] == "mattermost" && len(path) == 2:
		return secretKey(path[0], path[1]) && path[1] != "env"
	case path[0] == "mattermost_nginx":
		return false // names of files
	}
	return len(path) > 1 && secretName(path[len(path)-1])
}

// ParseValue turns text into the value of a setting. With KindAuto the kind is
// what the given GitLab version ("" is 18.11) expects: true and false for
// switches, digits for numbers, JSON for lists and hashes, text for the rest
// and for everything in mattermost['env']. A port is text, as in the package's
// own defaults, and must be a number from 1 to 65535; sizes and timeouts of
// nginx may have a unit ("250m") and are text then. Only an error about a kind
// that was found out repeats the text: no setting of such a kind is a secret.
func ParseValue(gitlab, kind string, path []string, text string) (any, error) {
	not := ""
	if kind == KindAuto {
		var err error
		if kind, err = expectedKind(gitlab, path); err != nil {
			return nil, err
		}
		not = fmt.Sprintf(", not %.60q", text)
		switch {
		case kind == KindInt && withUnit(path, text):
			kind = KindString
		case kind == KindString && portKey(path) && !portText(path, text):
			return nil, fmt.Errorf("value of %s must be a port number from 1 to 65535%s; give another kind to set something else", settingName(path), not)
		}
	}
	switch kind {
	case KindString:
		return text, nil
	case KindNil:
		if text != "" && text != "nil" {
			return nil, fmt.Errorf("value of %s: kind nil takes no text", settingName(path))
		}
		return nil, nil
	case KindBool:
		if text == "true" || text == "false" {
			return text == "true", nil
		}
		return nil, fmt.Errorf("value of %s must be true or false%s; give another kind to set something else", settingName(path), not)
	case KindInt:
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n, nil
		}
		if n, ok := new(big.Int).SetString(text, 10); ok {
			return n, nil
		}
		return nil, fmt.Errorf("value of %s must be a whole number%s; give another kind to set something else", settingName(path), not)
	case KindFloat:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || f != f || f > 1e308 || f < -1e308 {
			return nil, fmt.Errorf("value of %s must be a number", settingName(path))
		}
		return f, nil
	case KindJSON:
		v, err := parseJSON("value of "+settingName(path), []byte(text), 1<<20)
		if err != nil {
			return nil, err
		}
		return v.ruby(), nil
	}
	return nil, fmt.Errorf("kind %q: want auto, string, int, float, bool, nil or json", kind)
}

// expectedKind is the kind of a setting by the catalogue.
func expectedKind(gitlab string, path []string) (string, error) {
	if gitlab == "" {
		gitlab = "18.11"
	}
	v, err := version.Parse(gitlab)
	if err != nil {
		return "", fmt.Errorf("GitLab %w", err)
	}
	if len(path) != 2 {
		return KindString, nil
	}
	if path[1] == "enable" {
		return KindBool, nil
	}
	at := releaseOf(v)
	found := ""
	for i := range catalogueRows {
		row := &catalogueRows[i]
		if row.hash != path[0] || row.key != path[1] || found != "" && !row.holds(at) {
			continue
		}
		switch row.kind {
		case "bool", "int":
			found = row.kind
		case "list", "object", "string-array", "raw-array", "json-object":
			found = KindJSON
		default:
			found = KindString
		}
	}
	if found == "" {
		return KindString, nil
	}
	return found, nil
}

// portKeys are the settings that GitLab's package kept as text, put behind a
// colon, and had read as a port by Mattermost or nginx.
var portKeys = [][2]string{{"mattermost", "service_port"}, {"mattermost", "email_smtp_port"}, {"mattermost_nginx", "listen_port"}}

func portKey(path []string) bool {
	return len(path) == 2 && slices.Contains(portKeys, [2]string(path))
}

// portText tells whether text is a port. No SMTP port is what an installation
// without mail had; behind nginx's port the package let options of listen stand
// ("443 http2").
func portText(path []string, text string) bool {
	if path[0] == "mattermost_nginx" {
		text, _, _ = strings.Cut(text, " ")
	}
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n > 0 || text == "" && path[1] == "email_smtp_port"
}

// unitText is a number with units, as nginx reads sizes and times.
var unitText = regexp.MustCompile(`^([0-9]+(ms|[kKmMgGshdwy]))+$`)

// withUnit tells whether text is such a number for a setting whose default has
// no unit: the package put the text into nginx's configuration as it was.
func withUnit(path []string, text string) bool {
	return path[0] == "mattermost_nginx" && (strings.HasSuffix(path[1], "_size") || strings.HasSuffix(path[1], "_timeout")) && unitText.MatchString(text)
}
