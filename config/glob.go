package config

import (
	"path"
	"slices"
	"strings"
)

// entry is one name in a directory.
type entry struct {
	name string
	dir  bool
}

// globMax bounds the directories that one pattern may visit, so that a
// pattern over a whole disk ends.
const globMax = 20000

// glob lists what Dir.glob would: *, ?, [..], {a,b} and **/ ; names that start
// with a dot only where the pattern says so. Sorted, absolute patterns only.
func glob(list func(dir string) []entry, pattern string) []string {
	var out []string
	budget := globMax
	for _, p := range braces(pattern, 0) {
		if strings.HasPrefix(p, "/") {
			out = globIn(list, "/", strings.Split(strings.Trim(path.Clean(p), "/"), "/"), out, &budget)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func globIn(list func(string) []entry, dir string, parts []string, out []string, budget *int) []string {
	if *budget--; *budget < 0 {
		return out
	}
	if parts[0] == "**" && len(parts) > 1 {
		out = globIn(list, dir, parts[1:], out, budget)
		for _, e := range list(dir) {
			if e.dir && !strings.HasPrefix(e.name, ".") {
				out = globIn(list, path.Join(dir, e.name), parts, out, budget)
			}
		}
		return out
	}
	for _, e := range list(dir) {
		if strings.HasPrefix(e.name, ".") && !strings.HasPrefix(parts[0], ".") {
			continue
		}
		if ok, err := path.Match(parts[0], e.name); err != nil || !ok {
			continue
		}
		switch full := path.Join(dir, e.name); {
		case len(parts) == 1:
			out = append(out, full)
		case e.dir:
			out = globIn(list, full, parts[1:], out, budget)
		}
	}
	return out
}

// braces expands {a,b}, at most a few levels.
func braces(pattern string, depth int) []string {
	open := strings.IndexByte(pattern, '{')
	if open < 0 || depth > 4 {
		return []string{pattern}
	}
	level, from := 0, open+1
	var options []string
	for i := open; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '{':
			level++
		case c == ',' && level == 1:
			options, from = append(options, pattern[from:i]), i+1
		case c == '}':
			if level--; level > 0 {
				continue
			}
			var out []string
			for _, o := range append(options, pattern[from:i]) {
				out = append(out, braces(pattern[:open]+o+pattern[i+1:], depth+1)...)
			}
			return out
		}
	}
	return []string{pattern}
}

// fileTree answers questions about a list of files, with the directories that
// they imply.
type fileTree struct {
	dirs map[string][]entry
	all  map[string]bool
}

func newFileTree(files map[string]*string) *fileTree {
	t := &fileTree{dirs: map[string][]entry{}, all: map[string]bool{"/": true}}
	for f := range files {
		t.add(clean(f), false)
	}
	return t
}

func (t *fileTree) add(p string, dir bool) {
	if t.all[p] {
		return
	}
	t.all[p] = true
	parent := path.Dir(p)
	t.dirs[parent] = append(t.dirs[parent], entry{path.Base(p), dir})
	t.add(parent, true)
}

func (t *fileTree) exists(p string) bool    { return t.all[p] }
func (t *fileTree) list(dir string) []entry { return t.dirs[dir] }

func clean(p string) string { return path.Clean("/" + p) }
