// Package cli is what all example commands share: one mapping from errors to
// exit codes, Ctrl-C as a cancelled context, JSON output.
package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// Exit codes of every command.
const (
	ExitOK          = 0
	ExitError       = 1
	ExitUsage       = 2
	ExitFindings    = 3   // it ran, and found something of severity error
	ExitInterrupted = 130 // Ctrl-C; the state left behind is in the message
)

// ErrFindings makes a command end with ExitFindings without another message.
var ErrFindings = errors.New("findings of severity error")

// ErrFailed makes a command end with ExitError without another message: what
// went wrong has been printed already, as part of the output.
var ErrFailed = errors.New("failed, as the output says")

// UsageError is a wrong call of the command; it prints with a hint at -h.
type UsageError struct {
	Message string
	Command string // the command with its subcommand; "" is the program itself
}

// Error is the message alone; Code adds the command and the hint.
func (e *UsageError) Error() string { return e.Message }

// Usagef makes a UsageError.
func Usagef(format string, args ...any) error {
	return &UsageError{Message: fmt.Sprintf(format, args...)}
}

// Streams are a command's standard streams, injectable by tests.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Main runs a command with the process's arguments and streams, cancels its
// context on Ctrl-C or SIGTERM, and returns the exit code for os.Exit. Reads of
// standard input end with the context; a second Ctrl-C ends the process.
func Main(name string, run func(ctx context.Context, args []string, s Streams) error) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return Code(name, run(ctx, os.Args[1:], Streams{&input{ctx, os.Stdin}, os.Stdout, os.Stderr}), os.Stderr)
}

// Code prints err to w, if it needs words, and returns its exit code.
func Code(name string, err error, w io.Writer) int {
	var usage *UsageError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return ExitOK
	case errors.Is(err, ErrFindings):
		return ExitFindings
	case errors.Is(err, ErrFailed):
		return ExitError
	case errors.As(err, &usage):
		command := cmp.Or(usage.Command, name)
		fmt.Fprintf(w, "%s: %s\nRun '%s -h' for help.\n", command, usage.Message, command)
		return ExitUsage
	case errors.Is(err, context.Canceled):
		fmt.Fprintf(w, "%s: interrupted: %v\n", name, err)
		return ExitInterrupted
	default:
		fmt.Fprintf(w, "%s: %v\n%s", name, err, Advice(err))
		return ExitError
	}
}

// Advice is a line for a user who lacks the rights, or the gitlab.rb, that an
// error is about; "" for any other error. Code prints it; it is for errors that
// are printed before.
func Advice(err error) string { return advice(err, os.Geteuid()) }

func advice(err error, uid int) string {
	switch {
	case err == nil:
		return ""
	case uid != 0 && errors.Is(err, fs.ErrPermission):
		return "Files of GitLab and Mattermost belong to root or to users of their own: try it with sudo.\n"
	case errors.Is(err, fs.ErrNotExist) && strings.Contains(err.Error(), "/etc/gitlab/gitlab.rb"):
		return "This looks like no GitLab machine: name a gitlab.rb with -gitlab-rb.\n"
	}
	return ""
}

// Flags returns a flag set whose help is usage plus the flags' own lines, and
// whose errors are returned, never printed twice.
func Flags(name, usage string, s Streams) *flag.FlagSet {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Usage = func() {
		fmt.Fprint(s.Out, usage)
		f.SetOutput(s.Out)
		f.PrintDefaults()
		f.SetOutput(io.Discard)
	}
	return f
}

// Parse parses args and turns a wrong flag into a UsageError. -h prints the
// help to standard output and returns flag.ErrHelp, which Code maps to 0.
func Parse(f *flag.FlagSet, args []string) error {
	usage := f.Usage
	f.Usage = func() {} // the flag package also calls it for a wrong flag
	err := f.Parse(args)
	f.Usage = usage
	if errors.Is(err, flag.ErrHelp) {
		usage()
	}
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return err
	}
	return &UsageError{Message: err.Error()}
}

// WriteJSON prints v with two-space indentation and a final newline, leaving
// <, > and & as they are.
func WriteJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
