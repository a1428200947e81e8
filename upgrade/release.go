package upgrade

import (
	"cmp"
	"fmt"
	"sort"
	"strings"

	"github.com/gitlab-mattermost/sdk/internal/version"
)

// entry is one line of the generated table, eight bytes.
type entry struct {
	major, minor, patch  uint8
	mattermost, postgres uint8
	day                  uint16
}

// Release is one GitLab release as it was packaged.
type Release struct {
	GitLab     Version `json:"gitlab"`
	Mattermost Version `json:"mattermost,omitzero"` // zero: none in the package
	// PostgreSQL lists the packaged versions, comma-separated, the default
	// first: "16.13,17.8". "" where the tag does not say (before 8.14, from
	// 19.0 on).
	PostgreSQL string `json:"postgresql,omitempty"`
	Date       Date   `json:"date"` // of the tagged commit
}

// HasMattermost reports whether the package carried Mattermost. It never did
// on ARM, and not on SLES 12.5 from 18.8.10, 18.9.6, 18.10.4 and 18.11.0 on.
func (r Release) HasMattermost() bool { return !r.Mattermost.IsZero() }

// PostgreSQLVersions returns the packaged PostgreSQL versions, the default
// first; nil where the tag does not say.
func (r Release) PostgreSQLVersions() []Version {
	var list []Version
	for text := range strings.SplitSeq(r.PostgreSQL, ",") {
		if v, err := version.Parse(text); err == nil {
			list = append(list, v)
		}
	}
	return list
}

// release unpacks one line of the table.
func (e *entry) release() (r Release) {
	r.set(e)
	return r
}

// set unpacks into place: a Release is large enough that copies cost more than
// the lookup.
func (r *Release) set(e *entry) {
	m := &mattermostTable[e.mattermost]
	r.GitLab = Version{Major: int(e.major), Minor: int(e.minor), Patch: int(e.patch)}
	r.Mattermost = Version{Major: int(m[0]), Minor: int(m[1]), Patch: int(m[2])}
	r.PostgreSQL = postgresTable[e.postgres]
	r.Date = Date(e.day)
}

func (e *entry) compare(v Version) int {
	return cmp.Or(cmp.Compare(int(e.major), v.Major), cmp.Compare(int(e.minor), v.Minor), cmp.Compare(int(e.patch), v.Patch))
}

// lineOf returns the index of the first release of v's line and of the first
// release after it; equal when there is no such line.
func lineOf(v Version) (first, next int) {
	major := v.Major - oldestMajor
	if major < 0 || major >= len(lineTable) || v.Minor < 0 || v.Minor >= len(lineTable[0]) || lineTable[major][v.Minor] == 0 {
		return 0, 0
	}
	first = int(lineTable[major][v.Minor]) - 1
	next = first + 1
	for next < len(gitlabTable) && int(gitlabTable[next].minor) == v.Minor && int(gitlabTable[next].major) == v.Major {
		next++
	}
	return first, next
}

// find returns the index of an exact release, or -1. Patch numbers have few
// gaps, so the release sits at its patch number or shortly before.
func find(v Version) int {
	major := v.Major - oldestMajor
	if major < 0 || major >= len(lineTable) || v.Minor < 0 || v.Minor >= len(lineTable[0]) || v.Patch < 0 {
		return -1
	}
	first := int(lineTable[major][v.Minor]) - 1
	if first < 0 {
		return -1
	}
	for i := min(first+v.Patch, len(gitlabTable)-1); i >= first; i-- {
		e := &gitlabTable[i]
		if int(e.minor) != v.Minor || int(e.major) != v.Major {
			continue // beyond the line's newest release
		}
		if int(e.patch) <= v.Patch {
			if int(e.patch) == v.Patch {
				return i
			}
			return -1
		}
	}
	return -1
}

// search returns the index of the first release that is v or newer.
func search(v Version) int {
	return sort.Search(len(gitlabTable), func(i int) bool { return gitlabTable[i].compare(v) >= 0 })
}

// Lookup returns the release of exactly this GitLab version. It does not
// allocate.
func Lookup(gitlab Version) (r Release, known bool) {
	i := find(gitlab)
	if i < 0 {
		return r, false
	}
	r.set(&gitlabTable[i])
	return r, true
}

// Bundle is what a GitLab version carries: one release, or a line from its
// first to its newest release.
type Bundle struct {
	Asked Version `json:"asked"` // as given; Patch -1 for a line
	First Release `json:"first"` // the release itself, or the line's .0
	Last  Release `json:"last"`  // the release itself, or the line's newest
}

// Bundled answers which Mattermost a GitLab package carries: for an exact
// release ("17.6.1") that one's, for a line ("17.6") what its .0 shipped and
// what its newest patch ships. All spellings of ParseVersion are read. A
// package without Mattermost is an answer (Release.HasMattermost is false). An
// unknown release is an *UnknownReleaseError. Bundled does not allocate unless
// it fails.
func Bundled(gitlab string) (b Bundle, err error) {
	v, err := version.Parse(gitlab)
	if err == nil {
		err = b.fill(v)
	}
	return b, err
}

// BundledIn is Bundled for a Version.
func BundledIn(gitlab Version) (b Bundle, err error) {
	err = b.fill(gitlab)
	return b, err
}

func (b *Bundle) fill(gitlab Version) error {
	var first, last int
	if gitlab.HasPatch() {
		first = find(gitlab)
		last = first
	} else {
		var next int
		first, next = lineOf(gitlab)
		last = next - 1
	}
	if last < 0 {
		return unknownRelease(gitlab)
	}
	b.Asked = gitlab
	b.First.set(&gitlabTable[first])
	b.Last.set(&gitlabTable[last])
	return nil
}

// UnknownReleaseError reports a GitLab version that the table does not have.
type UnknownReleaseError struct {
	GitLab Version
	Before Release // newest release below it; zero when there is none
	After  Release // oldest release above it; zero when there is none
}

func unknownRelease(v Version) error {
	e := &UnknownReleaseError{GitLab: v}
	i := search(v)
	if i > 0 {
		e.Before = gitlabTable[i-1].release()
	}
	if i < len(gitlabTable) {
		e.After = gitlabTable[i].release()
	}
	return e
}

// Error says why the release is unknown and names its neighbours.
func (e *UnknownReleaseError) Error() string {
	switch {
	case e.Before == Release{}:
		return fmt.Sprintf("GitLab %s had no Mattermost: the first package with one is %s", e.GitLab, e.After.GitLab)
	case e.After == Release{}:
		return fmt.Sprintf("GitLab %s is newer than this table, which ends with %s of %s", e.GitLab, e.Before.GitLab, e.Before.Date)
	case e.Before.GitLab.Line() == e.GitLab.Line() && e.After.GitLab.Line() != e.GitLab.Line():
		return fmt.Sprintf("GitLab %s is not in this table: the newest release of that line here is %s of %s", e.GitLab, e.Before.GitLab, e.Before.Date)
	default:
		return fmt.Sprintf("GitLab %s was never released: there are %s and %s", e.GitLab, e.Before.GitLab, e.After.GitLab)
	}
}
