package envmap

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gitlab-mattermost/sdk/config"
	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
)

// encodeRuby writes mattermost['env'] for gitlab.rb.
func encodeRuby(e *Environment) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("mattermost['env'] = {\n")
	for v := range e.All() {
		value := "nil"
		if text, ok := v.Text(); ok {
			value = rubyString(text)
		}
		fmt.Fprintf(&b, "  '%s' => %s,\n", v.Name, value)
	}
	b.WriteString("}\n")
	return b.Bytes(), nil
}

// rubyString writes a Ruby string literal: in single quotes where the text is
// printable, else in double quotes with escapes.
func rubyString(text string) string {
	if utf8.ValidString(text) && strings.IndexFunc(text, func(r rune) bool { return r != ' ' && !unicode.IsPrint(r) }) < 0 {
		return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text) + "'"
	}
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02X`, text[i])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\\', r == '"', r == '#':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\x%02X`, r)
		default:
			b.WriteString(text[i : i+size])
		}
		i += size
	}
	b.WriteByte('"')
	return b.String()
}

// decodeRuby evaluates a gitlab.rb (nothing of it is run) and takes
// mattermost['env']. Values become text as the package made it: to_s; nil stays
// "not set". A value that static reading cannot decide is an error.
func decodeRuby(data []byte) (*Environment, error) {
	result, err := gitlabrb.Evaluate("gitlab.rb", data, gitlabrb.Options{})
	if err != nil {
		return nil, err
	}
	for _, u := range result.Undecided {
		if len(u.Path) >= 1 && u.Path[0] == "mattermost" && (len(u.Path) == 1 || u.Path[1] == "env") {
			return nil, lineError(u.Pos.Line, "%s cannot be decided: %s", strings.Join(u.Path, "."), u.Why)
		}
	}
	e := &Environment{}
	mm, _ := result.Settings.Get("mattermost")
	settings, _ := mm.(*gitlabrb.Hash)
	env, _ := settings.Get("env")
	hash, _ := env.(*gitlabrb.Hash)
	for key, value := range hash.All() {
		v := Var{Name: config.RubyText(key), Origin: config.Origin{Kind: config.OriginGitLabRB, Where: "mattermost['env']"}}
		if !ValidName(v.Name) {
			return nil, fmt.Errorf("mattermost['env']: a key is not a variable's name (letters, digits and underscores)")
		}
		if value != nil {
			text := config.RubyText(value)
			v.Value = &text
		}
		e.Put(v)
	}
	return e, nil
}
