package envmap

import (
	"fmt"

	"github.com/gitlab-mattermost/sdk/internal/version"
)

// Version is a release of Mattermost.
type Version = version.Version

// ParseVersion reads "10.11", "v9.11.3", "Mattermost 5.39.3"; anything else is
// an error that quotes the text.
func ParseVersion(text string) (Version, error) { return version.ParseMattermost(text) }

// samples are the releases whose settings the table knows, oldest first. The
// generator's input names the same ones. Development states count as the
// release they became.
var samples = [...]Version{
	{Major: 4, Minor: 0, Patch: -1}, {Major: 5, Minor: 4, Patch: -1}, {Major: 5, Minor: 11, Patch: -1}, {Major: 5, Minor: 20, Patch: -1}, {Major: 5, Minor: 31, Patch: -1},
	{Major: 5, Minor: 37, Patch: -1}, {Major: 5, Minor: 39, Patch: -1}, {Major: 6, Minor: 0, Patch: -1}, {Major: 6, Minor: 1, Patch: -1}, {Major: 6, Minor: 7, Patch: -1},
	{Major: 7, Minor: 4, Patch: -1}, {Major: 7, Minor: 6, Patch: -1}, {Major: 7, Minor: 7, Patch: -1}, {Major: 8, Minor: 0, Patch: -1}, {Major: 9, Minor: 0, Patch: -1},
	{Major: 9, Minor: 4, Patch: -1}, {Major: 9, Minor: 7, Patch: -1}, {Major: 9, Minor: 9, Patch: -1}, {Major: 9, Minor: 11, Patch: -1}, {Major: 10, Minor: 3, Patch: -1},
	{Major: 10, Minor: 5, Patch: -1}, {Major: 10, Minor: 9, Patch: -1}, {Major: 10, Minor: 11, Patch: -1}, {Major: 11, Minor: 1, Patch: -1}, {Major: 11, Minor: 4, Patch: -1},
	{Major: 11, Minor: 5, Patch: -1}, {Major: 11, Minor: 6, Patch: -1}, {Major: 11, Minor: 7, Patch: -1}, {Major: 11, Minor: 8, Patch: -1}, {Major: 11, Minor: 9, Patch: -1},
	{Major: 11, Minor: 11, Patch: -1},
}

// before compares major and minor only: patch releases do not change settings.
func before(a, b Version) bool {
	return a.Major < b.Major || a.Major == b.Major && a.Minor < b.Minor
}

// place is where a version stands among the samples: at sample i, or, when
// exact is false, between i and i+1 (or after the last one).
type place struct {
	i     int
	exact bool
}

func placeOf(v Version) place {
	p := place{i: -1}
	for i, s := range samples {
		if before(v, s) {
			break
		}
		p = place{i: i, exact: !before(s, v)}
	}
	return p
}

// OldestVersion and NewestVersion bound what the package knows. An older
// version is refused, a newer one is judged as the newest.
func OldestVersion() Version { return samples[0] }

// NewestVersion is the newest sampled release.
func NewestVersion() Version { return samples[len(samples)-1] }

// checkVersion refuses what the table cannot say anything about.
func checkVersion(v Version) error {
	if before(v, OldestVersion()) {
		return fmt.Errorf("mattermost %v: the oldest version known here is %v", v, OldestVersion())
	}
	return nil
}

// era is a generation of Mattermost's reading of the environment.
type era int

const (
	eraFileKeys era = iota + 1 // 3.8 to 4.9: only keys that config.json has
	eraViper                   // 4.10 to 5.28: lists at commas, a wrong value stops the server
	eraWalk                    // 5.29 and later: lists at blanks, a wrong value is ignored
)

func eraOf(v Version) era {
	switch {
	case before(v, Version{Major: 4, Minor: 10}):
		return eraFileKeys
	case before(v, Version{Major: 5, Minor: 29}):
		return eraViper
	}
	return eraWalk
}
