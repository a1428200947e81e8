package upgrade

import (
	"cmp"
	"fmt"
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
func (e entry) release() Release {
	m := mattermostTable[e.mattermost]
	return Release{
		GitLab:     Version{Major: int(e.major), Minor: int(e.minor), Patch: int(e.patch)},
		Mattermost: Version{Major: int(m[0]), Minor: int(m[1]), Patch: int(m[2])},
		PostgreSQL: postgresTable[e.postgres],
		Date:       Date(e.day),
	}
}

func (e entry) compare(v Version) int {
	return cmp.Or(cmp.Compare(int(e.major), v.Major), cmp.Compare(int(e.minor), v.Minor), cmp.Compare(int(e.patch), v.Patch))
}

// search returns the index of the first release that is v or newer.
func search(v Version) int {
	low, high := 0, len(gitlabTable)
	for low < high {
		mid := int(uint(low+high) / 2)
		if gitlabTable[mid].compare(v) < 0 {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// Lookup returns the release of exactly this GitLab version. It does not
// allocate.
func Lookup(gitlab Version) (Release, bool) {
	i := search(gitlab)
	if i == len(gitlabTable) || gitlabTable[i].compare(gitlab) != 0 {
		return Release{}, false
	}
	return gitlabTable[i].release(), true
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
func Bundled(gitlab string) (Bundle, error) {
	v, err := version.Parse(gitlab)
	if err != nil {
		return Bundle{}, err
	}
	return BundledIn(v)
}

// BundledIn is Bundled for a Version.
func BundledIn(gitlab Version) (Bundle, error) {
	first := search(gitlab)
	if first == len(gitlabTable) {
		return Bundle{}, unknownRelease(gitlab)
	}
	last := first
	if gitlab.HasPatch() {
		if gitlabTable[first].compare(gitlab) != 0 {
			return Bundle{}, unknownRelease(gitlab)
		}
	} else {
		next := gitlab
		next.Patch = maxPatch
		last = search(next) - 1
		if last < first {
			return Bundle{}, unknownRelease(gitlab)
		}
	}
	return Bundle{Asked: gitlab, First: gitlabTable[first].release(), Last: gitlabTable[last].release()}, nil
}

// maxPatch is higher than any patch number in the table.
const maxPatch = 256

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
