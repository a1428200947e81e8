package gitlabrb

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fuzzSeeds are the named seeds of all fuzz targets: the inputs of the golden
// cases, the constructs of the tables, and texts that once mattered.
func fuzzSeeds(f *testing.F) {
	paths, err := filepath.Glob("testdata/edit/*.txtar")
	if err != nil || len(paths) == 0 {
		f.Fatalf("no golden cases to seed with (%v)", err)
	}
	for _, p := range paths {
		data, err := os.ReadFile(p)
		if err != nil {
			f.Fatal(err)
		}
		_, text, _ := strings.Cut(string(data), "-- input.rb --\n")
		text, _, _ = strings.Cut(text, "-- edit --")
		f.Add(text)
	}
	for _, c := range evalCases {
		f.Add(caseSource(c.src))
	}
	for _, s := range []string{"", "\n", "#", "=begin\n=end", "=begin", "__END__", "x = <<A\nA", "x = \"#{<<A}\"\nA\n", "%w(", "?", ":", "def", "->", "\\", "\xef\xbb\xbfx = 1",
		"x = <<~A\n  \\\n  b\nA\n", "a ? b : c", "a{|x|}", "foo 1 do |a, (b, c), *d, e: 1, **f, &g| end", "x = y rescue z", "p(*a, **b, &c)"} {
		f.Add(s)
	}
}

// FuzzParse: the parser neither panics nor hangs, reports errors with places,
// and what it accepts it gives back byte for byte.
func FuzzParse(f *testing.F) {
	fuzzSeeds(f)
	f.Fuzz(func(t *testing.T, src string) {
		file, err := Parse("fuzz.rb", []byte(src))
		if err != nil {
			list, ok := err.(ErrorList)
			if !ok || len(list) == 0 || len(list) > maxErrors+1 {
				t.Fatalf("error is %T with %d entries", err, len(list))
			}
			for _, e := range list {
				if e.Message == "" || e.Pos.Line < 1 || e.Pos.Line > strings.Count(src, "\n")+1 {
					t.Fatalf("error without a place or text: %+v", e)
				}
			}
			return
		}
		if string(file.Bytes()) != src {
			t.Fatal("the text is not what was parsed")
		}
	})
}

// FuzzEvaluate: evaluation ends, in bounded time, with a result.
func FuzzEvaluate(f *testing.F) {
	fuzzSeeds(f)
	f.Fuzz(func(t *testing.T, src string) {
		file, err := Parse("fuzz.rb", []byte(src))
		if err != nil {
			return
		}
		start := time.Now()
		r, _ := file.Evaluate(Options{Lookups: Lookups{Env: func(string) (string, bool) { return src, true }}})
		if r == nil || r.Settings == nil {
			t.Fatal("no result")
		}
		if d := time.Since(start); d > 20*time.Second {
			t.Fatalf("evaluation took %v", d)
		}
		for _, u := range r.Undecided {
			if u.Why == "" {
				t.Fatalf("undecided without a reason: %+v", u)
			}
		}
	})
}

// FuzzEdit: an edit changes what it says and nothing else: the value is there
// afterwards, a second time nothing changes, and taking the new bytes out
// again leaves the old ones.
func FuzzEdit(f *testing.F) {
	f.Add("", "x", "k")
	f.Add("mattermost['k'] = 'a'\n", "it's #{1}\n\\", "k")
	f.Add("mattermost['env'] = {\n  'A' => '1'\n}\n", "\xff\x00é", "env")
	f.Add("x = <<A\nmattermost['k'] = 1\nA\n", "'", "k'")
	f.Add("# mattermost['k'] = 'a'\r\nnginx['x'] = 1\r\n", "b", "k")
	f.Add("nginx['x'] = 1\n__END__\n", "b", "k")
	f.Add("mattermost[:k] = 'a'; nginx[:x] = 1", "b", "k-k")
	f.Fuzz(func(t *testing.T, src, value, key string) {
		file, err := Parse("fuzz.rb", []byte(src))
		if err != nil || len(src) > 20_000 {
			return
		}
		before := bytes.Clone(file.Bytes())
		edit, err := file.Set(value, "mattermost", key)
		if err != nil {
			if !bytes.Equal(before, file.Bytes()) {
				t.Fatalf("a refused edit changed the text: %v", err)
			}
			return
		}
		checkOnlyOnePlace(t, before, file.Bytes())
		again, err := file.Set(value, "mattermost", key)
		if err != nil || again.Changed {
			t.Fatalf("a second edit: %v %v\nbefore %q\nafter %q", again, err, before, file.Bytes())
		}
		r, evalErr := file.Evaluate(Options{KnownKeys: map[string][]string{}})
		if evalErr != nil || r.fog != nil || r.anyUndecided {
			return // the rest of the file fails or hides what is set
		}
		if got, _ := r.Lookup("mattermost", key); got != value {
			t.Fatalf("the file says %q, want %q (edit %v)\nbefore %q\nafter %q", got, value, edit, before, file.Bytes())
		}
	})
}

// checkOnlyOnePlace checks that what stands before and behind the change is
// what stood there, up to a comma or line end that an insertion needs.
func checkOnlyOnePlace(t *testing.T, before, after []byte) {
	t.Helper()
	p := 0
	for p < len(before) && p < len(after) && before[p] == after[p] {
		p++
	}
	s := 0
	for s < len(before)-p && s < len(after)-p && before[len(before)-1-s] == after[len(after)-1-s] {
		s++
	}
	removed := before[p : len(before)-s]
	if bytes.Count(removed, []byte("\n")) > 0 && !bytes.Contains(removed, []byte("<<")) && !bytes.ContainsAny(removed, "'\"[{(#%") {
		t.Fatalf("lines went that are no part of a value: %q", removed)
	}
}
