package gitlabrb

import (
	"math/big"
	"strings"
)

// commonMethod calls what every object has.
func (ev *evaluator) commonMethod(n node, recv value, name string, args []value, blk *proc) (value, bool) {
	switch name {
	case "nil?":
		return recv == nil, len(args) == 0
	case "==", "===", "eql?", "equal?":
		if len(args) != 1 {
			return nil, false
		}
		return ev.equality(n, recv, name, args[0])
	case "itself":
		return recv, true
	case "freeze":
		switch r := recv.(type) {
		case *str:
			r.frozen = true
		case *array:
			r.frozen = true
		case *hash:
			r.frozen = true
		}
		return recv, true
	case "frozen?":
		return isFrozen(recv), true
	case "dup", "clone":
		return ev.dup(recv), len(args) == 0
	case "inspect":
		if _, ok := recv.(*exception); ok {
			return nil, false
		}
		s, u := ev.inspect(n, recv)
		if u != nil {
			return *u, true
		}
		return newStr(s), true
	case "to_s":
		if len(args) > 0 {
			return nil, false
		}
		s, u := ev.toS(n, recv)
		if u != nil {
			return *u, true
		}
		switch recv.(type) {
		case nil, bool:
			return &str{s: s, frozen: true}, true
		case *str:
			return recv, true
		}
		return newStr(s), true
	case "to_json":
		return ev.jsonOf(n, recv), len(args) == 0
	case "class":
		return &object{className(recv)}, true
	case "is_a?", "kind_of?", "instance_of?":
		return ev.isAMethod(n, recv, name, args)
	case "tap":
		if blk != nil {
			ev.callProc(n, blk, []value{recv})
			return recv, true
		}
	case "then", "yield_self":
		if blk != nil {
			return ev.callProc(n, blk, []value{recv}), true
		}
	case "send", "public_send", "__send__":
		if _, self := recv.(selfObject); self {
			return nil, false
		}
		if method, ok := nameOf(args); ok {
			return ev.send(n, recv, method, args[1:], blk), true
		}
	case "!":
		return !truthy(recv), true
	}
	return nil, false
}

func (ev *evaluator) equality(n node, recv value, name string, other value) (value, bool) {
	switch recv.(type) {
	case *rangeVal, *regex, *proc, *object:
		if name == "===" {
			return nil, false
		}
	}
	if u := tainted(other); u != nil {
		return *u, true
	}
	switch name {
	case "equal?":
		switch recv.(type) {
		case nil, bool, int64, Symbol:
			same, _ := ev.equal(recv, other)
			return same && className(recv) == className(other), true
		case *str, *array, *hash:
			return recv == other, true
		}
		return ev.undecided(n, "equal?"), true
	case "eql?":
		if className(recv) != className(other) {
			return false, true
		}
	}
	same, known := ev.equal(recv, other)
	if !known {
		return ev.undecided(n, "a comparison of "+describe(recv)+" with "+describe(other)), true
	}
	return same, true
}

// equal is ==; known is false when it cannot be told.
func (ev *evaluator) equal(a, b value) (same, known bool) { return ev.equalAt(a, b, 0) }

// equalAt pays for each pair that it compares: lists that hold the same list
// twice, and so on downwards, have more pairs than memory could.
func (ev *evaluator) equalAt(a, b value, depth int) (same, known bool) {
	ev.step(1)
	if depth > 50 || tainted(a) != nil || tainted(b) != nil {
		return false, false
	}
	if isNumber(a) && isNumber(b) {
		c, ok := compareNumbers(a, b)
		return ok && c == 0, true
	}
	switch x := a.(type) {
	case nil, bool, Symbol, selfObject:
		return a == b, true
	case *str:
		y, ok := b.(*str)
		return ok && x.s == y.s, true
	case *array:
		y, ok := b.(*array)
		if !ok || len(x.list) != len(y.list) {
			return false, true
		}
		for i := range x.list {
			if same, known = ev.equalAt(x.list[i], y.list[i], depth+1); !known || !same {
				return same, known
			}
		}
		return true, true
	case *hash:
		y, ok := b.(*hash)
		if !ok || x.size() != y.size() {
			return false, true
		}
		for _, e := range x.live() {
			v, has := y.get(e.key)
			if !has {
				return false, true
			}
			if same, known = ev.equalAt(e.value, v, depth+1); !known || !same {
				return same, known
			}
		}
		return true, true
	case *object:
		y, ok := b.(*object)
		return ok && x.name == y.name, true
	case *rangeVal:
		y, ok := b.(*rangeVal)
		if !ok || x.exclusive != y.exclusive {
			return false, true
		}
		if same, known = ev.equalAt(x.low, y.low, depth+1); !known || !same {
			return same, known
		}
		return ev.equalAt(x.high, y.high, depth+1)
	}
	if isNumber(a) {
		return false, true
	}
	return a == b, a == b
}

// isA reports whether v is of a class; known is false when it cannot be told.
func isA(v value, class string) (is, known bool) {
	if class == "Object" || class == "BasicObject" || class == "Kernel" {
		return true, true
	}
	own := className(v)
	switch class {
	case own:
		return true, true
	case "Numeric":
		return isNumber(v), true
	case "Comparable":
		_, text := v.(*str)
		return isNumber(v) || text, true
	case "Enumerable":
		switch v.(type) {
		case *array, *hash, *rangeVal:
			return true, true
		}
		return false, true
	case "Hash":
		_, ok := v.(*hash)
		return ok, true
	}
	switch v.(type) {
	case nil, bool, int64, *big.Int, float64, *str, Symbol, *array, *hash, *rangeVal, *regex, *proc:
		return false, knownObject(class)
	case *exception:
		return ancestor(own, class), true
	}
	return false, false
}

func (ev *evaluator) isAMethod(n node, recv value, name string, args []value) (value, bool) {
	if len(args) != 1 {
		return nil, false
	}
	o, ok := args[0].(*object)
	if !ok {
		return ev.undecided(n, "a class that is not known"), true
	}
	if name == "instance_of?" {
		return className(recv) == o.name, true
	}
	is, known := isA(recv, o.name)
	if !known {
		return ev.undecided(n, "whether it is a "+o.name), true
	}
	return is, true
}

func isFrozen(v value) bool {
	switch v := v.(type) {
	case *str:
		return v.frozen
	case *array:
		return v.frozen
	case *hash:
		return v.frozen
	}
	return true
}

// dup is a shallow copy.
func (ev *evaluator) dup(v value) value {
	ev.step(extent(v))
	switch v := v.(type) {
	case *str:
		return &str{s: v.s, unknown: v.unknown}
	case *array:
		return &array{list: append([]value(nil), v.list...), unknown: v.unknown}
	case *hash:
		h := &hash{mash: v.mash, unknown: v.unknown, fallback: v.fallback}
		for _, e := range v.live() {
			val := e.value
			if v.mash {
				switch sub := val.(type) {
				case *array:
					val = ev.dup(sub)
				case *hash:
					if sub.mash {
						val = ev.dup(sub)
					}
				}
			}
			h.set(e.key, val)
		}
		return h
	}
	return v
}

// describe names a value's kind for a message, never its content.
func describe(v value) string {
	switch v.(type) {
	case nil:
		return "nil"
	case bool:
		return "true or false"
	case selfObject:
		return "the settings object"
	case *object:
		return "a class or module"
	}
	name := className(v)
	if strings.ContainsRune("AEIOU", rune(name[0])) {
		return "an " + name
	}
	return "a " + name
}

// lacksMethod reports methods that a value surely does not have.
func lacksMethod(v value, name string) bool {
	switch name {
	case "blank?", "present?", "presence", "try", "to_yaml", "to_param", "to_query", "as_json", "in?", "deep_dup", "html_safe", "instance_variable_get",
		"instance_variable_set", "respond_to?", "method", "methods", "object_id", "hash", "display", "extend", "singleton_class", "instance_variables",
		"enum_for", "to_enum", "instance_eval", "instance_exec", "define_singleton_method", "public_method", "pretty_inspect", "rationalize", "to_r", "to_c", "=~", "!~", "<=>", "&", "|", "^", "nil?", "not_nil!", "__id__", "pp", "to_toml":
		return false
	}
	switch v.(type) {
	case nil, bool:
		return true
	case int64, *big.Int:
		switch name {
		case "strip", "chomp", "gsub", "sub", "upcase", "downcase", "each", "map", "join", "empty?", "include?", "start_with?", "end_with?",
			"split", "merge", "keys", "values", "key?", "fetch", "dig", "first", "last", "push", "<<=", "length", "to_sym", "to_a", "to_h", "[]=", "concat", "+@!":
			return true
		}
	case *str:
		switch name {
		case "each", "map", "join", "merge", "keys", "values", "key?", "fetch", "dig", "first", "last", "push", "to_a", "to_h", "-", "/", "&", "select", "merge!", "flatten", "any?":
			return true
		}
	case *array:
		switch name {
		case "strip", "chomp", "gsub", "sub", "upcase", "downcase", "start_with?", "end_with?", "split", "merge", "keys", "values", "key?", "to_i", "to_f", "to_sym", "/", "%", "**", "merge!":
			return true
		}
	case *hash:
		switch name {
		case "strip", "chomp", "gsub", "sub", "upcase", "downcase", "start_with?", "end_with?", "split", "join", "push", "<<", "to_i", "to_f", "to_sym", "+", "-", "*", "/", "last", "concat", "flatten!":
			return true
		}
	case Symbol:
		switch name {
		case "strip", "chomp", "gsub", "sub", "+", "each", "map", "merge", "include?", "split", "to_i", "join", "<<":
			return true
		}
	}
	return false
}

// nilMethod calls a method of nil, true or false.
func (ev *evaluator) nilMethod(n node, recv value, name string, args []value) (value, bool) {
	b, isBool := recv.(bool)
	if len(args) == 1 {
		other := truthy(args[0])
		switch name {
		case "&":
			return b && other, true
		case "|":
			return b || other, true
		case "^":
			return b != other, true
		case "=~":
			return nil, !isBool
		}
		return nil, false
	}
	if isBool || len(args) > 0 {
		return nil, false
	}
	switch name {
	case "to_a":
		return newArray(), true
	case "to_h":
		return newHash(), true
	case "to_i":
		return int64(0), true
	case "to_f":
		return 0.0, true
	}
	return nil, false
}

// exceptionMethod calls a method of a rescued exception.
func (ev *evaluator) exceptionMethod(n node, e *exception, name string) (value, bool) {
	switch name {
	case "message", "to_s", "full_message":
		if e.r.message == nil {
			return ev.undecided(n, "the wording of Ruby's message for "+e.r.class), true
		}
		if s, ok := e.r.message.(*str); ok && name != "full_message" {
			return newStr(s.s), true
		}
	}
	return ev.undecided(n, "calls "+name+" on an exception"), true
}

// symbolMethod calls a method of a symbol.
func (ev *evaluator) symbolMethod(n node, s Symbol, name string, args []value) (value, bool) {
	switch name {
	case "to_sym":
		return s, true
	case "id2name", "name":
		return newStr(string(s)), true
	case "to_proc":
		return &proc{bySymbol: true, symbol: string(s), lambda: true}, true
	case "length", "size":
		return runeCount(string(s)), true
	case "empty?":
		return s == "", true
	case "<=>":
		if len(args) != 1 {
			return nil, false
		}
		if o, ok := args[0].(Symbol); ok {
			return int64(strings.Compare(string(s), string(o))), true
		}
	case "upcase", "downcase", "capitalize", "swapcase", "succ":
		v, ok := ev.stringMethod(n, newStr(string(s)), name, args, nil)
		if t, is := v.(*str); ok && is {
			return Symbol(t.s), true
		}
	case "start_with?", "end_with?", "[]":
		return ev.stringMethod(n, newStr(string(s)), name, args, nil)
	}
	return nil, false
}
