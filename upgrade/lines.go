package upgrade

import (
	"fmt"
	"iter"

	"github.com/gitlab-mattermost/sdk/internal/version"
)

// Releases yields every GitLab release of the table, oldest version first.
func Releases() iter.Seq[Release] {
	return func(yield func(Release) bool) {
		for i := range gitlabTable {
			if !yield(gitlabTable[i].release()) {
				return
			}
		}
	}
}

// Lines yields every minor line of GitLab, oldest first, with its first and
// newest release.
func Lines() iter.Seq[Bundle] {
	return func(yield func(Bundle) bool) {
		for i := 0; i < len(gitlabTable); {
			first := &gitlabTable[i]
			j := i
			for j+1 < len(gitlabTable) && gitlabTable[j+1].major == first.major && gitlabTable[j+1].minor == first.minor {
				j++
			}
			b := Bundle{First: first.release(), Last: gitlabTable[j].release()}
			b.Asked = b.First.GitLab.Line()
			if !yield(b) {
				return
			}
			i = j + 1
		}
	}
}

// FirstWithout returns the first GitLab release whose package carries no
// Mattermost any more: 19.0.0.
func FirstWithout() Release { return gitlabTable[firstWithout].release() }

// newestBundle returns the highest GitLab release with a Mattermost inside.
func newestBundle() Release { return gitlabTable[firstWithout-1].release() }

// Range is an unbroken run of GitLab releases inside one minor line.
type Range struct {
	First Version `json:"first"`
	Last  Version `json:"last"`
}

// String prints "18.8.7 to 18.8.11", or one version.
func (r Range) String() string {
	if r.First == r.Last {
		return r.First.String()
	}
	return r.First.String() + " to " + r.Last.String()
}

// Bundlers is the reverse of Bundled: the GitLab releases that carry this
// Mattermost, exact ("9.11.4") or any of a line ("9.11"), oldest first. A
// Mattermost that no GitLab package ever carried is an error that names the
// bundled versions around it.
func Bundlers(mattermost string) ([]Range, error) {
	v, err := version.ParseMattermost(mattermost)
	if err != nil {
		return nil, err
	}
	var list []Range
	var below, above Version
	running := false
	for r := range Releases() {
		if !r.HasMattermost() {
			continue
		}
		if !matches(r.Mattermost, v) {
			running = false
			if r.Mattermost.Compare(v) < 0 && r.Mattermost.Compare(below) > 0 {
				below = r.Mattermost
			}
			if r.Mattermost.Compare(v) > 0 && (above.IsZero() || r.Mattermost.Compare(above) < 0) {
				above = r.Mattermost
			}
			continue
		}
		if running && list[len(list)-1].Last.Line() == r.GitLab.Line() {
			list[len(list)-1].Last = r.GitLab
		} else {
			list = append(list, Range{r.GitLab, r.GitLab})
		}
		running = true
	}
	if list == nil {
		return nil, neverBundled(v, below, above)
	}
	return list, nil
}

func neverBundled(v, below, above Version) error {
	switch {
	case below.IsZero():
		return fmt.Errorf("no GitLab package carried Mattermost %s: the oldest bundled one is %s", v, above)
	case above.IsZero():
		return fmt.Errorf("no GitLab package carried Mattermost %s: the newest bundled one is %s", v, below)
	}
	return fmt.Errorf("no GitLab package carried Mattermost %s: the bundled ones around it are %s and %s", v, below, above)
}

// matches reports whether v is want, or in want's line when want is a line.
func matches(v, want Version) bool {
	return v == want || !want.HasPatch() && v.Line() == want
}

// Downgrade is a pair of GitLab releases where the later version carries the
// older Mattermost: going from one to the other is a downgrade of Mattermost
// although GitLab goes up.
type Downgrade struct {
	From Release `json:"from"` // newest patch of a line
	To   Release `json:"to"`   // .0 of the next line
	// Safe is the first release of the later line whose Mattermost is not
	// older; zero when the line has none.
	Safe Version `json:"safe,omitzero"`
}

// Downgrades returns the minor boundaries of GitLab where the newest patch of
// one line carries a newer Mattermost than the first release of the next.
func Downgrades() []Downgrade {
	var list []Downgrade
	var before Bundle
	for b := range Lines() {
		if b.First.HasMattermost() && before.Last.Mattermost.Compare(b.First.Mattermost) > 0 {
			d := Downgrade{From: before.Last, To: b.First}
			for i := search(b.First.GitLab); i < len(gitlabTable); i++ {
				r := gitlabTable[i].release()
				if r.GitLab.Line() != b.Asked {
					break
				}
				if r.Mattermost.Compare(before.Last.Mattermost) >= 0 {
					d.Safe = r.GitLab
					break
				}
			}
			list = append(list, d)
		}
		before = b
	}
	return list
}
