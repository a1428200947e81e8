package gitlabrb

import (
	"fmt"
	"strings"
)

// yamlMethod calls a method of the YAML module.
func (ev *evaluator) yamlMethod(n node, name string, args []value) (value, bool) {
	text, ok := textArg(args, 0)
	switch name {
	case "load", "safe_load", "unsafe_load":
	case "load_file", "safe_load_file":
		if !ok || len(args) != 1 {
			return ev.undecided(n, "calls YAML."+name+" of a file that is not known"), true
		}
		data, u := ev.readFile(n, text)
		if u != nil {
			return *u, true
		}
		if data == nil {
			return ev.raise(n, "Errno::ENOENT", "no such file: "+text), true
		}
		text = string(data)
	default:
		ok = false
	}
	if !ok || len(args) != 1 {
		return ev.undecided(n, "calls YAML."+name+", which is not evaluated"), true
	}
	ev.step(len(text) / 4)
	ev.grow(len(text))
	v, err := parseYAML(text)
	if err != nil {
		return ev.undecided(n, "YAML of a form that is not read: "+err.Error()), true
	}
	return v, true
}

// yamlParser reads the small part of YAML that settings files hold: block
// mappings and lists, plain and quoted scalars, flow lists and mappings on one
// line, literal and folded texts, comments. Anything else is refused.
type yamlParser struct {
	lines []yamlLine
	at    int
	raw   []string
}

type yamlLine struct {
	indent int
	text   string // without indentation and comment
	number int
}

type yamlError struct {
	line int
	what string
}

func (e *yamlError) Error() string { return fmt.Sprintf("%s (line %d of the text)", e.what, e.line) }

// parseYAML reads one document.
func parseYAML(text string) (v value, err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *yamlError:
			v, err = nil, r
		default:
			panic(r)
		}
	}()
	p := &yamlParser{raw: strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")}
	p.split()
	if len(p.lines) > 0 && p.lines[0].text == "---" {
		p.at++
	}
	if p.at >= len(p.lines) {
		return false, nil // Psych gives false for an empty document
	}
	v = p.block(p.lines[p.at].indent, 0)
	if p.at < len(p.lines) {
		p.refuse("an indentation that does not fit")
	}
	return v, nil
}

func (p *yamlParser) refuse(what string) {
	line := len(p.raw)
	if p.at < len(p.lines) {
		line = p.lines[p.at].number
	}
	panic(&yamlError{line, what})
}

// split cuts the text into lines that mean something.
func (p *yamlParser) split() {
	for i, raw := range p.raw {
		text := strings.TrimLeft(raw, " ")
		if strings.Trim(text, " \t") == "" || text[0] == '#' {
			continue
		}
		p.lines = append(p.lines, yamlLine{len(raw) - len(text), strings.TrimRight(text, " \t"), i + 1})
	}
}

// block reads a mapping, a list or a scalar whose lines have this indentation.
func (p *yamlParser) block(indent, depth int) value {
	if depth > maxDepth/4 {
		p.refuse("nesting that is too deep")
	}
	line := p.lines[p.at]
	if line.text == "-" || strings.HasPrefix(line.text, "- ") {
		return p.list(indent, depth)
	}
	if _, _, ok := p.key(line.text); ok {
		return p.mapping(indent, depth)
	}
	p.at++
	return p.inline(line.text)
}

func (p *yamlParser) list(indent, depth int) value {
	a := newArray()
	for p.at < len(p.lines) {
		line := p.lines[p.at]
		if line.indent != indent || line.text != "-" && !strings.HasPrefix(line.text, "- ") {
			break
		}
		rest := strings.TrimLeft(line.text[1:], " ")
		if stripComment(rest) == "" {
			p.at++
			a.list = append(a.list, p.nestedOr(indent, depth, nil))
			continue
		}
		// What stands behind the dash is a block of its own, further in.
		p.lines[p.at].indent = indent + len(line.text) - len(rest)
		p.lines[p.at].text = rest
		if _, _, ok := p.key(rest); ok || rest == "-" || strings.HasPrefix(rest, "- ") {
			a.list = append(a.list, p.block(p.lines[p.at].indent, depth+1))
			continue
		}
		a.list = append(a.list, p.scalarValue(rest, indent))
	}
	if p.at < len(p.lines) && p.lines[p.at].indent > indent {
		p.refuse("an indentation that does not fit")
	}
	return a
}

// nestedOr reads the block further in than indent, or gives v.
func (p *yamlParser) nestedOr(indent, depth int, v value) value {
	if p.at < len(p.lines) && p.lines[p.at].indent > indent {
		return p.block(p.lines[p.at].indent, depth+1)
	}
	return v
}

func (p *yamlParser) mapping(indent, depth int) value {
	h := newHash()
	for p.at < len(p.lines) {
		line := p.lines[p.at]
		if line.indent != indent {
			break
		}
		k, rest, ok := p.key(line.text)
		if !ok {
			p.refuse("a line without a key")
		}
		if _, twice := h.get(k); twice {
			p.refuse("a key that stands twice")
		}
		if stripComment(rest) != "" {
			h.set(k, p.scalarValue(rest, indent))
			continue
		}
		p.at++
		if p.at < len(p.lines) && p.lines[p.at].indent == indent && (p.lines[p.at].text == "-" || strings.HasPrefix(p.lines[p.at].text, "- ")) {
			h.set(k, p.list(indent, depth+1)) // a list may stand as far out as its key
			continue
		}
		h.set(k, p.nestedOr(indent, depth, nil))
	}
	if p.at < len(p.lines) && p.lines[p.at].indent > indent {
		p.refuse("an indentation that does not fit")
	}
	return h
}

// key splits "key: rest"; the key may be quoted.
func (p *yamlParser) key(text string) (k value, rest string, ok bool) {
	if text[0] == '\'' || text[0] == '"' {
		s, after, closed := quotedYAML(text)
		if !closed || after == "" || after[0] != ':' || len(after) > 1 && after[1] != ' ' {
			return nil, "", false
		}
		return newStr(s), strings.TrimLeft(after[1:], " "), true
	}
	i := strings.Index(text, ": ")
	switch {
	case i >= 0:
		rest = text[i+2:]
	case strings.HasSuffix(text, ":"):
		i = len(text) - 1
	default:
		return nil, "", false
	}
	name := text[:i]
	if strings.Contains(name, " #") || strings.ContainsAny(name[:min(1, len(name))], "[]{}&*!|>%@`?,#\"'") {
		return nil, "", false
	}
	if name == "" || name == "<<" || name[0] == '-' && strings.HasPrefix(name, "- ") {
		p.refuse("a key of an unusual form")
	}
	return p.plain(name), strings.TrimLeft(rest, " "), true
}

// scalarValue reads what stands behind a key or a dash, and what continues it.
func (p *yamlParser) scalarValue(rest string, indent int) value {
	if rest[0] == '|' || rest[0] == '>' {
		return p.blockText(rest, indent)
	}
	p.at++
	if p.at < len(p.lines) && p.lines[p.at].indent > indent {
		p.refuse("a value over several lines")
	}
	p.at--
	v := p.inline(rest)
	p.at++
	return v
}

// inline reads a scalar or a flow collection that ends on its line.
func (p *yamlParser) inline(text string) value {
	switch text[0] {
	case '[', '{':
		v, rest := p.flow(text, 0)
		if stripComment(strings.TrimLeft(rest, " ")) != "" && strings.TrimLeft(rest, " ") != "" {
			p.refuse("text behind a list")
		}
		return v
	case '\'', '"':
		s, rest, ok := quotedYAML(text)
		if !ok || strings.TrimSpace(rest) != "" && !strings.HasPrefix(strings.TrimLeft(rest, " "), "#") {
			p.refuse("a quoted value of an unusual form")
		}
		return newStr(s)
	}
	return p.plain(stripComment(text))
}

// stripComment removes a comment from the end of a plain value.
func stripComment(s string) string {
	if strings.HasPrefix(s, "#") {
		return ""
	}
	if i := strings.Index(s, " #"); i >= 0 {
		s = s[:i]
	}
	return strings.TrimRight(s, " \t")
}

// blockText reads | and > texts.
func (p *yamlParser) blockText(mark string, indent int) value {
	mark = stripComment(mark)
	if mark != "|" && mark != "|-" && mark != ">" && mark != ">-" {
		p.refuse("a text with an indentation mark")
	}
	first := p.lines[p.at].number
	width := -1
	var body []string
	for i := first; i < len(p.raw); i++ {
		raw := p.raw[i]
		text := strings.TrimLeft(raw, " ")
		if text == "" {
			body = append(body, "")
			continue
		}
		w := len(raw) - len(text)
		if width < 0 {
			width = w
		}
		if w <= indent {
			break
		}
		if w < width || mark[0] == '>' && w > width {
			p.refuse("a text with an unusual indentation")
		}
		body = append(body, raw[width:])
	}
	for p.at < len(p.lines) && p.lines[p.at].number <= first+len(body) {
		p.at++
	}
	for len(body) > 0 && body[len(body)-1] == "" {
		body = body[:len(body)-1]
	}
	for _, b := range body {
		if mark[0] == '>' && b == "" {
			p.refuse("a folded text with empty lines")
		}
	}
	sep := map[byte]string{'|': "\n", '>': " "}[mark[0]]
	s := strings.Join(body, sep)
	if len(mark) == 1 && len(body) > 0 {
		s += "\n"
	}
	return newStr(s)
}
