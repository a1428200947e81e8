package nginx

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// maxToken is the length at which nginx itself refuses a parameter (the size
// of its configuration buffer).
const maxToken = 4096

// tokenKind tells what ended a run of words.
type tokenKind int

const (
	endStatement tokenKind = iota // ";"
	endOpen                       // "{"
	endClose                      // "}"
	endFile
)

// word is one decoded parameter and where it began.
type word struct {
	text string
	line int
}

// SyntaxError is text that nginx could not read either.
type SyntaxError struct {
	File    string // as given to Parse, may be empty
	Line    int    // from 1
	Message string
}

// Error is "file:line: message", or "line N: message" without a file.
func (e *SyntaxError) Error() string {
	if e.File == "" {
		return fmt.Sprintf("line %d: %s", e.Line, e.Message)
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Message)
}

// lexer splits nginx configuration text into statements exactly as nginx's own
// reader does: what counts is the byte at the start of a word, quotes are
// special only there, a backslash hides the next byte everywhere, and "${"
// does not open a block.
type lexer struct {
	file string
	src  []byte
	pos  int
	line int
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func (l *lexer) errorf(line int, format string, args ...any) error {
	return &SyntaxError{File: l.file, Line: line, Message: fmt.Sprintf(format, args...)}
}

// next reads the words up to and including the next ";", "{" or "}".
func (l *lexer) next() ([]word, tokenKind, error) {
	var words []word
	for {
		l.skipBlank()
		if l.pos >= len(l.src) {
			if len(words) > 0 {
				return nil, endFile, l.errorf(l.line, "unexpected end of file, expecting \";\" or \"{\" after %q", words[0].text)
			}
			return nil, endFile, nil
		}
		switch c := l.src[l.pos]; c {
		case ';', '{':
			if len(words) == 0 {
				return nil, endFile, l.errorf(l.line, "unexpected %q", string(c))
			}
			l.pos++
			if c == '{' {
				return words, endOpen, nil
			}
			return words, endStatement, nil
		case '}':
			if len(words) > 0 {
				return nil, endFile, l.errorf(l.line, "unexpected \"}\", expecting \";\" after %q", words[0].text)
			}
			l.pos++
			return nil, endClose, nil
		}
		w, err := l.word()
		if err != nil {
			return nil, endFile, err
		}
		words = append(words, w)
	}
}

// skipBlank passes over white space and comments.
func (l *lexer) skipBlank() {
	comment := false
	for ; l.pos < len(l.src); l.pos++ {
		c := l.src[l.pos]
		switch {
		case c == '\n':
			l.line++
			comment = false
		case comment || isSpace(c):
		case c == '#':
			comment = true
		default:
			return
		}
	}
}

// word reads one parameter; l.pos is at its first byte.
func (l *lexer) word() (word, error) {
	start, line := l.pos, l.line
	quote := byte(0)
	if c := l.src[l.pos]; c == '"' || c == '\'' {
		quote = c
		start++
		l.pos++
	}
	variable := false
	for ; l.pos < len(l.src); l.pos++ {
		c := l.src[l.pos]
		if l.pos-start >= maxToken {
			return word{}, l.errorf(line, "parameter longer than %d bytes, or a quote is not closed", maxToken)
		}
		if c == '\n' {
			l.line++
		}
		if c == '{' && variable {
			continue
		}
		variable = c == '$'
		switch {
		case c == 0 || c == '\\' && l.pos+1 < len(l.src) && l.src[l.pos+1] == 0:
			return word{}, l.errorf(l.line, "NUL byte")
		case c == '\\':
			l.pos++
			if l.pos < len(l.src) && l.src[l.pos] == '\n' {
				l.line++
			}
		case quote != 0 && c == quote:
			w := word{unescape(l.src[start:l.pos]), line}
			l.pos++
			return w, l.afterQuote()
		case quote == 0 && (isSpace(c) || c == ';' || c == '{'):
			if c == '\n' {
				l.line-- // skipBlank counts it
			}
			return word{unescape(l.src[start:l.pos]), line}, nil
		}
	}
	l.pos = min(l.pos, len(l.src))
	return word{}, l.errorf(line, "unexpected end of file inside %q", clip(string(l.src[start:l.pos])))
}

// afterQuote allows only what nginx allows behind a closing quote.
func (l *lexer) afterQuote() error {
	if l.pos >= len(l.src) {
		return nil // next reports the missing ";"
	}
	if c := l.src[l.pos]; !isSpace(c) && c != ';' && c != '{' && c != ')' {
		return l.errorf(l.line, "unexpected %q after a closing quote", string(c))
	}
	return nil
}

// unescape decodes the backslash pairs that nginx decodes and keeps all
// others, so that a regular expression's \. stays.
func unescape(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw)
	}
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] == '\\' && i+1 < len(raw) {
			switch raw[i+1] {
			case '"', '\'', '\\':
				i++
			case 't':
				out, i = append(out, '\t'), i+1
				continue
			case 'r':
				out, i = append(out, '\r'), i+1
				continue
			case 'n':
				out, i = append(out, '\n'), i+1
				continue
			}
		}
		out = append(out, raw[i])
	}
	return string(out)
}

// clip shortens text for a message.
func clip(s string) string {
	if len(s) > 60 {
		return s[:60] + "…"
	}
	return s
}

// splitWords reads text as the parameters of one directive and refuses
// anything that would end the directive or open a block.
func splitWords(text string) ([]string, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	l := &lexer{src: []byte(text + ";"), line: 1}
	words, kind, err := l.next()
	switch {
	case err != nil:
		return nil, errors.New("it holds an open quote, a comment or a last backslash, which would swallow what follows")
	case kind != endStatement || l.pos != len(l.src):
		return nil, fmt.Errorf("it holds %s outside of quotes", `";", "{" or "}"`)
	}
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = w.text
	}
	return out, nil
}
