package config

import (
	"fmt"
	"math/big"
	"strconv"

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
// and for everything in mattermost['env'].
func ParseValue(gitlab, kind string, path []string, text string) (any, error) {
	if kind == KindAuto {
		var err error
		if kind, err = expectedKind(gitlab, path); err != nil {
			return nil, err
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
		return nil, fmt.Errorf("value of %s must be true or false; give another kind to set something else", settingName(path))
	case KindInt:
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n, nil
		}
		if n, ok := new(big.Int).SetString(text, 10); ok {
			return n, nil
		}
		return nil, fmt.Errorf("value of %s must be a whole number; give another kind to set something else", settingName(path))
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
