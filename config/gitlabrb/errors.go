package gitlabrb

import (
	"errors"
	"fmt"
	"strings"
)

// Pos is a place in a source text. Line and Col count from 1; Col counts
// bytes. The zero value is "no place".
type Pos struct {
	File string
	Line int
	Col  int
}

// String prints file:line:col, leaving out what is not known.
func (p Pos) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Col == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// Error is one thing wrong at one place. It prints as "file:line:col: message".
type Error struct {
	Pos     Pos
	Message string
	Err     error // cause, for errors.Is; may be nil
}

// Error is "file:line:col: message", or the message alone without a place.
func (e *Error) Error() string {
	if at := e.Pos.String(); at != "" {
		return at + ": " + e.Message
	}
	return e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ErrorList holds independent errors, in source order. It prints one a line
// and unwraps to all of them.
type ErrorList []*Error

// Error joins all entries, a line each.
func (l ErrorList) Error() string {
	lines := make([]string, len(l))
	for i, e := range l {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap makes errors.Is and errors.As look at every error of the list.
func (l ErrorList) Unwrap() []error {
	out := make([]error, len(l))
	for i, e := range l {
		out[i] = e
	}
	return out
}

// Err returns nil for an empty list, so that no typed nil escapes.
func (l ErrorList) Err() error {
	if len(l) == 0 {
		return nil
	}
	return l
}

// ErrContentUnknown is what a ReadFile lookup returns for a file that exists
// but whose content is not to be known.
var ErrContentUnknown = errors.New("content unknown")
