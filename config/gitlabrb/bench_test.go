package gitlabrb

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// templateText is a file shaped like the template that GitLab ships: 4,000
// lines, 99 % comments, with live settings between them.
func templateText() []byte {
	var b strings.Builder
	b.WriteString("## GitLab configuration settings\nexternal_url 'https://gitlab.example.com'\nmattermost_external_url 'https://mattermost.example.com'\n")
	for i := 0; b.Len() < 185_000 || i < 3_960; i++ {
		switch {
		case i%400 == 7:
			fmt.Fprintf(&b, "gitlab_rails['setting_%d'] = \"value %d\"\n", i, i)
		case i%1000 == 11:
			fmt.Fprintf(&b, "mattermost['env'] = {\n  'A%d' => '1', # one\n  'B' => \"two\",\n}\n", i)
		case i%1000 == 501:
			b.WriteString("nginx['custom'] = <<-'EOS'\n  server_tokens off;\n  EOS\n")
		case i%10 == 0:
			b.WriteString("##! Docs: https://docs.gitlab.com/omnibus/settings/configuration.html\n")
		default:
			fmt.Fprintf(&b, "# gitlab_rails['template_key_%d'] = 'x'\n", i)
		}
		if i >= 4_000 {
			break
		}
	}
	b.WriteString("mattermost['team_site_name'] = 'GitLab Mattermost'\n")
	return []byte(b.String())
}

func BenchmarkParseTemplate(b *testing.B) {
	src := templateText()
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse("gitlab.rb", src); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseAndEvaluateTemplate(b *testing.B) {
	src := templateText()
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Evaluate("gitlab.rb", src, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHundredEditsOfTemplate(b *testing.B) {
	src := templateText()
	b.ReportAllocs()
	for b.Loop() {
		editHundredTimes(b, src)
	}
}

func editHundredTimes(tb testing.TB, src []byte) *File {
	f, err := Parse("gitlab.rb", src)
	if err != nil {
		tb.Fatal(err)
	}
	for i := range 100 {
		path := []string{"gitlab_rails", fmt.Sprintf("template_key_%d", 31*i+1)}
		if i%3 == 0 {
			path = []string{"mattermost", "env", fmt.Sprintf("NEW_%d", i)}
		}
		edit, err := f.Set(fmt.Sprint("value ", i), path...)
		if err != nil || !edit.Changed {
			tb.Fatalf("edit %d: %v %v", i, edit, err)
		}
	}
	return f
}

// An edit parses the text once and makes no copy of it: what one edit
// allocates is what one parse does and a little. The benchmark has the time.
func TestAnEditAllocatesWhatOneParseDoes(t *testing.T) {
	src := templateText()
	parse := testing.AllocsPerRun(10, func() {
		if _, err := Parse("gitlab.rb", src); err != nil {
			t.Fatal(err)
		}
	})
	f, err := Parse("gitlab.rb", src)
	if err != nil {
		t.Fatal(err)
	}
	i := 0
	edit := func() {
		i++
		if edit, err := f.Set(fmt.Sprint("value ", i), "gitlab_rails", "setting_7"); err != nil || !edit.Changed {
			t.Fatal(edit, err)
		}
	}
	edit()
	edit() // both buffers are there now
	got := testing.AllocsPerRun(10, edit)
	t.Logf("a parse allocates %v times, an edit %v times", parse, got)
	if got > 1.7*parse {
		t.Errorf("an edit allocates %v times, a parse %v times: the text is parsed more than once", got, parse)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 20 {
		edit()
	}
	runtime.ReadMemStats(&after)
	perEdit := (after.TotalAlloc - before.TotalAlloc) / 20
	t.Logf("an edit of %d bytes allocates %d bytes", len(src), perEdit)
	if perEdit > uint64(len(src))*3/4 {
		t.Errorf("an edit of %d bytes allocates %d bytes: the text is copied", len(src), perEdit)
	}
}

// A search for a commented line parses that line, not all lines of the name.
func TestUncommentingALineOfALargeFileParsesOnlyThatLine(t *testing.T) {
	f := editHundredTimes(t, templateText())
	if _, err := f.Evaluate(Options{}); err != nil {
		t.Fatal(err)
	}
	allocs := testing.AllocsPerRun(10, func() {
		if e, err := f.Uncomment("x", "gitlab_rails", "no_such_key"); err == nil {
			t.Fatal(e)
		}
	})
	if allocs > 1000 {
		t.Errorf("looking for a commented line that is not there allocates %v times in a file of 4,000", allocs)
	}
}

func TestBytesOfAFileStayWhatTheyWereWhenItIsEditedAgain(t *testing.T) {
	given := []byte("mattermost['home'] = 'one'\n")
	f, err := Parse("gitlab.rb", given)
	if err != nil {
		t.Fatal(err)
	}
	texts, want := [][]byte{f.Bytes()}, []string{"one"}
	for _, v := range []string{"two", "3", "four", "five", "a longer value than before", "six"} {
		if _, err := f.Set(v, "mattermost", "home"); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Set(0.5, "mattermost["); err == nil {
			t.Fatal("a path that is none was taken")
		}
		texts, want = append(texts, f.Bytes()), append(want, v)
	}
	for i, text := range append(texts, given) {
		if got := "mattermost['home'] = '" + append(want, "one")[i] + "'\n"; string(text) != got {
			t.Errorf("text %d is now %q, was %q", i, text, got)
		}
	}
}
