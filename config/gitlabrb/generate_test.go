package gitlabrb

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
)

// program is one generated program.
type program struct {
	text   string
	broken bool
}

// generator writes random programs of the subset's grammar. It knows which
// local variables hold which type, so that most programs run to their end.
type generator struct {
	r       *rand.Rand
	world   *testWorld
	vars    map[byte][]string // by type: s i b a h
	next    int
	depth   int
	pending []string          // bodies of heredocs opened on the current line
	flat    int               // > 0: no line break may be written
	methods map[byte][]string // methods with one string parameter, by result
}

func newGenerator(seed uint64, w *testWorld) *generator {
	return &generator{r: rand.New(rand.NewPCG(seed, 18_11)), world: w}
}

// program writes one program; one in four is broken afterwards.
func (g *generator) program() program {
	g.vars, g.methods, g.next, g.pending = map[byte][]string{}, map[byte][]string{}, 0, nil
	var b strings.Builder
	if g.one(15) {
		b.WriteString("# " + g.pick("a comment", "frozen_string_literal: true", "-*- coding: utf-8 -*-", "ünïcode 'unclosed") + "\n")
	}
	for range 1 + g.r.IntN(6) {
		g.depth = 0
		b.WriteString(g.statement())
		if g.one(12) && len(g.pending) == 0 {
			b.WriteString(g.pick("; ", " ;", ";\n"))
		} else {
			b.WriteString(g.pick("", "", "", " # comment 'x", " ", "\t") + g.nl())
		}
		b.WriteString(g.pick("", "", "", "\n", "# note\n", "=begin\nany 'text\n=end\n", "  "))
	}
	text := b.String()
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	if g.one(12) {
		text += "__END__\nanything ' \" ) end\n"
	}
	if g.one(10) {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	if g.r.IntN(4) == 0 {
		return program{g.break_(text), true}
	}
	return program{text, false}
}

// break_ damages a program as people and templates do.
func (g *generator) break_(s string) string {
	for range 1 + g.r.IntN(2) {
		if s == "" {
			return s
		}
		i := g.r.IntN(len(s))
		j := min(i+1+g.r.IntN(4), len(s))
		switch g.r.IntN(7) {
		case 0, 1:
			s = s[:i] + s[i+1:]
		case 2:
			s = s[:i] + s[j:]
		case 3:
			s = s[:i] + g.pick("'", "\"", ")", "(", "]", "[", "}", "{", ",", "=", "end", "\n", " do ", "#", "=>", "|", ":", ".", "<%= x %>", "{{ x }}", "${X}", " 5 ", "\\", "%", "?", "&", "*", "if ", "else\n", " then ") + s[i:]
		case 4:
			s = s[:i]
		case 5:
			s = s[:j] + s[i:]
		case 6:
			k := g.r.IntN(len(s))
			b := []byte(s)
			b[i], b[k] = b[k], b[i]
			s = string(b)
		}
	}
	return strings.ToValidUTF8(s, "") + "\n"
}

func (g *generator) one(in int) bool { return g.r.IntN(in) == 0 }

func (g *generator) pick(list ...string) string { return list[g.r.IntN(len(list))] }

// nl ends the line, with the bodies of its heredocs.
func (g *generator) nl() string {
	s := "\n" + strings.Join(g.pending, "")
	g.pending = nil
	return s
}

// maybeNL is white space that may be a line break.
func (g *generator) maybeNL() string {
	if g.flat > 0 || !g.one(6) {
		return g.pick("", " ", " ")
	}
	return g.pick("", " # c") + g.nl() + g.pick("", "  ")
}

func (g *generator) section() string {
	return g.pick("mattermost", "nginx", "gitlab_rails", "mattermost_nginx", "puma", "letsencrypt")
}

func (g *generator) key() string {
	k := g.pick("enable", "a", "b", "env", "url", "list", "x_y")
	return g.pick("'"+k+"'", "'"+k+"'", "\""+k+"\"", ":"+k)
}

// lvalue is a setting to assign to.
func (g *generator) lvalue() string {
	s := g.section() + "[" + g.key() + "]"
	if g.one(5) {
		s += "[" + g.key() + "]"
	}
	return s
}

func (g *generator) local(kind byte) string {
	g.next++
	name := fmt.Sprintf("%c%d", kind, g.next)
	return name
}

// declare makes a variable known after its assignment was written.
func (g *generator) declare(kind byte, name string) { g.vars[kind] = append(g.vars[kind], name) }

func (g *generator) any() string {
	return g.expr("sssiibahnyf"[g.r.IntN(11)])
}

// block writes statements inside of a construct; variables made inside are
// not used behind it.
func (g *generator) block(count int) string {
	saved := map[byte][]string{}
	for k, v := range g.vars {
		saved[k] = append([]string(nil), v...)
	}
	var b strings.Builder
	for range count {
		b.WriteString("  " + g.statement() + g.nl())
	}
	g.vars = saved
	return b.String()
}

// flatly writes something without line breaks and heredocs.
func (g *generator) flatly(f func() string) string {
	g.flat++
	defer func() { g.flat-- }()
	return f()
}

func (g *generator) statement() string {
	g.depth++
	defer func() { g.depth-- }()
	if g.depth > 3 {
		return g.lvalue() + " = " + g.expr('s')
	}
	switch g.r.IntN(34) {
	case 0, 1, 2, 3, 4, 5, 6, 7:
		return g.lvalue() + g.pick(" = ", "=", " =") + g.any()
	case 8:
		return g.pick("external_url ", "mattermost_external_url ", "registry_external_url ") + g.expr('s')
	case 9:
		return g.pick("external_url(", "runtime_dir( ") + g.expr('s') + ")"
	case 10, 11, 12:
		kind := "sibah"[g.r.IntN(5)]
		name := g.local(kind)
		s := name + " = " + g.expr(kind)
		g.declare(kind, name)
		return s
	case 13:
		return g.opAssign()
	case 14, 15:
		return g.ifStatement()
	case 16:
		return g.lvalue() + " = " + g.any() + " " + g.pick("if", "unless") + " " + g.expr('b')
	case 17, 18:
		return g.loop()
	case 19:
		return g.caseStatement()
	case 20:
		return g.section() + g.pick(".merge!(", ".update(") + g.expr('h') + ")"
	case 21:
		return g.mutation()
	case 22, 23:
		return g.definition()
	case 24, 25:
		return g.rescueStatement()
	case 26:
		return g.lvalue() + " " + g.pick("||=", "&&=") + " " + g.any()
	case 27:
		return g.pick("external_url", "mattermost_external_url") + " = " + g.expr('s')
	case 28:
		return "roles " + g.pick("'a_role'", "['a', 'b']", "%w(a b)", "'a', 'b'")
	case 29:
		return g.trap()
	case 30:
		g.next++
		return fmt.Sprintf("CONST_%d = %s\n%s = CONST_%d", g.next, g.flatly(g.any), g.lvalue(), g.next)
	case 31:
		a, b := g.local('s'), g.local('s')
		s := a + ", " + b + " = " + g.flatly(func() string { return g.expr('s') + ", " + g.expr('s') })
		g.declare('s', a)
		g.declare('s', b)
		return s
	case 32:
		return g.lvalue() + " = " + g.pick("if ", "unless ") + g.expr('b') + " then " + g.any() + " else " + g.any() + " end"
	}
	return "eval " + inspectString(g.flatly(func() string { return g.lvalue() + " = " + g.any() }))
}

func (g *generator) opAssign() string {
	kind := "sia"[g.r.IntN(3)]
	list := g.vars[kind]
	if len(list) == 0 {
		return g.lvalue() + " = " + g.any()
	}
	op := map[byte][]string{'s': {"+=", "<<", "*="}, 'i': {"+=", "-=", "*=", "||="}, 'a': {"+=", "-=", "|=", "&="}}[kind]
	o := op[g.r.IntN(len(op))]
	rhs := g.expr(kind)
	if o == "*=" {
		rhs = g.pick("2", "3")
	}
	return list[g.r.IntN(len(list))] + " " + o + " " + rhs
}

func (g *generator) ifStatement() string {
	var b strings.Builder
	b.WriteString(g.pick("if ", "if ", "unless ") + g.expr('b') + g.pick("", " then"))
	unless := strings.HasPrefix(b.String(), "unless")
	b.WriteString(g.nl() + g.block(1+g.r.IntN(2)))
	if g.one(3) && !unless {
		b.WriteString("elsif " + g.expr('b') + g.nl() + g.block(1))
	}
	if g.one(2) {
		b.WriteString("else" + g.nl() + g.block(1))
	}
	return b.String() + "end"
}

func (g *generator) caseStatement() string {
	var b strings.Builder
	b.WriteString("case " + g.expr("si"[g.r.IntN(2)]) + g.nl())
	for range 1 + g.r.IntN(2) {
		b.WriteString("when " + g.flatly(func() string {
			return g.pick(g.expr('s'), g.expr('s')+", "+g.expr('s'), "1..5", "/^[a-f]+/", "String", "Integer", "nil", "*%w(a b)")
		}) + g.pick(g.nl(), " then ") + g.block(1))
	}
	if g.one(2) {
		b.WriteString("else" + g.nl() + g.block(1))
	}
	return b.String() + "end"
}

func (g *generator) loop() string {
	v := g.local('s')
	switch g.r.IntN(7) {
	case 0:
		head := g.expr('h') + ".each do |k, v|" + g.nl()
		return head + "  " + g.section() + "[k] = v" + g.nl() + "end"
	case 1:
		head := g.pick("3.times", "1.upto(3)", "[1, 2].each_with_index.map", "(1..3).each") + " { |" + v + "| "
		if strings.Contains(head, "index.map") {
			head = "[4, 5].each_with_index { |" + v + ", j| "
		}
		return g.flatly(func() string { return head + g.section() + "[\"k#{" + v + "}\"] = " + v + " }" })
	case 2:
		head := "for " + v + " in " + g.expr('a') + g.nl()
		return head + "  " + g.lvalue() + " = " + v + g.nl() + "end"
	case 3:
		n := g.local('i')
		return n + " = 0\nwhile " + n + " < 3 do\n  " + n + " += 1\n  " + g.pick("next if "+n+" == 2", "break if "+n+" > 1", "") + "\n  " + g.lvalue() + " = " + n + "\nend"
	case 4:
		head := "[" + g.section() + ", " + g.section() + "].each do |" + v + "|" + g.nl()
		return head + "  " + v + "[" + g.key() + "] = " + g.any() + g.nl() + "end"
	}
	head := g.pick("%w(a b c)", "['x', 'y']", g.expr('a')) + ".each " + g.pick("do ", "{ ") + "|" + v + "|"
	closing := "end"
	if strings.Contains(head, "{ |"+v) && !strings.Contains(head, "do |"+v) {
		closing = "}"
	}
	head += g.nl()
	body := "  " + g.pick("next if "+v+" == 'a'", "break if "+v+" == 'b'", "") + "\n"
	body += "  " + g.section() + "[\"" + g.pick("p_", "") + "#{" + v + "}\"] = " + g.pick(v, v+".to_s", "\"<#{"+v+"}>\"") + "\n"
	return head + body + closing
}

func (g *generator) mutation() string {
	if list := g.vars['a']; len(list) > 0 && g.one(2) {
		return list[g.r.IntN(len(list))] + g.pick(" << ", ".push ", ".unshift ") + g.flatly(g.any)
	}
	if list := g.vars['h']; len(list) > 0 && g.one(2) {
		h := list[g.r.IntN(len(list))]
		return g.pick(h+"["+g.key()+"] = "+g.flatly(g.any), h+".delete("+g.key()+")", h+".merge!("+g.flatly(func() string { return g.expr('h') })+")", h+".store("+g.key()+", 1)")
	}
	if list := g.vars['s']; len(list) > 0 {
		return list[g.r.IntN(len(list))] + g.pick(" << 'z'", ".upcase!", ".gsub!('a', 'b')", ".strip!", ".concat('x', 'y')", ".freeze", ".chomp!", ".replace('new')", ".prepend('p')")
	}
	return g.section() + ".delete(" + g.key() + ")"
}

func (g *generator) definition() string {
	g.next++
	name := fmt.Sprintf("fun%d", g.next)
	saved := g.vars
	g.vars = map[byte][]string{'s': {"arg"}}
	switch g.r.IntN(5) {
	case 0:
		body := g.flatly(func() string { return g.expr('s') })
		g.vars = saved
		return "def " + name + "(arg, more = 'd')\n  " + g.pick("return 'r' if arg == 'a'", "", "more") + "\n  " + body + " + more\nend\n" + g.lvalue() + " = " + name + g.pick("('a')", " 'x'", "('b', 'c')")
	case 1:
		body := g.flatly(func() string { return g.expr('s') })
		g.vars = saved
		v := g.local('s')
		return v + " = " + g.pick("lambda { |arg| ", "->(arg) { ", "-> arg { ", "proc { |arg| ") + body + " }\n" + g.lvalue() + " = " + v + g.pick(".call('q')", ".('q')", "['q']")
	case 2:
		g.vars = saved
		return "def " + name + "(arg:, opt: 'o', **rest)\n  \"#{arg}#{opt}#{rest.size}\"\nend\n" + g.lvalue() + " = " + name + g.pick("(arg: 'k')", "(arg: 1, opt: 2)", " arg: 'x', zed: 3")
	case 3:
		g.vars = saved
		return "def " + name + "(*args)\n  yield args.size\n  args.each { |z| return z if z == 'b' }\n  'none'\nend\n" + g.lvalue() + " = " + name + "('a', 'b') { |n| " + g.lvalue() + " = n }"
	}
	body := g.flatly(func() string { return g.expr('s') })
	g.vars = saved
	return "def " + name + "(arg) = " + body + "\n" + g.lvalue() + " = " + name + "('e')"
}

func (g *generator) rescueStatement() string {
	v := g.local('s')
	inner := g.pick("raise 'boom'", "raise ArgumentError, 'bad'", "File.read('/nowhere/at/all')", "nil.upcase", "Integer('zz')",
		"ENV.fetch('NOPE')", g.section()+".fetch('nope')", "JSON.parse('{bad')", "unknown_name 'x'", "1 / 0", g.lvalue()+" = 1", "'a' + 1", "[].fetch(3)")
	class := g.pick("", "", " => "+v, " StandardError => "+v, " ArgumentError, TypeError", " KeyError", " RuntimeError => "+v, " Errno::ENOENT", " ZeroDivisionError")
	body := g.lvalue() + " = " + g.pick("'rescued'", "1")
	if strings.Contains(class, "=> ") && (strings.Contains(inner, "boom") || strings.Contains(inner, "'bad'")) {
		body = g.lvalue() + " = " + v + ".message"
	}
	s := "begin\n  " + g.lvalue() + " = 'before'\n  " + inner + "\n  " + g.lvalue() + " = 'after'\nrescue" + class + "\n  " + body + "\n"
	if g.one(4) {
		s += "else\n  " + g.lvalue() + " = 'else'\n"
	}
	if g.one(4) {
		s += "ensure\n  " + g.lvalue() + " = 'ensure'\n"
	}
	return s + "end"
}

// trap writes what goes wrong in real files.
func (g *generator) trap() string {
	return g.pick("unknwon_name['x'] = 1", "mattermost['q']['r']['s'] = 2", "if mattermost['unset']\n  nginx['seen'] = true\nend",
		"nginx['t'] = mattermost['unset2'].nil?", "nginx['t'] = mattermost.dig('no', 'no')", "nginx['t'] = mattermost.key?(:env)",
		"mattermost['env'] = nil\nmattermost['env']['X'] = 1", "typo 'x'", "nginx['c'] = [1, { 'd' => :e, f: [{ g: nil }] }]",
		"nginx['l'] = __LINE__", "nginx['d'] = defined?(foo)", "nginx['d'] = defined?(mattermost)", "nginx['d'] = (defined? String)",
		"puts 'hello'", "nginx['y'] = YAML.load <<-'EOS'\n  a: 1\n  b:\n    - x\n    - y: 'z' # c\n  c: [1, two, \"3\"]\n  d: true\n  EOS\n",
		"nginx['j'] = JSON.parse('{\"a\": [1, 2.5, null, {\"b\": \"c\"}]}')", "nginx['j'] = JSON.parse(File.read('"+filepath.Join(g.world.dir, "conf.json")+"'))['c']",
		"nginx['e'] = mattermost.empty?", "nginx['n'] = nil\nnginx['n'] ||= 'set'", "nginx['op'] = 1\nnginx['op'] += 2", "external_url", "nginx['r'] = external_url.nil?",
		"nginx['k'] = mattermost.keys", "nginx['s'] = mattermost['a'].to_s", "x = y = 'w'\nnginx['xy'] = x + y", "nginx['m'] = nginx.merge('z' => 1).size", "puma[1] = 2", "puma[nil] = 2")
}
