package backup

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync"

	"filippo.io/age"
	"github.com/gitlab-mattermost/sdk/internal/manysha"
)

// partWriter is the chain from plain bytes to a stored object: count and hash,
// zstd frames, age, count and hash, store. All hashes are taken in this one
// pass.
type partWriter struct {
	name   string
	plain  hash.Hash
	plainN int64
	frames *frameWriter
	top    io.Writer
	seal   io.WriteCloser
	buffer *bufio.Writer
	sum    *sumWriter
	object ObjectWriter
	parts  *parts
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
	late bool // its sums will be asked for when other parts are being written
}

// parts makes the parts of one backup.
type parts struct {
	store    Store
	id       string // set before the first part
	seal     *sealer
	encoders *encoders
	sums     *manysha.Pool

	mu   sync.Mutex
	open map[*partWriter]bool // neither committed nor aborted
}

func newParts(store Store, seal *sealer, encoders *encoders) *parts {
	return &parts{store: store, seal: seal, encoders: encoders, sums: manysha.New(), open: map[*partWriter]bool{}}
}

func (b *parts) ended(p *partWriter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.open, p)
}

// abort removes what was not committed: a failure leaves finished parts that
// waited for it.
func (b *parts) abort() {
	for p := range b.open {
		p.abort()
	}
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
	newHash := b.sums.Hash
	if kind.late {
		newHash = func() hash.Hash { return b.sums.Patient(lateBytes) }
	}
	p := &partWriter{name: name, object: object, parts: b}
	if kind.hash {
		p.plain = newHash()
	}
	p.sum = &sumWriter{w: object, hash: newHash()}
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
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open[p] = true
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

// finish writes all that is buffered, after which the chain is free for the next
// part. The caller may ask for the sums and commit later, and elsewhere.
func (p *partWriter) finish() error {
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
		p.abort()
		return fmt.Errorf("write %s: %w", p.name, err)
	}
	return nil
}

// sums describes the finished part. Its bytes may still wait to be hashed.
func (p *partWriter) sums() Part {
	part := Part{Name: p.name, Size: p.sum.n, SHA256: hex.EncodeToString(p.sum.hash.Sum(nil)), PlainSize: p.plainN}
	if p.plain != nil {
		part.PlainSHA256 = hex.EncodeToString(p.plain.Sum(nil))
	}
	return part
}

// commit makes the finished part durable.
func (p *partWriter) commit() error {
	p.parts.ended(p)
	if err := p.object.Commit(); err != nil {
		return fmt.Errorf("write %s: %w", p.name, err)
	}
	return nil
}

// lateBytes is how much of a late part may wait to be hashed.
const lateBytes = 4 << 20

// close finishes and commits.
func (p *partWriter) close() (Part, error) {
	if err := p.finish(); err != nil {
		return Part{}, err
	}
	return p.sums(), p.commit()
}

// abort removes the uncommitted object. The error that led here is the one to
// report, so abort's own is dropped.
func (p *partWriter) abort() {
	p.parts.ended(p)
	if p.frames != nil {
		p.frames.release()
	}
	_ = p.object.Abort()
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
