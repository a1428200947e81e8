package upgrade

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gitlab-mattermost/sdk/internal/version"
)

// Point is an end of a journey: a GitLab release with whatever Mattermost its
// package carries, a standalone Mattermost, or both side by side.
type Point struct {
	GitLab     Version `json:"gitlab,omitzero"`     // zero: GitLab is not the subject
	Standalone Version `json:"standalone,omitzero"` // zero: no Mattermost outside the package
}

// AtGitLab is the point of a GitLab release, exact or a line.
func AtGitLab(v Version) Point { return Point{GitLab: v} }

// AtStandalone is the point of a Mattermost outside the package, exact or a
// line.
func AtStandalone(v Version) Point { return Point{Standalone: v} }

// RecommendedStandalone is the line to land on outside the package: the newest
// extended support release.
func RecommendedStandalone() Version {
	var best Version
	for _, e := range supportTable {
		if e.esr {
			best = line(int(e.major), int(e.minor))
		}
	}
	return best
}

// ParsePoint reads "18.11.3" or "GitLab 18.11" (a GitLab release),
// "standalone 11.7", "standalone:11.7.9" or "mattermost 11.7" (a Mattermost
// outside the package), "standalone" (there, at the recommended line), and
// "19.3,standalone:11.7" (both).
func ParsePoint(text string) (Point, error) {
	var p Point
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		v, standalone, err := parsePart(part)
		switch {
		case err != nil:
			return Point{}, err
		case standalone && p.Standalone.IsZero():
			p.Standalone = v
		case !standalone && p.GitLab.IsZero():
			p.GitLab = v
		default:
			return Point{}, fmt.Errorf("%.60q names the same product twice", text)
		}
	}
	return p, nil
}

func parsePart(part string) (v Version, standalone bool, err error) {
	for _, prefix := range [...]string{"standalone", "mattermost"} {
		if len(part) < len(prefix) || !strings.EqualFold(part[:len(prefix)], prefix) {
			continue
		}
		rest := strings.TrimLeft(part[len(prefix):], " :=-_")
		if rest == "" {
			return RecommendedStandalone(), true, nil
		}
		v, err = version.ParseMattermost(rest)
		return v, true, err
	}
	v, err = version.Parse(part)
	return v, false, err
}

// String prints "GitLab 18.11.3", "standalone 11.7" or both.
func (p Point) String() string {
	switch {
	case p.Standalone.IsZero():
		return "GitLab " + p.GitLab.String()
	case p.GitLab.IsZero():
		return "standalone " + p.Standalone.String()
	}
	return "GitLab " + p.GitLab.String() + " and standalone " + p.Standalone.String()
}

// IsZero reports the Point that names nothing.
func (p Point) IsZero() bool { return p == Point{} }

// State is what stands between two steps of a journey.
type State struct {
	GitLab     Version `json:"gitlab,omitzero"`
	Mattermost Version `json:"mattermost,omitzero"`  // zero: none runs
	Standalone bool    `json:"standalone"`           // Mattermost runs outside the package
	PostgreSQL string  `json:"postgresql,omitempty"` // major version under Mattermost: "9.6", "16"; "" unknown
}

// String prints one line: "GitLab 18.11.3, Mattermost 10.11.13 in the package, PostgreSQL 16".
func (s State) String() string {
	var parts []string
	if !s.GitLab.IsZero() {
		parts = append(parts, "GitLab "+s.GitLab.String())
	}
	switch {
	case s.Mattermost.IsZero():
		parts = append(parts, "no Mattermost running")
	case s.Standalone:
		parts = append(parts, "Mattermost "+s.Mattermost.String()+" standalone")
	default:
		parts = append(parts, "Mattermost "+s.Mattermost.String()+" in the package")
	}
	if s.PostgreSQL != "" {
		parts = append(parts, "PostgreSQL "+s.PostgreSQL)
	}
	return strings.Join(parts, ", ")
}

// resolveGitLab resolves a GitLab version: an exact release must be in the
// table; a line becomes its newest (or, as the start of a journey, its first)
// release. Lines after the table stay lines: nothing is bundled there. A patch
// that is newer than the table's newest of its line counts as that one; newer
// is then true.
func resolveGitLab(v Version, start bool) (r Release, newer bool, err error) {
	b, err := BundledIn(v)
	if err == nil {
		if start {
			return b.First, false, nil
		}
		return b.Last, false, nil
	}
	var unknown *UnknownReleaseError
	if !errors.As(err, &unknown) {
		return Release{}, false, err
	}
	line := v.Line()
	switch {
	case unknown.Before.GitLab.Line() == line && unknown.After.GitLab.Line() != line:
		r = unknown.Before
		r.GitLab, r.Date = v, 0
		return r, true, nil
	case v.Major >= FirstWithout().GitLab.Major && unknown.After.GitLab.IsZero():
		return Release{GitLab: v}, false, nil // announced, or newer than the table: no Mattermost either way
	}
	return Release{}, false, err
}
