// Package childproc runs other programs so that their failure cannot be
// missed: a child is a reader (or a writer) whose end is an error when the
// program failed, with the tail of its stderr in the message.
package childproc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// stderrLimit bounds what is kept of a child's messages; the tail is kept,
// because the last lines name the cause.
const stderrLimit = 8 << 10

// Error says which program failed, how, and what it last said. Arguments are
// not part of it, because they may hold what must not be shown.
type Error struct {
	Program string // base name
	Stderr  string // tail, at most 8 KiB, trimmed
	Err     error  // *exec.ExitError or the context's error
}

// Error names the program, how it ended and the end of its stderr.
func (e *Error) Error() string {
	if e.Stderr == "" {
		return fmt.Sprintf("%s: %v", e.Program, e.Err)
	}
	return fmt.Sprintf("%s: %v: %s", e.Program, e.Err, e.Stderr)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Prepare gives cmd its own process group, kills that whole group when ctx
// ends, and keeps the tail of its stderr. Use it for a command that is run
// with cmd.Run and report the result through Check.
func Prepare(ctx context.Context, cmd *exec.Cmd) *exec.Cmd {
	prepared := exec.CommandContext(ctx, cmd.Path)
	prepared.Args, prepared.Env, prepared.Dir = cmd.Args, cmd.Env, cmd.Dir
	prepared.Stdin, prepared.Stdout, prepared.Err = cmd.Stdin, cmd.Stdout, cmd.Err
	prepared.SysProcAttr = cmd.SysProcAttr
	if prepared.SysProcAttr == nil {
		prepared.SysProcAttr = &syscall.SysProcAttr{}
	}
	prepared.SysProcAttr.Setpgid = true
	prepared.Cancel = func() error { return syscall.Kill(-prepared.Process.Pid, syscall.SIGKILL) }
	prepared.WaitDelay = 5 * time.Second
	prepared.Stderr = &tail{}
	return prepared
}

// Check turns the result of a prepared command's Run or Wait into an *Error
// (or nil). The context's error comes first, so that a cancel reads as one.
func Check(ctx context.Context, cmd *exec.Cmd, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	e := &Error{Program: base(cmd.Path), Err: err}
	if t, ok := cmd.Stderr.(*tail); ok {
		e.Stderr = t.String()
	}
	return e
}

// Run runs the program to its end. Its output goes to cmd.Stdout.
func Run(ctx context.Context, cmd *exec.Cmd) error {
	prepared := Prepare(ctx, cmd)
	return Check(ctx, prepared, prepared.Run())
}

// Reader starts the program and returns its output. Read gives io.EOF only
// after the program ended with status 0; any other end is an *Error. Close
// before the end kills the program and returns nil.
func Reader(ctx context.Context, cmd *exec.Cmd) (io.ReadCloser, error) {
	prepared := Prepare(ctx, cmd)
	out, err := prepared.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", base(cmd.Path), err)
	}
	if err := prepared.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", base(cmd.Path), err)
	}
	return &reader{ctx: ctx, cmd: prepared, out: out}, nil
}

type reader struct {
	ctx  context.Context
	cmd  *exec.Cmd
	out  io.ReadCloser
	once sync.Once
	end  error
}

func (r *reader) Read(p []byte) (int, error) {
	n, err := r.out.Read(p)
	if err == nil {
		return n, nil
	}
	r.once.Do(func() {
		r.end = io.EOF
		if waitErr := Check(r.ctx, r.cmd, r.cmd.Wait()); waitErr != nil {
			r.end = waitErr
		} else if !errors.Is(err, io.EOF) {
			r.end = err
		}
	})
	return n, r.end
}

func (r *reader) Close() error {
	r.once.Do(func() {
		r.end = errors.New("read from a closed child process")
		_ = r.cmd.Cancel() // already gone is fine
		_ = r.cmd.Wait()   // killed on purpose, its status means nothing
	})
	return nil
}

// Writer starts the program and returns its input. Close waits for the end:
// status 0 gives nil, anything else an *Error. A program that ends early makes
// Write fail and Close tell why.
func Writer(ctx context.Context, cmd *exec.Cmd) (io.WriteCloser, error) {
	prepared := Prepare(ctx, cmd)
	in, err := prepared.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", base(cmd.Path), err)
	}
	if err := prepared.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", base(cmd.Path), err)
	}
	return &writer{ctx: ctx, cmd: prepared, in: in}, nil
}

type writer struct {
	ctx  context.Context
	cmd  *exec.Cmd
	in   io.WriteCloser
	once sync.Once
	end  error
}

func (w *writer) Write(p []byte) (int, error) { return w.in.Write(p) }

func (w *writer) Close() error {
	w.once.Do(func() {
		closeErr := w.in.Close()
		w.end = Check(w.ctx, w.cmd, w.cmd.Wait())
		if w.end == nil {
			w.end = closeErr
		}
	})
	return w.end
}

func base(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// tail keeps the last bytes written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - stderrLimit; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.buf))
}
