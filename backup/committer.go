package backup

import "sync"

// committer makes parts durable, a few at a time, beside the work on the next
// ones: a sync waits for the disk, not for the processor. Its group's wait
// waits for it too.
type committer struct {
	group *group
	slots chan struct{}

	mu   sync.Mutex
	late []func() error // put off, oldest first
}

// maxLateCommits is how many commits are put off: with three connections, so
// many that most of the hashes that are computed together have a stream.
const maxLateCommits = 6

func newCommitter(g *group) *committer {
	return &committer{group: g, slots: make(chan struct{}, 4)}
}

// run starts a commit, once there is a slot. The caller runs in the group.
func (c *committer) run(commit func() error) {
	c.slots <- struct{}{}
	c.group.run(func() error {
		defer func() { <-c.slots }()
		return commit()
	})
}

// later runs a commit when a few more have been put off: asking for a part's
// sums at its end would hash at once, and nearly alone, what is better hashed
// together with the next parts.
func (c *committer) later(commit func() error) {
	if oldest := c.putOff(commit); oldest != nil {
		c.run(oldest)
	}
}

// putOff gives the oldest commit that was put off, when there are too many.
func (c *committer) putOff(commit func() error) (oldest func() error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.late = append(c.late, commit)
	if len(c.late) > maxLateCommits {
		oldest, c.late = c.late[0], c.late[1:]
	}
	return oldest
}

// flush runs what was put off, once nobody calls later any more.
func (c *committer) flush() {
	for _, commit := range c.late {
		c.run(commit)
	}
	c.late = nil
}
