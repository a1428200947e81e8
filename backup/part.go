package backup

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"filippo.io/age"
	"github.com/gitlab-mattermost/sdk/internal/manysha"
)

// partWriter is the chain from plain bytes to a stored object: count and hash,
// zstd frames, age, count and hash, store. All hashes are taken in this one
// pass.
type partWriter struct {
	name     string
	hashText bool
	plain    hash.Hash
	plainN   int64
	frames   *frameWriter
	top      io.Writer
	seal     io.WriteCloser
	buffer   *bufio.Writer
	sum      *sumWriter
	object   ObjectWriter
}

// sumWriter counts and hashes what passes.
type sumWriter struct {
	w    io.Writer
	hash hash.Hash
	n    int64
}

func (s *sumWriter) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	s.hash.Write(p[:n]) // a hash never fails
	s.n += int64(n)
	return n, err
}

// partKind says how a part is stored.
type partKind struct {
	zstd bool // name ends in .zst
	hash bool // the plain bytes are hashed as a whole
	open bool // never encrypted
}

// parts makes the parts of one backup.
type parts struct {
	store    Store
	id       string // set before the first part
	seal     *sealer
	encoders *encoders
	sums     *manysha.Pool
}

func newParts(store Store, seal *sealer, encoders *encoders) *parts {
	return &parts{store: store, seal: seal, encoders: encoders, sums: manysha.New()}
}

// create begins a part. name is without the .zst and .age that kind adds.
func (b *parts) create(ctx context.Context, name string, kind partKind) (*partWriter, error) {
	if kind.zstd {
		name += ".zst"
	}
	if b.seal != nil && !kind.open {
		name += ".age"
	}
	object, err := b.store.Create(ctx, b.id+"/"+name)
	if err != nil {
		return nil, err
	}
	p := &partWriter{name: name, hashText: kind.hash, object: object}
	if kind.hash {
		p.plain = b.sums.Hash()
	}
	p.sum = &sumWriter{w: object, hash: b.sums.Hash()}
	p.top = p.sum
	if b.seal != nil && !kind.open {
		if p.seal, err = age.Encrypt(p.sum, b.seal.recipients...); err != nil {
			return nil, errors.Join(fmt.Errorf("encrypt %s: %w", name, err), object.Abort())
		}
		p.top = p.seal
	}
	if kind.zstd {
		p.buffer = bufio.NewWriterSize(p.top, 8<<10) // joins small writes only
		p.frames = newFrameWriter(p.buffer, b.encoders)
		p.top = p.frames
	}
	return p, nil
}

func (p *partWriter) Write(b []byte) (int, error) {
	n, err := p.top.Write(b)
	if p.plain != nil {
		p.plain.Write(b[:n])
	}
	p.plainN += int64(n)
	return n, err
}

// finish writes all that is buffered and gives the part and the commit that
// makes it durable. The caller may run the commit elsewhere: the chain is
// already free for the next part.
func (p *partWriter) finish() (Part, func() error, error) {
	err := func() error {
		if p.frames != nil {
			if err := p.frames.Close(); err != nil {
				return err
			}
			if err := p.buffer.Flush(); err != nil {
				return err
			}
		}
		if p.seal != nil {
			return p.seal.Close()
		}
		return nil
	}()
	if err != nil {
		p.release()
		return Part{}, nil, errors.Join(fmt.Errorf("write %s: %w", p.name, err), p.object.Abort())
	}
	part := Part{Name: p.name, Size: p.sum.n, SHA256: hex.EncodeToString(p.sum.hash.Sum(nil)), PlainSize: p.plainN}
	if p.plain != nil {
		part.PlainSHA256 = hex.EncodeToString(p.plain.Sum(nil))
	}
	return part, func() error {
		if err := p.object.Commit(); err != nil {
			return fmt.Errorf("write %s: %w", p.name, err)
		}
		return nil
	}, nil
}

// committer makes parts durable, a few at a time, beside the work on the next
// ones: a sync waits for the disk, not for the processor. Its group's wait
// waits for it too.
type committer struct {
	group *group
	slots chan struct{}
}

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

// close finishes and commits.
func (p *partWriter) close() (Part, error) {
	part, commit, err := p.finish()
	if err != nil {
		return Part{}, err
	}
	return part, commit()
}

// abort removes the unfinished object. The error that led here is the one to
// report, so abort's own is dropped.
func (p *partWriter) abort() {
	p.release()
	_ = p.object.Abort()
}

func (p *partWriter) release() {
	if p.frames != nil {
		p.frames.release()
	}
}

// writePart stores text as one part.
func (b *parts) writePart(ctx context.Context, name string, kind partKind, text []byte) (Part, error) {
	p, err := b.create(ctx, name, kind)
	if err != nil {
		return Part{}, err
	}
	if _, err := p.Write(text); err != nil {
		p.abort()
		return Part{}, fmt.Errorf("write %s: %w", name, err)
	}
	return p.close()
}
