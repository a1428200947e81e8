package gitlabrb

import "bytes"

// heredocTag reads <<TAG, <<-TAG or <<~TAG; false means that it is an
// operator. token.text is the tag, token.open the indentation mark.
func (l *lexer) heredocTag(t *token) bool {
	i := l.pos + 2
	at := func(i int) byte {
		if i < l.endOfFile {
			return l.src[i]
		}
		return 0
	}
	t.open = 0
	if c := at(i); c == '-' || c == '~' {
		t.open = c
		i++
	}
	t.interp = true
	t.term = 0
	switch q := at(i); {
	case q == '"' || q == '\'' || q == '`':
		end := bytes.IndexByte(l.src[i+1:l.lineStop(i)], q)
		if end < 0 {
			l.fail(l.pos, l.lineStop(i), "the name of the heredoc is never closed: expected "+string(q))
		}
		t.text = string(l.src[i+1 : i+1+end])
		t.interp = q != '\''
		t.term = q
		i += end + 2
	case isIdent(q):
		start := i
		for i < l.endOfFile && isIdent(l.src[i]) {
			i++
		}
		t.text = string(l.src[start:i])
	default:
		return false
	}
	t.kind = tHeredoc
	l.pos = i
	l.state = sEnd
	return true
}

// chunk is a piece of a heredoc: text, or code in #{}.
type chunk struct {
	text      []byte
	code      node
	lineStart bool
	from, to  int
}

// heredoc reads the body of the heredoc whose tag is the current token.
func (p *parser) heredoc() *strLit {
	t, l := p.tok, &p.lex
	resume := l.pos
	body := l.lineEnd
	if body == 0 {
		body = min(l.lineStop(l.pos)+1, l.endOfFile)
	}
	l.lineEnd = 0
	l.pos = body
	outer := p.inHeredoc
	p.inHeredoc = &t
	chunks, indent := p.heredocBody(t)
	p.inHeredoc = outer
	if t.open == '~' {
		if indent < 0 { // nothing but white space: all of it goes
			indent = len(l.src)
		}
		dedent(chunks, indent)
	}
	l.heredocs = append(l.heredocs, heredocSpan{span{t.from, t.to}, span{body, l.pos}, t.open != 0})
	l.lineEnd = l.pos
	l.pos = resume
	var b textBuilder
	b.from = body
	for _, c := range chunks {
		if c.code != nil {
			b.flush(c.from)
			b.parts = append(b.parts, c.code)
			b.from = c.to
			continue
		}
		b.buf = append(b.buf, c.text...)
	}
	lit := b.result(span{t.from, t.to})
	lit.heredoc = true
	lit.command = t.term == '`'
	l.state = sEnd
	p.advance(t.to)
	return lit
}

func (p *parser) failHeredoc(t token) {
	p.fail(t.from, t.to, "heredoc is never closed: expected a line \""+t.text+"\"")
}

// heredocBody reads lines up to the terminator. indent is the smallest
// indentation of a line with text, in columns.
func (p *parser) heredocBody(t token) (chunks []chunk, indent int) {
	l := &p.lex
	margin := margin{least: -1, carry: t.interp}
	for {
		if l.pos >= l.endOfFile {
			p.failHeredoc(t)
		}
		line := l.src[l.pos:l.lineStop(l.pos)]
		word := bytes.TrimSuffix(line, []byte("\r"))
		if t.open != 0 {
			word = bytes.TrimLeft(word, " \t\f\v\r\n")
		}
		if string(word) == t.text {
			l.pos = min(l.lineStop(l.pos)+1, l.endOfFile)
			return chunks, margin.least
		}
		margin.add(line)
		chunks = p.heredocLine(chunks, t, &margin)
	}
}

// heredocLine reads one line, and further ones when the line ends in a
// backslash or an interpolation spans lines.
func (p *parser) heredocLine(chunks []chunk, t token, m *margin) []chunk {
	l := &p.lex
	cur := chunk{lineStart: true, from: l.pos}
	for l.pos < l.endOfFile {
		c := l.src[l.pos]
		switch {
		case c == '\r' && l.peek(1) == '\n':
			l.pos++
		case c == '\n':
			l.pos++
			if l.lineEnd > 0 {
				l.pos, l.lineEnd = l.lineEnd, 0
			}
			cur.text = append(cur.text, '\n')
			return append(chunks, cur)
		case c == '\\' && t.interp && (l.peek(1) == '\n' || l.peek(1) == '\r' && l.peek(2) == '\n'):
			l.pos = min(l.lineStop(l.pos)+1, l.endOfFile)
			chunks = append(chunks, cur)
			cur = chunk{lineStart: true, from: l.pos}
			m.width = 0
			m.add(l.src[l.pos:l.lineStop(l.pos)])
		case c == '\\' && t.interp:
			b := textBuilder{buf: cur.text}
			p.stringEscape(&b, token{kind: tHeredoc, interp: true})
			cur.text = b.buf
		case c == '#' && t.interp:
			b := textBuilder{from: l.pos}
			if !p.interpolation(&b) {
				cur.text = append(cur.text, '#')
				l.pos++
				continue
			}
			chunks = append(chunks, cur, chunk{code: b.parts[len(b.parts)-1], from: cur.from, to: l.pos})
			cur = chunk{from: l.pos}
		default:
			cur.text = l.char(cur.text)
		}
	}
	return append(chunks, cur)
}

// margin finds the smallest indentation of the lines of a heredoc.
type margin struct {
	least int // -1: no line with text yet
	width int
	carry bool // white space lines add to the next line, as Ruby counts
}

func (m *margin) add(line []byte) {
	for _, c := range line {
		switch c {
		case ' ':
			m.width++
			continue
		case '\t':
			m.width = m.width/8*8 + 8
			continue
		case '\r':
			continue
		}
		if m.least < 0 || m.width < m.least {
			m.least = m.width
		}
		m.width = 0
		return
	}
	if !m.carry {
		m.width = 0
	}
}

// dedent removes width columns of white space from the start of each line.
func dedent(chunks []chunk, width int) {
	for i := range chunks {
		if !chunks[i].lineStart {
			continue
		}
		col, n := 0, 0
		text := chunks[i].text
		for n < len(text) && col < width {
			if text[n] == ' ' {
				col++
			} else if text[n] == '\t' && col/8*8+8 <= width {
				col = col/8*8 + 8
			} else {
				break
			}
			n++
		}
		chunks[i].text = text[n:]
	}
}
