// Package version reads and compares the version numbers of GitLab and
// Mattermost in the spellings that people paste.
package version

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Version is a release number. Patch is -1 when only major.minor was given
// ("17.6"), which means the whole minor line.
type Version struct {
	Major, Minor, Patch int
}

// Parse reads "17.6.1", "v9.11", "17.6.1-ce.0", "17.6.1+ee.0", "GitLab 17.6",
// "gitlab-ee=18.11.3-ee.0", "Mattermost 10.11.4". Anything else is an error that quotes the text.
func Parse(text string) (Version, error) {
	s := strings.TrimSpace(text)
	if s != "" && s[0] >= '0' && s[0] <= '9' {
		return parseNumbers(s, text)
	}
	for _, product := range [...]string{"gitlab", "mattermost", "ce", "ee", "team"} {
		if len(s) > len(product) && strings.EqualFold(s[:len(product)], product) {
			s = strings.TrimLeft(s[len(product):], " -_=:")
		}
	}
	return parseNumbers(strings.TrimPrefix(strings.TrimPrefix(s, "v"), "V"), text)
}

// parseNumbers reads what is left of text once the product's name is gone, in
// one pass and without allocating, as lookups by text need.
func parseNumbers(s, text string) (Version, error) {
	numbers := [3]int{2: -1}
	for field, i := 0, 0; field < len(numbers); field++ {
		start, n := i, 0
		for i < len(s) && s[i]-'0' <= 9 {
			n = 10*n + int(s[i]-'0')
			i++
		}
		if i == start || i > start+5 {
			break
		}
		numbers[field] = n
		if i == len(s) || s[i] == '-' || s[i] == '+' || s[i] == '~' {
			if field == 0 || i == len(s)-1 {
				break
			}
			return Version{numbers[0], numbers[1], numbers[2]}, nil
		}
		if s[i] != '.' {
			break
		}
		i++
	}
	return Version{}, parseError(text, "18.11.3")
}

// ParseMattermost is Parse for a place where a version of Mattermost is asked
// for, which the error's example is then.
func ParseMattermost(text string) (Version, error) {
	v, err := Parse(text)
	if err != nil {
		err = parseError(text, "10.11.4")
	}
	return v, err
}

// MustParse is Parse for constants in the source; it panics on an error.
func MustParse(text string) Version {
	v, err := Parse(text)
	if err != nil {
		panic(err)
	}
	return v
}

func parseError(text, example string) error {
	if len(text) > 60 {
		text = text[:60] + "…"
	}
	return fmt.Errorf("version %q: want MAJOR.MINOR or MAJOR.MINOR.PATCH, for example %s", text, example)
}

// HasPatch tells whether the text named one exact release.
func (v Version) HasPatch() bool { return v.Patch >= 0 }

// IsZero reports the zero value, which stands for "not given".
func (v Version) IsZero() bool { return v == Version{} }

// String prints MAJOR.MINOR or MAJOR.MINOR.PATCH.
func (v Version) String() string {
	b := make([]byte, 0, 12)
	b = append(strconv.AppendInt(b, int64(v.Major), 10), '.')
	b = strconv.AppendInt(b, int64(v.Minor), 10)
	if v.Patch >= 0 {
		b = strconv.AppendInt(append(b, '.'), int64(v.Patch), 10)
	}
	return string(b)
}

// MarshalText is String, so that a Version in JSON is "18.11.3"; the zero value
// is the empty text.
func (v Version) MarshalText() ([]byte, error) {
	if v.IsZero() {
		return []byte{}, nil
	}
	return []byte(v.String()), nil
}

// UnmarshalText is Parse; the empty text is the zero value.
func (v *Version) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*v = Version{}
		return nil
	}
	parsed, err := Parse(string(text))
	if err == nil {
		*v = parsed
	}
	return err
}

// Line is the version without its patch: 18.11 for 18.11.3.
func (v Version) Line() Version { return Version{v.Major, v.Minor, -1} }

// Compare orders versions; a missing patch counts as lower than patch 0.
func (v Version) Compare(w Version) int {
	return cmp.Or(cmp.Compare(v.Major, w.Major), cmp.Compare(v.Minor, w.Minor), cmp.Compare(v.Patch, w.Patch))
}

// AtLeast reports whether v is w or newer, where a line without a patch
// ("18.11") is taken as its first release.
func (v Version) AtLeast(w Version) bool {
	v.Patch, w.Patch = max(v.Patch, 0), max(w.Patch, 0)
	return v.Compare(w) >= 0
}
