package gitlabrb

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"
)

// evalCases are constructs one by one. Each sets nginx['v']; want is what it
// must be, in Ruby's notation. Real Ruby is asked as well.
var evalCases = []struct{ reason, src, want string }{
	{"single quotes keep backslashes but before ' and \\", `'a\'b\\c\nd'`, `"a'b\\c\\nd"`},
	{"double quotes know escapes", `"a\tb\x41\u00e9\101\e"`, `"a\tbAéA\e"`},
	{"interpolation", `"a#{1 + 1}b#{"c#{nil}"}"`, `"a2bc"`},
	{"a # without a brace is text", `"# #a #1"`, `"# #a #1"`},
	{"an instance variable is interpolated without braces", `"#@y."`, `"."`},
	{"%q and nested brackets", `%q(a (b) 'c')`, `"a (b) 'c'"`},
	{"%Q with interpolation", `%Q{a#{1}{}}`, `"a1{}"`},
	{"%w with an escaped space", `%w(e\ f g)`, `["e f", "g"]`},
	{"%w keeps other backslashes", `%w(a\nb)`, `["a\\nb"]`},
	{"%W knows escapes", `%W(a\tb #{1})`, `["a\tb", "1"]`},
	{"%i makes symbols", `%i(a b)`, `[:a, :b]`},
	{"a character literal", `?a + ?\n`, `"a\n"`},
	{"adjacent strings are one", `'a' "b" 'c'`, `"abc"`},
	{"a line continuation", "'a' \\\n  'b'", `"ab"`},
	{"a plain heredoc", "<<EOS\na\n  b\nEOS\n", `"a\n  b\n"`},
	{"an indented end mark", "<<-EOS\n  a\n  EOS\n", `"  a\n"`},
	{"a squiggly heredoc loses the smallest indentation", "<<~EOS\n    a\n\n      b\n    EOS\n", `"a\n\n  b\n"`},
	{"a quoted heredoc does not interpolate", "<<~'EOS'\n  #{1}\\n\nEOS\n", `"\#{1}\\n\n"`},
	{"two heredocs on a line", "[<<A, <<B]\na\nA\nb\nB\n", `["a\n", "b\n"]`},
	{"a method on the tag", "<<~A.strip.upcase\n  a\nA\n", `"A"`},
	{"numbers with underscores", `[1_000, 0x1f, 0b11, 0o17, 017, 1e3, 1.5]`, `[1000, 31, 3, 15, 15, 1000.0, 1.5]`},
	{"integers do not overflow", `9223372036854775807 + 1`, `9223372036854775808`},
	{"division rounds down", `[-7 / 2, -7 % 3, 7.fdiv(2)]`, `[-4, 2, 3.5]`},
	{"unary minus binds less than **", `-2 ** 2`, `-4`},
	{"a float prints with a point", `"#{1.0} #{1e20} #{1e-5}"`, `"1.0 1.0e+20 1.0e-05"`},
	{"hashes in both styles", `{ 'a' => 1, b: 2, "c d": 3 }`, `{"a"=>1, "b"=>2, "c d"=>3}`},
	{"a value hash keeps the order", `{ 'z' => 1, 'a' => 2 }.keys`, `["z", "a"]`},
	{"symbols as values stay symbols", `[:a, { k: :v }]`, `[:a, {"k"=>:v}]`},
	{"a trailing comma and comments", "[1, # one\n 2,\n]", `[1, 2]`},
	{"a chain over lines with a comment between", "[3, 1]\n  .sort\n  # why\n  .first", `1`},
	{"the ternary", `true ? 'y': 'n'`, `"y"`},
	{"if as a value", `if false then 1 elsif nil then 2 else 3 end`, `3`},
	{"unless as a value", `unless false then 1 end`, `1`},
	{"case with ranges, classes and lists", `case 5 when String then 1 when 1..3, 4..6 then 2 end`, `2`},
	{"case with a regular expression", `case 'web01' when /^db/ then 1 when /^web\d+$/ then 2 end`, `2`},
	{"a modifier that does not hold gives nil", `(1 if false)`, `nil`},
	{"|| and && give operands", `[nil || 'a', 'b' && 'c', false || nil]`, `["a", "c", nil]`},
	{"comparison and negation", `[1 <= 2, 'a' != 'b', !nil, (not true)]`, `[true, true, true, false]`},
	{"map with a block and with &:name", `[[1, 2].map { |x| x * 2 }, %w(a b).map(&:upcase)]`, `[[2, 4], ["A", "B"]]`},
	{"merge does not change its receiver", "h = { 'a' => 1 }\nnginx['h'] = h.merge('b' => 2)\nnginx['v'] = h", `{"a"=>1}`},
	{"dig, fetch and key? store nothing", `[mattermost.dig('a', 'b'), mattermost.fetch('a', 1), mattermost.key?('a'), mattermost.size]`, `[nil, 1, false, 0]`},
	{"strip, chomp, sub and gsub", `" a\n".strip + "b\n".chomp + 'aab'.sub('a', 'x') + 'aab'.gsub('a', 'x')`, `"abxabxxb"`},
	{"split and join", `'a,b,,'.split(',').join('+')`, `"a+b"`},
	{"to_i reads leading digits", `['12ab', 'x', '1_0'].map(&:to_i)`, `[12, 0, 10]`},
	{"to_json", `{ 'a' => [1, nil, "q\"\n"], b: 1.0 }.to_json`, `"{\"a\":[1,null,\"q\\\"\\n\"],\"b\":1.0}"`},
	{"format", `format('%05.1f|%-4s|%03d|%%', 3.14159, 'ab', 7)`, `"003.1|ab  |007|%"`},
	{"a method with defaults and keywords", "def f(a, b = a, *c, d: 4) = [a, b, c, d]\nnginx['v'] = f(1, 2, 3, d: 5) + f(0)", `[1, 2, [3], 5, 0, 0, [], 4]`},
	{"return leaves a method", "def g(x)\n  return 'early' if x\n  'late'\nend\nnginx['v'] = [g(1), g(nil)]", `["early", "late"]`},
	{"a lambda and its call forms", "l = ->(x) { x + 1 }\nnginx['v'] = [l.call(1), l.(2), l[3]]", `[2, 3, 4]`},
	{"rescue by class", "nginx['v'] = begin\n  Integer('x')\nrescue TypeError\n  1\nrescue ArgumentError => e\n  2\nend", `2`},
	{"ensure runs, its value is dropped", "nginx['v'] = begin\n  1\nensure\n  nginx['e'] = 2\nend", `1`},
	{"raise and message", "begin\n  raise 'boom'\nrescue => e\n  nginx['v'] = e.message\nend", `"boom"`},
	{"the rescue modifier", `(raise 'x' rescue 'saved')`, `"saved"`},
	{"strings are objects: << is seen by all names", "a = 'x'\nb = a\nb << 'y'\nnginx['v'] = a", `"xy"`},
	{"x = y = value", "x = y = 'w'\nnginx['v'] = x + y", `"ww"`},
	{"a list is copied into the settings", "a = [1]\nnginx['v'] = a\na << 2", `[1]`},
	{"multiple assignment with a splat", "a, *b, c = 1, 2, 3, 4\nnginx['v'] = [a, b, c]", `[1, [2, 3], 4]`},
	{"constants", "HOST = 'h'\nnginx['v'] = HOST", `"h"`},
	{"a while loop with break", "i = 0\nwhile true\n  i += 1\n  break if i > 4\nend\nnginx['v'] = i", `5`},
	{"next skips", `[1, 2, 3].map { |x| next 0 if x == 2; x }`, `[1, 0, 3]`},
	{"__LINE__", "\n__LINE__", `2`},
	{"defined? of a setting is nil: settings answer through method_missing", `[defined?(mattermost), defined?(zzz), defined?(String)]`, `[nil, nil, "constant"]`},
	{"YAML.load of the LDAP block", "YAML.load <<-'EOS'\n  main: # 'main' is the id\n    host: '_h'\n    port: 389\n    base: ''\n    tls: true\n    a:\n      username: ['uid', 'mail']\n  EOS\n", `{"main"=>{"host"=>"_h", "port"=>389, "base"=>"", "tls"=>true, "a"=>{"username"=>["uid", "mail"]}}}`},
	{"JSON.parse", `JSON.parse('{"a": [1, 2.5, null]}')`, `{"a"=>[1, 2.5, nil]}`},
	{"reading a missing key stores an empty hash", "if nginx['q']\n  nginx['v'] = 'always'\nend", `"always"`},
	{"so ||= never assigns", "nginx['v'] ||= 'x'", `{}`},
	{"nil is not missing", "nginx['v'] = nil\nnginx['v'] ||= 'x'", `"x"`},
	{"nested keys make themselves", "nginx['v']['a'][:b] = 1", `{"a"=>{"b"=>1}}`},
	{"a symbol key is the string key", "nginx[:v] = 1\nnginx['v'] += 1", `2`},
	{"the last assignment wins", "nginx['v'] = 1\nnginx['v'] = 2", `2`},
	{"statements on one line", "nginx['a'] = 1; nginx['v'] = 2;", `2`},
	{"=begin and __END__", "=begin\nnginx['v'] = 1\n=end\nnginx['v'] = 2\n__END__\nnginx['v'] = 3", `2`},
	{"eval of a text shares the local variables", "x = 3\neval \"nginx['v'] = x\"", `3`},
	{"hash of two equal literal keys", `{ 'a' => 1, 'b' => 2, 'a' => 3 }`, `{"b"=>2, "a"=>3}`},
}

func caseSource(src string) string {
	if strings.Contains(src, "nginx[") {
		return src + "\n"
	}
	return "nginx['v'] = " + src + "\n"
}

func TestEvaluateGivesWhatRubyGives(t *testing.T) {
	w := newTestWorld(t)
	var programs []program
	for _, c := range evalCases {
		programs = append(programs, program{text: caseSource(c.src)})
	}
	answers := askRuby(t, w, programs)
	for i, c := range evalCases {
		t.Run(c.reason, func(t *testing.T) {
			for _, eol := range []string{"\n", "\r\n"} {
				src := strings.ReplaceAll(programs[i].text, "\n", eol)
				r, err := Evaluate("t.rb", []byte(src), Options{Lookups: w.lookups()})
				if err != nil {
					t.Fatal(err)
				}
				v, _ := r.Lookup("nginx", "v")
				if got := inspectExported(v); got != c.want {
					t.Errorf("we say %s, want %s", got, c.want)
				}
			}
			if v, detail := compareProgram(programs[i].text, answers[i], w); v != same {
				t.Errorf("Ruby does not agree: %v %s", v, detail)
			}
		})
	}
}

// inspectExported prints a value as Ruby does.
func inspectExported(v any) string {
	switch v := v.(type) {
	case []any:
		var parts []string
		for _, e := range v {
			parts = append(parts, inspectExported(e))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case *Hash:
		var parts []string
		for k, e := range v.All() {
			parts = append(parts, inspectExported(k)+"=>"+inspectExported(e))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case string:
		return inspectString(v)
	case Undecided:
		return "undecided: " + v.Why
	}
	return inspect(v)
}

func TestSyntaxErrorsStandWhereRubyReportsThem(t *testing.T) {
	for _, c := range []struct{ reason, src, want string }{
		{"a quote that ends too early", "nginx['x'] = 'it's'\n", `t.rb:1:18: unexpected "s", expected the end of the statement`},
		{"a missing quote shows at the next one, with a hint", "nginx['a'] = 'foo\nnginx['b'] = 'bar'\n", `t.rb:2:8: unexpected "b", expected the end of the statement; is a quote missing on a line above?`},
		{"an unclosed string names where it began", "x = 1\nexternal_url 'a\nb\n", `t.rb:3:2: unterminated string meets end of file: it began on line 2, expected "'"`},
		{"an unclosed bracket", "nginx['a'] = [1,\n2\n", `t.rb:2:2: unexpected end of file, expected "," or "]"`},
		{"a missing end names its beginning", "if true\n  nginx['a'] = 1\n", `t.rb:2:17: unexpected end of file, expected "end" of the "if" or "unless" on line 1`},
		{"a stray end", "nginx['a'] = 1\nend\n", `t.rb:2:1: unexpected "end", expected a new statement`},
		{"a template's leftover", "nginx['a'] = {{ port }}\n", `t.rb:1:22: unexpected "}", expected "=>" after a hash key`},
		{"a missing comma in a hash", "nginx['a'] = {\n 'a' => 1\n 'b' => 2 }\n", `t.rb:3:2: unexpected "'", expected "," or "}"`},
		{"an unclosed heredoc stands at its tag", "nginx['a'] = <<EOS\nfoo\n", `t.rb:1:14: heredoc is never closed: expected a line "EOS"`},
		{"independent errors are collected", "nginx['a'] = [1 2]\nnginx['b'] = 1\nnginx['c'] = )\n", `t.rb:3:14: unexpected ")", expected a value`},
		{"NUL bytes", "nginx['a'] = 1\n\x00", "t.rb:2:1: NUL byte"},
		{"bytes that are no UTF-8 in a string", "nginx['a'] = '\xff'\n", "t.rb:1:15: invalid byte"},
		{"pattern matching is not read", "case 1\nin Integer then 2\nend\n", "not supported"},
	} {
		_, err := Parse("t.rb", []byte(c.src))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s:\n got %v\nwant %s", c.reason, err, c.want)
		}
	}
}

func TestNothingIsGuessed(t *testing.T) {
	for _, c := range []struct{ reason, src, want string }{
		{"no environment", "nginx['v'] = ENV['X'] || 'y'", "ENV['X'] is not given"},
		{"no file", "nginx['v'] = File.read('/etc/x').strip", "the file /etc/x is not given"},
		{"no command", "nginx['v'] = `hostname`.strip", "the output of the command `hostname` is not given"},
		{"a branch of an undecided condition", "if ENV['X']\n  nginx['v'] = 1\nelse\n  nginx['v'] = 2\nend", "the condition on line 1 is undecided"},
		{"a loop over an unknown list", "Dir.glob('/x/*').each { |f| nginx['v'] = 1 }", "the files /x/* are not given"},
		{"a local variable set under a condition", "a = 1\na = 2 if ENV['X']\nnginx['v'] = a", "the condition on line 2 is undecided"},
		{"a method that is not known", "nginx['v'] = 'a'.frobnicate", "calls the method frobnicate"},
		{"a changed string", "a = 'x'\na << ENV['X']\nnginx['v'] = a", "ENV['X'] is not given"},
		{"the machine", "nginx['v'] = node['fqdn']", "reads node of the machine"},
		{"a constant that is not known", "nginx['v'] = Foo.bar", "reads the constant Foo"},
		{"behind a break that may happen", "[1, 2].each { |x| break if ENV['X']; nginx['v'] = x }", "ENV['X'] is not given"},
		{"an unknown include may set anything", "nginx['v'] = 1\nfrom_file ENV['X']", "an included file is not known"},
		{"also what is not in the file", "from_file '/other.rb'", "the included file /other.rb cannot be looked at"},
	} {
		r, err := Evaluate("t.rb", []byte(c.src), Options{})
		if err != nil {
			t.Errorf("%s: %v", c.reason, err)
			continue
		}
		v, _ := r.Lookup("nginx", "v")
		u, ok := v.(Undecided)
		if !ok || !strings.Contains(u.Why, c.want) || len(r.Undecided) == 0 {
			t.Errorf("%s: got %s (listed: %v), want undecided: %s", c.reason, inspectExported(v), r.Undecided, c.want)
		}
	}
}

func TestTheTrapsOfTheSettingsFileAreReported(t *testing.T) {
	for _, c := range []struct{ reason, src, id, severity, text string }{
		{"an assignment that is only a local variable", "mattermost_external_url = 'x'", "gitlabrb.local-not-setting", "error", "only makes a local variable"},
		{"||= on a missing key", "mattermost['home'] ||= 'x'", "gitlabrb.or-assign", "warning", "never assigns"},
		{"reading a missing key", "nginx['x'] = 1 if mattermost['enable']", "gitlabrb.read-missing", "warning", "stores an empty hash"},
		{"a shadowed assignment", "nginx['x'] = 1\nnginx['x'] = 2", "gitlabrb.shadowed", "warning", "set again on line 2"},
		{"a hash that replaces what was set in it", "nginx['x']['y'] = 1\nnginx['x'] = {}", "gitlabrb.shadowed", "warning", "nginx['x']['y'] is set again on line 2"},
		{"two swapped neighbours are one slip", "mattermost['udi'] = 1", "gitlabrb.unknown-key", "warning", "did you mean mattermost['uid']?"},
		{"a misspelt key", "mattermost['service_adress'] = 'x'", "gitlabrb.unknown-key", "warning", "did you mean mattermost['service_address']?"},
		{"a misspelt key of the vhost", "mattermost_nginx['redirect_http_to_http'] = true", "gitlabrb.unknown-key", "warning", "redirect_http_to_https"},
		{"an error that may not be reached", "if ENV['X']\n  zzz 1\nend", "gitlabrb.may-fail", "warning", "zzz"},
	} {
		r, err := Evaluate("t.rb", []byte(c.src), Options{})
		if err != nil {
			t.Errorf("%s: %v", c.reason, err)
			continue
		}
		found := false
		for _, f := range r.Findings {
			found = found || f.ID == c.id && f.Severity == c.severity && strings.Contains(f.Message, c.text) && f.Fix != "" && f.Pos.Line > 0
		}
		if !found {
			t.Errorf("%s: no finding %s with %q among %+v", c.reason, c.id, c.text, r.Findings)
		}
	}
}

func TestUnknownNamesAreErrorsOfTheirVersion(t *testing.T) {
	for _, c := range []struct{ version, src, want string }{
		{"", "grafana['enable'] = false", `reads the unknown setting "grafana": it went with GitLab 17.1`},
		{"17.0.3", "grafana['enable'] = false", ""},
		{"17.1", "grafana['enable'] = false", `(GitLab 17.1): it went with GitLab 17.1`},
		{"", "matermost['enable'] = true", "did you mean mattermost?"},
		{"", "mattermsot['enable'] = true", "did you mean mattermost?"},
		{"", "unicorn['port'] = 1\nrepmgr['enable'] = false", ""},
		{"10.0", "letsencrypt['enable'] = true", "it came with GitLab 10.5"},
		{"19.0", "spamcheck_role['enable'] = true", "it went with GitLab 19.0"},
		{"", "zzz 'x'\nyyy['a'] = 1\nnginx['x'] = 1", `t.rb:2:1: reads the unknown setting "yyy"`},
	} {
		r, err := Evaluate("t.rb", []byte(c.src), Options{GitLabVersion: c.version})
		if fmt.Sprint(err) != "<nil>" && c.want == "" || !strings.Contains(fmt.Sprint(err), c.want) {
			t.Errorf("%s on %s: got %v, want %q", c.src, c.version, err, c.want)
		}
		if r == nil {
			t.Errorf("%s: no result", c.src)
		}
	}
}

func TestIncludedFilesBehaveAsInGitLab(t *testing.T) {
	files := map[string]string{
		"/a.rb":      "x = 'inner'\nnginx['a'] = 1\n",
		"/bad.rb":    "nginx['a'] = [\n",
		"/loop.rb":   "from_file '/loop.rb'\n",
		"/secret.rb": "",
	}
	o := Options{Lookups: Lookups{ReadFile: func(path string) ([]byte, error) {
		if path == "/secret.rb" {
			return nil, ErrContentUnknown
		}
		if s, ok := files[path]; ok {
			return []byte(s), nil
		}
		return nil, fs.ErrNotExist
	}}}
	for _, c := range []struct{ reason, src, want string }{
		{"its settings count", "from_file '/a.rb'\nnginx['b'] = nginx['a'] + 1", "<nil>"},
		{"its local variables do not", "from_file '/a.rb'\nnginx['b'] = x.nil?", "<nil>"},
		{"behind it a missing key is nil", "from_file '/a.rb'\nmattermost['env']['X'] = 1", "t.rb:2:1: NoMethodError: nil has no index"},
		{"an error is reported in it", "from_file '/bad.rb'", "/bad.rb:1:15: unexpected end of file"},
		{"a missing one is an error", "from_file '/none.rb'", "t.rb:1:1: Errno::ENOENT: no such file: /none.rb"},
		{"an endless chain ends", "from_file '/loop.rb'", "more than 100 times"},
		{"an unknown one is no error", "from_file '/secret.rb'", "<nil>"},
	} {
		_, err := Evaluate("t.rb", []byte(c.src), o)
		if !strings.Contains(fmt.Sprint(err), c.want) {
			t.Errorf("%s: got %v, want %s", c.reason, err, c.want)
		}
	}
}

func TestHostileFilesAreBounded(t *testing.T) {
	for _, c := range []struct{ reason, src, want string }{
		{"a huge file is refused before it is read", strings.Repeat("#", 100<<20), "is not read"},
		{"nesting of brackets", strings.Repeat("[", 100_000), "nested deeper"},
		{"nesting of parentheses", "x = " + strings.Repeat("(", 5000) + strings.Repeat(")", 5000), "nested deeper"},
		{"nesting of interpolation", strings.Repeat(`"#{`, 5000), "nested deeper"},
		{"nesting of blocks", strings.Repeat("a{", 5000), "nested deeper"},
		{"nesting of unary operators", "x = " + strings.Repeat("!", 100_000) + "1", "nested deeper"},
		{"nesting of if", strings.Repeat("if 1\n", 5000), "nested deeper"},
		{"an endless loop", "while true\nend", "evaluation stopped"},
		{"an endless recursion", "def f = f\nf", "SystemStackError"},
		{"a text that grows", "s = 'x'\n40.times { s = s + s }", "evaluation stopped"},
		{"a text that is multiplied", "s = 'x' * 1_000_000_000_000", "evaluation stopped"},
		{"a padded text", "s = 'x'.ljust(1_000_000_000_000)", "evaluation stopped"},
		{"a list that grows", "a = [1]\n60.times { a = a + a }", "evaluation stopped"},
		{"a huge range", "a = (1..1_000_000_000_000).to_a", "evaluation stopped"},
		{"a huge index", "a = []\na[1_000_000_000_000] = 1", "evaluation stopped"},
		{"nested loops", "1000.times { 1000.times { 1000.times { 1 } } }", "evaluation stopped"},
		{"eval of itself", "s = 'eval s'\neval s", "SystemStackError|more than 100"},
		{"the same list in itself in the settings", "a = []\na << a\nnginx['v'] = a", "<nil>"},
		{"doubling lists in the settings", "a = [1]\n40.times { a = [a, a] }\nnginx['v'] = a", "evaluation stopped|<nil>"},
		{"many shadowed settings", strings.Repeat("nginx['v'] = 1\n", 20_000), "<nil>"},
		{"doubling lists that are compared", "a = b = [1]\n40.times { a = [a, a]; b = [b, b] }\nx = a == b", "evaluation stopped"},
		{"a list in itself as a key", "a = []\na << a\nh = { a => 1 }", "<nil>"},
		{"a list in itself that is ordered", "a = []\na << a\nx = a <=> a", "<nil>"},
		{"copies of a large list", "a = [1] * 500_000\nb = []\n1000.times { b << a.dup }", "evaluation stopped"},
		{"merges of a large hash", "h = {}\n50_000.times { |i| h[i] = i }\n1000.times { h.merge({}) }", "evaluation stopped"},
		{"large keys", "a = 'x' * 3_000_000\nh = { a => 1 }\n10_000.times { h['x' + a] }", "evaluation stopped"},
		{"a literal of a million digits", "nginx['v'] = " + strings.Repeat("9", 1_000_000), "<nil>"},
		{"a text of a million digits", "nginx['v'] = ('9' * 1_000_000).to_i", "<nil>"},
		{"a large set of characters", "a = 'xy' * 1_000_000\nnginx['v'] = a.count(a)", "<nil>"},
		{"methods without their arguments", "a = [1]\nbegin\na.delete_at\nrescue\nend\nbegin\na.insert\nrescue\nend\nbegin\na.replace\nrescue\nend", "<nil>"},
		{"a number without end", "x = 7 ** 7 ** 7 ** 7\nnginx['v'] = x", "<nil>"},
	} {
		start := time.Now()
		_, err := Evaluate("t.rb", []byte(c.src), Options{})
		if d := time.Since(start); d > 15*time.Second { // on any machine; without a bound it is minutes
			t.Errorf("%s: took %v", c.reason, d)
		}
		ok := false
		for _, want := range strings.Split(c.want, "|") {
			ok = ok || strings.Contains(fmt.Sprint(err), want)
		}
		if !ok {
			t.Errorf("%s: got %v, want %s", c.reason, err, c.want)
		}
		var list ErrorList
		if err != nil && !errors.As(err, &list) {
			t.Errorf("%s: %T is no ErrorList", c.reason, err)
		}
	}
}
