package envmap

import (
	"bytes"
	"strings"
)

// dockerLine is the longest line that docker's scanner takes.
const dockerLine = 64 << 10

// encodeDocker writes a file for docker run --env-file. The format has no
// quoting: the value is the rest of the line as it is.
func encodeDocker(e *Environment) ([]byte, error) {
	err := lossless(e, FormatDocker, func(text string) string {
		switch {
		case strings.Contains(text, "\n"):
			return "line breaks"
		case strings.HasSuffix(text, "\r"):
			return "a carriage return at the end"
		case len(text) > dockerLine-300:
			return "a value of 64 KiB and more"
		}
		return notUTF8(text)
	})
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	for v := range e.All() {
		if text, ok := v.Text(); ok {
			b.WriteString(v.Name + "=" + text + "\n")
		}
	}
	return b.Bytes(), nil
}

// decodeDocker reads a file as docker's --env-file: blanks before a name are
// skipped, a line that starts with # is a comment, quotes and blanks of a value
// belong to it. A name alone takes its value from docker's own environment,
// which is an error here.
func decodeDocker(data []byte) (*Environment, error) {
	e := &Environment{}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	for i, line := range strings.Split(string(data), "\n") {
		number := i + 1
		line = strings.TrimLeft(strings.TrimSuffix(line, "\r"), " \t\n\v\f\r\u0085\u00a0")
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		switch {
		case len(line) >= dockerLine:
			return nil, lineError(number, "longer than docker reads (64 KiB)")
		case notUTF8(line) != "":
			return nil, lineError(number, "not valid UTF-8")
		case !ok:
			return nil, lineError(number, "the line has no =: docker would take the value from its own environment")
		case !ValidName(name):
			return nil, badName(number)
		}
		e.Put(Var{Name: name, Value: &value, Origin: originLine(number)})
	}
	return e, nil
}
