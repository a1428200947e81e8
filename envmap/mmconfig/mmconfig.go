// Package mmconfig works out a server's effective configuration on Mattermost's
// own model: its defaults, its types, its validation. Most callers need
// Effective, which gives what a server of the model's version would run with
// from a config.json and an environment.
//
// It is apart from envmap because Mattermost's model brings some four hundred
// packages with it; envmap answers the same questions, for every version, from
// its own table. The model here is that of Mattermost 11.7 (an extended support
// release).
package mmconfig

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/mattermost/mattermost/server/public/model"

	"github.com/gitlab-mattermost/sdk/envmap"
)

// Version is the Mattermost release whose model this package uses.
const Version = "11.7"

// Defaults returns the configuration of a server with an empty config.json:
// the defaults of an existing installation, because a server that has loaded a
// file never counts as new.
//
// The at-rest key and the salt of public links stay empty, where a server would
// make up its own: the result is the same every time.
func Defaults() *model.Config {
	cfg := &model.Config{}
	fill(cfg)
	return cfg
}

// fill sets what is missing to the defaults of an existing installation.
func fill(cfg *model.Config) {
	for _, p := range []**string{&cfg.ServiceSettings.SiteURL, &cfg.SqlSettings.AtRestEncryptKey, &cfg.FileSettings.PublicLinkSalt} {
		if *p == nil {
			*p = model.NewPointer("")
		}
	}
	key, salt := *cfg.SqlSettings.AtRestEncryptKey, *cfg.FileSettings.PublicLinkSalt
	cfg.SetDefaults()
	*cfg.SqlSettings.AtRestEncryptKey, *cfg.FileSettings.PublicLinkSalt = key, salt
}

// Effective returns what a server would run with: config.json decoded over the
// model, missing values filled with defaults, then every variable that the
// server honours. env may be nil. A stored FeatureFlags section is ignored, as
// the server does. A config.json that is no JSON, or that has a value of
// another type, is an error, as it stops a server.
//
// It does not validate; see Validate. Generated values stay empty, as in
// Defaults.
func Effective(configJSON []byte, env *envmap.Environment) (*model.Config, error) {
	cfg := &model.Config{}
	if len(bytes.TrimSpace(configJSON)) > 0 {
		if err := json.Unmarshal(configJSON, cfg); err != nil {
			return nil, fmt.Errorf("read config.json: %w", err)
		}
	}
	cfg.FeatureFlags = nil
	fill(cfg)
	fixup(cfg)
	if err := Apply(cfg, env); err != nil {
		return nil, err
	}
	fixup(cfg)
	return cfg, nil
}

// fixup is what the server corrects by itself before and after the
// environment: the slash at the end of the site URL goes, one at the end of a
// local file directory comes.
func fixup(cfg *model.Config) {
	*cfg.ServiceSettings.SiteURL = strings.TrimRight(*cfg.ServiceSettings.SiteURL, "/")
	dir := cfg.FileSettings.Directory
	if *cfg.FileSettings.DriverName == model.ImageDriverLocal && *dir != "" && !strings.HasSuffix(*dir, "/") {
		*dir += "/"
	}
}

// Apply sets every variable that a server of this version honours on cfg, which
// must have its defaults. What it does not honour is left out; envmap.Check
// says why.
func Apply(cfg *model.Config, env *envmap.Environment) error {
	v, err := envmap.ParseVersion(Version)
	if err != nil {
		return err
	}
	report, err := envmap.Check(env, v)
	if err != nil {
		return err
	}
	var errs []error
	for _, verdict := range report.Verdicts {
		if value := verdict.Value(); value != nil {
			if err := set(cfg, verdict.Path, value); err != nil {
				errs = append(errs, fmt.Errorf("apply %s: %w", verdict.Name, err))
			}
		}
	}
	return errors.Join(errs...)
}

// set stores a value at a path of the model.
func set(cfg *model.Config, path string, value any) error {
	field := reflect.ValueOf(cfg)
	for part := range strings.SplitSeq(path, ".") {
		field = reflect.Indirect(field).FieldByName(part)
		if !field.IsValid() {
			return fmt.Errorf("the model has no %s", path)
		}
	}
	if field.Kind() == reflect.Pointer {
		// A fresh place: the model's defaults point at variables of its own.
		field.Set(reflect.New(field.Type().Elem()))
		field = field.Elem()
	}
	switch x := value.(type) {
	case string:
		field.SetString(x)
	case bool:
		field.SetBool(x)
	case int64:
		field.SetInt(x)
	case []string:
		field.Set(reflect.ValueOf(x))
	case json.RawMessage:
		if field.Type() == reflect.TypeFor[json.RawMessage]() {
			field.Set(reflect.ValueOf(x))
			return nil
		}
		fresh := reflect.New(field.Type())
		if err := json.Unmarshal(x, fresh.Interface()); err != nil {
			return fmt.Errorf("JSON has another shape than %s", field.Type())
		}
		field.Set(fresh.Elem())
	}
	return nil
}

// Validate runs Mattermost's own validation, which stops a server when it
// fails. It looks at the machine it runs on where Mattermost does (the
// directory of the local socket, TLS certificate files). The error names the
// condition by Mattermost's message id and never holds a value.
func Validate(cfg *model.Config) error {
	if appErr := cfg.IsValid(); appErr != nil {
		return fmt.Errorf("validate configuration: %s", appErr.Id)
	}
	return nil
}

// JSON writes a configuration as the server stores it: all settings, four
// blanks of indentation, feature flags left out.
func JSON(cfg *model.Config) ([]byte, error) {
	stored := cfg.Clone()
	stored.FeatureFlags = nil
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "    ")
	if err := enc.Encode(stored); err != nil {
		return nil, fmt.Errorf("write configuration: %w", err)
	}
	return b.Bytes(), nil
}
