package nginx

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Limits of Load.
const (
	maxIncludeDepth = 10
	maxIncludeFiles = 500
)

// Load reads a configuration file and follows its includes below root: an
// absolute path is taken relative to it, a relative one to the directory of
// the first file, as nginx does. Nothing outside of root is read (use
// os.OpenRoot and its FS for a root that symbolic links cannot leave). A
// pattern that matches nothing is no error; a plain name that is missing is.
//
// The included directives stand in place of the include, each with its own
// file and line.
func Load(root fs.FS, file string) ([]*Directive, error) {
	file = inRoot(file)
	l := &loader{root: root, base: path.Dir(file)}
	return l.file(file, 0)
}

type loader struct {
	root  fs.FS
	base  string
	files int
	size  int64
}

func inRoot(name string) string { return path.Clean(strings.TrimLeft(name, "/")) }

func (l *loader) file(name string, depth int) ([]*Directive, error) {
	if depth > maxIncludeDepth {
		return nil, fmt.Errorf("%s: includes are nested deeper than %d", name, maxIncludeDepth)
	}
	if l.files++; l.files > maxIncludeFiles {
		return nil, fmt.Errorf("%s: more than %d files are included", name, maxIncludeFiles)
	}
	info, err := fs.Stat(l.root, name)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("read configuration: %s is not a regular file", name)
	}
	if l.size += info.Size(); info.Size() > maxFile || l.size > 4*maxFile {
		return nil, fmt.Errorf("read configuration: %s is too large", name)
	}
	src, err := fs.ReadFile(l.root, name)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	list, err := Parse(name, src)
	if err != nil {
		return nil, err
	}
	return l.expand(list, depth)
}

// expand replaces the includes of a list by what they include.
func (l *loader) expand(list []*Directive, depth int) ([]*Directive, error) {
	out := make([]*Directive, 0, len(list))
	for _, dir := range list {
		if dir.HasBlock {
			inner, err := l.expand(dir.Block, depth)
			if err != nil {
				return nil, err
			}
			dir.Block = inner
		}
		if dir.Name != "include" || len(dir.Args) != 1 || dir.HasBlock {
			out = append(out, dir)
			continue
		}
		names, err := l.match(dir)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			inner, err := l.file(name, depth+1)
			if err != nil {
				return nil, fmt.Errorf("%s: include: %w", position(dir), err)
			}
			out = append(out, inner...)
		}
	}
	return out, nil
}

func (l *loader) match(dir *Directive) ([]string, error) {
	name := dir.Args[0]
	if strings.HasPrefix(name, "/") {
		name = inRoot(name)
	} else {
		name = path.Join(l.base, name)
	}
	if !strings.ContainsAny(name, "*?[") {
		return []string{name}, nil
	}
	names, err := fs.Glob(l.root, name) // sorted, as nginx reads them
	if err != nil {
		return nil, fmt.Errorf("%s: include %q: %w", position(dir), clip(name), err)
	}
	return names, nil
}
