package config

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// LegacyOptions choose how LegacyConfigJSON renders.
type LegacyOptions struct {
	// PackageBugs reproduces the file as the package wrote it: values pasted
	// without JSON escapes, misspelled fields, fields fed from the wrong key.
	PackageBugs bool
}

// LegacyConfigJSON returns the config.json that GitLab 7.14 to 10.8 generated
// at every reconfigure. By default it is correct JSON with the names that
// Mattermost reads; with PackageBugs it is what the package wrote, which may
// not be JSON at all. Order and content follow 10.8; white space of other
// versions is not promised. The result holds secrets.
func (i *Installation) LegacyConfigJSON(o LegacyOptions) ([]byte, error) {
	at := releaseAt(i.GitLabVersion)
	if at >= rel(11, 0, 0) {
		return nil, fmt.Errorf("GitLab %s does not generate config.json: since 11.0 settings are variables", i.GitLabVersion)
	}
	var fields []legacyField
	for n := range catalogueRows {
		row := &catalogueRows[n]
		if row.hash != "mattermost" || row.field == "" || !row.holds(at) {
			continue
		}
		if f, ok := i.legacyField(row, at, o); ok {
			fields = append(fields, f)
		}
	}
	if at < rel(8, 0, 0) {
		// The driver could not be chosen yet; it comes before the data source.
		fields = append(fields, legacyField{"SqlSettings", "DriverName", `"postgres"`, 63})
	}
	slices.SortStableFunc(fields, func(a, b legacyField) int { return a.order - b.order })
	return layout(fields), nil
}

// legacyField is one rendered field.
type legacyField struct {
	section, name string
	text          string // JSON, or what the package took for it
	order         int
}

func (i *Installation) legacyField(row *catalogueRow, at release, o LegacyOptions) (legacyField, bool) {
	section, name, _ := strings.Cut(row.field, ".")
	f := legacyField{section: section, name: name, order: row.order}
	v := i.Mattermost.Get(row.key).Value
	if !o.PackageBugs {
		v = i.rightField(&f, row, v, at)
	}
	switch {
	case row.field == "ServiceSettings.ListenAddress":
		if row.key == "service_address" {
			return f, false // part of the port's row
		}
		address, _ := i.Mattermost.Text("service_address")
		v = address + ":" + RubyText(v)
	case row.field == "LogSettings.FileLocation" && at <= rel(9, 5, 2):
		v = RubyText(v) + "/mattermost.log"
	case row.field == "SqlSettings.DataSourceSearchReplicas" && at == rel(9, 2, 0) && o.PackageBugs:
		f.text = `"` + rubyInspect(v) + `"`
		return f, true
	}
	f.text = renderLegacy(row.kind, v, o)
	return f, true
}

// rightField gives a field the name and the key that the package meant.
func (i *Installation) rightField(f *legacyField, row *catalogueRow, v any, at release) any {
	switch row.field {
	case "NativeAppSetting." + f.name:
		f.section = "NativeAppSettings"
	case "EmailSettings.EmailNotificationContentType":
		f.name = "EmailNotificationContentsType"
	case "ServiceSettings.EnableUserStatuses":
		return i.Mattermost.Get("service_enable_user_statuses").Value
	case "ServiceSettings.EnableLinkPreviews":
		return i.Mattermost.Get("service_enable_link_previews").Value
	case "ServiceSettings.EnableUserTypingMessages":
		return i.Mattermost.Get("service_enable_user_typing_messages").Value
	case "ServiceSettings.TeammateNameDisplay":
		if at < rel(9, 4, 5) {
			f.section = "TeamSettings"
		}
	}
	return v
}

// renderLegacy renders one value by the type of its field.
func renderLegacy(kind string, v any, o LegacyOptions) string {
	if o.PackageBugs {
		switch kind {
		case "bool", "int", "raw-array":
			return RubyText(v)
		case "json-object":
			return compactJSON(v)
		case "string-array":
			var parts []string
			for _, e := range flatten(v) {
				parts = append(parts, `"`+RubyText(e)+`"`)
			}
			return "[" + strings.Join(parts, ", ") + "]"
		}
		return `"` + RubyText(v) + `"`
	}
	switch kind {
	case "bool", "int":
		switch v := v.(type) {
		case bool, int64, float64, *big.Int:
			return compactJSON(v)
		case string:
			// A text given for a number or switch was printed bare.
			if j, err := parseJSON("", []byte(v), len(v)); err == nil && j.kind == jsonScalar && !strings.HasPrefix(j.raw, `"`) {
				return j.raw
			}
		}
		return compactJSON(RubyText(v))
	case "json-object", "raw-array", "string-array":
		if v == nil {
			return map[bool]string{true: "{}", false: "[]"}[kind == "json-object"]
		}
		return compactJSON(v)
	}
	return jsonQuote(RubyText(v))
}

// compactJSON is Ruby's to_json.
func compactJSON(v any) string {
	var b strings.Builder
	writeCompact(&b, jsonOf(v))
	return b.String()
}

func writeCompact(b *strings.Builder, v *jsonValue) {
	switch v.kind {
	case jsonScalar:
		b.WriteString(v.raw)
		return
	case jsonArray:
		b.WriteByte('[')
	case jsonObject:
		b.WriteByte('{')
	}
	for i, item := range v.items {
		if i > 0 {
			b.WriteByte(',')
		}
		if v.kind == jsonObject {
			b.WriteString(v.rawKeys[i] + ":")
		}
		writeCompact(b, item)
	}
	b.WriteByte(map[jsonKind]byte{jsonArray: ']', jsonObject: '}'}[v.kind])
}

// layout prints sections in the order in which their first field comes.
func layout(fields []legacyField) []byte {
	var order []string
	sections := map[string][]string{}
	for _, f := range fields {
		if _, ok := sections[f.section]; !ok {
			order = append(order, f.section)
			sections[f.section] = nil
		}
		text := f.text
		if f.name != "" {
			text = "        " + jsonQuote(f.name) + ": " + f.text
		}
		sections[f.section] = append(sections[f.section], text)
	}
	var b strings.Builder
	b.WriteString("{\n")
	for n, name := range order {
		b.WriteString("    " + jsonQuote(name) + ": ")
		if lines := sections[name]; len(lines) == 1 && !strings.HasPrefix(lines[0], "        ") {
			b.WriteString(lines[0])
		} else {
			b.WriteString("{\n" + strings.Join(lines, ",\n") + "\n    }")
		}
		if n < len(order)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString("}\n")
	return []byte(b.String())
}
