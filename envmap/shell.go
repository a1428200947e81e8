package envmap

import (
	"bytes"
	"strings"
)

// encodeShell writes export lines for a POSIX shell. Everything stands in
// single quotes, inside which a shell changes nothing at all.
func encodeShell(e *Environment) ([]byte, error) {
	var b bytes.Buffer
	for v := range e.All() {
		text, ok := v.Text()
		if !ok {
			b.WriteString("unset " + v.Name + "\n")
			continue
		}
		b.WriteString("export " + v.Name + "='" + strings.ReplaceAll(text, "'", `'\''`) + "'\n")
	}
	return b.Bytes(), nil
}

// decodeShell reads assignments, export and unset lines with a shell's quoting.
// Whatever a shell would run or expand is an error.
func decodeShell(data []byte) (*Environment, error) {
	p := &shellParser{lines: lines{data: data, line: 1}, env: &Environment{}}
	for {
		words, line, err := p.command()
		if err != nil {
			return nil, err
		}
		if words == nil && p.pos >= len(p.data) {
			return p.env, nil
		}
		if err := p.apply(words, line); err != nil {
			return nil, err
		}
	}
}

type shellParser struct {
	lines
	env *Environment
}

// shellWord is a word after quoting; equals is where an assignment's "=" stands
// outside quotes, -1 without one.
type shellWord struct {
	text   string
	equals int
}

func (p *shellParser) apply(words []shellWord, line int) error {
	if len(words) == 0 {
		return nil
	}
	rest := words
	switch words[0].text {
	case "unset":
		for _, w := range words[1:] {
			if !ValidName(w.text) {
				return badName(line)
			}
			p.env.Put(Var{Name: w.text, Origin: originLine(line)})
		}
		return nil
	case "export":
		rest = words[1:]
	}
	for _, w := range rest {
		if w.equals < 0 || !ValidName(w.text[:w.equals]) {
			return lineError(line, "only NAME=value, export and unset can be read, anything else would need a shell")
		}
		value := w.text[w.equals+1:]
		p.env.Put(Var{Name: w.text[:w.equals], Value: &value, Origin: originLine(line)})
	}
	return nil
}

// command reads the words up to the end of a line or a semicolon.
func (p *shellParser) command() ([]shellWord, int, error) {
	var words []shellWord
	line := p.line
	for {
		c, ok := p.next()
		switch {
		case !ok, c == '\n', c == ';':
			return words, line, nil
		case c == ' ', c == '\t', c == '\r':
		case c == '\\' && p.peek() == '\n':
			p.next()
		case c == '#':
			for ok && c != '\n' {
				c, ok = p.next()
			}
			return words, line, nil
		default:
			if len(words) == 0 {
				line = p.line
			}
			p.pos--
			w, err := p.word(p.line)
			if err != nil {
				return nil, 0, err
			}
			words = append(words, w)
		}
	}
}

// peek returns the next byte without taking it, 0 at the end.
func (l *lines) peek() byte {
	if l.pos >= len(l.data) {
		return 0
	}
	return l.data[l.pos]
}

func (p *shellParser) word(line int) (shellWord, error) {
	var out []byte
	equals := -1
	for {
		switch c := p.peek(); c {
		case 0, ' ', '\t', '\n', ';':
			return shellWord{string(out), equals}, nil
		case '\'', '"':
			p.next()
			quoted, err := p.quoted(c, line)
			if err != nil {
				return shellWord{}, err
			}
			out = append(out, quoted...)
		case '\\':
			p.next()
			if next, ok := p.next(); ok && next != '\n' {
				out = append(out, next)
			}
		case '$', '`', '*', '?', '[', '&', '|', '<', '>', '(', ')':
			return shellWord{}, lineError(line, "%q is something a shell would expand or run", string(c))
		case '~':
			if len(out) == 0 || equals == len(out)-1 || out[len(out)-1] == ':' {
				return shellWord{}, lineError(line, "a shell would expand ~")
			}
			p.next()
			out = append(out, c)
		default:
			p.next()
			if c == '=' && equals < 0 {
				equals = len(out)
			}
			out = append(out, c)
		}
	}
}

func (p *shellParser) quoted(quote byte, line int) ([]byte, error) {
	var out []byte
	for {
		c, ok := p.next()
		switch {
		case !ok:
			return nil, lineError(line, "the quote is not closed")
		case c == quote:
			return out, nil
		case quote == '\'':
			out = append(out, c)
		case c == '$' || c == '`':
			return nil, lineError(line, "%q is something a shell would expand or run", string(c))
		case c == '\\':
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
