package envmap

import (
	"bytes"
	"fmt"
	"strings"
)

// refuseSystemd names what systemd drops (252: a variable whose value has a
// control character other than tab and line break) or fails on (bytes that are
// not UTF-8 make the whole unit fail).
func refuseSystemd(text string) string {
	for i := range len(text) {
		if c := text[i]; (c < ' ' && c != '\t' && c != '\n') || c == 0x7f {
			return fmt.Sprintf("the control character 0x%02x (systemd drops the variable)", c)
		}
	}
	return notUTF8(text)
}

// encodeSystemd writes a file for EnvironmentFile=. Every value stands in
// double quotes, where systemd and a shell agree: backslash, quote, dollar and
// backquote are escaped, everything else, line breaks included, is literal.
func encodeSystemd(e *Environment) ([]byte, error) {
	if err := lossless(e, FormatSystemd, refuseSystemd); err != nil {
		return nil, err
	}
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`")
	var b bytes.Buffer
	for v := range e.All() {
		if text, ok := v.Text(); ok {
			fmt.Fprintf(&b, "%s=\"%s\"\n", v.Name, escape.Replace(text))
		}
	}
	return b.Bytes(), nil
}

// decodeSystemd reads an environment file with systemd's own rules (252):
// comments start with # or ;, a backslash at the end of a line joins it with
// the next, quotes may stand side by side, only \ " $ ` are escaped inside
// double quotes, nothing at all inside single ones, and blanks around an
// unquoted value are cut. Nothing is expanded.
func decodeSystemd(data []byte) (*Environment, error) {
	p := &systemdParser{lines: lines{data: data, line: 1}, env: &Environment{}}
	for p.pos < len(p.data) {
		if err := p.assignment(); err != nil {
			return nil, err
		}
	}
	return p.env, nil
}

// lines is a byte scanner that counts lines.
type lines struct {
	data []byte
	pos  int
	line int
}

// next returns the next byte; false at the end.
func (l *lines) next() (byte, bool) {
	if l.pos >= len(l.data) {
		return 0, false
	}
	c := l.data[l.pos]
	l.pos++
	if c == '\n' {
		l.line++
	}
	return c, true
}

type systemdParser struct {
	lines
	env *Environment
}

func isBreak(c byte) bool { return c == '\n' || c == '\r' }
func isBlank(c byte) bool { return c == ' ' || c == '\t' || isBreak(c) }

func (p *systemdParser) assignment() error {
	c, ok := p.next()
	for ok && isBlank(c) {
		c, ok = p.next()
	}
	if !ok {
		return nil
	}
	if c == '#' || c == ';' {
		p.comment()
		return nil
	}
	line := p.line
	var key []byte
	for ; ok && c != '='; c, ok = p.next() {
		if isBreak(c) {
			return lineError(line, "the line has no =")
		}
		key = append(key, c)
	}
	if !ok {
		return lineError(line, "the line has no =")
	}
	name := strings.TrimRight(string(key), " \t")
	if !ValidName(name) {
		return badName(line)
	}
	value, err := p.value(line)
	if err != nil {
		return err
	}
	if why := refuseSystemd(value); why != "" {
		return lineError(line, "variable %s holds %s", name, why)
	}
	p.env.Put(Var{Name: name, Value: &value, Origin: originLine(line)})
	return nil
}

// comment skips to the end of the line; a backslash there continues it.
func (p *systemdParser) comment() {
	for c, ok := p.next(); ok && !isBreak(c); c, ok = p.next() {
		if c == '\\' {
			p.next()
		}
	}
}

func (p *systemdParser) value(line int) (string, error) {
	var out []byte
	for {
		c, ok := p.next()
		switch {
		case !ok || isBreak(c):
			return string(out), nil
		case c == '\'' || c == '"':
			quoted, err := p.quoted(c, line)
			if err != nil {
				return "", err
			}
			out = append(out, quoted...)
		case isBlank(c): // before a value and between its quoted parts
		default:
			return string(out) + p.bare(c), nil
		}
	}
}

// bare reads an unquoted rest of a line, quotes inside it being ordinary.
func (p *systemdParser) bare(c byte) string {
	var out []byte
	keep := 0 // length up to the last byte that is not a blank to be cut
	for ok := true; ok && !isBreak(c); c, ok = p.next() {
		if c == '\\' {
			if c, ok = p.next(); !ok {
				break
			}
			if !isBreak(c) {
				out = append(out, c)
			}
			keep = len(out)
			continue
		}
		out = append(out, c)
		if !isBlank(c) {
			keep = len(out)
		}
	}
	return string(out[:keep])
}

func (p *systemdParser) quoted(quote byte, line int) ([]byte, error) {
	var out []byte
	for {
		c, ok := p.next()
		switch {
		case !ok:
			return nil, lineError(line, "the quote is not closed")
		case c == quote:
			return out, nil
		case c == '\\' && quote == '"':
			c, ok = p.next()
			switch {
			case !ok:
				return nil, lineError(line, "the quote is not closed")
			case strings.IndexByte("\"\\`$", c) >= 0:
				out = append(out, c)
			case c != '\n':
				out = append(out, '\\', c)
			}
		default:
			out = append(out, c)
		}
	}
}
