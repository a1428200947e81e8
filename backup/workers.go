package backup

import (
	"runtime"

	"github.com/gitlab-mattermost/sdk/internal/manysha"
)

// processors is how many goroutines do work that keeps a processor busy: as
// many as the caller asked for; for 0, one for each processor, at least two.
func processors(asked int) int {
	if asked > 0 {
		return asked
	}
	return max(2, runtime.NumCPU())
}

// atOnce is how many files or parts are read or written at the same time. Left
// to itself that is more than there are processors where hashes in company are
// faster, but not towards another machine: a store there may hold megabytes
// for each object that is being written.
func atOnce(asked int, sums *manysha.Pool, store Store) int {
	if _, here := store.(*DirStore); asked > 0 || !here {
		return processors(asked)
	}
	return sums.Width(processors(asked))
}
