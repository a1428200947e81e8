package upgrade

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxConfigBytes bounds a config.json; real ones are below 64 KiB.
const maxConfigBytes = 8 << 20

// SettingsFromConfig reads a Mattermost config.json into "Section.Field" →
// text for Facts.Settings, without secrets: of those only the length in bytes
// is returned, for Facts.SecretLengths. Lists are joined with one space; maps
// below a field and nulls are left out. At most 8 MiB are read; what is not a
// JSON object of sections is an error that does not repeat the text.
func SettingsFromConfig(configJSON []byte) (settings map[string]string, secretLengths map[string]int, err error) {
	if len(configJSON) > maxConfigBytes {
		return nil, nil, fmt.Errorf("config.json: %d bytes, more than %d", len(configJSON), maxConfigBytes)
	}
	dec := json.NewDecoder(bytes.NewReader(configJSON))
	dec.UseNumber()
	var sections map[string]map[string]any
	if err := dec.Decode(&sections); err != nil {
		return nil, nil, fmt.Errorf("config.json: %w", withoutText(err))
	}
	if dec.More() {
		return nil, nil, errors.New("config.json: text after the JSON object")
	}
	settings, secretLengths = map[string]string{}, map[string]int{}
	for section, fields := range sections {
		for field, value := range fields {
			name := canonicalSetting(section + "." + field)
			text, ok := settingText(value)
			switch {
			case !ok:
			case isSecretSetting(name):
				secretLengths[name] = len(text)
			default:
				settings[name] = text
			}
		}
	}
	return settings, secretLengths, nil
}

// withoutText keeps the kind and place of a JSON error but none of the file.
func withoutText(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("not JSON at byte %d", syntax.Offset)
	case errors.As(err, &kind):
		return fmt.Errorf("not an object of sections at byte %d", kind.Offset)
	}
	return errors.New("ends too early or is not JSON")
}

func settingText(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case json.Number:
		return v.String(), true
	case []any:
		var parts []string
		for _, item := range v {
			if text, ok := settingText(item); ok {
				parts = append(parts, text)
			}
		}
		return strings.Join(parts, " "), true
	}
	return "", false
}

// canonicalSetting gives settings that only changed the case of letters their
// present name (UserApiEndpoint → UserAPIEndpoint), as Mattermost reads them.
func canonicalSetting(name string) string {
	if strings.EqualFold(name, "GitLabSettings.UserAPIEndpoint") {
		return "GitLabSettings.UserAPIEndpoint"
	}
	return name
}

// secretWords mark fields whose value must not leave this package.
var secretWords = [...]string{"secret", "password", "salt", "encryptkey", "datasource", "privatekey", "accesskey", "apikey", "token", "connectionurl", "licensefilelocation", "signingkey", "turnsharedkey", "developerkey"}

// isSecretSetting errs on the safe side: data sources hold passwords, endpoints
// named Token… do not.
func isSecretSetting(name string) bool {
	lower := strings.ToLower(name)
	if strings.HasSuffix(lower, ".tokenendpoint") || strings.HasPrefix(lower, "passwordsettings.") || strings.HasSuffix(lower, "useraccesstokens") {
		return false
	}
	for _, word := range secretWords {
		if strings.Contains(lower, word) {
			return true
		}
	}
	return false
}
