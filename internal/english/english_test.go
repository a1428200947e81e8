package english_test

import (
	"testing"

	"github.com/gitlab-mattermost/sdk/internal/english"
)

func TestNumbersAndListsReadAsEnglish(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{english.Count(0, "error"), "0 errors"},
		{english.Count(1, "error"), "1 error"},
		{english.Count(2, "error"), "2 errors"},
		{english.List(nil, "or"), ""},
		{english.List([]string{"a"}, "or"), "a"},
		{english.List([]string{"a", "b"}, "or"), "a or b"},
		{english.List([]string{"a", "b", "c"}, "and"), "a, b and c"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}
