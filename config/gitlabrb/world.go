package gitlabrb

import (
	"errors"
	"io/fs"
	"path"
	"strings"
)

// knownObject reports the constants that the evaluator knows by name.
func knownObject(name string) bool {
	switch name {
	case "ENV", "File", "IO", "Dir", "Socket", "YAML", "Psych", "JSON", "Gitlab", "FileTest", "Kernel",
		"String", "Integer", "Float", "Numeric", "Symbol", "Array", "Hash", "NilClass", "TrueClass", "FalseClass", "Proc", "Range",
		"Regexp", "Object", "BasicObject", "Comparable", "Enumerable", "Module", "Class", "Errno", "Mixlib", "Time", "Random", "SecureRandom", "Process", "Etc", "URI", "Math":
		return true
	}
	_, ok := exceptionParent(name)
	return ok
}

// exceptionParent is the class hierarchy of Ruby's exceptions.
func exceptionParent(class string) (string, bool) {
	switch class {
	case "Exception":
		return "Object", true
	case "StandardError", "ScriptError", "SystemExit", "NoMemoryError", "SecurityError", "SignalException", "SystemStackError":
		return "Exception", true
	case "Interrupt":
		return "SignalException", true
	case "LoadError", "NotImplementedError", "SyntaxError":
		return "ScriptError", true
	case "ArgumentError", "EncodingError", "FiberError", "IOError", "IndexError", "LocalJumpError", "NameError", "RangeError",
		"RegexpError", "RuntimeError", "SystemCallError", "ThreadError", "TypeError", "ZeroDivisionError",
		"Mixlib::Config::UnknownConfigOptionError", "JSON::JSONError":
		return "StandardError", true
	case "NoMethodError":
		return "NameError", true
	case "KeyError", "StopIteration":
		return "IndexError", true
	case "FrozenError", "Psych::Exception":
		return "RuntimeError", true
	case "FloatDomainError":
		return "RangeError", true
	case "EOFError":
		return "IOError", true
	case "UncaughtThrowError":
		return "ArgumentError", true
	case "Errno::ENOENT", "Errno::EACCES", "Errno::EISDIR":
		return "SystemCallError", true
	case "JSON::ParserError":
		return "JSON::JSONError", true
	case "Psych::SyntaxError":
		return "Psych::Exception", true
	}
	return "", false
}

// ancestor reports whether an exception class is or descends from another.
func ancestor(class, of string) bool {
	for class != of {
		parent, ok := exceptionParent(class)
		if !ok {
			return false
		}
		class = parent
	}
	return true
}

// objectMethod calls a method of a class or module.
func (ev *evaluator) objectMethod(n node, o *object, name string, args []value, blk *proc) (value, bool) {
	switch o.name {
	case "ENV":
		return ev.envMethod(n, name, args, blk)
	case "File", "IO", "FileTest":
		return ev.fileMethod(n, name, args)
	case "Dir":
		return ev.dirMethod(n, name, args)
	case "Socket":
		if name == "gethostname" {
			return ev.hostname(n), true
		}
	case "YAML", "Psych":
		return ev.yamlMethod(n, name, args)
	case "JSON":
		return ev.jsonMethod(n, name, args)
	case "Gitlab":
		if name == "[]" && len(args) == 1 {
			if key, ok := nameOf(args); ok {
				return ev.readSetting(n, key), true
			}
		}
		c := &call{span: n.at(), name: name, nameAt: n.at()}
		return ev.callNamed(c, args, blk), true
	case "Hash":
		if name == "new" && len(args) == 0 && blk == nil {
			return newHash(), true
		}
	case "Array":
		if name == "new" && len(args) == 0 {
			return newArray(), true
		}
	case "String":
		if name == "new" {
			if s, ok := textArg(args, 0); ok || len(args) == 0 {
				return newStr(s), true
			}
		}
	}
	if _, ok := exceptionParent(o.name); ok && (name == "new" || name == "exception") {
		r := &raised{class: o.name, message: newStr(o.name), pos: ev.pos(n)}
		if len(args) > 0 {
			r.message = args[0]
		}
		return &exception{r}, true
	}
	if name == "name" || name == "to_s" {
		return newStr(o.name), true
	}
	if name == "===" && len(args) == 1 {
		return ev.caseEqual(n, o, args[0]), true
	}
	return ev.unevaluated(n, "calls "+o.name+"."+name+", which is not evaluated"), true
}

// env reads one variable of the environment.
func (ev *evaluator) env(n node, name string) (value, bool, *Undecided) {
	if v, ok := ev.environ[name]; ok {
		return v, v != nil, tainted(v)
	}
	if ev.opt.Lookups.Env == nil {
		u := ev.undecided(n, "ENV['"+name+"'] is not given")
		return nil, false, &u
	}
	ev.use("env:" + name)
	v, ok := ev.opt.Lookups.Env(name)
	if !ok {
		return nil, false, nil
	}
	ev.grow(len(v))
	return &str{s: v, frozen: true}, true, nil
}

func (ev *evaluator) setEnv(n node, k, v value) {
	name, ok := k.(*str)
	if !ok {
		return
	}
	if ev.maybe != nil {
		v = *ev.maybe
	}
	ev.environ[name.s] = v
}

func (ev *evaluator) envMethod(n node, name string, args []value, blk *proc) (value, bool) {
	key, ok := textArg(args, 0)
	if !ok {
		return ev.undecided(n, "asks for all of ENV or a part that is not known"), true
	}
	switch name {
	case "[]", "fetch", "key?", "has_key?", "include?", "member?":
	default:
		return ev.unevaluated(n, "calls ENV."+name+", which is not evaluated"), true
	}
	if len(args) > 2 || len(args) > 1 && name != "fetch" {
		return ev.raise(n, "ArgumentError", "wrong number of arguments"), true
	}
	v, has, u := ev.env(n, key)
	switch {
	case u != nil:
		if name == "fetch" && blk != nil {
			ev.runMaybe(n, blk, *u)
		}
		return *u, true
	case name != "[]" && name != "fetch":
		return has, true
	case has || name == "[]":
		return v, true
	case blk != nil:
		return ev.callProc(n, blk, []value{args[0]}), true
	case len(args) > 1:
		return args[1], true
	}
	return ev.raise(n, "KeyError", "key not found: "+inspect(args[0])), true
}

// readFile reads a file; nil without a problem means that there is none.
func (ev *evaluator) readFile(n node, name string) ([]byte, *Undecided) {
	if ev.opt.Lookups.ReadFile == nil {
		u := ev.unevaluated(n, "the file "+name+" is not given")
		return nil, &u
	}
	ev.use("file:" + name)
	data, err := ev.opt.Lookups.ReadFile(name)
	switch {
	case err == nil:
		ev.grow(len(data))
		if data == nil {
			data = []byte{}
		}
		return data, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	}
	u := ev.unevaluated(n, "the file "+name+" cannot be read: "+err.Error())
	return nil, &u
}

func (ev *evaluator) fileMethod(n node, name string, args []value) (value, bool) {
	p, ok := textArg(args, 0)
	if !ok {
		return ev.undecided(n, "a file whose name is not known"), true
	}
	switch name {
	case "read", "binread", "readlines", "foreach":
		if len(args) > 1 || name == "foreach" {
			return ev.undecided(n, "reads a part of a file"), true
		}
		data, u := ev.readFile(n, p)
		if u != nil {
			return *u, true
		}
		if data == nil {
			return ev.raise(n, "Errno::ENOENT", "no such file: "+p), true
		}
		if name == "readlines" {
			return linesOf(string(data)), true
		}
		return newStr(string(data)), true
	case "exist?", "file?", "exists?":
		if ev.opt.Lookups.Exists == nil {
			return ev.undecided(n, "whether the file "+p+" exists is not given"), true
		}
		ev.use("file:" + p)
		return ev.opt.Lookups.Exists(p), true
	case "join":
		return ev.joinPath(n, args), true
	case "basename", "dirname", "extname":
		return ev.pathPart(n, name, p, args)
	}
	return ev.undecided(n, "calls File."+name+", which is not evaluated"), true
}

func (ev *evaluator) joinPath(n node, args []value) value {
	out := ""
	for i := range args {
		s, ok := textArg(args, i)
		if !ok {
			return ev.undecided(n, "a path that is not known")
		}
		if i == 0 {
			out = s
			continue
		}
		if strings.HasPrefix(s, "/") {
			out = strings.TrimRight(out, "/") + s
		} else {
			out = strings.TrimSuffix(out, "/") + "/" + s
		}
		ev.grow(len(out))
	}
	return newStr(out)
}

func (ev *evaluator) pathPart(n node, name, p string, args []value) (value, bool) {
	if p == "" || strings.Contains(p, "//") || strings.HasSuffix(p, "/") && len(p) > 1 {
		return ev.undecided(n, "a path of an unusual form"), true
	}
	switch name {
	case "dirname":
		return newStr(path.Dir(p)), len(args) == 1
	case "extname":
		base := path.Base(p)
		if strings.HasPrefix(base, ".") || strings.HasSuffix(base, ".") {
			return ev.undecided(n, "a path of an unusual form"), true
		}
		return newStr(path.Ext(base)), true
	}
	base := path.Base(p)
	if ext, ok := textArg(args, 1); ok {
		if ext == ".*" {
			ext = path.Ext(base)
		}
		if ext != base {
			base = strings.TrimSuffix(base, ext)
		}
	}
	return newStr(base), true
}

func (ev *evaluator) dirMethod(n node, name string, args []value) (value, bool) {
	pattern, ok := textArg(args, 0)
	if !ok || len(args) != 1 || name != "glob" && name != "[]" {
		return ev.undecided(n, "calls Dir."+name+", which is not evaluated"), true
	}
	if ev.opt.Lookups.Glob == nil {
		return ev.undecided(n, "the files "+pattern+" are not given"), true
	}
	ev.use("glob:" + pattern)
	list := newArray()
	for _, p := range ev.opt.Lookups.Glob(pattern) {
		ev.step(1)
		list.list = append(list.list, newStr(p))
	}
	return list, true
}

func (ev *evaluator) hostname(n node) value {
	if ev.opt.Lookups.Hostname == nil {
		return ev.undecided(n, "the host name is not given")
	}
	ev.use("hostname")
	name, ok := ev.opt.Lookups.Hostname()
	if !ok {
		return ev.undecided(n, "the host name is not known")
	}
	return newStr(name)
}

// runCommand answers `command` with what was recorded for it.
func (ev *evaluator) runCommand(n node, command string) value {
	if ev.opt.Lookups.Command == nil {
		return ev.undecided(n, "the output of the command `"+command+"` is not given")
	}
	ev.use("command:" + command)
	out, ok := ev.opt.Lookups.Command(command)
	if !ok {
		return ev.undecided(n, "the output of the command `"+command+"` is not given")
	}
	ev.grow(len(out))
	return newStr(out)
}
