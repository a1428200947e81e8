package envmap

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// DirFiles returns the env directory as GitLab's Linux package wrote it, as
// plain data: file name (the variable's) to content. The content is the text
// without a final newline; a variable that is not set, and one that is set to
// nothing, is an empty file.
//
// Reading it back through chpst can lose text (see ParseDirFile); DirLosses
// tells. A name that cannot be a file name is an error.
func (e *Environment) DirFiles() (map[string][]byte, error) {
	files := make(map[string][]byte, e.Len())
	var errs []error
	for v := range e.All() {
		if err := dirName(v.Name); err != nil {
			errs = append(errs, err)
			continue
		}
		text, _ := v.Text()
		files[v.Name] = []byte(text)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return files, nil
}

// dirName refuses names that would leave the directory or that chpst does not
// read as a variable.
func dirName(name string) error {
	if name == "" || len(name) > 255 || name[0] == '.' || strings.ContainsAny(name, "/=\x00\n") {
		return fmt.Errorf("variable %.60q: the name cannot be a file of an env directory", name)
	}
	return nil
}

// EncodeDirFile returns the content that makes chpst give a program exactly
// the variable's value, where the format can: a line break is written as NUL,
// the empty text as a lone line break, "not set" as an empty file. A value that
// ends in a blank or tab is an error, because chpst always cuts those.
//
// GitLab's Linux package did not do this, it wrote the bare text; DirFiles is
// what it wrote.
func EncodeDirFile(v Var) ([]byte, error) {
	if err := checkVar(v); err != nil {
		return nil, err
	}
	text, ok := v.Text()
	switch {
	case !ok:
		return nil, nil
	case text == "":
		return []byte("\n"), nil
	case strings.HasSuffix(text, " "), strings.HasSuffix(text, "\t"):
		return nil, fmt.Errorf("variable %s: an env directory cannot carry a value that ends in a blank or tab", v.Name)
	}
	return []byte(strings.ReplaceAll(text, "\n", "\x00")), nil
}

// EncodeDir returns an env directory that makes chpst give a program exactly
// this environment, each file as EncodeDirFile writes it. Every value that the
// format cannot carry is one error; all are joined.
func (e *Environment) EncodeDir() (map[string][]byte, error) {
	files := make(map[string][]byte, e.Len())
	var errs []error
	for v := range e.All() {
		content, err := EncodeDirFile(v)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		files[v.Name] = content
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return files, nil
}

// ParseDirFile reads one file of an env directory as chpst -e (runit 2.1.2)
// does, in these steps:
//
//  1. A file of no bytes removes the variable from the environment: nil.
//  2. Only the first line counts.
//  3. Blanks and tabs at its end are cut, those at its start are kept.
//  4. A NUL becomes a line break.
//
// So a file that holds only a line break sets the variable to the empty text.
func ParseDirFile(content []byte) *string {
	if len(content) == 0 {
		return nil
	}
	line, _, _ := strings.Cut(string(content), "\n")
	line = strings.ReplaceAll(strings.TrimRight(line, " \t"), "\x00", "\n")
	return &line
}

// DirLosses says what a program started through chpst will not get of an
// environment written as DirFiles: everything after a first line, blanks at the
// end, and the empty text, which makes the variable vanish so that Mattermost
// takes the value of its config.json.
func (e *Environment) DirLosses() []Finding {
	var out []Finding
	for v := range e.All() {
		text, ok := v.Text()
		if !ok {
			continue
		}
		switch got := ParseDirFile([]byte(text)); {
		case got == nil:
			out = append(out, Finding{
				ID: "dir.empty-removes", Severity: SeverityInfo, Where: v.Name,
				Message: "an empty file removes the variable: the server takes the value of its config.json, not the empty text",
				Fix:     "set the value in config.json or the System Console if it must be empty",
			})
		case *got != text && strings.Contains(text, "\n"):
			out = append(out, Finding{
				ID: "dir.first-line", Severity: SeverityError, Where: v.Name,
				Message: "only the first line of the value reaches the server",
				Fix:     "put the value on one line, or into config.json",
			})
		case *got != text:
			out = append(out, Finding{
				ID: "dir.trailing-blank", Severity: SeverityWarning, Where: v.Name,
				Message: "blanks at the end of the value are cut",
				Fix:     "remove them, or put the value into config.json",
			})
		}
	}
	return out
}

// ReadDir reads an env directory with chpst's rules. Variables come in the
// order of their names; the origin is the file. Names that start with a dot are
// skipped, as chpst does. Anything else that is not a plain file, and a file
// over 128 KiB, is an error, and so is more than 4,096 files.
func ReadDir(dir string) (*Environment, error) {
	entries, err := readDirNames(dir)
	if err != nil {
		return nil, err
	}
	e := &Environment{}
	var errs []error
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		path := filepath.Join(dir, entry.Name())
		content, err := readPlain(path)
		if err != nil {
			errs = append(errs, fmt.Errorf("read env directory: %w", err))
			continue
		}
		e.Put(Var{Name: entry.Name(), Value: ParseDirFile(content), Origin: originFile(path)})
	}
	return e, errors.Join(errs...)
}

const maxDirEntries = 4096

func readDirNames(dir string) ([]fs.DirEntry, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read env directory: %w", err)
	}
	if len(entries) > maxDirEntries {
		return nil, fmt.Errorf("read env directory %s: %d entries, more than %d: not an env directory", dir, len(entries), maxDirEntries)
	}
	return entries, nil
}

// readPlain reads a bounded regular file; a symbolic link to one is followed,
// as chpst does.
func readPlain(path string) ([]byte, error) {
	info, err := os.Stat(path) // before opening, so that no FIFO blocks us
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a plain file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(io.LimitReader(f, maxValue+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if len(content) > maxValue {
		return nil, fmt.Errorf("%s: over %d bytes, too long for a variable", path, maxValue)
	}
	return content, nil
}
