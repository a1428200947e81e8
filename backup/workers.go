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

// isHere tells whether an object that is being written costs no more than an
// open file. A store on another machine may hold megabytes for each.
func isHere(store Store) bool {
	s, ok := store.(interface{ here() bool })
	return ok && s.here()
}

// inCompany tells whether hashes are faster in company here, and the store can
// have many objects open.
func inCompany(sums *manysha.Pool, store Store) bool {
	return isHere(store) && sums.Width(1) > 1
}

// atOnce is how many files or parts are read or written at the same time. Left
// to itself that is more than there are processors where hashes are in company.
func atOnce(asked int, sums *manysha.Pool, store Store) int {
	if asked > 0 || !inCompany(sums, store) {
		return processors(asked)
	}
	return sums.Width(processors(asked))
}
