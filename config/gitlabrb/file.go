package gitlabrb

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"sort"
	"sync"
)

// ErrUnsupported marks an error about text that is valid Ruby and that this
// package does not read, such as pattern matching.
var ErrUnsupported = errors.New("not supported")

// File is a parsed gitlab.rb. It keeps the source text byte for byte.
//
// A File is not changed by Evaluate, and may be evaluated from several
// goroutines; the editing methods (Set, Unset, …) need exclusive use. It must not be
// copied: an edit writes where the text before the last one was.
type File struct {
	name     string
	src      []byte
	root     *seq
	heredocs []heredocSpan
	lines    func() []int // offsets of line starts, computed when first asked

	end           int    // len(src), or where __END__ stands
	disk          []byte // the text as it was given to Parse
	frozenStrings bool   // # frozen_string_literal: true

	own   bool   // src was made by an edit: nobody else has it
	spare []byte // the text before the last edit, where the next one writes
}

// Parse reads the text of a gitlab.rb. name is used in positions only.
//
// On an error it returns an ErrorList with the independent errors in source
// order, each on the line on which Ruby itself reports it. A construct of Ruby
// that is never read is an error that wraps ErrUnsupported. A text longer than
// MaxSize is refused before it is looked at.
func Parse(name string, src []byte) (*File, error) {
	return parseWith(name, src, nil)
}

// parseWith is Parse of a text that sees the local variables of a scope.
func parseWith(name string, src []byte, scope *env) (*File, error) {
	f := &File{name: name, src: src}
	f.lines = sync.OnceValue(func() []int { return lineStarts(src) })
	if len(src) > MaxSize {
		return nil, ErrorList{{Pos: Pos{File: name}, Message: fmt.Sprintf("file has %d bytes; a gitlab.rb of more than %d is not read", len(src), MaxSize)}}
	}
	if i := bytes.IndexByte(src, 0); i >= 0 {
		return nil, ErrorList{{Pos: f.pos(i), Message: "NUL byte: this is not a text file"}}
	}
	p := newParser(f)
	for ; scope != nil; scope = scope.parent {
		for name := range scope.vars {
			p.declare(name)
		}
	}
	frozen, encoding := magicComments(src)
	if encoding != "" {
		return nil, ErrorList{{Pos: Pos{File: name, Line: 1}, Message: "the encoding " + encoding + " is not read: write the file in UTF-8", Err: ErrUnsupported}}
	}
	f.frozenStrings = frozen
	f.root = p.program()
	f.heredocs, f.end, f.disk = p.lex.heredocs, p.lex.endOfFile, src
	if len(p.errs) > 0 {
		return nil, p.errs
	}
	return f, nil
}

// Name is the name that was given to Parse.
func (f *File) Name() string { return f.name }

// Bytes returns a copy of the whole text, with all edits. Edits that follow do
// not change the copy.
func (f *File) Bytes() []byte { return bytes.Clone(f.src) }

func lineStarts(src []byte) []int {
	starts := make([]int, 1, bytes.Count(src, []byte("\n"))+1)
	for i := 0; ; {
		j := bytes.IndexByte(src[i:], '\n')
		if j < 0 {
			return starts
		}
		i += j + 1
		starts = append(starts, i)
	}
}

// pos turns an offset into a place.
func (f *File) pos(offset int) Pos {
	starts := f.lines()
	line := sort.SearchInts(starts, offset+1)
	return Pos{File: f.name, Line: line, Col: offset - starts[line-1] + 1}
}

// place is pos for one question about a text that changes soon: it counts
// instead of making a table of lines.
func (f *File) place(offset int) Pos {
	offset = min(max(offset, 0), len(f.src))
	start := bytes.LastIndexByte(f.src[:offset], '\n') + 1
	return Pos{File: f.name, Line: bytes.Count(f.src[:start], []byte("\n")) + 1, Col: offset - start + 1}
}

// eofPos is the place of the end of the text, or of the part before end: the
// last line that has any byte, as Ruby counts it.
func (f *File) eofPos(end int) Pos {
	if end > 0 && end == len(f.src) {
		p := f.pos(end - 1)
		p.Col++
		if f.src[end-1] == '\n' {
			p.Col--
		}
		return p
	}
	return f.pos(end)
}

// magicComments reads the comments that the text starts with: whether
// "frozen_string_literal: true" is among them, and an encoding other than
// UTF-8 and ASCII.
func magicComments(src []byte) (frozen bool, encoding string) {
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	for line := 1; bytes.HasPrefix(src, []byte("#")); line++ {
		text, rest, _ := bytes.Cut(src, []byte("\n"))
		plain := bytes.ToLower(bytes.ReplaceAll(bytes.Trim(text, "#-* \t\r"), []byte(" "), nil))
		switch string(plain) {
		case "frozen_string_literal:true", "frozen-string-literal:true":
			frozen = true
		}
		if m := codingComment.FindSubmatch(text); m != nil && line <= 2 {
			switch name := string(bytes.ToLower(m[1])); name {
			case "utf-8", "us-ascii", "ascii", "ascii-8bit", "binary", "utf8-mac", "utf-8-mac", "utf-8-unix", "utf-8-dos":
			default:
				encoding = name
			}
		}
		src = rest
	}
	return frozen, encoding
}

var codingComment = regexp.MustCompile(`coding[:=][ \t]*['"]?([A-Za-z0-9._-]+)`)
