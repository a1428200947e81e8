package gitlabrb

import (
	"slices"
	"strconv"
	"strings"
)

// nameKind says how a top-level name of gitlab.rb behaves.
type nameKind uint8

const (
	nameUnknown nameKind = iota
	nameHash             // name['key'] = value
	nameValue            // name value; nil until set
	nameNode             // facts of the machine
)

// release is a GitLab release, major and minor.
type release [2]int

func (a release) less(b release) bool {
	return a[0] < b[0] || a[0] == b[0] && a[1] < b[1]
}

// nameSet is the top-level names that one GitLab release knows.
type nameSet struct {
	version string
	release release
}

// namesOf returns the names of a release; "" is 18.11. A version that cannot
// be read counts as 18.11 as well.
func namesOf(version string) nameSet {
	if version == "" {
		return nameSet{release: release{18, 11}}
	}
	return nameSet{version, parseRelease(version)}
}

func parseRelease(version string) release {
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, err := strconv.Atoi(major)
	if err != nil {
		return release{18, 11}
	}
	b, err := strconv.Atoi(minor)
	if err != nil {
		b = 99
	}
	return release{a, b}
}

func (s nameSet) has(name string) bool { return s.kind(name) != nameUnknown }

func (s nameSet) kind(name string) nameKind {
	n, ok := findName(name)
	if !ok || s.release.less(n.first) || n.last != (release{}) && n.last.less(s.release) {
		return nameUnknown
	}
	return n.kind
}

// hint says what may be meant by an unknown name.
func (s nameSet) hint(name string) string {
	if n, ok := findName(name); ok {
		if s.release.less(n.first) {
			return "it came with GitLab " + n.first.String()
		}
		return "it went with GitLab " + n.last.next()
	}
	var known []string
	for _, n := range topNames {
		if s.has(n.name) {
			known = append(known, n.name)
		}
	}
	if c := suggest(name, known); c != "" {
		return "did you mean " + c + "?"
	}
	return ""
}

func (a release) String() string { return itoa(a[0]) + "." + itoa(a[1]) }

// next is the release after a, which is the last of its kind.
func (a release) next() string {
	if last := map[int]int{8: 17, 9: 5, 10: 8, 11: 11, 12: 10, 13: 12, 14: 10, 15: 11, 16: 11, 17: 11, 18: 11}; last[a[0]] == a[1] {
		return release{a[0] + 1, 0}.String()
	}
	return release{a[0], a[1] + 1}.String()
}

type topName struct {
	name  string
	kind  nameKind
	first release
	last  release // zero: still there
}

func findName(name string) (topName, bool) {
	i, ok := slices.BinarySearchFunc(topNames, name, func(n topName, name string) int { return strings.Compare(n.name, name) })
	if !ok {
		return topName{}, false
	}
	return topNames[i], true
}
