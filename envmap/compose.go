package envmap

import (
	"bytes"
	"fmt"
	"strings"
)

// encodeCompose writes a Compose file of one service, "mattermost", to be
// merged with the user's own (docker compose -f … -f …). A dollar sign, which
// starts an interpolation, is doubled.
func encodeCompose(e *Environment) ([]byte, error) {
	if err := lossless(e, FormatCompose, notUTF8); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString("services:\n  mattermost:\n    environment:\n")
	empty := true
	for v := range e.All() {
		if text, ok := v.Text(); ok {
			fmt.Fprintf(&b, "      %s: %s\n", v.Name, yamlQuote(strings.ReplaceAll(text, "$", "$$")))
			empty = false
		}
	}
	if empty {
		return []byte("services:\n  mattermost:\n    environment: {}\n"), nil
	}
	return b.Bytes(), nil
}

// decodeCompose reads the environment: block of a Compose file or of a fragment
// of one, as a mapping or as a list of NAME=value. More than one such block,
// a variable without a value (Compose would take it from its own environment)
// and an interpolation are errors.
func decodeCompose(data []byte) (*Environment, error) {
	entries, err := yamlEntries(data)
	if err != nil {
		return nil, err
	}
	start := -1
	for i, entry := range entries {
		if entry.key != "environment" {
			continue
		}
		if start >= 0 {
			return nil, lineError(entry.line, "a second environment: block; give one service alone")
		}
		start = i
	}
	if start < 0 {
		return nil, fmt.Errorf("no environment: block")
	}
	e := &Environment{}
	if head := strings.Trim(entries[start].value, " \t\r"); head == "{}" || head == "[]" {
		return e, nil
	} else if head != "" && head[0] != '#' {
		return nil, lineError(entries[start].line, "the block has to start on the next line")
	}
	for _, entry := range entries[start+1:] {
		if entry.indent < entries[start].indent || entry.indent == entries[start].indent && !entry.item {
			break
		}
		v, err := composeEntry(entry)
		if err != nil {
			return nil, err
		}
		e.Put(v)
	}
	return e, nil
}

func composeEntry(entry yamlEntry) (Var, error) {
	if entry.err != nil {
		return Var{}, entry.err
	}
	text, null, err := yamlScalar(entry.value, entry.line)
	if err != nil {
		return Var{}, err
	}
	name := entry.key
	if entry.item {
		var ok bool
		if name, text, ok = strings.Cut(text, "="); !ok {
			null = true
		}
	} else if plain := strings.Trim(entry.value, " "); plain == "true" || plain == "false" {
		return Var{}, lineError(entry.line, "Compose refuses a boolean here; write \"%s\"", plain)
	}
	switch {
	case !ValidName(name):
		return Var{}, badName(entry.line)
	case null:
		return Var{}, lineError(entry.line, "variable %s has no value: Compose would take it from its own environment", name)
	}
	if text, err = uninterpolate(text, entry.line); err != nil {
		return Var{}, err
	}
	return Var{Name: name, Value: &text, Origin: originLine(entry.line)}, nil
}

// uninterpolate turns $$ into a dollar sign. Compose takes only $$, $NAME and
// ${…} as special; another dollar sign is an error there too.
func uninterpolate(text string, line int) (string, error) {
	for rest := text; ; {
		i := strings.IndexByte(rest, '$')
		if i < 0 {
			return strings.ReplaceAll(text, "$$", "$"), nil
		}
		if !strings.HasPrefix(rest[i:], "$$") {
			return "", lineError(line, "Compose would interpolate the dollar sign; write $$ for one")
		}
		rest = rest[i+2:]
	}
}
