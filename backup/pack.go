package backup

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"time"
)

// packWriter writes the tar of one job. Directories and links come first, so
// that their headers compress together; then the files.
type packWriter struct {
	ctx   context.Context
	parts *parts
	limit *limiter
	note  func(Finding)
	buf   []byte
	hash  hash.Hash  // of the file that is read
	late  []lateHash // of files before it, oldest first

	part *partWriter
	tar  *tar.Writer
}

// lateHash is a hash whose sum has not been asked for: asking would hash at
// once what is better hashed together with other streams.
type lateHash struct {
	hash hash.Hash
	of   *jobEntry
}

// maxLate bounds what waits, about 160 KB each.
const maxLate = 2

// readBuffer is the block of reading and hashing. Larger blocks were slower.
const readBuffer = 128 << 10

func newPackWriter(ctx context.Context, b *parts, limit *limiter, note func(Finding)) *packWriter {
	return &packWriter{ctx: ctx, parts: b, limit: limit, note: note, buf: make([]byte, readBuffer), hash: b.sums.Hash()}
}

// write stores what of the job has to be stored, and fills in hashes, pack names
// and the pack, which is yet to be committed.
func (w *packWriter) write(j *packJob) error {
	part, err := w.parts.create(w.ctx, j.name, partKind{zstd: true})
	if err != nil {
		return err
	}
	w.part, w.tar = part, tar.NewWriter(part)
	if err := w.entries(j, w.parts.id+"/"+part.name); err != nil {
		part.abort()
		return err
	}
	if err := w.tar.Close(); err != nil {
		part.abort()
		return fmt.Errorf("write %s: %w", j.name, err)
	}
	if err := part.finish(); err != nil {
		return err
	}
	j.pack, j.part = part, part.sums()
	return nil
}

func (w *packWriter) entries(j *packJob, name string) error {
	for _, e := range j.entries {
		if e.kind == 'f' {
			continue
		}
		h := &tar.Header{Typeflag: tar.TypeDir, Name: e.path + "/", Mode: int64(e.mode), ModTime: time.Unix(0, e.mtime)}
		if e.kind == 'l' {
			h.Typeflag, h.Name, h.Linkname = tar.TypeSymlink, e.path, e.link
		}
		if err := w.tar.WriteHeader(h); err != nil {
			return fmt.Errorf("store %s: %w", e.path, err)
		}
	}
	for _, e := range j.entries {
		if e.kind != 'f' || e.pack != "" && !e.recheck {
			continue
		}
		if err := w.file(j, e, name); err != nil {
			return err
		}
	}
	for len(w.late) > 0 {
		w.settle()
	}
	return nil
}

// putAside puts the hash of e aside and takes an idle one.
func (w *packWriter) putAside(e *jobEntry) {
	w.late = append(w.late, lateHash{w.hash, e})
	if len(w.late) > maxLate {
		w.hash = w.settle()
	} else {
		w.hash = w.parts.sums.Hash()
	}
}

// settle fills in the oldest late hash. A file that was read again has two,
// and the later one counts.
func (w *packWriter) settle() hash.Hash {
	l := w.late[0]
	w.late = w.late[1:]
	l.hash.Sum(l.of.hash[:0])
	return l.hash
}

// file stores one file. One that changes while it is read is read again, up to
// three times; the last version in the tar is the one that counts, as tar has
// it. What is still changing then is kept as it was read last, and reported.
func (w *packWriter) file(j *packJob, e *jobEntry, pack string) error {
	const attempts = 3
	for try := 1; ; try++ {
		steady, err := w.once(j, e, pack)
		switch {
		case errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNotAFile):
			w.note(vanished(e.path))
			e.gone = true
			return nil
		case err != nil:
			return fmt.Errorf("store %s: %w", e.path, err)
		case steady:
			return nil
		case try == attempts:
			w.note(Finding{ID: "file-changing", Severity: severityWarning, Message: fmt.Sprintf("it changed while it was read, %d times; the backup has what was read last", attempts), Where: e.path,
				Fix: "none needed for a log; for anything else stop its writer and make another backup"})
			return nil
		}
	}
}

// once reads the file one time. It tells whether the file was the same before
// and after.
func (w *packWriter) once(j *packJob, e *jobEntry, pack string) (bool, error) {
	r, now, err := j.source.open(w.ctx, e.path)
	if err != nil {
		return false, err
	}
	defer r.Close()
	size, mtime := e.size, e.mtime
	if now != nil {
		if size, mtime, err = now(); err != nil {
			return false, err
		}
	}
	if e.recheck && e.pack != "" {
		same, err := w.sameHash(r, e)
		if err != nil || same {
			return same, err
		}
		w.note(Finding{ID: "silent-change", Severity: severityWarning, Message: "its bytes changed although size and time did not; it is stored again", Where: e.path,
			Fix: "look at the disk; make the next backup a full one"})
		e.pack = ""
		return false, nil // read it again from its start
	}
	full, err := w.copyFile(e, r, size, mtime)
	if err != nil {
		return false, err
	}
	w.putAside(e)
	e.size, e.mtime, e.pack = size, mtime, pack
	if now == nil {
		return full, nil
	}
	size2, mtime2, err := now()
	return full && err == nil && size2 == size && mtime2 == mtime, err
}

// copyFile writes header and exactly size bytes. A file that ends early is
// filled with zeros, which the second attempt replaces.
func (w *packWriter) copyFile(e *jobEntry, r io.Reader, size, mtime int64) (full bool, err error) {
	head := w.buf[:min(size, readBuffer)]
	got, err := readFull(r, head)
	if err != nil {
		return false, err
	}
	if size >= packedFrom && isPacked(head[:got]) {
		err = w.part.frames.raw()
	} else {
		err = w.part.frames.compressed()
	}
	if err != nil {
		return false, err
	}
	h := &tar.Header{Typeflag: tar.TypeReg, Name: e.path, Mode: int64(e.mode), Size: size, ModTime: time.Unix(0, mtime)}
	if err := w.tar.WriteHeader(h); err != nil {
		return false, err
	}
	if err := w.part.frames.cut(); err != nil {
		return false, err
	}
	w.hash.Reset()
	full = true
	for left := size; ; {
		if got < len(head) {
			full = false
			clear(head[got:])
		}
		w.hash.Write(head)
		if _, err := w.tar.Write(head); err != nil {
			return false, err
		}
		if err := w.limit.wait(w.ctx, len(head)); err != nil {
			return false, err
		}
		if left -= int64(len(head)); left == 0 {
			return full, w.tar.Flush()
		}
		head = w.buf[:min(left, readBuffer)]
		got = 0
		if full {
			if got, err = readFull(r, head); err != nil {
				return false, err
			}
		}
	}
}

// readFull reads until buf is full or the file ends.
func readFull(r io.Reader, buf []byte) (int, error) {
	n, err := io.ReadFull(r, buf)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return n, err
}

func (w *packWriter) sameHash(r io.Reader, e *jobEntry) (bool, error) {
	w.hash.Reset()
	if _, err := io.CopyBuffer(onlyWriter{w.hash}, onlyReader{r}, w.buf); err != nil {
		return false, err
	}
	return [sha256.Size]byte(w.hash.Sum(nil)) == e.hash, nil
}

// onlyWriter and onlyReader hide ReadFrom and WriteTo, so that CopyBuffer uses
// its buffer.
type onlyWriter struct{ io.Writer }
type onlyReader struct{ io.Reader }
