// Command gen makes the tables that package envmap embeds from the sampled data
// in testdata: schema.txt (Mattermost's settings), schema.idx (where each stands
// in it) and legacy.txt (the old keys of gitlab.rb). It runs through "go generate" in package envmap; a test of it
// fails when the embedded tables are not what it would write.
package main

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// tables are the files and what makes them.
var tables = map[string]func(testdata string) (string, error){"schema.txt": schema, "schema.idx": index, "legacy.txt": legacy}

// run reads dir/internal/gen/testdata and writes the tables into dir.
func run(dir string) error {
	for name, build := range tables {
		text, err := build(filepath.Join(dir, "internal", "gen", "testdata"))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// setting is one row of the result.
type setting struct {
	path        string
	kind        string
	first, last int
	gaps        []int
	defaults    []string // "sample=json"
}

// kinds maps Go types, pointers taken off, to one letter.
var kinds = map[string]string{
	"string": "s", "bool": "b", "int": "i", "int64": "i", "[]string": "l",
	"json.RawMessage": "r", "[]*model.ReplicaLagSettings": "x",
	"map[string]map[string]interface {}": "m", "map[string]*model.PluginState": "m",
	"map[model.ContentFlaggingEvent][]model.NotificationTarget": "m", "map[string]model.TeamReviewerSetting": "m",
}

// corrections are rows that no released server had: the sample "10.11" is a
// development state that renamed a setting and took the rename back.
var corrections = map[string]func(*setting) bool{
	"ServiceSettings.StrictCSRFEnforcement":             func(*setting) bool { return false },
	"ServiceSettings.ExperimentalStrictCSRFEnforcement": func(s *setting) bool { s.gaps = nil; return true },
}

func schema(testdata string) (string, error) {
	rows, samples, err := read(filepath.Join(testdata, "settings.tsv"), 7)
	if err != nil {
		return "", err
	}
	byKey := map[string][]*setting{}
	for _, c := range rows {
		s, err := parseSetting(c, samples)
		if err != nil {
			return "", fmt.Errorf("%s.%s: %w", c[0], c[1], err)
		}
		if fix, ok := corrections[s.path]; ok && !fix(s) {
			continue
		}
		byKey[key(s.path)] = append(byKey[key(s.path)], s)
	}
	lines := make([]string, 0, len(byKey))
	for _, rows := range byKey {
		lines = append(lines, merge(rows).line())
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(key(a), key(b)) })
	return strings.Join(lines, "\n") + "\n", nil
}

// key is what the package compares: the path in lower case with one separator,
// so that variables and paths are found alike.
func key(line string) string {
	path, _, _ := strings.Cut(line, "\t")
	return strings.ToLower(strings.ReplaceAll(path, "_", "."))
}

func parseSetting(c, samples []string) (*setting, error) {
	s := &setting{path: c[0] + "." + c[1], first: slices.Index(samples, c[2]), last: len(samples) - 1}
	if c[3] != "-" {
		s.last = slices.Index(samples, c[3])
	}
	for _, pair := range strings.Split(c[4], " ; ") {
		_, typ, _ := strings.Cut(pair, "=")
		kind, ok := kinds[strings.TrimPrefix(typ, "*")]
		if !ok || s.kind != "" && s.kind != kind {
			return nil, fmt.Errorf("type %q is unknown or changed its kind", typ)
		}
		s.kind = kind
	}
	if c[5] != "" {
		for _, pair := range strings.Split(c[5], " ; ") {
			sample, json, ok := strings.Cut(pair, "=")
			i := slices.Index(samples, sample)
			if !ok || i < 0 {
				return nil, fmt.Errorf("default %q has no sample", pair)
			}
			s.defaults = append(s.defaults, fmt.Sprintf("%d=%s", i, json))
		}
	}
	for _, gap := range strings.Fields(c[6]) {
		s.gaps = append(s.gaps, slices.Index(samples, gap))
	}
	if s.first < 0 || s.last < 0 || slices.Contains(s.gaps, -1) {
		return nil, fmt.Errorf("names a sample that is not in the list")
	}
	return s, nil
}

// merge joins rows that differ in the case of letters only: Mattermost reads
// both spellings from JSON, and the environment never knew the difference. The
// newest spelling stays.
func merge(rows []*setting) *setting {
	slices.SortFunc(rows, func(a, b *setting) int { return a.first - b.first })
	out := rows[0]
	for _, s := range rows[1:] {
		for i := out.last + 1; i < s.first; i++ {
			out.gaps = append(out.gaps, i)
		}
		s.gaps = append(out.gaps, s.gaps...)
		s.defaults = slices.CompactFunc(append(out.defaults, s.defaults...), func(a, b string) bool {
			_, x, _ := strings.Cut(a, "=")
			_, y, _ := strings.Cut(b, "=")
			return x == y
		})
		s.first = out.first
		out = s
	}
	return out
}

func (s *setting) line() string {
	gaps := make([]string, len(s.gaps))
	for i, g := range s.gaps {
		gaps[i] = fmt.Sprint(g)
	}
	return strings.Join(append([]string{s.path, s.kind, fmt.Sprint(s.first), fmt.Sprint(s.last), strings.Join(gaps, ",")}, s.defaults...), "\t")
}

// slots is the size of the index: a power of two, more than twice the settings.
const slots = 2048

// index is a hash table over the keys of the schema, open addressing, four bytes
// a slot: the offset of the line plus one, little endian; 0 is free. The hash is
// FNV-1a of the key, as in the package's Lookup.
func index(testdata string) (string, error) {
	text, err := schema(testdata)
	if err != nil {
		return "", err
	}
	table := make([]byte, 4*slots)
	offset, count := 0, 0
	for line := range strings.Lines(text) {
		hash := fnv.New32a()
		hash.Write([]byte(key(line))) // never fails
		slot := hash.Sum32() % slots
		for binary.LittleEndian.Uint32(table[4*slot:]) != 0 {
			slot = (slot + 1) % slots
		}
		binary.LittleEndian.PutUint32(table[4*slot:], uint32(offset+1))
		offset += len(line)
		count++
	}
	if count > slots/2 {
		return "", fmt.Errorf("%d settings are too many for %d slots", count, slots)
	}
	return string(table), nil
}

// legacy keeps the table as it is, without its comments and header.
func legacy(testdata string) (string, error) {
	rows, _, err := read(filepath.Join(testdata, "legacy.tsv"), 8)
	if err != nil {
		return "", err
	}
	lines := make([]string, len(rows))
	for i, c := range rows {
		lines[i] = strings.Join(c, "\t")
	}
	return strings.Join(lines, "\n") + "\n", nil
}

// read splits a table and finds its list of samples. The first line that is no
// comment is the header.
func read(path string, columns int) (rows [][]string, samples []string, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	header := false
	for i, line := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n") {
		if rest, ok := strings.CutPrefix(line, "# samples "); ok {
			samples = append(samples, strings.Fields(rest)...)
		}
		if strings.HasPrefix(line, "#") {
			continue
		}
		c := strings.Split(line, "\t")
		if len(c) != columns {
			return nil, nil, fmt.Errorf("%s:%d: %d columns, want %d", path, i+1, len(c), columns)
		}
		if header {
			rows = append(rows, c)
		}
		header = true
	}
	return rows, samples, nil
}
