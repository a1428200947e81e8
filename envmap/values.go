package envmap

import (
	"encoding/json"
	"strconv"
	"strings"
)

// outcome is what a server does with the text of a variable.
type outcome int

const (
	applied outcome = iota + 1
	ignored         // silently, the old value stays
	unset           // as if the variable were not there
	stops           // the server does not start
	crashes         // the server dies
)

// readValue reads the text of a variable as Mattermost does in version v. The
// value is string, bool, int64, []string, json.RawMessage (maps and raw JSON).
//
// The rules were measured on 5.20, 5.31, 6.7, 7.7 and 11.x and read in the
// sources between; they are
//
//	from 5.29: strings verbatim; booleans and integers as strconv reads them;
//	lists split at every single blank, so that the empty text is a list of one
//	empty string; maps as JSON from 7.5 on; raw JSON verbatim; what cannot be
//	read is ignored.
//
//	before: lists split at commas, integers in any Go base, the empty text is
//	false for a boolean and the empty list; what cannot be read, and any map,
//	stops the server. Up to 5.4 an empty variable counts as not set.
func readValue(s Setting, text string, v Version) (any, outcome) {
	if eraOf(v) != eraWalk {
		return readViper(s, text, v)
	}
	switch s.Kind {
	case KindString:
		return text, applied
	case KindBool:
		b, err := strconv.ParseBool(text)
		return orIgnored(b, err)
	case KindInt:
		n, err := strconv.ParseInt(text, 10, 64)
		return orIgnored(n, err)
	case KindList:
		return strings.Split(text, " "), applied
	case KindMap:
		if before(v, Version{Major: 7, Minor: 5}) {
			return nil, ignored
		}
		if err := json.Unmarshal([]byte(text), mapShape(s.Path)); err != nil {
			return nil, ignored
		}
		return json.RawMessage(text), applied
	case KindJSON:
		return json.RawMessage(text), applied
	}
	return nil, crashes
}

func readViper(s Setting, text string, v Version) (any, outcome) {
	if text == "" && !before(Version{Major: 5, Minor: 4}, v) {
		return nil, unset
	}
	switch s.Kind {
	case KindString:
		return text, applied
	case KindBool:
		if text == "" {
			return false, applied
		}
		b, err := strconv.ParseBool(text)
		return orStops(b, err)
	case KindInt:
		n, err := strconv.ParseInt(text, 0, 64)
		return orStops(n, err)
	case KindList:
		if text == "" {
			return []string{}, applied
		}
		return strings.Split(text, ","), applied
	}
	return nil, stops
}

func orIgnored[T any](v T, err error) (any, outcome) {
	if err != nil {
		return nil, ignored
	}
	return v, applied
}

func orStops[T any](v T, err error) (any, outcome) {
	if err != nil {
		return nil, stops
	}
	return v, applied
}

// mapShape returns a place to decode the JSON of a map setting into, of the
// shape that Mattermost's own type has: JSON of another shape is ignored there.
func mapShape(path string) any {
	switch path {
	case "PluginSettings.PluginStates":
		return &map[string]*struct{ Enable bool }{}
	case "PluginSettings.Plugins":
		return &map[string]map[string]any{}
	case "ContentFlaggingSettings.NotificationSettings.EventTargetMapping":
		return &map[string][]string{}
	}
	return &map[string]struct { // ContentFlaggingSettings.ReviewerSettings.TeamReviewersSetting
		Enabled     *bool
		ReviewerIds []string
	}{}
}

// EncodeValue returns the text of a variable that makes Mattermost v read the
// given JSON value of config.json into the setting; false when no text does: a
// list with blanks in an element (a comma before 5.29), an empty list from 5.29
// on, a map before 7.5, a list of objects, a JSON value of another type.
func (s Setting) EncodeValue(value json.RawMessage, v Version) (string, bool) {
	var text string
	switch s.Kind {
	case KindString:
		if json.Unmarshal(value, &text) != nil {
			return "", false
		}
	case KindBool:
		var b bool
		if json.Unmarshal(value, &b) != nil {
			return "", false
		}
		text = strconv.FormatBool(b)
	case KindInt:
		var n int64
		if json.Unmarshal(value, &n) != nil {
			return "", false
		}
		text = strconv.FormatInt(n, 10)
	case KindList:
		var list []string
		if json.Unmarshal(value, &list) != nil {
			return "", false
		}
		separator := " "
		if eraOf(v) != eraWalk {
			separator = ","
		}
		text = strings.Join(list, separator)
	case KindMap, KindJSON:
		compact, err := compactJSON(value)
		if err != nil {
			return "", false
		}
		text = compact
	default:
		return "", false
	}
	got, out := readValue(s, text, v)
	if out != applied {
		return "", false
	}
	back, err := json.Marshal(got)
	return text, err == nil && sameJSON(back, value) && string(value) != "null"
}
