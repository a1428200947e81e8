package spelling_test

import (
	"slices"
	"testing"

	"github.com/gitlab-mattermost/sdk/internal/spelling"
)

func TestNearestNamesWhatWasMeantOrNothing(t *testing.T) {
	known := []string{"team_site_name", "team_site_url", "uid", "gid"}
	for _, c := range []struct {
		reason, name, want string
	}{
		{"a letter is missing", "team_site_nam", "team_site_name"},
		{"a letter is wrong", "team_site_nane", "team_site_name"},
		{"a name that is right", "uid", "uid"},
		{"of two as near ones the first", "aid", "uid"},
		{"a short name may have one wrong letter", "uit", "uid"},
		{"two letters are swapped", "udi", "uid"},
		{"too far from all", "service_port", ""},
		{"nothing is near to nothing", "", ""},
		{"an endless name is not measured", string(make([]byte, 200)), ""},
	} {
		if got, ok := spelling.Nearest(c.name, slices.Values(known)); got != c.want || ok != (c.want != "") {
			t.Errorf("%s: Nearest(%.20q) is %q, %v, want %q", c.reason, c.name, got, ok, c.want)
		}
	}
}

func TestDistanceCountsLettersUpToTheLimit(t *testing.T) {
	for _, c := range []struct {
		reason, a, b string
		limit, want  int
	}{
		{"the same", "abc", "abc", 3, 0},
		{"one changed", "abc", "abd", 3, 1},
		{"one inserted", "abc", "abxc", 3, 1},
		{"one removed", "abc", "ac", 3, 1},
		{"two neighbours swapped count once", "service", "sevrice", 3, 1},
		{"the first two", "abcd", "bacd", 1, 1},
		{"the last two, where a row alone is over the limit", "ab", "ba", 0, 1},
		{"a swap at the limit", "xyab", "xyba", 1, 1},
		{"two swaps", "abcd", "badc", 2, 2},
		{"all of it", "", "abc", 3, 3},
		{"more than the limit is one more than the limit", "abcdef", "uvwxyz", 2, 3},
	} {
		if got := spelling.Distance(c.a, c.b, c.limit); got != c.want {
			t.Errorf("%s: %d, want %d", c.reason, got, c.want)
		}
	}
}
