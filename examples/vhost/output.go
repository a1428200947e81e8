package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/gitlab-mattermost/sdk/internal/atomicfile"
	"github.com/gitlab-mattermost/sdk/internal/cli"
	"github.com/gitlab-mattermost/sdk/internal/english"
	"github.com/gitlab-mattermost/sdk/nginx"
)

// readAtMost reads a regular file or standard input, bounded.
func readAtMost(name string, s cli.Streams, limit int64) ([]byte, error) {
	in := s.In
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, errors.Unwrap(err))
		}
		defer f.Close()
		if info, err := f.Stat(); err != nil || info.IsDir() {
			return nil, fmt.Errorf("read %s: it is a directory, want a file", name)
		}
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("read %s: larger than %d MiB, which no vhost is", name, limit>>20)
	}
	return data, nil
}

// printFindings writes findings the way all commands do.
func printFindings(w io.Writer, list []nginx.Finding) {
	for _, f := range list {
		fmt.Fprintf(w, "%s: %s: %s [%s]\n", f.Severity, f.Where, f.Message, f.ID)
		if f.Fix != "" {
			fmt.Fprintf(w, "    fix: %s\n", f.Fix)
		}
	}
}

// verdict is ErrFindings when one of them is an error.
func verdict(list []nginx.Finding) error {
	for _, f := range list {
		if f.Severity == nginx.SeverityError {
			return cli.ErrFindings
		}
	}
	return nil
}

// findings never prints null.
func findings(list []nginx.Finding) []nginx.Finding {
	if list == nil {
		return []nginx.Finding{}
	}
	return list
}

// writeOut stores text under path, or prints it when path is empty; dry says
// what would be written instead.
func writeOut(path, text string, dry bool, s cli.Streams) error {
	if path == "" {
		_, err := io.WriteString(s.Out, text)
		return err
	}
	if dry {
		_, err := fmt.Fprintf(s.Err, "would write %s, %s\n", path, english.Count(strings.Count(text, "\n"), "line"))
		return err
	}
	if err := atomicfile.WriteFile(path, []byte(text), 0o644); err != nil {
		return err
	}
	_, err := fmt.Fprintf(s.Err, "wrote %s, %s\n", path, english.Count(strings.Count(text, "\n"), "line"))
	return err
}
