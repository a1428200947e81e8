package gitlabrb

import (
	"math/big"
	"strconv"
	"strings"
)

// specialCall handles calls whose arguments are not evaluated as usual.
func (ev *evaluator) specialCall(c *call) (value, bool) {
	if _, own := ev.methods[c.name]; own {
		return nil, false
	}
	switch c.name {
	case "lambda", "proc":
		if b, ok := c.block.(*blockLit); ok {
			return ev.makeProc(b, c.name == "lambda"), true
		}
	case "block_given?":
		return ev.scope.home().block != nil, true
	case "binding":
		return &object{"binding"}, true
	case "loop":
		if b, ok := c.block.(*blockLit); ok {
			return ev.loop(c, b), true
		}
	case "__method__":
		return ev.undecided(c, "__method__"), true
	}
	return nil, false
}

// loop runs loop { … } until break.
func (ev *evaluator) loop(c *call, b *blockLit) value {
	mark := ev.enterBoundary(markLoop)
	blk := ev.makeProc(b, false)
	blk.loop = mark
	v, _ := ev.catch(mark, func() value {
		for {
			ev.step(1)
			ev.callProc(c, blk, nil)
			if mark.uncertain != nil {
				return *mark.uncertain
			}
		}
	})
	ev.leaveBoundary(mark)
	ev.settle()
	return v
}

// isKernelFunction reports whether Ruby itself answers a call without receiver.
func isKernelFunction(name string) bool {
	switch name {
	case "puts", "print", "p", "pp", "warn", "printf", "putc", "require", "require_relative", "load", "raise", "fail", "abort", "exit",
		"exit!", "format", "sprintf", "lambda", "proc", "loop", "catch", "throw", "rand", "srand", "sleep", "system", "exec",
		"spawn", "fork", "eval", "instance_eval", "Integer", "Float", "String", "Array", "Hash", "Rational", "Complex",
		"binding", "block_given?", "caller", "gets", "open", "test", "trap", "at_exit", "autoload", "select", "syscall",
		"freeze", "frozen?", "send", "public_send", "__send__", "instance_variable_get", "instance_variable_set",
		"instance_variables", "define_method", "define_singleton_method", "method", "methods", "respond_to?", "is_a?", "kind_of?",
		"nil?", "class", "itself", "tap", "then", "object_id", "inspect", "to_s", "name", "hash", "display", "dup", "clone",
		"extend", "include", "const_get", "const_set", "instance_variable_defined?", "local_variables", "global_variables",
		"set_trace_func", "trace_var", "readline", "readlines", "from_file", "__method__", "__dir__", "module_function", "private", "public":
		return true
	}
	return false
}

// isModuleMethod reports the methods of the settings object itself that are
// no settings.
func isModuleMethod(name string) bool {
	switch name {
	case "configure", "key?", "has_key?", "is_default?", "delete", "reset", "save", "to_hash", "restore", "merge!", "keys", "hash_dup",
		"config_attr_writer", "default", "configurable", "config_context", "config_context_list", "config_context_hash",
		"config_strict_mode", "from_yaml", "from_json", "from_toml", "from_hash", "role", "attribute", "ee_attribute", "attribute_block",
		"sanitized_config", "load_roles", "generate_secrets", "generate_config", "strip_nils", "override_role!", "settings",
		"available_roles", "configuration", "configurables", "internal_get", "internal_set", "config_contexts":
		return true
	}
	return false
}

// kernelCall calls one of Ruby's own functions.
func (ev *evaluator) kernelCall(c *call, args []value, blk *proc) (value, bool) {
	switch c.name {
	case "puts", "print", "p", "pp", "warn", "printf", "putc":
		if c.name == "p" && len(args) == 1 {
			return args[0], true
		}
		return nil, true
	case "require", "require_relative", "load":
		return ev.require(c, args), true
	case "raise", "fail":
		return ev.raiseCall(c, args), true
	case "exit", "exit!", "abort":
		ev.errorAt(ev.pos(c), c.name+" ends the reading of the settings here")
		return ev.undecided(c, "behind "+c.name), true
	case "from_file":
		return ev.fromFile(c, args), true
	case "eval", "instance_eval":
		return ev.evalText(c, args), true
	case "format", "sprintf":
		return ev.format(c, args), true
	case "Integer", "Float", "String", "Array":
		return ev.convert(c, args), true
	case "freeze", "itself":
		return selfObject{}, len(args) == 0
	case "send", "public_send", "__send__":
		if name, ok := nameOf(args); ok {
			named := *c
			named.name = name
			return ev.callNamed(&named, args[1:], blk), true
		}
	case "method":
		if name, ok := nameOf(args); ok {
			if m, ok := ev.methods[name]; ok {
				return &proc{method: m, lambda: true}, true
			}
		}
	case "catch", "throw":
		u := ev.undecided(c, c.name+" is not evaluated")
		ev.runMaybe(c, blk, u)
		return u, true
	case "define_method", "define_singleton_method", "extend", "include", "instance_variable_set", "const_set", "autoload":
		ev.foreign = c.name + " on line " + itoa(ev.pos(c).Line)
		return ev.undecided(c, c.name+" is not evaluated"), true
	}
	if isKernelFunction(c.name) {
		u := ev.unevaluated(c, "calls "+c.name+", which is not evaluated")
		ev.runMaybe(c, blk, u)
		return u, true
	}
	return nil, false
}

// nameOf returns a method name given as first argument.
func nameOf(args []value) (string, bool) {
	if len(args) == 0 {
		return "", false
	}
	switch v := args[0].(type) {
	case Symbol:
		return string(v), true
	case *str:
		return v.s, v.unknown == nil
	}
	return "", false
}

// require loads a library: that changes no setting, but libraries other than
// Ruby's own may define methods.
func (ev *evaluator) require(c *call, args []value) value {
	name, _ := nameOf(args)
	standard := map[string]bool{"socket": true, "json": true, "yaml": true, "securerandom": true, "uri": true, "time": true, "date": true,
		"digest": true, "base64": true, "ipaddr": true, "resolv": true, "erb": true, "etc": true, "fileutils": true, "open3": true,
		"net/http": true, "openssl": true, "tempfile": true, "pathname": true, "set": true, "ostruct": true, "pp": true, "shellwords": true,
		"timeout": true, "open-uri": true, "csv": true, "psych": true, "rubygems": true, "bigdecimal": true}
	if c.name != "require" || !standard[name] {
		ev.foreign = c.name + " on line " + itoa(ev.pos(c).Line)
	}
	return ev.undecided(c, "the result of "+c.name)
}

func (ev *evaluator) raiseCall(c *call, args []value) value {
	r := &raised{class: "RuntimeError", detail: "raised by the file", pos: ev.pos(c)}
	if len(args) == 0 {
		return ev.raiseException(r)
	}
	switch v := args[0].(type) {
	case *str:
		r.message = newStr(v.s)
	case *object:
		r.class = v.name
		r.message = newStr(v.name)
		if len(args) > 1 {
			if s, ok := args[1].(*str); ok {
				r.message = newStr(s.s)
			} else {
				r.message = nil
			}
		}
	case *exception:
		copied := *v.r
		r = &copied
	case Undecided:
		r.class, r.message = "StandardError", nil
	}
	return ev.raiseException(r)
}

// fromFile includes another settings file.
func (ev *evaluator) fromFile(c *call, args []value) value {
	u := Undecided{Pos: ev.pos(c), Why: "an included file is not known"}
	path, ok := textArg(args, 0)
	if !ok {
		if len(args) > 0 {
			if t := tainted(args[0]); t != nil {
				u.Why = "an included file is not known: " + t.Why
			}
		}
		ev.becloud(u)
		return u
	}
	src, problem := ev.readFile(c, path)
	if problem != nil {
		ev.becloud(Undecided{Pos: u.Pos, Why: "the included file " + path + " cannot be looked at"})
		return *problem
	}
	if src == nil {
		return ev.raise(c, "Errno::ENOENT", "no such file: "+path)
	}
	if ev.includes++; ev.includes > maxIncludes {
		panic(&stop{&Error{Pos: ev.pos(c), Message: "files include each other more than " + itoa(maxIncludes) + " times", Err: ErrUnsupported}})
	}
	f, err := Parse(path, src)
	if err != nil {
		ev.syntaxErrors(c, err)
		return u
	}
	saved := ev.context
	ev.scope = &env{method: &frame{}}
	ev.runFile(f)
	ev.context.file, ev.context.scope = saved.file, saved.scope
	// GitLab's reader leaves these off behind an included file.
	ev.vivify, ev.strict = false, false
	return nil
}

func (ev *evaluator) syntaxErrors(c *call, err error) {
	list, _ := err.(ErrorList)
	if len(list) > 0 && ev.rescued() {
		ev.raiseException(&raised{class: "SyntaxError", detail: list[0].Error(), pos: ev.pos(c)})
		return
	}
	for _, e := range list {
		if ev.maybe == nil && len(ev.errs) < maxErrors {
			ev.errs = append(ev.errs, e)
		}
	}
}

// evalText runs text as part of the file: eval ENV['GITLAB_OMNIBUS_CONFIG'].
func (ev *evaluator) evalText(c *call, args []value) value {
	text, ok := textArg(args, 0)
	if !ok {
		u := Undecided{Pos: ev.pos(c), Why: "a text that is evaluated is not known"}
		if len(args) > 0 {
			if t := tainted(args[0]); t != nil {
				u.Why = "a text that is evaluated is not known: " + t.Why
			} else {
				return ev.raise(c, "TypeError", "eval takes a string")
			}
		}
		ev.becloud(u)
		return u
	}
	if ev.includes++; ev.includes > maxIncludes {
		panic(&stop{&Error{Pos: ev.pos(c), Message: "eval runs more than " + itoa(maxIncludes) + " times", Err: ErrUnsupported}})
	}
	ev.step(len(text) / 16)
	f := &File{name: "(eval at " + ev.pos(c).String() + ")"}
	f, err := parseWith(f.name, []byte(text), ev.scope)
	if err != nil {
		ev.syntaxErrors(c, err)
		return ev.undecided(c, "a text that is evaluated is no Ruby")
	}
	saved := ev.context
	var v value
	ev.file = f
	for _, n := range f.root.list {
		v = ev.eval(n)
	}
	ev.context.file = saved.file
	return v
}

// convert evaluates Integer(x), Float(x), String(x), Array(x).
func (ev *evaluator) convert(c *call, args []value) value {
	if len(args) == 0 {
		return ev.raise(c, "ArgumentError", c.name+" needs an argument")
	}
	if u := tainted(args[0]); u != nil {
		return *u
	}
	switch c.name {
	case "String":
		s, u := ev.toS(c, args[0])
		if u != nil {
			return *u
		}
		return newStr(s)
	case "Array":
		switch v := args[0].(type) {
		case nil:
			return newArray()
		case *array:
			return v
		case *hash, *rangeVal:
			list, u := ev.elements(c, v)
			if u != nil {
				return *u
			}
			return &array{list: list}
		}
		return newArray(args[0])
	case "Integer":
		return ev.toInteger(c, args)
	}
	switch v := args[0].(type) {
	case *str:
		f, err := strconv.ParseFloat(strings.ReplaceAll(strings.TrimSpace(v.s), "_", ""), 64)
		if err != nil || strings.ContainsAny(v.s, "xXnNiIpP") {
			return ev.undecided(c, "Float of a text")
		}
		return f
	case int64:
		return float64(v)
	case float64:
		return v
	}
	return ev.raise(c, "TypeError", "cannot convert "+describe(args[0])+" into Float")
}

func (ev *evaluator) toInteger(c *call, args []value) value {
	if len(args) > 1 {
		return ev.undecided(c, "Integer with options")
	}
	switch v := args[0].(type) {
	case int64, *big.Int:
		return v
	case float64:
		return floatToInt(v)
	case *str:
		text := strings.TrimSpace(v.s)
		if len(text) > maxDigits {
			return ev.undecided(c, tooManyDigits)
		}
		if n, ok := new(big.Int).SetString(strings.ReplaceAll(text, "_", ""), 0); ok && !strings.Contains(text, "__") && !strings.HasSuffix(text, "_") && !strings.HasPrefix(text, "_") {
			return norm(n)
		}
		return ev.raise(c, "ArgumentError", "invalid value for Integer(): "+inspect(v))
	case nil:
		return ev.raise(c, "TypeError", "cannot convert nil into Integer")
	}
	return ev.undecided(c, "Integer of "+describe(args[0]))
}

// textArg returns the i-th argument if it is a known string.
func textArg(args []value, i int) (string, bool) {
	if i >= len(args) {
		return "", false
	}
	s, ok := args[i].(*str)
	if !ok || s.unknown != nil {
		return "", false
	}
	return s.s, true
}
