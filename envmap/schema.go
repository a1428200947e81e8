package envmap

import (
	_ "embed"
	"iter"
	"strings"
)

//go:generate go run ./internal/gen .

// schemaText is the table of settings, one a line, sorted by key so that a
// binary search in the text itself finds a setting: nothing is parsed at the
// start of a program and nothing is allocated. Columns: path, kind, first and
// last sample, samples in between that lack it, then "sample=default" each.
//
//go:embed schema.txt
var schemaText string

// Kind is the type of a setting, as far as reading a variable is concerned.
type Kind byte

// Kinds of settings.
const (
	KindString  Kind = 's'
	KindBool    Kind = 'b'
	KindInt     Kind = 'i'
	KindList    Kind = 'l' // list of strings
	KindMap     Kind = 'm' // JSON object
	KindJSON    Kind = 'r' // raw JSON, kept as text
	KindStructs Kind = 'x' // list of objects; a variable cannot set it
)

// String names the kind for people.
func (k Kind) String() string {
	switch k {
	case KindString:
		return "string"
	case KindBool:
		return "boolean"
	case KindInt:
		return "integer"
	case KindList:
		return "list"
	case KindMap:
		return "JSON object"
	case KindJSON:
		return "JSON text"
	case KindStructs:
		return "list of objects"
	}
	return "unknown"
}

// Setting is one setting of Mattermost.
type Setting struct {
	// Path is its place in config.json in the newest spelling:
	// "ServiceSettings.SiteURL". Mattermost reads keys in any case.
	Path string
	Kind Kind

	first, last    int
	gaps, defaults string
}

// Env returns the variable's name: MM_SERVICESETTINGS_SITEURL.
func (s Setting) Env() string { return "MM_" + strings.ToUpper(strings.ReplaceAll(s.Path, ".", "_")) }

// Section is the first part of the path.
func (s Setting) Section() string {
	section, _, _ := strings.Cut(s.Path, ".")
	return section
}

// Since is the oldest sampled release that has the setting, Until the newest;
// current is true when that is the newest release of all.
func (s Setting) Since() Version { return samples[s.first] }

// Until is the newest sampled release that has the setting, and whether that is
// the newest release known here.
func (s Setting) Until() (v Version, current bool) {
	return samples[s.last], s.last == len(samples)-1
}

// Presence says whether a release has a setting.
type Presence int

// Presences. Maybe is a release between two samples of which only one has the
// setting.
const (
	NotYet Presence = iota + 1
	Present
	Maybe
	Removed
)

// In tells whether a release of Mattermost has the setting.
func (s Setting) In(v Version) Presence { return s.at(placeOf(v)) }

func (s Setting) at(p place) Presence {
	here := s.sampled(p.i)
	if p.exact || p.i == len(samples)-1 {
		if here {
			return Present
		}
		return s.absent(p.i)
	}
	switch next := s.sampled(p.i + 1); {
	case here && next:
		return Present
	case here != next:
		return Maybe
	}
	return s.absent(p.i)
}

func (s Setting) absent(i int) Presence {
	if i > s.last {
		return Removed
	}
	return NotYet
}

func (s Setting) sampled(i int) bool {
	if i < s.first || i > s.last {
		return false
	}
	for rest := s.gaps; rest != ""; {
		var gap string
		gap, rest, _ = strings.Cut(rest, ",")
		if digits(gap) == i {
			return false
		}
	}
	return true
}

// Default returns the default of a release as JSON text; false when the release
// has none or when Mattermost generates the value (salts and keys of older
// releases). Between two samples the older one's counts. It is the default of a
// new installation; ExistingDefault is the other one.
func (s Setting) Default(v Version) (json string, ok bool) {
	p := placeOf(v)
	for rest := s.defaults; rest != ""; {
		var pair string
		pair, rest, _ = strings.Cut(rest, "\t")
		sample, value, _ := strings.Cut(pair, "=")
		if digits(sample) > max(p.i, s.first) {
			break
		}
		json = value
	}
	return json, json != "" && json[0] != '<'
}

// Lookup finds a setting by the name of its variable, in any case, with or
// without MM_, or by its path. It allocates nothing.
func Lookup(name string) (Setting, bool) {
	if len(name) > 3 && strings.EqualFold(name[:3], "MM_") {
		name = name[3:]
	}
	lo, hi := 0, len(schemaText)
	for lo < hi {
		mid := lo + (hi-lo)/2
		start := lo + strings.LastIndexByte(schemaText[lo:mid], '\n') + 1
		line, _, _ := strings.Cut(schemaText[start:], "\n")
		switch c := compareKey(name, line); {
		case c == 0:
			return parseLine(line), true
		case c < 0:
			hi = start
		default:
			lo = start + len(line) + 1
		}
	}
	return Setting{}, false
}

// Settings yields all settings of all releases, sorted.
func Settings() iter.Seq[Setting] {
	return func(yield func(Setting) bool) {
		for rest := schemaText; rest != ""; {
			var line string
			line, rest, _ = strings.Cut(rest, "\n")
			if !yield(parseLine(line)) {
				return
			}
		}
	}
}

// compareKey orders a name against a line of the table.
func compareKey(name, line string) int {
	for i := 0; ; i++ {
		a, b := fold(name, i), fold(line, i)
		switch {
		case a != b:
			return int(a) - int(b)
		case a == 0:
			return 0
		}
	}
}

// fold returns the byte at i in the form that keys are compared in; 0 is the
// end of a name or of a line's first column.
func fold(s string, i int) byte {
	if i >= len(s) || s[i] == '\t' {
		return 0
	}
	switch c := s[i]; {
	case c == '_':
		return '.'
	case c >= 'A' && c <= 'Z':
		return c + 'a' - 'A'
	default:
		return c
	}
}

func parseLine(line string) Setting {
	var s Setting
	var kind, first, last string
	s.Path, line, _ = strings.Cut(line, "\t")
	kind, line, _ = strings.Cut(line, "\t")
	first, line, _ = strings.Cut(line, "\t")
	last, line, _ = strings.Cut(line, "\t")
	s.gaps, s.defaults, _ = strings.Cut(line, "\t")
	s.Kind, s.first, s.last = Kind(kind[0]), digits(first), digits(last)
	return s
}

// digits reads one of the table's own small numbers.
func digits(s string) int {
	n := 0
	for i := range len(s) {
		n = n*10 + int(s[i]-'0')
	}
	return n
}
