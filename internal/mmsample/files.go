package mmsample

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// file is everything that the database and the disk say about one file.
type file struct {
	id, user, post, channel string
	at                      int64
	path, thumb, preview    string // below the data directory; thumb and preview of images only
	name, ext, mime         string
	size                    int64
	content                 int // which content; equal numbers, equal bytes
}

var kinds = []struct {
	ext, mime string
}{{"jpg", "image/jpeg"}, {"log", "text/plain"}, {"png", "image/png"}, {"pdf", "application/pdf"}, {"jpg", "image/jpeg"}}

func (g *generator) file(i int) file {
	user, channel, at := g.place(g.filePost(i))
	if p := g.filePost(i); p%10 == 1 {
		_, channel, _ = g.place(p - 1) // a reply lives in its thread's channel
	}
	f := file{id: g.id("file", i), user: g.id("user", user), post: g.id("post", g.filePost(i)), channel: g.id("channel", channel), at: at, content: i}
	k := kinds[i%len(kinds)]
	if i%25 == 24 {
		// The same picture posted again.
		f.content, k = i-4, kinds[(i-4)%len(kinds)]
	}
	f.ext, f.mime = k.ext, k.mime
	f.size = g.o.FileSize/4 + int64(mix(g.o.Seed^mix(uint64(f.content)+7))%uint64(g.o.FileSize+g.o.FileSize/2+1))
	if f.content < g.o.LargeFiles {
		f.size, f.ext, f.mime = g.o.LargeSize, "mp4", "video/mp4"
	}
	f.name = fmt.Sprintf("Datei %d (ü & 'x').%s", i, f.ext)
	dir := fmt.Sprintf("%s/teams/noteam/channels/%s/users/%s/%s/", time.UnixMilli(at).UTC().Format("20060102"), f.channel, f.user, f.id)
	f.path = dir + f.name
	if strings.HasPrefix(f.mime, "image/") {
		base := dir + strings.TrimSuffix(f.name, "."+f.ext)
		f.thumb, f.preview = base+"_thumb.jpg", base+"_preview.jpg"
	}
	return f
}

func (g *generator) fileInfo(i int) []any {
	f := g.file(i)
	width, mini, content := 0, []byte(nil), ""
	if f.thumb != "" {
		width, mini = 1024, []byte{0xff, 0xd8, 0, 0x5c, byte(i), 0xff, 0xd9}
	}
	if f.ext == "log" || f.ext == "pdf" {
		g.w.at(g.o.Seed, streamFile, i)
		var b strings.Builder
		g.w.sentence(&b, 200)
		content = b.String()
	}
	return []any{f.id, f.user, f.post, f.at, f.at, int64(0), f.path, f.thumb, f.preview, f.name, f.ext, f.size, f.mime,
		width, width * 3 / 4, f.thumb != "", mini, content, f.channel}
}

// Files makes the data directory that Fill's fileinfo rows refer to, below dir,
// which must exist. Videos and pictures begin with the magic number of their
// kind and do not compress, logs do; every 25th file repeats an earlier one byte for byte. Besides the attachments there are
// profile pictures and a brand image, as on a real server.
func Files(dir string, o Options) error {
	return FilesContext(context.Background(), dir, o)
}

// FilesContext is Files that stops between two files when ctx ends; what was
// written stays.
func FilesContext(ctx context.Context, dir string, o Options) error {
	o, err := o.normal()
	if err != nil {
		return err
	}
	g := newGenerator(o)
	for i := 0; i < o.Files; i++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		f := g.file(i)
		if err := g.write(dir, f.path, f.ext, f.content, f.size, f.at); err != nil {
			return err
		}
		if f.thumb != "" {
			if err := errors.Join(g.write(dir, f.thumb, "jpg", f.content+1<<30, f.size/40+1, f.at),
				g.write(dir, f.preview, "jpg", f.content+1<<31, f.size/8+1, f.at)); err != nil {
				return err
			}
		}
	}
	for i := 0; i < min(o.Users, 20); i++ {
		if err := g.write(dir, "users/"+g.id("user", i)+"/profile.png", "png", i+1<<32, 600, start); err != nil {
			return err
		}
	}
	return g.write(dir, "brand/image.png", "png", 1<<33, 2000, start)
}

func (g *generator) write(dir, path, ext string, content int, size, at int64) error {
	path = filepath.Join(dir, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return err
	}
	err = g.bytes(f, ext, content, size)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	when := time.UnixMilli(at)
	return os.Chtimes(path, when, when)
}

// magic gives the first bytes of a kind of file, by which programs tell it.
func magic(ext string) string {
	switch ext {
	case "jpg":
		return "\xff\xd8\xff\xe0"
	case "png":
		return "\x89PNG\r\n\x1a\n"
	case "mp4":
		return "\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41"
	}
	return ""
}

// bytes writes exactly size bytes that depend on the content number and its
// kind only.
func (g *generator) bytes(f *os.File, ext string, content int, size int64) error {
	var seed [32]byte
	binary.LittleEndian.PutUint64(seed[:], g.o.Seed)
	binary.LittleEndian.PutUint64(seed[8:], uint64(content))
	noise := rand.NewChaCha8(sha256.Sum256(seed[:]))
	g.w.at(g.o.Seed, streamContent, content)
	buf := make([]byte, 128<<10)
	for head := magic(ext); size > 0; head = "" {
		part := buf[:min(int64(len(buf)), size)]
		if ext == "log" {
			var b strings.Builder
			for b.Len() < len(part) {
				b.WriteString(g.w.message())
				b.WriteByte('\n')
			}
			copy(part, b.String())
		} else {
			_, _ = noise.Read(part) // never fails
			copy(part, head)
		}
		if _, err := f.Write(part); err != nil {
			return err
		}
		size -= int64(len(part))
	}
	return nil
}
