package backup

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// copyStatement is one COPY … FROM stdin of a script, with its rows still to
// be read. As a reader it gives the rows without the end mark.
type copyStatement struct {
	sql    string // without the semicolon
	r      *bufio.Reader
	middle bool // within a row longer than the buffer
	rest   []byte
	err    error
	rows   int64
}

const (
	copySuffix = " FROM stdin;"
	encPrefix  = "SET client_encoding = '"
)

// readCopyScript reads a piece: SET client_encoding and COPY statements, and
// nothing else, so that a piece cannot hold other SQL. f must read each
// statement to its end.
func readCopyScript(r io.Reader, f func(*copyStatement) error) error {
	in := bufio.NewReaderSize(r, 256<<10)
	for {
		line, err := in.ReadSlice('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("piece: %w", noEOF(err))
		}
		text := strings.TrimSuffix(string(line), "\n")
		switch {
		case isEncodingLine(text):
			continue
		case strings.HasPrefix(text, "COPY ") && strings.HasSuffix(text, copySuffix):
			c := &copyStatement{sql: strings.TrimSuffix(text, ";"), r: in}
			if err := f(c); err != nil {
				return err
			}
			if c.err == nil {
				return errors.New("piece: a COPY statement was not read to its end")
			}
		default:
			return fmt.Errorf("%w: piece: neither COPY nor client_encoding: %.60q", ErrDamaged, text)
		}
	}
}

// isEncodingLine reports whether the line sets the client encoding to a plain
// word. The prefix is cut first: it ends with the quote that the suffix begins
// with.
func isEncodingLine(line string) bool {
	name, ok := strings.CutPrefix(line, encPrefix)
	if !ok {
		return false
	}
	name, ok = strings.CutSuffix(name, "';")
	return ok && isWord(name)
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func isWord(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool {
		return c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
	})
}

// Read gives the next bytes of the rows.
func (c *copyStatement) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if len(c.rest) == 0 && !c.fill() {
			break
		}
		k := copy(p[n:], c.rest)
		c.rest = c.rest[k:]
		n += k
		if n > 0 && c.r.Buffered() == 0 {
			break
		}
	}
	if n == 0 && len(p) > 0 {
		return 0, c.err
	}
	return n, nil
}

// fill takes the next row into rest; false at the end or after an error.
func (c *copyStatement) fill() bool {
	if c.err != nil {
		return false
	}
	line, err := c.r.ReadSlice('\n')
	long := errors.Is(err, bufio.ErrBufferFull)
	if err != nil && !long {
		c.err = noEOF(err)
		return false
	}
	if !c.middle && bytes.Equal(line, []byte("\\.\n")) {
		c.err = io.EOF
		return false
	}
	if !long {
		c.rows++
	}
	c.middle = long
	c.rest = line
	return true
}

// countRows reads to the end.
func (c *copyStatement) countRows() (int64, error) {
	for c.fill() {
	}
	if errors.Is(c.err, io.EOF) {
		return c.rows, nil
	}
	return c.rows, c.err
}
