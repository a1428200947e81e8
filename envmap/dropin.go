package envmap

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// encodeDropIn writes a drop-in for a service unit. Values stand in double
// quotes with C escapes; a percent sign, which starts a specifier, is doubled.
func encodeDropIn(e *Environment) ([]byte, error) {
	if err := lossless(e, FormatDropIn, refuseSystemd); err != nil {
		return nil, err
	}
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`, "%", "%%")
	var b bytes.Buffer
	b.WriteString("[Service]\n")
	for v := range e.All() {
		if text, ok := v.Text(); ok {
			fmt.Fprintf(&b, "Environment=\"%s=%s\"\n", v.Name, escape.Replace(text))
		} else {
			fmt.Fprintf(&b, "UnsetEnvironment=%s\n", v.Name)
		}
	}
	return b.Bytes(), nil
}

// decodeDropIn reads the Environment= and UnsetEnvironment= lines of the
// [Service] section as systemd 252 does; an empty Environment= clears what
// came before. Specifiers other than %% depend on the machine and are an
// error, and so are EnvironmentFile= and PassEnvironment=.
func decodeDropIn(data []byte) (*Environment, error) {
	e := &Environment{}
	section := ""
	for line, text := range logicalLines(string(data)) {
		text = strings.Trim(text, " \t\r")
		if text == "" || text[0] == '#' || text[0] == ';' {
			continue
		}
		if text[0] == '[' {
			section = text
			continue
		}
		key, value, ok := strings.Cut(text, "=")
		if !ok {
			return nil, lineError(line, "the line is no KEY=value")
		}
		if section != "[Service]" {
			continue
		}
		var err error
		switch strings.TrimRight(key, " \t") {
		case "Environment":
			e, err = environmentLine(e, value, line)
		case "UnsetEnvironment":
			err = unsetLine(e, value, line)
		case "EnvironmentFile", "PassEnvironment":
			err = lineError(line, "%s takes values from elsewhere; read that file itself", key)
		}
		if err != nil {
			return nil, err
		}
	}
	return e, nil
}

// logicalLines yields lines with their number, those that end in a backslash
// joined with the next by a blank.
func logicalLines(text string) func(func(int, string) bool) {
	return func(yield func(int, string) bool) {
		lines := strings.Split(text, "\n")
		for i := 0; i < len(lines); i++ {
			start, joined := i, lines[i]
			for strings.HasSuffix(joined, `\`) && i+1 < len(lines) && !comment(lines[start]) {
				i++
				joined = joined[:len(joined)-1] + " " + lines[i]
			}
			if !yield(start+1, joined) {
				return
			}
		}
	}
}

func comment(line string) bool {
	line = strings.TrimLeft(line, " \t")
	return line != "" && (line[0] == '#' || line[0] == ';')
}

func environmentLine(e *Environment, value string, line int) (*Environment, error) {
	words, err := systemdWords(value, line)
	if err != nil {
		return nil, err
	}
	if len(words) == 0 {
		return &Environment{}, nil
	}
	for _, w := range words {
		name, text, ok := strings.Cut(w, "=")
		if !ok || !ValidName(name) {
			return nil, lineError(line, "an assignment is no NAME=value (systemd ignores it)")
		}
		if text, err = unspecify(text, line); err != nil {
			return nil, err
		}
		if why := refuseSystemd(text); why != "" {
			return nil, lineError(line, "variable %s holds %s", name, why)
		}
		e.Put(Var{Name: name, Value: &text, Origin: originLine(line)})
	}
	return e, nil
}

func unsetLine(e *Environment, value string, line int) error {
	words, err := systemdWords(value, line)
	if err != nil {
		return err
	}
	for _, w := range words {
		if !ValidName(w) {
			return badName(line)
		}
		e.Put(Var{Name: w, Origin: originLine(line)})
	}
	return nil
}

// unspecify turns %% into a percent sign.
func unspecify(text string, line int) (string, error) {
	for rest := text; ; {
		i := strings.IndexByte(rest, '%')
		if i < 0 {
			return strings.ReplaceAll(text, "%%", "%"), nil
		}
		if i+1 >= len(rest) || rest[i+1] != '%' {
			return "", lineError(line, "a single %% starts a specifier of systemd, whose value depends on the machine")
		}
		rest = rest[i+2:]
	}
}

// systemdWords splits a value at blanks, undoing quotes and C escapes.
func systemdWords(s string, line int) ([]string, error) {
	var words []string
	for i := 0; i < len(s); {
		if s[i] == ' ' || s[i] == '\t' {
			i++
			continue
		}
		var word []byte
		quote := byte(0)
		for ; i < len(s); i++ {
			c := s[i]
			switch {
			case c == '\\':
				n, out, err := unescapeC(s[i:], line)
				if err != nil {
					return nil, err
				}
				word = append(word, out...)
				i += n - 1
			case quote == 0 && (c == '"' || c == '\''):
				quote = c
			case quote != 0 && c == quote:
				quote = 0
			case quote == 0 && (c == ' ' || c == '\t'):
				goto done
			default:
				word = append(word, c)
			}
		}
		if quote != 0 {
			return nil, lineError(line, "the quote is not closed")
		}
	done:
		words = append(words, string(word))
	}
	return words, nil
}

// unescapeC reads one escape at the start of s and says how long it is.
func unescapeC(s string, line int) (int, []byte, error) {
	if len(s) < 2 {
		return 0, nil, lineError(line, "a backslash at the end")
	}
	if i := strings.IndexByte(`abfnrtvs\"'`, s[1]); i >= 0 {
		return 2, []byte{"\a\b\f\n\r\t\v \\\"'"[i]}, nil
	}
	length, base, runes := 0, 16, true
	switch s[1] {
	case 'x':
		length, runes = 4, false
	case 'u':
		length = 6
	case 'U':
		length = 10
	case '0', '1', '2', '3':
		length, base, runes = 4, 8, false
	}
	start := 2
	if base == 8 {
		start = 1
	}
	if length == 0 || len(s) < length {
		return 0, nil, lineError(line, "an escape that systemd does not know")
	}
	n, err := strconv.ParseUint(s[start:length], base, 32)
	if err != nil || n == 0 || n > 0x10ffff {
		return 0, nil, lineError(line, "an escape that systemd does not know")
	}
	if runes {
		return length, []byte(string(rune(n))), nil
	}
	return length, []byte{byte(n)}, nil
}
