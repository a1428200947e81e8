package backup

import (
	"io"

	"github.com/klauspost/compress/zstd"
)

// frameWriter writes one zstd file as a row of frames, each either compressed
// or, for bytes that are compressed already, made of raw blocks. Both are
// ordinary zstd: every decoder reads them. Raw frames cost a memory copy where
// compression would cost a hundred times that for nothing.
type frameWriter struct {
	w     io.Writer
	enc   *zstd.Encoder
	mode  frameMode
	block []byte // raw mode: 3 bytes of block header, then data
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

func newFrameWriter(w io.Writer, enc *zstd.Encoder) *frameWriter {
	return &frameWriter{w: w, enc: enc}
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
	f.mode = mode
	switch mode {
	case frameCompressed:
		f.enc.Reset(f.w)
	case frameRaw:
		if f.block == nil {
			f.block = make([]byte, 3, 3+rawBlock)
		}
		f.block = f.block[:3]
		_, err := f.w.Write(rawHeader[:])
		return err
	}
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
		n := min(len(p), 3+rawBlock-len(f.block))
		f.block = append(f.block, p[:n]...)
		p = p[n:]
	}
	return total, nil
}

func (f *frameWriter) flushBlock(last uint32) error {
	head := last | uint32(len(f.block)-3)<<3 // type 0: raw
	f.block[0], f.block[1], f.block[2] = byte(head), byte(head>>8), byte(head>>16)
	_, err := f.w.Write(f.block)
	f.block = f.block[:3]
	return err
}

func (f *frameWriter) end() error {
	mode := f.mode
	f.mode = frameNone
	switch mode {
	case frameCompressed:
		return f.enc.Close()
	case frameRaw:
		return f.flushBlock(1)
	}
	return nil
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
