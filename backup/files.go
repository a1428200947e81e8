package backup

import (
	"context"
	"errors"
	"fmt"
	"sort"
)

// jobEntry is an entry on its way into a pack.
type jobEntry struct {
	entry
	recheck bool // unchanged by name, size and time; compare the bytes
	gone    bool // vanished before it was read
}

// packJob is a run of entries, in order, that fills one pack.
type packJob struct {
	name    string // of its pack
	source  source
	entries []*jobEntry
	bytes   int64

	done chan struct{}
	pack *partWriter // finished
	part Part
	err  error
}

// maxJobEntries bounds what a job holds in memory, about a megabyte.
const maxJobEntries = 2048

// packBytes is from how many bytes on pack n, from 1 on, is complete. Thirty
// terabytes make 65,000 packs.
func packBytes(n int) int64 {
	const first, doubles = 16 << 20, 8192
	return first << min(n/doubles, 10)
}

// filesJob saves trees.
type filesJob struct {
	parts   *parts
	trees   []Tree
	base    *base
	workers int
	limit   *limiter
	note    func(Finding)
	refs    *refCheck
	hook    func(string)
}

// filesResult is what was saved, with the owners of all packs that the list
// refers to.
type filesResult struct {
	files  Files
	owners map[string]bool
	reused int64 // bytes of files that an earlier backup holds
}

// run walks the trees, writes packs with several workers, and the file list in
// the walk's order. It holds at most a few jobs in memory.
func (f *filesJob) run(ctx context.Context) (*filesResult, error) {
	sort.Slice(f.trees, func(i, j int) bool { return f.trees[i].Name < f.trees[j].Name })
	g, ctx := newGroup(ctx)
	work := make(chan *packJob)
	ordered := make(chan *packJob, f.workers+2)
	g.run(func() error {
		defer close(work)
		defer close(ordered)
		return f.walk(ctx, work, ordered)
	})
	for range f.workers {
		g.run(func() error {
			w := newPackWriter(ctx, f.parts, f.limit, f.note)
			for j := range work {
				j.err = w.write(j)
				close(j.done)
				if j.err != nil {
					return j.err
				}
			}
			return nil
		})
	}
	var res *filesResult
	g.run(func() error {
		var err error
		res, err = f.collect(ctx, ordered, newCommitter(g))
		return err
	})
	if err := g.wait(); err != nil {
		return nil, fmt.Errorf("save files: %w", err)
	}
	return res, nil
}

// walk cuts the trees into jobs.
func (f *filesJob) walk(ctx context.Context, work, ordered chan<- *packJob) error {
	n := 0
	for _, t := range f.trees {
		src, err := newSource(t)
		if err != nil {
			return err
		}
		var j *packJob
		send := func() error {
			if j == nil {
				return nil
			}
			for _, ch := range []chan<- *packJob{ordered, work} {
				select {
				case ch <- j:
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			}
			j = nil
			return nil
		}
		err = src.walk(ctx, func(found *entry) error {
			e := &jobEntry{entry: *found}
			if f.base != nil {
				if err := f.base.unchanged(e); err != nil {
					return err
				}
			}
			if j == nil {
				n++
				j = &packJob{name: fmt.Sprintf("files/%06d.tar", n), source: src, done: make(chan struct{})}
			}
			j.entries = append(j.entries, e)
			if e.kind == 'f' && e.pack == "" {
				j.bytes += e.size
			}
			if j.bytes >= packBytes(n) || len(j.entries) >= maxJobEntries {
				return send()
			}
			return nil
		}, f.note)
		if err := errors.Join(err, send()); err != nil {
			return err
		}
	}
	return nil
}

// collect takes the finished jobs in order, commits their packs beside the
// others' work and writes the file list.
func (f *filesJob) collect(ctx context.Context, ordered <-chan *packJob, commits *committer) (*filesResult, error) {
	index, err := f.parts.create(ctx, "files/index.tsv", partKind{zstd: true, hash: true})
	if err != nil {
		return nil, err
	}
	res := &filesResult{owners: map[string]bool{}}
	err = f.collectJobs(ctx, ordered, index, commits, res)
	if err == nil && f.refs != nil {
		err = f.refs.end()
	}
	if err != nil {
		index.abort()
		return nil, err
	}
	if res.files.Index, err = index.close(); err != nil {
		return nil, err
	}
	for _, t := range f.trees {
		info := TreeInfo{Name: t.Name, Path: t.Dir}
		if t.Objects != nil {
			info.Path = t.Objects.String()
		}
		res.files.Trees = append(res.files.Trees, info)
	}
	f.hook("create:files-done")
	return res, nil
}

func (f *filesJob) collectJobs(ctx context.Context, ordered <-chan *packJob, index *partWriter, commits *committer, res *filesResult) error {
	var line []byte
	for j := range ordered {
		select {
		case <-j.done:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if j.err != nil {
			return j.err
		}
		commits.run(j.pack.commit)
		res.files.Packs = append(res.files.Packs, j.part)
		for _, e := range j.entries {
			if e.gone {
				continue
			}
			if e.kind == 'f' {
				if err := f.count(e, res); err != nil {
					return err
				}
			}
			line = e.appendLine(line[:0])
			if _, err := index.Write(line); err != nil {
				return err
			}
		}
		f.hook("create:pack")
	}
	return nil
}

func (f *filesJob) count(e *jobEntry, res *filesResult) error {
	res.files.Count++
	res.files.Bytes += e.size
	f.limit.files.Add(1)
	owner, _, _ := cutFirst(e.pack)
	if owner != f.parts.id {
		res.reused += e.size
	}
	res.owners[owner] = true
	if f.refs != nil {
		return f.refs.file(&e.entry)
	}
	return nil
}

func cutFirst(p string) (before, after string, found bool) {
	for i := range len(p) {
		if p[i] == '/' {
			return p[:i], p[i+1:], true
		}
	}
	return p, "", false
}

// parents lists the owners of packs other than self, oldest first.
func (r *filesResult) parents(self string) []string {
	var out []string
	for id := range r.owners {
		if id != self {
			out = append(out, id)
		}
	}
	sort.Strings(out)
	return out
}
