package gitlabrb

import (
	"bufio"
	"bytes"
	stdcontext "context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"
)

var (
	diffSeed  = flag.Uint64("diff.seed", 20261121, "seed of the generated programs; 0 takes one from the clock")
	diffCount = flag.Int("diff.n", 20000, "how many programs to compare with Ruby")
	diffShow  = flag.Int("diff.show", 10, "how many differences to print")
)

// rubyAnswer is what real Ruby says about one program.
type rubyAnswer struct {
	Settings any    `json:"settings"`
	Syntax   int    `json:"syntax"`
	Error    string `json:"error"`
	Line     int    `json:"line"`
	Message  string `json:"message"`
}

// The differential test: programs from the grammar of the subset, well-formed
// and broken, run by real Ruby and by this package.
func TestEvaluateAgreesWithRealRubyOnGeneratedPrograms(t *testing.T) {
	seed := *diffSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	world := newTestWorld(t)
	g := newGenerator(seed, world)
	programs := make([]program, *diffCount)
	for i := range programs {
		programs[i] = g.program()
	}
	answers := askRuby(t, world, programs)
	var count tally
	shown := 0
	for i, p := range programs {
		verdict, detail := compareProgram(p.text, answers[i], world)
		count.add(p, verdict)
		if verdict == differs {
			report := t.Errorf
			if p.broken {
				report = t.Logf // counted below
			}
			if shown++; shown <= *diffShow {
				report("program %d (seed %d, broken %v): %s\n--- program\n%s\n---", i, seed, p.broken, detail, p.text)
			}
		}
	}
	t.Logf("seed %d: %s", seed, count)
	for why, n := range world.reasons {
		if n >= max(len(programs)/1500, 2) && testing.Verbose() {
			t.Logf("undecided %d times: %s", n, why)
		}
	}
	if count.differGood > 0 {
		t.Errorf("%d well-formed programs differ; repeat with -diff.seed=%d", count.differGood, seed)
	}
	// Text that is broken at random hits corners of Ruby's lexer that no file
	// has; there one in a thousand may differ, mostly in the line of the error.
	if count.differBroken*1000 > count.broken {
		t.Errorf("%d of %d broken programs differ; repeat with -diff.seed=%d", count.differBroken, count.broken, seed)
	}
	if rate := float64(count.declinedGood) / float64(max(count.good, 1)); rate >= 0.02 {
		t.Errorf("%.2f %% of the well-formed programs were declared undecided, want below 2 %%", rate*100)
	}
	if count.errors < len(programs)/50 || count.syntax < len(programs)/20 {
		t.Errorf("the generator makes too few broken programs: %d syntax errors, %d errors", count.syntax, count.errors)
	}
}

type verdict int

const (
	same verdict = iota
	sameSyntaxError
	sameError
	declined
	differs
	notRun
)

type tally struct {
	good, broken                 int
	declinedGood, declinedBroken int
	syntax, errors, notRunCt     int
	differGood, differBroken     int
}

func (c *tally) add(p program, v verdict) {
	if p.broken {
		c.broken++
	} else {
		c.good++
	}
	switch v {
	case sameSyntaxError:
		c.syntax++
	case sameError:
		c.errors++
	case declined:
		if p.broken {
			c.declinedBroken++
		} else {
			c.declinedGood++
		}
	case differs:
		if p.broken {
			c.differBroken++
		} else {
			c.differGood++
		}
	case notRun:
		c.notRunCt++
	}
}

func (c tally) String() string {
	return fmt.Sprintf("%d programs compared with Ruby (%d well-formed, %d broken): %d syntax errors on the same line, %d errors alike, "+
		"%d well-formed declared undecided (%.2f %%), %d broken declared undecided, %d not run, %d well-formed and %d broken differ",
		c.good+c.broken, c.good, c.broken, c.syntax, c.errors, c.declinedGood, 100*float64(c.declinedGood)/float64(max(c.good, 1)), c.declinedBroken, c.notRunCt, c.differGood, c.differBroken)
}

// compareProgram evaluates one program and compares with Ruby's answer.
func compareProgram(text string, ruby rubyAnswer, w *testWorld) (verdict, string) {
	if ruby.Error == "Forbidden" {
		return notRun, ""
	}
	f, err := Parse("t.rb", []byte(text))
	if err != nil {
		list := err.(ErrorList)
		switch {
		case errors.Is(list[0], ErrUnsupported):
			return declined, ""
		case ruby.Syntax == 0:
			return differs, fmt.Sprintf("we report %v, Ruby accepts it", err)
		case ruby.Syntax != list[0].Pos.Line:
			return differs, fmt.Sprintf("we report %v, Ruby reports line %d: %s", list[0], ruby.Syntax, ruby.Message)
		}
		return sameSyntaxError, ""
	}
	if ruby.Syntax != 0 {
		if strings.Contains(ruby.Message, "Invalid ") || strings.Contains(ruby.Message, "escape from eval") || strings.Contains(ruby.Message, "void value") || strings.Contains(ruby.Message, ": /") {
			return declined, "" // found by Ruby's compiler, not by its parser
		}
		return differs, fmt.Sprintf("we accept it, Ruby reports line %d: %s", ruby.Syntax, ruby.Message)
	}
	r, err := f.Evaluate(Options{Lookups: w.lookups(), KnownKeys: map[string][]string{}})
	for _, u := range r.Undecided {
		w.reasons[u.Why[strings.LastIndex(u.Why, ": ")+1:]]++
	}
	undecided := len(r.Undecided) > 0 || hasFinding(r, "gitlabrb.may-fail")
	switch {
	case ruby.Error != "" && err != nil:
		return sameError, ""
	case ruby.Error != "" && (undecided || r.anyUndecided):
		return declined, ""
	case ruby.Error != "":
		return differs, fmt.Sprintf("Ruby raises %s on line %d (%s), we do not", ruby.Error, ruby.Line, ruby.Message)
	case err != nil:
		return differs, fmt.Sprintf("we report %v, Ruby does not", err)
	}
	got := encodeValue(r.Settings)
	if diff := diffValue("", got, ruby.Settings, !undecided && !r.anyUndecided); diff != "" {
		return differs, diff
	}
	if undecided {
		return declined, ""
	}
	return same, ""
}

func hasFinding(r *Result, id string) bool {
	for _, f := range r.Findings {
		if f.ID == id {
			return true
		}
	}
	return false
}

// encodeValue gives a value the form of the Ruby driver's answer.
func encodeValue(v any) any {
	switch v := v.(type) {
	case nil, bool:
		return v
	case int64:
		return fmt.Sprintf("i:%d", v)
	case *big.Int:
		return "i:" + v.String()
	case float64:
		return "f:" + formatFloat(v)
	case Symbol:
		return "y:" + string(v)
	case string:
		if !utf8.ValidString(v) {
			return "x:" + hex.EncodeToString([]byte(v))
		}
		return "s:" + v
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = encodeValue(e)
		}
		return list
	case *Hash:
		pairs := []any{}
		for k, e := range v.All() {
			name, ok := k.(string)
			if !ok {
				name = "\x00" + inspect(k)
			}
			pairs = append(pairs, []any{name, encodeValue(e)})
		}
		return map[string]any{"h": pairs}
	}
	return v
}

// diffValue returns the first difference; an undecided value differs from none.
func diffValue(path string, got, want any, checkOrder bool) string {
	switch g := got.(type) {
	case Undecided:
		return ""
	case []any:
		w, ok := want.([]any)
		if !ok || len(g) != len(w) {
			break
		}
		for i := range g {
			if d := diffValue(fmt.Sprintf("%s[%d]", path, i), g[i], w[i], checkOrder); d != "" {
				return d
			}
		}
		return ""
	case map[string]any:
		w, ok := want.(map[string]any)
		if !ok {
			break
		}
		return diffPairs(path, g["h"].([]any), w["h"].([]any), checkOrder)
	}
	if fmt.Sprint(got) == fmt.Sprint(want) {
		return ""
	}
	return fmt.Sprintf("%s: we say %v, Ruby says %v", path, got, want)
}

func diffPairs(path string, got, want []any, checkOrder bool) string {
	w := map[string]any{}
	var order []string
	for _, p := range want {
		pair := p.([]any)
		w[pair[0].(string)] = pair[1]
		order = append(order, pair[0].(string))
	}
	var decided []string
	for _, p := range got {
		pair := p.([]any)
		k := pair[0].(string)
		if _, unknown := pair[1].(Undecided); unknown {
			delete(w, k)
			continue
		}
		e, ok := w[k]
		if !ok {
			if h, isHash := pair[1].(map[string]any); isHash && onlyUndecided(h) {
				continue
			}
			return fmt.Sprintf("%s/%s: we say %v, Ruby has no such key", path, k, pair[1])
		}
		if d := diffValue(path+"/"+k, pair[1], e, checkOrder); d != "" {
			return d
		}
		decided = append(decided, k)
		delete(w, k)
	}
	for k, e := range w {
		return fmt.Sprintf("%s/%s: Ruby says %v, we have no such key", path, k, e)
	}
	if checkOrder && len(decided) == len(order) && strings.Join(decided, "\x00") != strings.Join(order, "\x00") {
		return fmt.Sprintf("%s: order of keys: we say %q, Ruby says %q", path, decided, order)
	}
	return ""
}

func onlyUndecided(h map[string]any) bool {
	for _, p := range h["h"].([]any) {
		switch v := p.([]any)[1].(type) {
		case Undecided:
		case map[string]any:
			if !onlyUndecided(v) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// testWorld is the machine that programs may ask about.
type testWorld struct {
	dir     string
	reasons map[string]int // why settings were undecided
	env     map[string]string
}

func newTestWorld(t testing.TB) *testWorld {
	dir := t.TempDir()
	w := &testWorld{dir: dir, reasons: map[string]int{}, env: map[string]string{"GEN_A": "alpha", "GEN_URL": "https://env.example.com", "GEN_EMPTY": ""}}
	for name, text := range map[string]string{"secret": "s3cret\n", "list": "a\nb\nc\n", "conf.json": `{"a": [1, {"b": null}], "c": "d"}`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func (w *testWorld) lookups() Lookups {
	return Lookups{
		Env:      func(name string) (string, bool) { v, ok := w.env[name]; return v, ok },
		ReadFile: os.ReadFile,
		Exists:   func(path string) bool { _, err := os.Stat(path); return err == nil },
		Command: func(c string) (string, bool) {
			v, ok := map[string]string{"hostname": "gl01\n", "hostname -f": "gl01.example.com\n"}[c]
			return v, ok
		},
	}
}

// askRuby runs all programs through two Ruby processes.
func askRuby(t testing.TB, w *testWorld, programs []program) []rubyAnswer {
	t.Helper()
	answers := make([]rubyAnswer, len(programs))
	half := (len(programs) + 1) / 2
	errs := make(chan error, 2)
	for i := range 2 {
		from, to := min(i*half, len(programs)), min((i+1)*half, len(programs))
		go func() { errs <- runRuby(t.Context(), w, programs[from:to], answers[from:to]) }()
	}
	for range 2 {
		if err := <-errs; err != nil {
			t.Fatalf("real Ruby is needed for this test (apt install ruby): %v", err)
		}
	}
	return answers
}

func runRuby(ctx stdcontext.Context, w *testWorld, programs []program, answers []rubyAnswer) error {
	var in bytes.Buffer
	for _, p := range programs {
		line, err := json.Marshal([]string{p.text})
		if err != nil {
			return err
		}
		in.Write(append(line, '\n'))
	}
	// The kernel ends Ruby with the thread that started it, so that a test
	// that is killed leaves nothing behind.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, "ruby", "testdata/settings.rb")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8"}
	for k, v := range w.env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	cmd.Stdin = &in
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%w: %s", err, stderr.String())
	}
	sc := bufio.NewScanner(bytes.NewReader(out))
	sc.Buffer(nil, 64<<20)
	i := 0
	for ; sc.Scan(); i++ {
		if i >= len(answers) {
			return fmt.Errorf("ruby gave more answers than programs")
		}
		if err := json.Unmarshal(sc.Bytes(), &answers[i]); err != nil {
			return fmt.Errorf("answer %d: %w", i, err)
		}
	}
	if i != len(programs) {
		return fmt.Errorf("ruby gave %d answers for %d programs: %s", i, len(programs), stderr.String())
	}
	return sc.Err()
}
