package envmap

import (
	_ "embed"
	"iter"
	"strings"
)

// legacyText is the table of mattermost[...] keys, one row a line: state, key,
// path, type, default, from, to, irregular. Rows are in the package's order.
//
//go:embed legacy.txt
var legacyText string

// States of a LegacyKey.
const (
	KeyRendered = "rendered" // GitLab 10.8 wrote it into config.json
	KeyAccepted = "accepted" // GitLab 10.8 knew it, config.json did not
	KeyGone     = "gone"     // only earlier releases had it, or had it there
)

// LegacyKey is one mattermost['…'] key of GitLab 7.14 to 10.8 and the place in
// config.json that the Linux package wrote it to. A key can have several: it
// moved, or the package used it twice.
type LegacyKey struct {
	State   string `json:"state"`
	Key     string `json:"key"`
	Path    string `json:"path"` // as the package wrote it, right or wrong; "" for none
	Type    string `json:"type"`
	Default string `json:"default"` // JSON
	From    string `json:"from"`    // oldest GitLab release with it there, "" unknown
	To      string `json:"to"`      // newest one, "" when 10.8 still had it
	// Irregular is true when the path does not follow from the key: the
	// documentation's rule (section, then the words) gives a wrong name.
	Irregular bool `json:"irregular"`
}

// LegacyKeys yields the whole table: 166 rendered rows of 165 paths, 17
// accepted keys and the rows of earlier releases.
func LegacyKeys() iter.Seq[LegacyKey] {
	return func(yield func(LegacyKey) bool) {
		for line := range strings.SplitSeq(strings.TrimSuffix(legacyText, "\n"), "\n") {
			c := strings.Split(line, "\t")
			k := LegacyKey{State: c[0], Key: c[1], Path: c[2], Type: c[3], Default: c[4], From: c[5], To: c[6], Irregular: c[7] != ""}
			if k.Path == "-" {
				k.Path = ""
			}
			if k.To == "-" {
				k.To = ""
			}
			if !yield(k) {
				return
			}
		}
	}
}

// LegacyKeysOf returns the rows of a key; of a key that was misspelled in
// GitLab's own table, those of the real one.
func LegacyKeysOf(key string) []LegacyKey {
	if real, ok := misspelledKeys()[key]; ok {
		key = real
	}
	var out []LegacyKey
	for k := range LegacyKeys() {
		if k.Key == key || k.Key == "svlogd_prefix" && strings.HasPrefix(key, "svlogd_") {
			out = append(out, k)
		}
	}
	return out
}

// misspelledKeys are keys that GitLab's upgrade page names and that no release
// read, with the real ones.
func misspelledKeys() map[string]string {
	return map[string]string{
		"ratelimit_enable_ratelimiter":  "ratelimit_enable_rate_limiter",
		"webrtc_gateway_turn_sharedkey": "webrtc_gateway_turn_shared_key",
	}
}

// documentedVariables are the variables that GitLab's upgrade page gives for
// keys where Mattermost never read that name.
func documentedVariables() map[string]string {
	return map[string]string{
		"email_notification_content_type": "MM_EMAILSETTINGS_NOTIFICATIONCONTENTTYPE",
		"email_batching_interval":         "MM_EMAILSETTINGS_BATCHINGINTERVAL",
		"webrtc_gateway_stun_uri":         "MM_WEBRTCSETTINGS_STUN_URI",
		"webrtc_gateway_turn_uri":         "MM_WEBRTCSETTINGS_TURN_URI",
		"webrtc_gateway_turn_username":    "MM_WEBRTCSETTINGS_TURN_USERNAME",
		"webrtc_gateway_turn_shared_key":  "MM_WEBRTCSETTINGS_TURN_SHAREDKEY",
	}
}

// rightPath maps a path that the package wrote to the one Mattermost reads.
func rightPath(path string) string {
	switch path {
	case "EmailSettings.EmailNotificationContentType":
		return "EmailSettings.EmailNotificationContentsType"
	case "RateLimitSettings.EnableRateLimiter", "RateLimitSettings.UseRateLimiter":
		return "RateLimitSettings.Enable"
	case "LogSettings.ConsoleEnable":
		return "LogSettings.EnableConsole"
	case "LogSettings.FileEnable":
		return "LogSettings.EnableFile"
	case "ServiceSettings.TeammateNameDisplay":
		return "TeamSettings.TeammateNameDisplay"
	case "ServiceSettings.SiteName":
		return "TeamSettings.SiteName"
	case "ServiceSettings.StorageDirectory":
		return "FileSettings.Directory"
	case "ServiceSettings.AllowTesting":
		return "ServiceSettings.EnableTesting"
	case "ServiceSettings.AllowedLoginAttempts":
		return "ServiceSettings.MaximumLoginAttempts"
	case "ServiceSettings.PublicLinkSalt":
		return "FileSettings.PublicLinkSalt"
	case "ImageSettings.InitialFont":
		return "FileSettings.InitialFont"
	}
	if rest, ok := strings.CutPrefix(path, "NativeAppSetting."); ok {
		return "NativeAppSettings." + rest
	}
	return path
}

// KeysFor returns the gitlab.rb keys that ever set a config.json path, the
// newest first: those of the package up to 18.11 and the legacy ones.
func KeysFor(path string) []string {
	s, ok := Lookup(path)
	if !ok {
		return nil
	}
	var out []string
	add := func(key string) {
		for _, have := range out {
			if have == key {
				return
			}
		}
		out = append(out, key)
	}
	for _, p := range packageVariables {
		if p.name != s.Env() {
			continue
		}
		if p.setting == "" {
			add("service_address")
			add("service_port")
		} else {
			add(p.setting)
		}
	}
	for k := range LegacyKeys() {
		if k.Path != "" && strings.EqualFold(rightPath(k.Path), s.Path) {
			add(k.Key)
		}
	}
	return out
}
