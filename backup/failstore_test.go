package backup

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"syscall"
)

var errInjected = errors.New("injected")

// failingStore fails its writes from operation failAt on, as a full disk does,
// or shortens its reads.
type failingStore struct {
	Store
	failAt int64 // operation number; 0 never
	short  bool  // reads give a few bytes at a time
	early  int64 // reads end without an error after so many bytes; 0 never
	local  bool  // parts may be written and hashed in company
	ops    atomic.Int64
}

func (s *failingStore) next() error {
	if n := s.ops.Add(1); s.failAt > 0 && n >= s.failAt {
		return errors.Join(errInjected, syscall.ENOSPC)
	}
	return nil
}

func (s *failingStore) here() bool { return s.local }

func (s *failingStore) Create(ctx context.Context, name string) (ObjectWriter, error) {
	if err := s.next(); err != nil {
		return nil, err
	}
	w, err := s.Store.Create(ctx, name)
	if err != nil {
		return nil, err
	}
	return &failingWriter{ObjectWriter: w, s: s}, nil
}

type failingWriter struct {
	ObjectWriter
	s *failingStore
}

func (w *failingWriter) Write(p []byte) (int, error) {
	if err := w.s.next(); err != nil {
		return 0, err
	}
	return w.ObjectWriter.Write(p)
}

func (w *failingWriter) Commit() error {
	if err := w.s.next(); err != nil {
		return errors.Join(err, w.ObjectWriter.Abort())
	}
	return w.ObjectWriter.Commit()
}

func (s *failingStore) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	r, err := s.Store.Open(ctx, name)
	if err != nil || !s.short && s.early == 0 {
		return r, err
	}
	return &shortReader{ReadCloser: r, s: s, left: s.early}, nil
}

type shortReader struct {
	io.ReadCloser
	s    *failingStore
	left int64
}

func (r *shortReader) Read(p []byte) (int, error) {
	if r.s.early > 0 {
		if r.left <= 0 {
			return 0, io.EOF
		}
		p = p[:min(int64(len(p)), r.left)]
	}
	if r.s.short {
		p = p[:min(len(p), 7)]
	}
	n, err := r.ReadCloser.Read(p)
	r.left -= int64(n)
	return n, err
}
