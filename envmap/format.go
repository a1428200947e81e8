package envmap

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Format names a way to store an environment in one text. An env directory is
// many files: see WriteDir and ReadDir.
type Format string

// The formats, with what each cannot carry. Encode refuses such a value and
// says why; nothing is changed or dropped silently, with one exception: only
// the formats marked (unset) can say "this variable is not set" (Value nil), the
// others leave such variables out.
const (
	// FormatSystemd is a file for EnvironmentFile=. No control characters but
	// tab and line break, valid UTF-8.
	FormatSystemd Format = "systemd"
	// FormatDropIn is a systemd drop-in with Environment= and UnsetEnvironment=
	// lines (unset). The same limits.
	FormatDropIn Format = "systemd-dropin"
	// FormatShell is a POSIX shell script of export and unset lines (unset).
	FormatShell Format = "shell"
	// FormatDocker is a file for docker run --env-file, which knows no quoting:
	// no line breaks, valid UTF-8, no line over 64 KiB.
	FormatDocker Format = "docker"
	// FormatCompose is a Compose file fragment with environment: as a mapping.
	// Valid UTF-8.
	FormatCompose Format = "compose"
	// FormatKubernetes is a Secret; it carries every value.
	FormatKubernetes Format = "kubernetes"
	// FormatRuby is the mattermost['env'] hash of gitlab.rb (unset, as nil).
	FormatRuby Format = "gitlab.rb"
	// FormatJSON is an object of name to text or null (unset). Valid UTF-8.
	FormatJSON Format = "json"
)

// codec is one format.
type codec struct {
	format Format
	encode func(*Environment) ([]byte, error)
	decode func([]byte) (*Environment, error)
}

func codecs() []codec {
	return []codec{
		{FormatSystemd, encodeSystemd, decodeSystemd},
		{FormatDropIn, encodeDropIn, decodeDropIn},
		{FormatShell, encodeShell, decodeShell},
		{FormatDocker, encodeDocker, decodeDocker},
		{FormatCompose, encodeCompose, decodeCompose},
		{FormatKubernetes, encodeKubernetes, decodeKubernetes},
		{FormatRuby, encodeRuby, decodeRuby},
		{FormatJSON, encodeJSON, decodeJSON},
	}
}

// Formats lists all formats.
func Formats() []Format {
	var out []Format
	for _, c := range codecs() {
		out = append(out, c.format)
	}
	return out
}

func codecOf(f Format) (codec, error) {
	var known []string
	for _, c := range codecs() {
		if c.format == f {
			return c, nil
		}
		known = append(known, string(c.format))
	}
	return codec{}, fmt.Errorf("unknown format %q: want one of %s", f, strings.Join(known, ", "))
}

// Encode writes the environment in a format, variables in their order. Every
// value that the format, or any process environment, cannot hold is one error;
// all are returned joined, and then no text. Errors name variables, never
// values.
func (e *Environment) Encode(f Format) ([]byte, error) {
	c, err := codecOf(f)
	if err != nil {
		return nil, err
	}
	var errs []error
	for v := range e.All() {
		if err := checkVar(v); err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return c.encode(e)
}

// maxInput bounds what Decode accepts.
const maxInput = 8 << 20

// Decode reads a text in a format, as the format's real reader would, and
// further forms of it that people write by hand (quoted and unquoted values,
// comments). Origins are the lines. What the real reader would run, expand or
// take from elsewhere (command substitution, ${NAME}, a Docker name without a
// value) is an error, not a guess. Input over 8 MiB is refused.
func Decode(f Format, data []byte) (*Environment, error) {
	c, err := codecOf(f)
	if err != nil {
		return nil, err
	}
	if len(data) > maxInput {
		return nil, fmt.Errorf("read %s: %d bytes, more than %d", f, len(data), maxInput)
	}
	if i := bytes.IndexByte(data, 0); i >= 0 {
		return nil, fmt.Errorf("read %s: line %d: a NUL byte", f, 1+bytes.Count(data[:i], []byte("\n")))
	}
	e, err := c.decode(data)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", f, err)
	}
	return e, nil
}

// lossless joins, for every variable, the reason why a format refuses it.
func lossless(e *Environment, format Format, refuse func(string) string) error {
	var errs []error
	for v := range e.All() {
		text, ok := v.Text()
		if !ok {
			continue
		}
		if why := refuse(text); why != "" {
			errs = append(errs, fmt.Errorf("variable %s: format %s cannot carry %s", v.Name, format, why))
		}
	}
	return errors.Join(errs...)
}

// notUTF8 is the refusal shared by all formats that are text.
func notUTF8(text string) string {
	if !utf8.ValidString(text) {
		return "bytes that are not valid UTF-8"
	}
	return ""
}

func badName(line int) error {
	return lineError(line, "what stands before = is not a variable's name (letters, digits and underscores)")
}

func lineError(line int, format string, args ...any) error {
	return fmt.Errorf("line %d: %s", line, fmt.Sprintf(format, args...))
}
