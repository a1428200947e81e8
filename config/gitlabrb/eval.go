package gitlabrb

import (
	"fmt"
	"slices"
	"sort"
)

// Evaluate parses src and works out the settings it makes, as GitLab's own
// settings file evaluator would, without running anything.
//
// A syntax error gives an ErrorList and no Result, as Ruby runs nothing of such
// a file. An error while evaluating (an unknown top-level name, a method that
// nil does not have) gives an ErrorList and the Result as far as it goes; the
// evaluation continues after it to find further ones, although GitLab stops.
//
// A value that cannot be known is Undecided, never guessed, and is no error.
func Evaluate(name string, src []byte, o Options) (*Result, error) {
	f, err := Parse(name, src)
	if err != nil {
		return nil, err
	}
	return f.Evaluate(o)
}

// Evaluate works out the settings that the file makes; see the function
// Evaluate.
func (f *File) Evaluate(o Options) (*Result, error) {
	ev := newEvaluator(o)
	ev.source(f)
	return ev.finish()
}

// evaluator walks the tree. Jumps (break, raise, …) are Go panics of the types
// in eval_jump.go; each is caught where Ruby would catch it.
type evaluator struct {
	opt   Options
	names nameSet
	context
	marks []*boundary

	settings *hash            // top-level names in order of first use
	hashes   map[string]*hash // the mashes behind them
	methods  map[string]*method
	consts   map[string]value
	globals  map[string]value
	environ  map[string]value // ENV['X'] = … in the file

	vivify bool // reading a missing key stores an empty hash
	strict bool // unknown names are an error

	foreign string     // what may have defined methods that are not known
	fog     *Undecided // what may have set any setting

	assignments []assignment
	latest      map[string]int // path → index in assignments
	findings    []Finding
	reported    map[string]bool
	errs        ErrorList
	used        map[string]struct{}

	anyUndecided bool

	steps, bytes, includes int
}

// context is what a jump restores.
type context struct {
	file  *File
	scope *env
	depth int
	// statement is the one of the top level, of this file or text, that runs.
	statement node
	breakTo   *boundary // what break and next leave
	nextTo    *boundary

	// maybe is set while statements run of which it is not known whether Ruby
	// runs them; what they write is undecided.
	maybe      *Undecided
	maybeDepth int
}

// env is a scope of local variables.
type env struct {
	vars   map[string]*value
	parent *env // the scope around a block
	method *frame
}

// frame is a running method: what return leaves and yield calls.
type frame struct {
	mark  *boundary
	block *proc
}

func newEvaluator(o Options) *evaluator {
	return &evaluator{
		opt:      o,
		names:    namesOf(o.GitLabVersion),
		context:  context{scope: &env{method: &frame{}}},
		settings: newHash(),
		hashes:   map[string]*hash{},
		methods:  map[string]*method{},
		consts:   map[string]value{},
		globals:  map[string]value{},
		environ:  map[string]value{},
		vivify:   true,
		strict:   true,
		latest:   map[string]int{},
		reported: map[string]bool{},
		used:     map[string]struct{}{},
	}
}

// source runs a whole file as the top of the evaluation.
func (ev *evaluator) source(f *File) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *stop:
			ev.errs = append(ev.errs, r.err)
		default:
			panic(r)
		}
	}()
	ev.runFile(f)
}

// runFile runs the statements of f in the current scope. An exception that
// nothing rescues is an error; the statement after it is tried next.
func (ev *evaluator) runFile(f *File) {
	saved := ev.file
	ev.file = f
	mark := ev.enterBoundary(markFile)
	for _, n := range f.root.list {
		if !ev.topStatement(n, mark) {
			break
		}
	}
	ev.leaveBoundary(mark)
	ev.file = saved
}

// topStatement runs one statement; false ends the file (return, exit).
func (ev *evaluator) topStatement(n node, mark *boundary) (goOn bool) {
	saved, marks := ev.context, len(ev.marks)
	ev.statement = n
	defer func() {
		r := recover()
		if r == nil {
			ev.statement = saved.statement
			goOn = true
			return
		}
		if ev.rescued() {
			panic(r) // an include inside of begin … rescue
		}
		ev.context, ev.marks = saved, ev.marks[:marks]
		switch r := r.(type) {
		case *raised:
			ev.errorAt(r.pos, r.class+": "+r.text())
			goOn = true
		case *jumpSignal:
			if r.mark != mark && r.mark != nil {
				panic(r)
			}
		default:
			panic(r)
		}
	}()
	ev.eval(n)
	return true
}

// step accounts for work; it stops the evaluation when there is too much.
func (ev *evaluator) step(n int) {
	if ev.steps += n; ev.steps > maxSteps {
		panic(&stop{&Error{Pos: ev.pos(ev.statement), Message: fmt.Sprintf("evaluation stopped after %d steps: a loop that does not end?", maxSteps), Err: ErrUnsupported}})
	}
}

// grow accounts for n bytes of text built.
func (ev *evaluator) grow(n int) {
	if ev.bytes += n; ev.bytes > maxBytes || n < 0 {
		panic(&stop{&Error{Pos: ev.pos(ev.statement), Message: fmt.Sprintf("evaluation stopped: it builds more than %d bytes of text", maxBytes), Err: ErrUnsupported}})
	}
}

func (ev *evaluator) pos(n node) Pos { return ev.file.pos(n.at().from) }

// errorAt records an error, or a finding where it is not known whether Ruby
// gets there.
func (ev *evaluator) errorAt(at Pos, message string) {
	if ev.maybe != nil {
		ev.finding("gitlabrb.may-fail", "warning", at, message+" (if this line runs at all)", "correct the line")
		return
	}
	key := "error " + at.String()
	if ev.reported[key] || len(ev.errs) >= maxErrors {
		return
	}
	ev.reported[key] = true
	ev.errs = append(ev.errs, &Error{Pos: at, Message: message})
}

// finding records a finding once per place.
func (ev *evaluator) finding(id, severity string, at Pos, message, fix string) {
	key := id + at.String()
	if ev.reported[key] || len(ev.findings) >= maxFindings {
		return
	}
	ev.reported[key] = true
	ev.findings = append(ev.findings, Finding{ID: id, Severity: severity, Pos: at, Message: message, Fix: fix})
}

// use notes that a lookup was asked.
func (ev *evaluator) use(what string) { ev.used[what] = struct{}{} }

// finish makes the result of what was evaluated.
func (ev *evaluator) finish() (*Result, error) {
	r := &Result{fog: ev.fog, anyUndecided: ev.anyUndecided}
	x := exporter{steps: maxSteps}
	r.Settings = &Hash{}
	for _, e := range ev.settings.live() {
		name, _ := e.key.(string)
		r.Settings.Set(name, x.export(e.value, 0))
	}
	for _, a := range ev.assignments {
		r.Assignments = append(r.Assignments, a.Assignment)
	}
	ev.vivifiedFindings()
	ev.unknownKeyFindings(r.Settings)
	r.Undecided = ev.undecidedSettings(r.Settings)
	sort.SliceStable(ev.findings, func(i, j int) bool { return before(ev.findings[i].Pos, ev.findings[j].Pos) })
	r.Findings = ev.findings
	for what := range ev.used {
		r.Used = append(r.Used, what)
	}
	slices.Sort(r.Used)
	sort.SliceStable(ev.errs, func(i, j int) bool { return before(ev.errs[i].Pos, ev.errs[j].Pos) })
	return r, ev.errs.Err()
}

func before(a, b Pos) bool {
	if a.File != b.File {
		return false // keep the order of evaluation
	}
	return a.Line < b.Line || a.Line == b.Line && a.Col < b.Col
}

// undecidedSettings lists the effective settings that are undecided.
func (ev *evaluator) undecidedSettings(h *Hash) []UndecidedSetting {
	var list []UndecidedSetting
	if ev.fog != nil {
		list = append(list, UndecidedSetting{Pos: ev.fog.Pos, Why: ev.fog.Why})
	}
	var walk func(path []string, v any)
	walk = func(path []string, v any) {
		switch v := v.(type) {
		case Undecided:
			at := v.Pos
			if i, ok := ev.latest[pathKey(path)]; ok {
				at = ev.assignments[i].Pos
			}
			list = append(list, UndecidedSetting{Path: slices.Clone(path), Pos: at, Why: v.Why})
		case *Hash:
			for k, e := range v.All() {
				walk(append(path, keyText(k)), e)
			}
		case []any:
			for i, e := range v {
				walk(append(path, itoa(i)), e)
			}
		}
	}
	walk(nil, h)
	return list
}
