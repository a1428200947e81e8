package backup

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"
)

// entry is one line of the file list: a directory, a regular file or a
// symbolic link, under the name of its tree.
type entry struct {
	kind  byte              // 'd', 'f' or 'l'
	mode  uint32            // permission bits
	size  int64             // files
	mtime int64             // nanoseconds since 1970
	hash  [sha256.Size]byte // of a file
	pack  string            // "<backup ID>/<object name>" that holds a file
	path  string            // "data/20240101/…", slash separated
	link  string            // target of a link
}

// Limits of a file list that is read: it may come from anywhere.
const (
	maxPath      = 4096
	maxIndexLine = 4 * maxPath
	maxDepth     = 200
)

// appendLine adds the entry's line: tab-separated kind, mode, size, mtime,
// sha256, pack and path, for links also the target. A path with bytes that
// would break this is written as a Go string literal.
func (e *entry) appendLine(b []byte) []byte {
	b = append(b, e.kind, '\t')
	b = strconv.AppendUint(b, uint64(e.mode), 8)
	b = append(b, '\t')
	b = strconv.AppendInt(b, e.size, 10)
	b = append(b, '\t')
	b = strconv.AppendInt(b, e.mtime, 10)
	if e.kind == 'f' {
		b = hex.AppendEncode(append(b, '\t'), e.hash[:])
		b = append(append(b, '\t'), e.pack...)
	} else {
		b = append(b, "\t-\t-"...)
	}
	b = appendPath(append(b, '\t'), e.path)
	if e.kind == 'l' {
		b = appendPath(append(b, '\t'), e.link)
	}
	return append(b, '\n')
}

func appendPath(b []byte, p string) []byte {
	if strings.HasPrefix(p, `"`) || !utf8.ValidString(p) || strings.ContainsFunc(p, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }) {
		return strconv.AppendQuoteToASCII(b, p)
	}
	return append(b, p...)
}

func parsePath(s string) (string, error) {
	if !strings.HasPrefix(s, `"`) {
		return s, nil
	}
	return strconv.Unquote(s)
}

// comparePaths orders paths as a walk visits them: a directory, then what is
// below it, then its next sibling. That is byte order with '/' before all.
func comparePaths(a, b string) int {
	n := min(len(a), len(b))
	for i := 0; i < n; i++ {
		if x, y := a[i], b[i]; x != y {
			switch {
			case x == '/':
				return -1
			case y == '/':
				return 1
			case x < y:
				return -1
			}
			return 1
		}
	}
	return len(a) - len(b)
}

// indexReader reads a file list and refuses anything that a walk could not
// have given: unclean paths, wrong order, duplicates, entries below something
// that is no directory, links that leave their tree.
type indexReader struct {
	r     *bufio.Reader
	line  int
	last  string
	pack  string   // of the last file
	dirs  []string // the directories above last, outermost first
	trees map[string]bool
}

func newIndexReader(r io.Reader, trees []TreeInfo) *indexReader {
	x := &indexReader{r: bufio.NewReaderSize(r, 64<<10), trees: map[string]bool{}}
	for _, t := range trees {
		x.trees[t.Name] = true
	}
	return x
}

// next gives the next entry, or io.EOF.
func (x *indexReader) next() (*entry, error) {
	line, err := x.r.ReadSlice('\n')
	if errors.Is(err, io.EOF) && len(line) == 0 {
		return nil, io.EOF
	}
	x.line++
	if errors.Is(err, bufio.ErrBufferFull) || len(line) > maxIndexLine {
		return nil, fmt.Errorf("file list: line %d: longer than %d bytes", x.line, maxIndexLine)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("file list: line %d: no line end", x.line)
	}
	e, err := parseEntry(line[:len(line)-1], x.pack)
	if err == nil {
		err = x.accept(e)
	}
	if err != nil {
		return nil, fmt.Errorf("file list: line %d: %w", x.line, err)
	}
	if e.kind == 'f' {
		x.pack = e.pack
	}
	return e, nil
}

// parseEntry parses a line. pack is that of the file before, which most files
// share.
func parseEntry(line []byte, pack string) (*entry, error) {
	var array [8][]byte
	fields := array[:0]
	for field := range bytes.SplitSeq(line, []byte{'\t'}) {
		if len(fields) == len(array) {
			return nil, errors.New("more than 8 fields, want 7 or 8")
		}
		fields = append(fields, field)
	}
	if len(fields) < 7 || len(fields[0]) != 1 {
		return nil, fmt.Errorf("%d fields, want 7 or 8", len(fields))
	}
	e := &entry{kind: fields[0][0]}
	mode, err1 := strconv.ParseUint(string(fields[1]), 8, 12)
	size, err2 := strconv.ParseInt(string(fields[2]), 10, 64)
	mtime, err3 := strconv.ParseInt(string(fields[3]), 10, 64)
	p, err4 := parsePath(string(fields[6]))
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, err
	}
	e.mode, e.size, e.mtime, e.path = uint32(mode), size, mtime, p
	want := 7
	switch e.kind {
	case 'd':
	case 'f':
		if e.hash, err1 = parseSHA256(fields[4]); err1 != nil {
			return nil, fmt.Errorf("%q: %w", e.path, err1)
		}
		if e.pack = pack; pack != string(fields[5]) {
			e.pack = string(fields[5])
			owner, name, _ := strings.Cut(e.pack, "/")
			if checkID(owner) != nil || CheckObjectName(name) != nil {
				return nil, fmt.Errorf("%q: bad pack", e.path)
			}
		}
	case 'l':
		want = 8
		if len(fields) == want {
			if e.link, err1 = parsePath(string(fields[7])); err1 != nil {
				return nil, err1
			}
		}
	default:
		return nil, fmt.Errorf("%q: kind %q is neither directory, file nor link", e.path, e.kind)
	}
	if len(fields) != want || size < 0 || mode > 0o777 || e.kind != 'f' && size != 0 {
		return nil, fmt.Errorf("%q: impossible size, mode or number of fields", e.path)
	}
	return e, nil
}

// accept checks e against the entries before it.
func (x *indexReader) accept(e *entry) error {
	if err := checkTreePath(e.path); err != nil {
		return err
	}
	if x.last != "" && comparePaths(x.last, e.path) >= 0 {
		return fmt.Errorf("%q comes after %q; the list is not in order", e.path, x.last)
	}
	parent, _, below := cutLast(e.path)
	for len(x.dirs) > 0 && x.dirs[len(x.dirs)-1] != parent {
		x.dirs = x.dirs[:len(x.dirs)-1]
	}
	switch {
	case !below && (!x.trees[e.path] || e.kind != 'd'):
		return fmt.Errorf("%q is not the top of a tree that the manifest names", e.path)
	case below && len(x.dirs) == 0:
		return fmt.Errorf("%q: what is above it is no directory", e.path)
	}
	if e.kind == 'l' {
		if err := checkLink(e.path, e.link); err != nil {
			return err
		}
	}
	if e.kind == 'd' {
		x.dirs = append(x.dirs, e.path)
	}
	x.last = e.path
	return nil
}

func cutLast(p string) (dir, base string, found bool) {
	if i := strings.LastIndexByte(p, '/'); i >= 0 {
		return p[:i], p[i+1:], true
	}
	return "", p, false
}

// checkTreePath tells whether p can be a file below a directory of ours:
// relative, clean, without "..".
func checkTreePath(p string) error {
	switch {
	case p == "" || len(p) > maxPath:
		return fmt.Errorf("path of %d bytes", len(p))
	case strings.IndexByte(p, 0) >= 0:
		return fmt.Errorf("path %q holds a zero byte", p)
	case p[0] == '/' || path.Clean(p) != p || p == "." || p == ".." || strings.HasPrefix(p, "../"):
		return fmt.Errorf("path %q leaves its directory or is not clean", p)
	case strings.Count(p, "/") > maxDepth:
		return fmt.Errorf("path of more than %d elements", maxDepth)
	}
	return nil
}

// checkLink tells whether a link at p to target stays in p's tree. Elements
// ".." are only accepted at the target's beginning: after another link they
// would mean something else than they seem to.
func checkLink(p, target string) error {
	bad := fmt.Errorf("link %q points out of its tree, to %q", p, target)
	if target == "" || len(target) > maxPath || target[0] == '/' || strings.IndexByte(target, 0) >= 0 {
		return bad
	}
	depth := strings.Count(p, "/") - 1 // directories between the tree's top and the link
	rest := target
	for rest == ".." || strings.HasPrefix(rest, "../") {
		depth--
		rest = strings.TrimPrefix(strings.TrimPrefix(rest, ".."), "/")
	}
	if depth < 0 {
		return bad
	}
	for element := range strings.SplitSeq(rest, "/") {
		if element == ".." {
			return bad
		}
	}
	return nil
}
