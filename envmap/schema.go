package envmap

import (
	_ "embed"
	"iter"
	"strings"
)

//go:generate go run ./internal/gen .

// schemaText is the table of settings, one a line, sorted by key. Nothing of it
// is parsed at the start of a program. Columns: path, kind, first and last
// sample, samples in between that lack it, then "sample=default" each.
//
//go:embed schema.txt
var schemaText string

// schemaIndex is a hash table of where the lines start: see the generator.
//
//go:embed schema.idx
var schemaIndex string

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
	hash := uint32(2166136261)
	for i := range len(name) {
		hash = (hash ^ uint32(fold(name[i]))) * 16777619
	}
	slots := uint32(len(schemaIndex) / 4)
	for slot := hash % slots; ; slot = (slot + 1) % slots {
		entry := schemaIndex[4*slot : 4*slot+4]
		offset := uint32(entry[0]) | uint32(entry[1])<<8 | uint32(entry[2])<<16
		if offset == 0 {
			return Setting{}, false
		}
		if line := schemaText[offset-1:]; isKey(name, line) {
			return parseLine(line[:strings.IndexByte(line, '\n')]), true
		}
	}
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

// isKey tells whether a name is the first column of a line: letters in either
// case, and either separator.
func isKey(name, line string) bool {
	if len(line) <= len(name) || line[len(name)] != '\t' {
		return false
	}
	for i := range len(name) {
		a, b := name[i], line[i]
		switch {
		case (a^b)&^0x20 == 0 && (b|0x20)-'a' < 26: // first, as nearly all are letters, of the same case or not
		case a == b:
		case (a == '_' || a == '.') && (b == '_' || b == '.'):
		default:
			return false
		}
	}
	return true
}

// fold gives letters and separators the one form that the index is hashed in.
// Other bytes may fall together; isKey tells them apart.
func fold(c byte) byte {
	if c == '_' {
		return '.'
	}
	return c | 0x20
}

// parseLine reads a line of the table, which has five tabs or more. It takes the
// short columns byte by byte, as every variable of a check comes through here.
func parseLine(line string) Setting {
	s := Setting{Path: upToTab(line)}
	line = line[len(s.Path)+1:]
	s.Kind, line = Kind(line[0]), line[2:]
	s.first, line = number(line)
	s.last, line = number(line)
	s.gaps = upToTab(line)
	if len(s.gaps) < len(line) {
		s.defaults = line[len(s.gaps)+1:]
	}
	return s
}

func upToTab(s string) string {
	if i := strings.IndexByte(s, '\t'); i >= 0 {
		return s[:i]
	}
	return s
}

// number reads one of the table's own small numbers and the tab behind it.
func number(s string) (n int, rest string) {
	for i := range len(s) {
		if s[i] == '\t' {
			return n, s[i+1:]
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, ""
}

// digits reads one of the table's own small numbers.
func digits(s string) int {
	n := 0
	for i := range len(s) {
		n = n*10 + int(s[i]-'0')
	}
	return n
}
