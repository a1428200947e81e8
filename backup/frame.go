package backup

import (
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// frameWriter writes one zstd file as a row of frames, each either compressed
// or, for bytes that are compressed already, made of raw blocks. Both are
// ordinary zstd: every decoder reads them. Raw frames cost a memory copy where
// compression would cost a hundred times that for nothing.
type frameWriter struct {
	w        io.Writer
	encoders *encoders
	enc      *zstd.Encoder // of the compressed frame that is open
	mode     frameMode
	block    []byte // raw mode: 3 bytes of block header, then data
}

// encoders lends a bounded number of encoders, each of which holds several
// megabytes. Who takes one must not wait for another borrower before giving it
// back.
type encoders struct {
	level  zstd.EncoderLevel
	window int
	idle   chan *zstd.Encoder // nil for one that is yet to be made
}

// newEncoders makes n encoders when they are needed. A quarter of a megabyte of
// window fits into a processor's cache, and every reader needs as much memory
// again; a whole one makes the result 0.4 % smaller.
func newEncoders(compact bool, n int) *encoders {
	e := &encoders{level: zstd.SpeedFastest, window: 256 << 10, idle: make(chan *zstd.Encoder, n)}
	if compact {
		e.level, e.window = zstd.SpeedDefault, 1<<20
	}
	for range n {
		e.idle <- nil
	}
	return e
}

// take waits for an encoder. The library's option for less memory would move
// the whole window for each block of 128 KiB.
func (e *encoders) take() (*zstd.Encoder, error) {
	if enc := <-e.idle; enc != nil {
		return enc, nil
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(e.level), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(e.window))
	if err != nil {
		e.idle <- nil
		return nil, fmt.Errorf("compress: %w", err)
	}
	return enc, nil
}

func (e *encoders) giveBack(enc *zstd.Encoder) {
	enc.Reset(io.Discard)
	e.idle <- enc
}

type frameMode int

const (
	frameNone frameMode = iota
	frameCompressed
	frameRaw
)

// rawBlock is the largest block that the format allows.
const rawBlock = 128 << 10

// rawHeader is the header of a frame without checksum and content size and
// with a window of 128 KiB.
var rawHeader = [6]byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 7 << 3}

func newFrameWriter(w io.Writer, e *encoders) *frameWriter {
	return &frameWriter{w: w, encoders: e}
}

// cut ends the raw block that is being filled, so that a full one that follows
// is written from where it is.
func (f *frameWriter) cut() error {
	if f.mode == frameRaw && len(f.block) > 3 {
		return f.flushBlock(0)
	}
	return nil
}

// compressed makes what follows compressed; raw makes it stored. Both end the
// frame before when it was of the other kind.
func (f *frameWriter) compressed() error { return f.to(frameCompressed) }
func (f *frameWriter) raw() error        { return f.to(frameRaw) }

func (f *frameWriter) to(mode frameMode) error {
	if f.mode == mode {
		return nil
	}
	if err := f.end(); err != nil {
		return err
	}
	switch mode {
	case frameCompressed:
		var err error
		if f.enc, err = f.encoders.take(); err != nil {
			return err
		}
		f.enc.Reset(f.w)
	case frameRaw:
		if f.block == nil {
			f.block = make([]byte, 3, 3+rawBlock)
		}
		f.block = f.block[:3]
		if _, err := f.w.Write(rawHeader[:]); err != nil {
			return err
		}
	}
	f.mode = mode
	return nil
}

func (f *frameWriter) Write(p []byte) (int, error) {
	if f.mode == frameNone {
		if err := f.compressed(); err != nil {
			return 0, err
		}
	}
	if f.mode == frameCompressed {
		return f.enc.Write(p)
	}
	total := len(p)
	for len(p) > 0 {
		if len(f.block) == 3+rawBlock {
			if err := f.flushBlock(0); err != nil {
				return total - len(p), err
			}
		}
		if len(f.block) == 3 && len(p) >= rawBlock {
			if err := f.whole(p[:rawBlock]); err != nil {
				return total - len(p), err
			}
			p = p[rawBlock:]
			continue
		}
		n := min(len(p), 3+rawBlock-len(f.block))
		f.block = append(f.block, p[:n]...)
		p = p[n:]
	}
	return total, nil
}

// whole writes a full block from where it is. It is never the last one of its
// frame, because end adds another, if need be an empty one.
func (f *frameWriter) whole(p []byte) error {
	f.head(0, len(p))
	if _, err := f.w.Write(f.block); err != nil {
		return err
	}
	_, err := f.w.Write(p)
	return err
}

// head sets the header of a raw block of n bytes.
func (f *frameWriter) head(last uint32, n int) {
	head := last | uint32(n)<<3 // type 0: raw
	f.block[0], f.block[1], f.block[2] = byte(head), byte(head>>8), byte(head>>16)
}

func (f *frameWriter) flushBlock(last uint32) error {
	f.head(last, len(f.block)-3)
	_, err := f.w.Write(f.block)
	f.block = f.block[:3]
	return err
}

func (f *frameWriter) end() error {
	mode := f.mode
	f.mode = frameNone
	switch mode {
	case frameCompressed:
		err := f.enc.Close()
		f.release()
		return err
	case frameRaw:
		return f.flushBlock(1)
	}
	return nil
}

// release gives the encoder back, whatever became of the frame.
func (f *frameWriter) release() {
	if f.enc != nil {
		f.encoders.giveBack(f.enc)
		f.enc = nil
	}
}

// Close ends the last frame. A file without any bytes gets one empty frame, so
// that it is a zstd file.
func (f *frameWriter) Close() error {
	if f.mode == frameNone {
		if err := f.to(frameRaw); err != nil {
			return err
		}
	}
	return f.end()
}

// packedFrom is the size from which a file of a packed kind is stored raw:
// below it, switching frames costs more than it saves.
const packedFrom = 64 << 10

// isPacked tells from a file's first bytes whether its kind is compressed
// already.
func isPacked(head []byte) bool {
	has := func(at int, magic string) bool {
		return len(head) >= at+len(magic) && string(head[at:at+len(magic)]) == magic
	}
	for _, magic := range []string{
		"\xff\xd8\xff", "\x89PNG\r\n\x1a\n", "GIF8", // pictures
		"PK\x03\x04", "\x1f\x8b\x08", "\x28\xb5\x2f\xfd", "\xfd7zXZ\x00", "7z\xbc\xaf\x27\x1c", "Rar!\x1a\x07", "BZh", // archives and office files
		"ID3", "OggS", "fLaC", "\x1a\x45\xdf\xa3", // sound and video
	} {
		if has(0, magic) {
			return true
		}
	}
	return has(4, "ftyp") || has(0, "RIFF") && has(8, "WEBP")
}
