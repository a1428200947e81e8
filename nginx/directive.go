package nginx

import (
	"slices"
	"strings"
)

// Directive is one statement of nginx configuration, decoded: "listen 80;" is
// Name "listen" with one argument, "server { … }" has a Block.
type Directive struct {
	Name  string
	Args  []string     // decoded: without quotes and backslash pairs
	Block []*Directive // the statements inside "{ }"
	// HasBlock tells "{}" from ";": an empty block is a block.
	HasBlock bool

	Comment string // written above, one "#" line per line; the reader drops comments
	Raw     string // text that is written as it is, instead of the other fields
	layout  bool   // not a statement: an empty line, a comment, raw text
	mark    byte   // the last argument is always written between these quotes

	File string // where it was read, "" for a built one
	Line int    // from 1, 0 for a built one
}

// d builds a simple directive.
func d(name string, args ...string) *Directive { return &Directive{Name: name, Args: args} }

// block builds a block directive.
func block(name string, args []string, body ...*Directive) *Directive {
	return &Directive{Name: name, Args: args, Block: body, HasBlock: true}
}

// note puts a comment above a directive.
func (dir *Directive) note(comment string) *Directive {
	dir.Comment = comment
	return dir
}

// quoted has the last argument written between marks, needed or not.
func (dir *Directive) quoted(mark byte) *Directive {
	dir.mark = mark
	return dir
}

// gap separates groups with an empty line.
func gap() *Directive { return &Directive{layout: true} }

// heading is a comment line of its own.
func heading(text string) *Directive { return &Directive{Comment: text, layout: true} }

// isLayout tells comments, empty lines and raw text from statements.
func (dir *Directive) isLayout() bool {
	return dir.layout || dir.Raw != "" || dir.Name == "" && dir.Comment != "" && len(dir.Args) == 0 && !dir.HasBlock
}

// Arg returns the i-th argument or "".
func (dir *Directive) Arg(i int) string {
	if i < len(dir.Args) {
		return dir.Args[i]
	}
	return ""
}

// Find returns the directives of this name directly inside a block.
func (dir *Directive) Find(name string) []*Directive { return find(dir.Block, name) }

func find(list []*Directive, name string) []*Directive {
	var out []*Directive
	for _, c := range list {
		if c.Name == name {
			out = append(out, c)
		}
	}
	return out
}

// Format writes directives as configuration text: two spaces per level, one
// statement per line, every argument quoted when it needs to be. Reading the
// result gives the same directives again, whatever the arguments hold.
func Format(list []*Directive) string {
	var b strings.Builder
	f := formatter{b: &b, empty: true}
	f.list(list, 0)
	return b.String()
}

type formatter struct {
	b     *strings.Builder
	empty bool // at the start of a block or file, where no empty line goes
	gap   bool // an empty line is due before the next statement
}

func (f *formatter) line(depth int, text string) {
	if f.gap && !f.empty {
		f.b.WriteByte('\n')
	}
	f.gap, f.empty = false, false
	for range depth {
		f.b.WriteString("  ")
	}
	f.b.WriteString(text)
	f.b.WriteByte('\n')
}

func (f *formatter) list(list []*Directive, depth int) {
	for _, c := range list {
		if c.Comment != "" {
			for text := range strings.SplitSeq(c.Comment, "\n") {
				f.line(depth, strings.TrimRight("# "+text, " "))
			}
		}
		switch {
		case c.Raw != "":
			f.raw(c.Raw)
		case c.isLayout() && c.Comment == "":
			f.gap = true
		case c.isLayout():
		case c.HasBlock:
			f.line(depth, c.head()+" {")
			f.empty = true
			f.list(c.Block, depth+1)
			f.gap, f.empty = false, true
			f.line(depth, "}")
		default:
			f.line(depth, c.head()+";")
		}
	}
}

// raw writes a user's own text with its own layout.
func (f *formatter) raw(text string) {
	if f.gap && !f.empty {
		f.b.WriteByte('\n')
	}
	f.gap, f.empty = false, false
	f.b.WriteString(text)
	if !strings.HasSuffix(text, "\n") {
		f.b.WriteByte('\n')
	}
}

// head is the name and its arguments.
func (dir *Directive) head() string {
	var b strings.Builder
	b.WriteString(quote(dir.Name))
	for i, a := range dir.Args {
		b.WriteByte(' ')
		if dir.mark != 0 && i == len(dir.Args)-1 {
			b.WriteString(quoteWith(a, dir.mark))
			continue
		}
		b.WriteString(quote(a))
	}
	return b.String()
}

// clone copies a tree, so that one list of proxy headers can stand in several
// locations.
func clone(list []*Directive) []*Directive {
	out := make([]*Directive, len(list))
	for i, c := range list {
		n := *c
		n.Args = slices.Clone(c.Args)
		n.Block = clone(c.Block)
		out[i] = &n
	}
	return out
}

// walk visits every directive, parents first.
func walk(list []*Directive, visit func(*Directive)) {
	for _, c := range list {
		visit(c)
		walk(c.Block, visit)
	}
}
