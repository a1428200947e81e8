package gitlabrb

import (
	"regexp"
	"strings"
)

// compile translates a Ruby regular expression that means the same to Go's
// regexp package; any other is refused with the reason.
func (r *regex) compile() (*regexp.Regexp, string) {
	const refused = "a regular expression that is not evaluated"
	if len(r.source) > 500 || strings.Trim(r.flags, "imu") != "" {
		return nil, refused
	}
	if nestedClass(r.source) {
		return nil, refused
	}
	for _, bad := range [...]string{"(?", "\\p", "\\P", "\\k", "\\g", "\\G", "\\K", "\\R", "\\X", "\\Z", "\\b", "\\B", "\\h", "\\H",
		"\\u", "\\c", "\\C", "\\M", "&&", "[]", "[^]", "++", "*+", "?+", "}+"} {
		if strings.Contains(r.source, bad) {
			return nil, refused
		}
	}
	for i := 0; i+1 < len(r.source); i++ {
		if r.source[i] == '\\' {
			if c := r.source[i+1]; c >= '1' && c <= '9' {
				return nil, refused
			}
			i++
		}
	}
	if !isASCII(r.source) {
		return nil, refused
	}
	flags := "m"
	if strings.Contains(r.flags, "i") {
		flags += "i"
	}
	if strings.Contains(r.flags, "m") {
		flags += "s"
	}
	re, err := regexp.Compile("(?" + flags + ":" + r.source + ")")
	if err != nil {
		return nil, refused
	}
	return re, ""
}

// nestedClass reports a [ inside of a character class.
func nestedClass(s string) bool {
	in := false
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '[':
			if in {
				return true
			}
			in = true
		case ']':
			in = false
		}
	}
	return false
}

// match is =~ and match?.
func (ev *evaluator) match(n node, r *regex, s, name string) value {
	re, problem := r.compile()
	if problem != "" {
		return ev.undecided(n, problem)
	}
	ev.step(len(s) / 4)
	loc := re.FindStringIndex(s)
	switch {
	case name == "match?":
		return loc != nil
	case loc == nil:
		return nil
	case name == "match":
		return ev.undecided(n, "a MatchData")
	}
	return runeCount(s[:loc[0]])
}

func (ev *evaluator) regexMethod(n node, r *regex, name string, args []value) (value, bool) {
	if len(args) != 1 {
		return nil, false
	}
	if s, ok := args[0].(Symbol); ok {
		args = []value{newStr(string(s))}
	}
	s, ok := textArg(args, 0)
	switch name {
	case "===":
		if !ok {
			return false, true
		}
		return ev.match(n, r, s, "match?"), true
	case "=~", "match", "match?":
		if !ok {
			if name == "match?" {
				return false, args[0] == nil
			}
			return nil, args[0] == nil
		}
		return ev.match(n, r, s, name), true
	}
	return nil, false
}
