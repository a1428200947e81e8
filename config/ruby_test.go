package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
)

// ruby runs a real Ruby with a list of texts as JSON on its standard input and
// returns the list of texts that it prints as JSON.
func ruby(t *testing.T, program string, in []string) []string {
	t.Helper()
	input, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("ruby", "-rjson", "-ruri", "-e", program)
	cmd.Stdin = bytes.NewReader(input)
	cmd.Env = append(cmd.Environ(), "LC_ALL=C.UTF-8")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ruby (a test dependency): %v\n%s", err, &stderr)
	}
	var got []string
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestRubyTextPrintsWhatRubyPrints(t *testing.T) {
	hash := &gitlabrb.Hash{}
	hash.Set("a", int64(1))
	hash.Set("b", nil)
	hash.Set(int64(2), []any{1.0, true, gitlabrb.Symbol("s")})
	hash.Set(gitlabrb.Symbol("c"), &gitlabrb.Hash{})
	big1, _ := new(big.Int).SetString("123456789012345678901234567890", 10)
	cases := []struct {
		why, program string
		value        any
	}{
		{"nil is the empty text", "nil", nil},
		{"booleans", "true", true},
		{"integers", "-42", int64(-42)},
		{"integers beyond 64 bit", "123456789012345678901234567890", big1},
		{"a float keeps its point", "100.0", 100.0},
		{"negative zero", "-0.0", math.Copysign(0, -1)},
		{"a small float", "0.0001", 1e-4},
		{"a smaller one gets an exponent", "0.00001", 1e-5},
		{"the largest plain float", "999999999999999.9", 999999999999999.9},
		{"the first one with an exponent", "1e16", 1e16},
		{"the largest float", "1.7976931348623157e308", math.MaxFloat64},
		{"infinity", "1.0/0", math.Inf(1)},
		{"negative infinity", "-1.0/0", math.Inf(-1)},
		{"not a number", "0.0/0", math.NaN()},
		{"a string is itself", `"a\"b"`, `a"b`},
		{"a symbol loses its colon", ":'a b'", gitlabrb.Symbol("a b")},
		{"an empty list", "[]", []any{}},
		{"a list is in inspect form", `[1, "a", nil, :b, [2.5]]`, []any{int64(1), "a", nil, gitlabrb.Symbol("b"), []any{2.5}}},
		{"a hash is in inspect form", `{"a"=>1, "b"=>nil, 2=>[1.0, true, :s], :c=>{}}`, hash},
		{"escapes in strings", `["\a\b\t\n\v\f\r\e\0\x7f\"\\", '#{x} #$x #@x # #x']`, []any{"\a\b\t\n\v\f\r\x1b\x00\x7f\"\\", "#{x} #$x #@x # #x"}},
		{"other alphabets stay", `["Grüße 日本 😀"]`, []any{"Grüße 日本 😀"}},
		{"invisible characters", `["\u200b\u00a0\u2028\ufeff\u00ad\u0085"]`, []any{"\u200b\u00a0\u2028\ufeff\u00ad\u0085"}},
		{"bytes that are not UTF-8", `["a\xffb\xc3"]`, []any{"a\xffb\xc3"}},
		{"symbols with and without quotes", `%i[a a? a! a= a?= [] + - <=> @x $x 1a a-b é A == ! []= =~ @@y a=b ? =].concat([:"", :" "])`,
			symbols("a", "a?", "a!", "a=", "a?=", "[]", "+", "-", "<=>", "@x", "$x", "1a", "a-b", "é", "A", "==", "!", "[]=", "=~", "@@y", "a=b", "?", "=", "", " ")},
	}
	var programs []string
	for _, c := range cases {
		programs = append(programs, c.program)
	}
	want := ruby(t, "puts JSON.parse(STDIN.read).map { |p| eval(p).to_s.then { |s| s.valid_encoding? ? s : s.b.inspect } }.to_json", programs)
	for i, c := range cases {
		if got := RubyText(c.value); got != want[i] {
			t.Errorf("%s: RubyText(%s) = %s, Ruby prints %s", c.why, c.program, got, want[i])
		}
	}
}

func symbols(names ...string) []any {
	var out []any
	for _, n := range names {
		out = append(out, gitlabrb.Symbol(n))
	}
	return out
}

func TestRubyFloatsAgreeWithRubyOnRandomBits(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var bits, got []string
	for len(bits) < 5000 {
		b := r.Uint64()
		if f := math.Float64frombits(b); !math.IsNaN(f) {
			bits, got = append(bits, fmt.Sprintf("%016x", b)), append(got, RubyText(f))
		}
		f := float64(r.Int64N(1e18)) / math.Pow(10, float64(r.IntN(24)))
		bits, got = append(bits, fmt.Sprintf("%016x", math.Float64bits(f))), append(got, RubyText(f))
	}
	want := ruby(t, `puts JSON.parse(STDIN.read).map { |b| [b].pack("H*").unpack1("G").to_s }.to_json`, bits)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("floats (-ruby +ours):\n%s", diff)
	}
}

// uriSeeds are the shapes that people write, and those that break.
var uriSeeds = []string{
	"https://mm.example.com", "http://mm.example.com:8065/", "HTTPS://MM.example.com", "mattermost.example.com", "", "//h", "http://", "http:///", "http:/h", "http:foo",
	"http://a b", "http://[2001:db8::1]:8443", "http://[::1", "http://[fe80::1%25eth0]/", "http://[v1.x:y]/", "http://[1.2.3.4]/", "http://[::ffff:1.2.3.4]", "http://[1:2:3:4:5:6:7::]",
	"http://h:abc", "http://h:", "http://h:80:90", "http://h/?q r", "http://h?x#y", "http://h#f f", "http://ü.de", "http://h:99999", "http://u:p@h", "http://@h", "http://u@v@h", "http://:80",
	"ftp://h", "ws://h", "ldap://h", "http://h_x", "http://h^", "http://h\n", "http://h|", "http://%zz", "http://%41", "http://h/%", "localhost:8065", "1http://h", " http://h", "http://<%= x %>",
	"http://h.", "http://h//", "http://h/a:b@c", "a:b/c", "a/b:c", ":x", "#", "?", "/", "http://h/\\", "http://'h'", "http://h/{x}", "x-y+z.1://h",
}

func TestURIsParseAsInRuby(t *testing.T) {
	texts := append([]string{}, uriSeeds...)
	r := rand.New(rand.NewPCG(3, 4))
	const alphabet = "ahttp://[]:@?#%41.;&= é|^\n{}~_-1F"
	runes := []rune(alphabet)
	for len(texts) < 6000 {
		b := []rune(uriSeeds[r.IntN(len(uriSeeds))])
		for range 1 + r.IntN(3) {
			c := runes[r.IntN(len(runes))]
			switch i := r.IntN(len(b) + 1); {
			case r.IntN(3) == 0 && i < len(b):
				b = append(b[:i:i], b[i+1:]...)
			case i < len(b) && r.IntN(2) == 0:
				b[i] = c
			default:
				b = append(b[:i:i], append([]rune{c}, b[i:]...)...)
			}
		}
		texts = append(texts, string(b))
	}
	want := ruby(t, `puts JSON.parse(STDIN.read).map { |s|
	  begin
	    s, u = URI.split(s) && [s, URI::RFC3986_PARSER.split(s)]
	    g = URI::Generic.new(u[0], u[1], u[2], u[3], nil, u[5], u[6], u[7], u[8])
	    port = g.port || (URI.scheme_list[g.scheme.to_s.upcase] || URI::Generic).default_port
	    "#{g.scheme}|#{g.host.inspect}|#{port.to_i}|#{g.path}"
	  rescue URI::InvalidURIError => e
	    e.message
	  end }.to_json`, texts)
	differ := 0
	for i, s := range texts {
		u, err := parseRubyURI(s)
		host := "nil"
		if u.hasHost {
			host = rubyQuote(u.host)
		}
		got := fmt.Sprintf("%s|%s|%d|%s", u.scheme, host, u.port, u.path)
		if err != nil {
			got = err.Error()
		}
		if got != want[i] {
			if differ++; differ < 20 {
				t.Errorf("%q: got %s, Ruby says %s", s, got, want[i])
			}
		}
	}
	t.Logf("%d texts compared with Ruby, %d differ", len(texts), differ)
}

func TestSecretsFileIsWrittenAsRubyWritesIt(t *testing.T) {
	for _, c := range []struct{ why, text string }{
		// Empty lists and hashes are left out: json before 2.8 put a line break
		// into them, later ones write [] and {} as we do.
		{"sections, lists, nesting", `{"a":{"x":"1","l":[1,2,[3],{"m":false}],"h":{"k":null}},"b":{"t":true}}`},
		{"numbers keep their digits", `{"a":{"i":12345678901234567890,"n":-1,"z":0}}`},
		{"strings", `{"a":{"s":"q\"b\\n\n\tü/😀"}}`},
	} {
		f, err := ParseSecrets("secrets", []byte(c.text))
		if err != nil {
			t.Fatal(err)
		}
		want := ruby(t, `puts [JSON.pretty_generate(JSON.parse(JSON.parse(STDIN.read)[0])) + "\n"].to_json`, []string{c.text})
		if diff := cmp.Diff(want[0], string(f.Bytes())); diff != "" {
			t.Errorf("%s (-ruby +ours):\n%s", c.why, diff)
		}
		again, err := ParseSecrets("secrets", f.Bytes())
		if err != nil || !bytes.Equal(again.Bytes(), f.Bytes()) {
			t.Errorf("%s: reading back and writing again changes the file (%v)", c.why, err)
		}
	}
}

func TestStoredValuesAreQuotedAsRubyQuotes(t *testing.T) {
	values := []string{"plain", "a\"b\\c", "tab\tnl\ncr\rff\fbs\b", "\x01\x1f\x7f", "ü日😀\u2028", "</script>"}
	want := ruby(t, `puts JSON.parse(STDIN.read).map { |s| JSON.generate(s) }.to_json`, values)
	for i, v := range values {
		if got := jsonQuote(v); !strings.EqualFold(got, want[i]) {
			t.Errorf("%q: got %s, Ruby writes %s", v, got, want[i])
		}
	}
}
