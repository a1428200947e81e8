package envmap

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/gitlab-mattermost/sdk/config"
	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
	"github.com/gitlab-mattermost/sdk/internal/english"
)

// Targets of a conversion.
const (
	// TargetPackage keeps the keys that the Linux package read until 18.11
	// and turns the others into mattermost['env'].
	TargetPackage = "linux-package"
	// TargetStandalone turns every key that is a setting of Mattermost into a
	// variable, for a server outside the package.
	TargetStandalone = "standalone"
)

// ConvertOptions choose what a conversion is for. The zero value is the Linux
// package with Mattermost 10.11, the last line that GitLab bundled.
type ConvertOptions struct {
	MattermostVersion Version // zero is 10.11
	Target            string  // "" is TargetPackage
}

// ConvertedKey is a key that became a variable.
type ConvertedKey struct {
	Key      string `json:"key"`
	Variable string `json:"variable"`
	Path     string `json:"path"`
	Note     string `json:"note,omitempty"`
}

// LeftOut is a key that became nothing.
type LeftOut struct {
	Key    string `json:"key"`
	Reason string `json:"reason"`
	Fix    string `json:"fix"`
}

// Conversion is what Convert found. Nothing has been written.
type Conversion struct {
	// Env is the whole mattermost['env'] after the conversion: what it held
	// before, unchanged, then the new variables in the order of gitlab.rb.
	Env       *Environment   `json:"-"`
	Converted []ConvertedKey `json:"converted"`
	Kept      []string       `json:"kept"` // keys that stay as they are
	LeftOut   []LeftOut      `json:"left_out"`
	Findings  []Finding      `json:"findings"` // about the new variables, as from Check
}

// kept tells the keys that the package read from 11.0 to 18.11.
func kept(key string) bool {
	if strings.HasPrefix(key, "svlogd_") || strings.HasPrefix(key, "gitlab_") {
		return true
	}
	return slices.Contains([]string{
		"enable", "username", "group", "uid", "gid", "home", "database_name", "env", "env_directory", "host", "port", "log_group",
		"service_site_url", "service_address", "service_port", "service_use_ssl", "team_site_name", "sql_driver_name",
		"sql_data_source", "sql_at_rest_encrypt_key", "log_file_directory", "file_directory", "register_as_oauth_app",
		"service_allowed_untrusted_internal_connections", "service_enable_api_team_deletion", "plugin_directory",
		"plugin_client_directory",
	}, key)
}

// Convert turns the mattermost[...] keys of a gitlab.rb of GitLab 7.14 to 10.8
// into mattermost['env'], as the upgrade to 11.0 demands: the settings hash
// "mattermost" of a gitlabrb.Result goes in. Where GitLab's own upgrade page
// gives a variable that Mattermost does not read, the right one is used and the
// note names both. Keys that are nil are not set and vanish. A variable that
// mattermost['env'] holds already wins over a key.
func Convert(mattermost *gitlabrb.Hash, o ConvertOptions) (*Conversion, error) {
	if o.MattermostVersion.IsZero() {
		o.MattermostVersion = v1011
	}
	if err := checkVersion(o.MattermostVersion); err != nil {
		return nil, fmt.Errorf("convert: %w", err)
	}
	c := &converter{o: o, settings: mattermost, out: &Conversion{Env: &Environment{}, Converted: []ConvertedKey{}, Kept: []string{}, LeftOut: []LeftOut{}, Findings: []Finding{}}}
	c.existing()
	for key, value := range mattermost.All() {
		if name := config.RubyText(key); value != nil && name != "env" {
			c.key(name, value)
		}
	}
	if o.Target == TargetStandalone {
		c.listenAddress()
	}
	report, err := Check(c.out.Env, o.MattermostVersion)
	if err != nil {
		return nil, err
	}
	c.out.Findings = append(c.out.Findings, report.Findings...)
	return c.out, nil
}

type converter struct {
	o        ConvertOptions
	settings *gitlabrb.Hash
	out      *Conversion
}

// existing takes over mattermost['env'].
func (c *converter) existing() {
	value, ok := c.settings.Get("env")
	if !ok {
		return
	}
	hash, _ := value.(*gitlabrb.Hash)
	for name, value := range hash.All() {
		v := Var{Name: config.RubyText(name), Origin: config.Origin{Kind: config.OriginGitLabRB, Where: "mattermost['env']"}}
		if value != nil {
			text := config.RubyText(value)
			v.Value = &text
		}
		c.out.Env.Put(v)
	}
	c.out.Kept = append(c.out.Kept, "env")
}

func (c *converter) leave(key, reason, fix string) {
	c.out.LeftOut = append(c.out.LeftOut, LeftOut{key, reason, fix})
}

func (c *converter) key(key string, value any) {
	rows := LegacyKeysOf(key)
	switch {
	case c.o.Target != TargetStandalone && kept(key):
		c.out.Kept = append(c.out.Kept, key)
		return
	case key == "service_address", key == "service_port":
		return // together, in listenAddress
	case len(rows) == 0:
		c.leave(key, "GitLab 7.14 to 10.8 never knew this key", "check the spelling, or remove it")
		return
	}
	if u, ok := value.(gitlabrb.Undecided); ok {
		c.leave(key, "the value cannot be decided without running Ruby: "+u.Why, "write the value out")
		return
	}
	// The newest place first; a key can feed two settings.
	done := map[string]bool{}
	for _, row := range rows {
		if row.State == KeyAccepted {
			c.accepted(key)
			return
		}
		if done[row.Path] || row.State == KeyGone && len(done) > 0 {
			continue
		}
		done[row.Path] = true
		c.setting(key, row, value)
	}
}

// accepted handles keys that no config.json ever had at 10.8.
func (c *converter) accepted(key string) {
	switch {
	case kept(key):
		c.leave(key, "a setting of the package, not of Mattermost", "set up user, directories and service of the new installation instead")
	case key == "service_enable_user_statuses":
		c.leave(key, "the package declared the key and never used it", "set MM_SERVICESETTINGS_ENABLEUSERSTATUSES to have the effect")
	default:
		c.leave(key, "the package accepted the key without any effect", "remove it")
	}
}

// setting converts one key into the variable of one path.
func (c *converter) setting(key string, row LegacyKey, value any) {
	if row.Path == "" {
		c.leave(key, "a switch of one upgrade (Mattermost 2 to 3), used up since", "remove it")
		return
	}
	if strings.HasPrefix(row.Path, "NativeAppSetting.") {
		s, _ := Lookup(rightPath(row.Path))
		c.leave(key, "the package wrote it to the section NativeAppSetting, which Mattermost does not read: the key never had an effect", "to have one now, set "+s.Env())
		return
	}
	s, ok := Lookup(rightPath(row.Path))
	if !ok {
		c.leave(key, "Mattermost 4.0 and later have no "+row.Path, gone(row.Path))
		return
	}
	note := ""
	if wrong, ok := documentedVariables()[key]; ok {
		note = fmt.Sprintf("GitLab's upgrade page says %s, which Mattermost never read; it obeys %s", wrong, s.Env())
	}
	if key == "service_enable_post_search" && s.Path == "ServiceSettings.EnableUserStatuses" {
		note = "the package fed two settings from this key; both are kept as they were"
	}
	if moved, transformed, why := move(s, value, c.o.MattermostVersion); why != "" {
		s, value, note = moved, transformed, strings.TrimPrefix(note+"; "+why, "; ")
	}
	if s.In(c.o.MattermostVersion) != Present && s.In(c.o.MattermostVersion) != Maybe {
		c.leave(key, fmt.Sprintf("Mattermost %v has no %s", c.o.MattermostVersion, s.Path), gone(s.Path))
		return
	}
	text, ok := variableText(s, value, c.o.MattermostVersion)
	if !ok {
		c.leave(key, fmt.Sprintf("no variable can carry the value to Mattermost %v", c.o.MattermostVersion), "set "+s.Path+" in config.json or the System Console")
		return
	}
	c.put(key, s, text, note)
}

func (c *converter) put(key string, s Setting, text, note string) {
	if v, ok := c.out.Env.Get(s.Env()); ok && v.Value != nil {
		if v.Origin.Where == "mattermost['env']" {
			c.leave(key, "mattermost['env'] sets "+s.Env()+" already, and wins", "remove the old key")
			return
		}
	}
	c.out.Env.Put(Var{Name: s.Env(), Value: &text, Origin: config.Origin{Kind: config.OriginGitLabRB, Where: "mattermost['" + key + "']"}})
	c.out.Converted = append(c.out.Converted, ConvertedKey{Key: key, Variable: s.Env(), Path: s.Path, Note: note})
}

// listenAddress joins the two keys as the package did.
func (c *converter) listenAddress() {
	address, hasAddress := c.settings.Get("service_address")
	port, hasPort := c.settings.Get("service_port")
	if !hasAddress && !hasPort {
		return
	}
	host, number := "127.0.0.1", "8065"
	if address != nil {
		host = config.RubyText(address)
	}
	if port != nil {
		number = config.RubyText(port)
	}
	s, _ := Lookup("ServiceSettings.ListenAddress")
	c.put("service_address and service_port", s, host+":"+number, "joined as address:port; a missing one is 127.0.0.1 or 8065")
}

// move follows a setting to where a newer Mattermost has it.
func move(s Setting, value any, v Version) (Setting, any, string) {
	to := ""
	switch s.Path {
	case "ServiceSettings.ImageProxyType":
		to = "ImageProxySettings.ImageProxyType"
	case "ServiceSettings.ImageProxyURL":
		to = "ImageProxySettings.RemoteImageProxyURL"
	case "ServiceSettings.ImageProxyOptions":
		to = "ImageProxySettings.RemoteImageProxyOptions"
	}
	if to != "" && s.In(v) == Removed {
		moved, _ := Lookup(to)
		return moved, value, s.Path + " became " + to
	}
	days, ok := strings.CutSuffix(s.Path, "InDays")
	n, isInt := value.(int64)
	if ok && isInt && strings.HasPrefix(days, "ServiceSettings.SessionLength") && !before(v, Version{Major: 7}) {
		moved, _ := Lookup(days + "InHours")
		return moved, n * 24, fmt.Sprintf("%s became %s: %s are %d hours", s.Path, moved.Path, english.Count(int(n), "day"), n*24)
	}
	return s, value, ""
}

// variableText is the text of the variable for a value of gitlab.rb.
func variableText(s Setting, value any, v Version) (string, bool) {
	switch s.Kind {
	case KindList, KindMap, KindJSON:
		if text, ok := value.(string); ok && s.Kind == KindList {
			return text, text != ""
		}
		raw, err := json.Marshal(plain(value))
		if err != nil {
			return "", false
		}
		return s.EncodeValue(raw, v)
	}
	return config.RubyText(value), true
}

// plain turns a value of gitlab.rb into what encoding/json can write.
func plain(v any) any {
	switch x := v.(type) {
	case *gitlabrb.Hash:
		out := map[string]any{}
		for key, value := range x.All() {
			out[config.RubyText(key)] = plain(value)
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i, value := range x {
			out[i] = plain(value)
		}
		return out
	case gitlabrb.Symbol:
		return string(x)
	}
	return v
}

// gone says what to do about a setting that the target does not have.
func gone(path string) string {
	section, _, _ := strings.Cut(path, ".")
	switch {
	case section == "WebrtcSettings":
		return "remove it; video calls are the Calls plugin now"
	case strings.HasPrefix(path, "FileSettings.Preview"), strings.HasPrefix(path, "FileSettings.Profile"), strings.HasPrefix(path, "FileSettings.Thumbnail"), section == "ImageSettings":
		return "remove it; image sizes are fixed in Mattermost"
	case strings.HasSuffix(path, "Salt"):
		return "remove it; Mattermost no longer uses this salt"
	case section == "SSOSettings":
		return "use the gitlab_… keys"
	case section == "AWSSettings":
		return "use the file_amazon_s3_… keys"
	}
	if to, ok := renamed(path); ok {
		return "use " + to
	}
	return "remove it; look for its successor in the System Console"
}
