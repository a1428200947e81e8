package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// input is standard input whose reads end when the context does: a command that
// waits for an answer must stop at Ctrl-C, which no read would notice.
type input struct {
	ctx  context.Context
	file *os.File
}

// Read reads like the file. What arrives after the end of the context is lost.
func (i *input) Read(p []byte) (int, error) {
	type result struct {
		n   int
		err error
	}
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	// The reader of its own buffer may outlive this call.
	buf, done := make([]byte, len(p)), make(chan result, 1)
	go func() {
		n, err := i.file.Read(buf)
		done <- result{n, err}
	}()
	select {
	case r := <-done:
		return copy(p, buf[:r.n]), r.err
	case <-i.ctx.Done():
		return 0, i.ctx.Err()
	}
}

// Ask prompts on s.Err for one line of at most 4096 bytes, which may be a
// secret: on a terminal the answer is not shown. It reads no further than the
// line's end, so that several answers may come from one pipe. Ctrl-C ends it
// with the context's error, and the terminal shows again what is typed.
func Ask(ctx context.Context, s Streams, what string) (string, error) {
	if _, err := fmt.Fprintf(s.Err, "%s: ", what); err != nil {
		return "", err
	}
	in, ok := s.In.(*input)
	if ok && term.IsTerminal(int(in.file.Fd())) {
		line, err := hidden(ctx, int(in.file.Fd()))
		fmt.Fprintln(s.Err) // the line break was not shown either
		return line, err
	}
	line, err := readLine(s.In)
	if err != nil {
		fmt.Fprintln(s.Err) // the prompt's line ends before the message
		return "", fmt.Errorf("%s: %w", what, err)
	}
	return line, nil
}

// hidden reads a line from a terminal without echo.
func hidden(ctx context.Context, fd int) (string, error) {
	before, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	type result struct {
		text []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		text, err := term.ReadPassword(fd)
		done <- result{text, err}
	}()
	select {
	case r := <-done:
		return strings.TrimSpace(string(r.text)), r.err
	case <-ctx.Done():
		if err := term.Restore(fd, before); err != nil {
			return "", fmt.Errorf("%w; type reset, the terminal hides what is typed: %v", ctx.Err(), err)
		}
		return "", ctx.Err()
	}
}

// readLine reads up to the line's end and not a byte more.
func readLine(r io.Reader) (string, error) {
	var line []byte
	one := make([]byte, 1)
	for len(line) < 4096 {
		n, err := r.Read(one)
		if n == 1 && one[0] == '\n' {
			break
		}
		line = append(line, one[:n]...)
		if err == io.EOF && len(line) > 0 {
			break
		}
		if err != nil {
			return "", fmt.Errorf("nothing was entered: %w", err)
		}
	}
	return strings.TrimSpace(string(line)), nil
}
