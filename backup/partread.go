package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"strings"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"
)

// ErrDamaged is wrapped when stored bytes are not those that were written.
var ErrDamaged = errors.New("the backup is damaged")

// partReader gives the plain bytes of a part. Its end is io.EOF only when
// size and hashes, stored and plain, are what the manifest says; otherwise it
// is an error that wraps ErrDamaged. What was read before that must not be
// trusted until then.
type partReader struct {
	part   Part
	object io.ReadCloser
	sum    *sumReader
	pools  *pools
	zstd   *zstd.Decoder
	top    io.Reader
	plain  hash.Hash
	n      int64
	done   error
}

type sumReader struct {
	r    io.Reader
	hash hash.Hash
	n    int64
	max  int64
}

func (s *sumReader) Read(p []byte) (int, error) {
	if s.n > s.max {
		return 0, fmt.Errorf("longer than %d bytes", s.max)
	}
	n, err := s.r.Read(p)
	if s.hash != nil {
		s.hash.Write(p[:n]) // a hash never fails
	}
	s.n += int64(n)
	return n, err
}

// proof says which hashes a reader compares: SHA-256 is slower than everything
// else that reading does, so no byte is hashed twice without need. Equal stored
// bytes hold equal plain bytes; of a pack's plain bytes, the caller compares
// each file.
type proof struct {
	stored, plain bool
	pools         *pools // nil is for a reader on its own
}

// openPart opens a part of backup id; all its hashes are compared.
func openPart(ctx context.Context, store Store, id string, part Part, keys []age.Identity) (*partReader, error) {
	return openProof(ctx, store, id, part, keys, proof{stored: true, plain: true})
}

// openProof is openPart with a choice of hashes.
func openProof(ctx context.Context, store Store, id string, part Part, keys []age.Identity, how proof) (*partReader, error) {
	object, err := store.Open(ctx, id+"/"+part.Name)
	if err != nil {
		return nil, err
	}
	r := &partReader{part: part, object: object, pools: how.pools, sum: &sumReader{r: object, max: part.Size}}
	if how.stored {
		r.sum.hash = how.pools.hash()
	}
	r.top = r.sum
	name := part.Name
	if rest, ok := strings.CutSuffix(name, ".age"); ok && name != keyName {
		name = rest
		if r.top, err = age.Decrypt(r.sum, keys...); err != nil {
			return nil, errors.Join(r.decryptError(err), object.Close())
		}
	}
	if strings.HasSuffix(name, ".zst") {
		if r.zstd, err = how.pools.decoder(r.top); err != nil {
			return nil, errors.Join(fmt.Errorf("open %s: %w", part.Name, err), object.Close())
		}
		r.top = r.zstd
	}
	if part.PlainSHA256 != "" && how.plain {
		r.plain = how.pools.hash()
	}
	return r, nil
}

func (r *partReader) decryptError(err error) error {
	var none *age.NoIdentityMatchError
	if errors.As(err, &none) || errors.Is(err, age.ErrIncorrectIdentity) {
		return fmt.Errorf("open %s: %w", r.part.Name, ErrNoIdentity)
	}
	return fmt.Errorf("open %s: %w: %v", r.part.Name, ErrDamaged, err)
}

func (r *partReader) Read(p []byte) (int, error) {
	if r.done != nil {
		return 0, r.done
	}
	n, err := r.top.Read(p)
	if r.plain != nil {
		r.plain.Write(p[:n])
	}
	r.n += int64(n)
	if r.n > r.part.PlainSize {
		err = fmt.Errorf("more than %d plain bytes", r.part.PlainSize)
	}
	if err == nil {
		return n, nil
	}
	if errors.Is(err, io.EOF) {
		err = r.check()
	}
	if err == nil {
		r.done = io.EOF
	} else if ctxErr := contextError(err); ctxErr != nil {
		r.done = ctxErr
	} else {
		r.done = fmt.Errorf("read %s: %w: %w", r.part.Name, ErrDamaged, err)
	}
	return n, r.done
}

func contextError(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// check compares everything at the end of the plain bytes.
func (r *partReader) check() error {
	if _, err := io.Copy(io.Discard, r.sum); err != nil { // bytes after the last frame
		return err
	}
	switch {
	case r.sum.n != r.part.Size:
		return fmt.Errorf("%d bytes, want %d", r.sum.n, r.part.Size)
	case r.sum.hash != nil && hex.EncodeToString(r.sum.hash.Sum(nil)) != r.part.SHA256:
		return errors.New("sha256 of the stored bytes differs")
	case r.n != r.part.PlainSize:
		return fmt.Errorf("%d plain bytes, want %d", r.n, r.part.PlainSize)
	case r.plain != nil && hex.EncodeToString(r.plain.Sum(nil)) != r.part.PlainSHA256:
		return errors.New("sha256 of the plain bytes differs")
	}
	return nil
}

// Close frees everything; it may be called at any time, but not beside Read.
func (r *partReader) Close() error {
	if r.zstd != nil {
		r.pools.giveBack(r.zstd)
		r.zstd, r.done = nil, fs.ErrClosed // the decoder is another reader's now
	}
	return r.object.Close()
}

// readPart reads a small part whole; more than max bytes is an error.
func readPart(ctx context.Context, store Store, id string, part Part, keys []age.Identity, max int64) ([]byte, error) {
	if part.PlainSize > max {
		return nil, fmt.Errorf("read %s: %d bytes, at most %d are accepted", part.Name, part.PlainSize, max)
	}
	r, err := openPart(ctx, store, id, part, keys)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var buf bytes.Buffer
	if _, err := io.Copy(&buf, r); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// checkStored reads a part's stored bytes only and compares size and hash.
// Nothing has to be decrypted for it.
func checkStored(ctx context.Context, store Store, id string, part Part, pools *pools) error {
	object, err := store.Open(ctx, id+"/"+part.Name)
	if err != nil {
		return err
	}
	defer object.Close()
	r := &partReader{part: part, sum: &sumReader{r: object, hash: pools.hash(), max: part.Size}, n: part.PlainSize}
	if err := r.check(); err != nil {
		return fmt.Errorf("read %s: %w: %w", part.Name, ErrDamaged, err)
	}
	return nil
}

// openStored opens a part's stored bytes; their end is io.EOF only when size
// and hash are right.
func openStored(ctx context.Context, store Store, id string, part Part) (*partReader, error) {
	object, err := store.Open(ctx, id+"/"+part.Name)
	if err != nil {
		return nil, err
	}
	r := &partReader{part: part, object: object, sum: &sumReader{r: object, hash: sha256.New(), max: part.Size}}
	r.part.PlainSize, r.part.PlainSHA256 = part.Size, ""
	r.top = r.sum
	return r, nil
}
