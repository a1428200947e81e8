// Package redact holds the one string type that may carry a secret.
//
// A Secret prints as [redacted] with every formatting verb, in JSON and in
// logs; only Reveal gives the text. Public packages alias it (type Secret =
// redact.Secret) so that their users can name it.
package redact

import (
	"fmt"
	"io"
	"log/slog"
)

// Mask is what a non-empty Secret prints as.
const Mask = "[redacted]"

// Secret is a text that must not reach a message, a log or a golden file.
// The zero value is the empty secret, which prints as the empty string so that
// "not set" stays visible.
type Secret string

// Reveal returns the text itself, for the one place that needs it.
func (s Secret) Reveal() string { return string(s) }

// String returns the mask, or "" when nothing is set.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return Mask
}

// Format implements fmt.Formatter so that no verb (%v, %+v, %#v, %q, %x, %d)
// prints the text.
func (s Secret) Format(f fmt.State, verb rune) {
	if verb == 'q' {
		fmt.Fprintf(f, "%q", s.String())
		return
	}
	// The write error cannot be handled here; fmt drops it as well.
	_, _ = io.WriteString(f, s.String())
}

// MarshalText masks the text for encoding/json and friends.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue masks the text for log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
