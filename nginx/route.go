package nginx

import (
	"regexp"
	"regexp/syntax"
	"strings"
)

// locationOf is one location with what selects it.
type locationOf struct {
	*Directive
	kind string // "=", "^~", "~", "~*" or "" for a plain prefix
	path string
	re   *regexp.Regexp // of "~" and "~*"; nil when Go cannot read it
}

// locations lists a server's own locations; nested ones are not looked into.
func locationsOf(server *Directive) []locationOf {
	var out []locationOf
	for _, dir := range server.Find("location") {
		l := locationOf{Directive: dir, path: dir.Arg(0)}
		switch {
		case len(dir.Args) == 2:
			l.kind, l.path = dir.Args[0], dir.Args[1]
		default: // nginx also reads "=/x" and "~x" as one word
			for _, kind := range [...]string{"~*", "^~", "~", "="} {
				if rest, ok := strings.CutPrefix(l.path, kind); ok {
					l.kind, l.path = kind, rest
					break
				}
			}
		}
		if strings.HasPrefix(l.kind, "~") {
			expr := l.path
			if l.kind == "~*" {
				expr = "(?i)" + expr
			}
			if len(expr) <= 1000 {
				l.re, _ = regexp.Compile(expr) // nil: nginx knows more than Go, e.g. look-ahead
			}
		}
		out = append(out, l)
	}
	return out
}

// route returns the location that nginx would choose for a path: an exact one,
// else the longest prefix if it says "^~", else the first regular expression
// that matches, else the longest prefix. nil: none, the server's own content.
func route(locations []locationOf, path string) *locationOf {
	var prefix *locationOf
	for i := range locations {
		l := &locations[i]
		switch l.kind {
		case "=":
			if l.path == path {
				return l
			}
		case "", "^~":
			if strings.HasPrefix(path, l.path) && (prefix == nil || len(l.path) > len(prefix.path)) {
				prefix = l
			}
		}
	}
	if prefix != nil && prefix.kind == "^~" {
		return prefix
	}
	for i := range locations {
		if l := &locations[i]; l.re != nil && l.re.MatchString(path) {
			return l
		}
	}
	return prefix
}

// sample returns a path that the location is meant for, "" when none can be
// made up.
func (l *locationOf) sample() string {
	switch l.kind {
	case "=":
		return l.path
	case "", "^~":
		return l.path + "x"
	}
	parsed, err := syntax.Parse(l.path, syntax.Perl)
	if err != nil || l.re == nil {
		return ""
	}
	var b strings.Builder
	generate(parsed, &b, 0)
	path := b.String()
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	if !l.re.MatchString(path) {
		return ""
	}
	return path
}

// generate writes a short text that the expression matches.
func generate(re *syntax.Regexp, b *strings.Builder, depth int) {
	if depth > 50 || b.Len() > 500 {
		return
	}
	switch re.Op {
	case syntax.OpLiteral:
		b.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		if len(re.Rune) > 0 {
			b.WriteRune(re.Rune[0])
		}
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte('x')
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			generate(sub, b, depth+1)
		}
	case syntax.OpAlternate, syntax.OpCapture, syntax.OpPlus:
		generate(re.Sub[0], b, depth+1)
	case syntax.OpRepeat:
		for range min(re.Min, 20) {
			generate(re.Sub[0], b, depth+1)
		}
	}
}
