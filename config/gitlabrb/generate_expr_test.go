package gitlabrb

import (
	"fmt"
	"path/filepath"
	"strings"
)

// expr writes an expression of a type: string, integer, boolean, array, hash,
// nil, symbol, float.
func (g *generator) expr(kind byte) string {
	g.depth++
	defer func() { g.depth-- }()
	if list := g.vars[kind]; len(list) > 0 && g.one(4) {
		return list[g.r.IntN(len(list))]
	}
	if g.depth > 5 {
		return map[byte]string{'s': "'leaf'", 'i': "7", 'b': "true", 'a': "[1]", 'h': "{ 'k' => 1 }", 'n': "nil", 'y': ":sym", 'f': "1.5"}[kind]
	}
	if g.one(25) && kind != 'n' {
		return g.paren(func() string {
			return g.expr('b') + " ? " + g.expr(kind) + g.pick(" : ", " :\n ") + g.expr(kind)
		})
	}
	switch kind {
	case 's':
		return g.stringExpr()
	case 'i':
		return g.intExpr()
	case 'b':
		return g.boolExpr()
	case 'a':
		return g.arrayExpr()
	case 'h':
		return g.hashExpr()
	case 'y':
		return g.pick(":sym", ":\"two words\"", ":'q'", ":a?", "%s(x)", ":[]", ":+")
	case 'f':
		return g.pick("1.5", "0.25", "1e3", "1_000.5", "-2.5", "1.0", "1e20", "1.5e-7", "(1.5 + 1)", "3.7.round(0).to_f", "10.fdiv(4)", "7 / 2.0")
	}
	return "nil"
}

// paren writes something in parentheses, where line breaks of heredocs fit.
func (g *generator) paren(f func() string) string {
	g.flat++
	defer func() { g.flat-- }()
	s := f()
	if len(g.pending) == 0 {
		return "(" + s + ")"
	}
	return "(" + strings.ReplaceAll(s, "\n ", " ") + ")"
}

func (g *generator) word() string {
	return g.pick("abc", "a b", "https://x.example.com", "", "x", "ab ab", " padded ", "10", "3.5z", "ünï", "a,b;c", "A-Z", "tab\there", "a.b.c", "[br]", "(p)", "#", "# no", "=", "%")
}

// single and double write string literals around random text.
func (g *generator) single() string {
	w := g.word() + g.pick("", "", `\'`, `\\`, `\n`, `"`, "#{no}", `\a`)
	return "'" + w + "'"
}

func (g *generator) double() string {
	w := g.word()
	if g.one(2) {
		w += g.pick(`\n`, `\t`, `\"`, `\\`, `\x41`, `\u00e9`, `\u{41 42}`, `\e`, `\0`, `\101`, `\s`, `\q`, `'`, "#x", `\#{no}`, `\
cont`, "#$ ", "#@ ", "#@1")
	}
	if g.one(3) {
		w += "#{" + g.inner() + "}" + g.word()
	}
	return `"` + strings.ReplaceAll(w, "\t", `\t`) + `"`
}

// inner is an expression inside of an interpolation: no heredocs.
func (g *generator) inner() string {
	return g.flatly(func() string { return g.expr("sibafyn"[g.r.IntN(7)]) })
}

func (g *generator) heredoc() string {
	if g.flat > 0 {
		return g.single()
	}
	g.next++
	tag := fmt.Sprintf("E%d", g.next)
	style := g.pick("<<", "<<-", "<<~", "<<~")
	quote := g.pick("", "", "'", "\"")
	var b strings.Builder
	for range g.r.IntN(4) {
		line := g.pick("", "  ", "    ", "\t", " \t") + g.pick("text", "", "two words", `back\slash`, `quote's "x"`, `tab\tx`, "EO", "#", "  ")
		if quote != "'" && g.one(3) {
			line += "#{" + g.inner() + "}" + g.pick("", " tail")
		}
		b.WriteString(line + "\n")
	}
	indent := ""
	if style != "<<" {
		indent = g.pick("", "  ", "\t")
	}
	g.pending = append(g.pending, b.String()+indent+tag+"\n")
	return style + quote + tag + quote + g.pick("", "", ".strip", ".chomp", ".gsub('t', 'T')", ".lines.size.to_s")
}

func (g *generator) stringExpr() string {
	switch g.r.IntN(26) {
	case 0, 1, 2, 3, 4:
		return g.single()
	case 5, 6, 7:
		return g.double()
	case 8:
		return g.pick("%q(a (b) 'c')", "%Q(a \"#{1 + 1}\" (b))", "%(x)", "%[y]", "%{z {n}}", "%<a>", "%q{\\}}", "%|p|", "?a", "%q(a\\)b)", "%!e!")
	case 9, 10:
		return g.heredoc()
	case 11:
		return g.pick("'a' 'b'", "\"a\" 'b' \"#{1}\"", "'a' \\\n 'b'")
	case 12:
		return g.paren(func() string { return g.expr('s') + g.pick(" + ", "+", " +\n ") + g.expr('s') })
	case 13:
		return g.expr('s') + g.pick(".strip", ".chomp", ".upcase.to_s", ".gsub('a', 'b')", ".sub('b', '')", ".to_s", ".freeze", ".reverse", ".gsub(/[a-c]+/, '<\\\\0>')",
			".tr('a-c', 'x')", ".delete('ab')", "[0, 2].to_s", "[-1].to_s", "[1..2].to_s", ".ljust(5, '.')", ".chomp('c')", ".delete_prefix('a')", ".gsub(\"\\n\", '')", ".lstrip", ".center(9)", ".chop",
			".strip.chomp\n  .to_s", "&.strip", ".then { |q| q + '!' }", ".inspect", ".dup << 'd'", ".sub(/\\s+$/, '')") + ""
	case 14:
		return "(" + g.flatly(func() string { return g.expr('s') + " * " + g.pick("0", "2", "3") }) + ")"
	case 15:
		return g.pick("format('%s-%03d', "+g.flatly(func() string { return g.expr('s') + ", " + g.expr('i') })+")", "('%5s|%-4d|%.2f' % ['x', 3, 2.5])", "format('%x %o %b', 255, 8, 5)", "('%05.1f%%' % 3.14159)", "format('%<a>d %{b}', a: 1, b: 'q')", "'%s' % :sym", "sprintf('%+d', 4)")
	case 16:
		return g.expr('a') + ".join(" + g.pick("','", "", "\"\\n\"", "' '") + ")"
	case 17:
		return g.expr("ifyn"[g.r.IntN(4)]) + ".to_s"
	case 18:
		return g.pick("ENV['GEN_A']", "ENV['GEN_URL']", "ENV['GEN_NONE'] || 'dflt'", "ENV.fetch('GEN_A')", "ENV.fetch('GEN_NONE', 'd')", "ENV.fetch('GEN_NONE') { |k| k + '?' }", "ENV['GEN_EMPTY']", "(ENV['GEN_NONE'] or 'x')", "ENV['GEN_NONE'].to_s")
	case 19:
		return g.pick("File.read('"+filepath.Join(g.world.dir, "secret")+"').strip", "IO.read('"+filepath.Join(g.world.dir, "list")+"').split(\"\\n\").last", "`hostname`.strip", "%x(hostname -f).chomp", "File.join('/a', 'b', '/c')", "File.basename('/a/b.rb', '.rb')", "File.dirname('/a/b')", "File.extname('x.rb')")
	case 20:
		return g.pick("{ 'a' => 'v' }['a']", "{ a: { b: 'deep' } }.dig(:a, :b)", "{ 'a' => 'v' }.fetch('a')", "{}.fetch(:z, 'd')", "{ a: 1 }.key(1).to_s", "[['a', 'b']].to_h['a']", "['x', 'y'].first", "%w(p q).last", "({ 'z' => 'v' }['no'] || 'alt')")
	case 21:
		return g.expr('h') + g.pick(".to_json", ".to_s", ".inspect", ".keys.join('+')", ".map { |k, v| \"#{k}=#{v}\" }.join(' ')", ".size.to_s", ".to_a.flatten.size.to_s")
	case 22:
		return "(" + g.flatly(func() string { return g.pick("nil", "false", g.expr('s')) + " || " + g.expr('s') }) + ")"
	case 23:
		return "\"" + g.pick("a", "") + "#{" + g.inner() + "}#{" + g.inner() + "}\""
	case 24:
		return g.expr('a') + g.pick(".to_json", ".inspect", ".to_s")
	}
	return g.expr('s') + g.pick(".split(',').first.to_s", ".split.join('_')", ".chars.first(2).join", ".partition('b').last", ".chars.size.to_s", ".to_sym.to_s", ".to_i.to_s", ".length.to_s", ".lines.first.to_s", ".to_f.class.to_s[0, 0]", ".start_with?('a').to_s", ".index('b').to_s", ".count('ab').to_s")
}

func (g *generator) intExpr() string {
	switch g.r.IntN(9) {
	case 0, 1, 2, 3:
		return g.pick("0", "1", "42", "-5", "1_000", "0x1F", "0b101", "017", "0o17", "99999999999999999999", "+3", "0d9")
	case 4, 5:
		return g.paren(func() string {
			return g.expr('i') + g.pick(" + ", " - ", "*", " * ", "+") + g.expr('i')
		})
	case 6:
		return "(" + g.flatly(func() string { return g.expr('i') + g.pick(" / ", " % ", " & ", " | ", " ^ ") + g.pick("3", "7", "-2") }) + ")"
	case 7:
		return g.pick("2 ** 10", "-2 ** 2", "(1 << 4)", "255.to_s(16).to_i", "-7.abs", "10.clamp(1, 5)", "7.divmod(2).first", "'0x1f'.hex", "'a'.ord", "3.7.to_i", "-3.5.round", "10.gcd(4)", "Integer('12')", "5.succ", "[3, 1, 2].max", "[1, 2, 3].sum", "(1..4).inject(:+)", "[1, 2, 3].reduce(0) { |a, e| a + e }", "%w(a bb).map(&:length).sum", "[5, 6].index(6)", "~5", "'12abc'.to_i", "nil.to_i")
	}
	return g.expr("sah"[g.r.IntN(3)]) + ".size"
}

func (g *generator) boolExpr() string {
	switch g.r.IntN(10) {
	case 0, 1:
		return g.pick("true", "false")
	case 2:
		return "(" + g.flatly(func() string {
			return g.expr('i') + g.pick(" == ", " != ", " < ", " > ", " <= ", " >= ", " === ") + g.expr('i')
		}) + ")"
	case 3:
		return "(" + g.flatly(func() string { return g.expr('s') + g.pick(" == ", " != ", " < ", ".eql? ") + g.expr('s') }) + ")"
	case 4:
		return "(" + g.flatly(func() string { return g.expr('b') + g.pick(" && ", " || ", " and ", " or ", "&&") + g.expr('b') }) + ")"
	case 5:
		return g.pick("!", "!", "not ") + "(" + g.flatly(func() string { return g.expr('b') }) + ")"
	case 6:
		return g.expr('s') + g.pick(".empty?", ".nil?", ".include?('a')", ".start_with?('a', 'h')", ".end_with?('c')", ".is_a?(String)", ".match?(/b+/)", ".frozen?.nil?", ".respond_to_nothing.nil?"[:0]+".nil?", ".between?('a', 'z')", ".ascii_only?", ".eql?('abc')", ".is_a?(Integer)", ".instance_of?(String)")
	case 7:
		return g.expr('a') + g.pick(".empty?", ".include?(1)", ".any?", ".all? { |z| z }", ".none?", ".any? { |z| z == 'a' }", ".is_a?(Array)", ".include?('a')")
	case 8:
		return g.expr('h') + g.pick(".empty?", ".key?('a')", ".key?(:a)", ".any?", ".is_a?(Hash)", ".value?(1)", ".include?('k')", ".all? { |k, v| v }")
	}
	return g.pick("File.exist?('/nowhere')", "File.exist?('"+filepath.Join(g.world.dir, "secret")+"')", "ENV.key?('GEN_A')", "ENV['GEN_NONE'].nil?", "ENV['GEN_A'] == 'alpha'", "`hostname`.start_with?('gl')", "mattermost.key?('enable')", "('abc' =~ /c/)", "nil.nil?", "(1..5).include?(3)", "1.zero?", "2.even?", "[nil].compact.empty?", "(ENV['GEN_EMPTY'] || 'x').empty?", "1.between?(0, 2)", "external_url.nil?")
}

func (g *generator) arrayExpr() string {
	switch g.r.IntN(8) {
	case 0, 1, 2:
		var b strings.Builder
		b.WriteString("[" + g.maybeNL())
		n := g.r.IntN(4)
		for i := range n {
			b.WriteString(g.any())
			if i < n-1 {
				b.WriteString("," + g.maybeNL())
			}
		}
		if n > 0 {
			b.WriteString(g.pick("", "", ",") + g.maybeNL())
		}
		return b.String() + "]"
	case 3:
		return g.pick("%w(a b c)", "%w[]", "%w(a\\ b c)", "%W(x#{1 + 1} y\\tz)", "%i(p q)", "%w(1 2)", "%I(a#{1})", "%w(it's \"q\" \\n)", "[*1..3]", "[*%w(a b), 'c']", "(1..4).to_a", "('a'..'d').to_a", "1.upto(2).to_a"[:0]+"[1, 2]")
	case 4:
		return "(" + g.flatly(func() string { return g.expr('a') + g.pick(" + ", " - ", " | ", " & ") + g.expr('a') }) + ")"
	case 5:
		return g.expr('a') + g.pick(".map { |e| e.to_s }", ".map(&:to_s)", ".compact", ".reverse", ".uniq", ".flatten", ".first(2)", ".select { |e| e }", ".reject(&:nil?)", ".each_with_index.to_a"[:0]+".dup", ".take(1)", ".map(&:to_s).sort", ".map { |e| [e, 1] }", ".drop(1)", ".partition { |e| e.is_a?(String) }", ".group_by { |e| e.class.to_s }.keys", ".each_with_object([]) { |e, acc| acc << e }", ".zip([1, 2])", ".map do |e| e.to_s end", ".flat_map { |e| [e, e] }", ".filter_map { |e| e if e }", ".rotate.size.then { |q| [q] }"[:0]+".freeze", ".to_a", ".each { |e| e }", ".values_at(0, 5)", ".tally.to_a", ".slice(0, 1)", "[0..0]", ".concat([9])", ".push(8)", ".inject([]) { |a, e| a + [e] }", ".find_all_nothing"[:0]+".compact")
	case 6:
		return g.expr('s') + g.pick(".split(',')", ".split", ".chars", ".lines", ".split('b', 2)", ".split('').first(3)", ".partition(' ')", ".split(/,/)")
	}
	return g.expr('h') + g.pick(".keys", ".values", ".to_a", ".map { |k, v| v }", ".sort_by { |k, v| k.to_s }", ".find { |k, v| v == 1 }.to_a", ".min_by { |k, v| k.to_s }.to_a", ".reject { |k, v| v.nil? }.keys")
}

func (g *generator) hashExpr() string {
	switch g.r.IntN(6) {
	case 0, 1, 2:
		var b strings.Builder
		b.WriteString("{" + g.maybeNL())
		n := g.r.IntN(4)
		for i := range n {
			b.WriteString(g.pick("'a' => ", "\"b\" => ", ":c => ", "d: ", "\"e e\": ", "'k'=>", "1 => ", "if: ", "a: ") + g.any())
			if i < n-1 {
				b.WriteString("," + g.maybeNL())
			}
		}
		if n > 0 {
			b.WriteString(g.pick("", "", ",") + g.maybeNL())
		}
		return b.String() + "}"
	case 3:
		return g.expr('h') + ".merge(" + g.pick("'m' => 1", "x: 2, 'y' => [3]", g.flatly(func() string { return g.expr('h') })) + ")"
	case 4:
		return g.expr('h') + g.pick(".dup", ".to_h", ".select { |k, v| v }", ".reject { |k, v| v.nil? }", ".transform_values { |v| v.to_s }", ".transform_keys(&:to_s)", ".compact", ".slice('a', :c)", ".except('a')", ".sort_by { |k, v| k.to_s }.to_h", ".each { |k, v| v }", ".map { |k, v| [k.to_s, v] }.to_h", ".merge('z' => 0) { |k, o, n| o }", ".invert.size.then { |q| { 'q' => q } }", ".freeze", ".each_with_object({}) { |(k, v), h| h[k.to_s] = v }", ".to_a.to_h", ".filter_map { |k, v| [k, v] if v }.to_h")
	}
	return g.pick("{ 'a' => { 'b' => { 'c' => 1 } } }", "Hash.new", "{ **{ a: 1 }, b: 2 }", "%w(a b).map { |e| [e, 1] }.to_h", "[[1, 2], [3, 4]].to_h", "{ \"x#{1 + 1}\" => 2 }", "{ nil => 1, true => 2 }", "{ 'a' => 1, 'a' => 2 }", "%w(a b).each_with_object({}) { |e, h| h[e] = e }", "{ 'list' => [{ 'n' => 1 }, { n: 2 }] }")
}
