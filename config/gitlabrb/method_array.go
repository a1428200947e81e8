package gitlabrb

import (
	"slices"
	"strings"
)

// arrayMethod calls a method of an array.
func (ev *evaluator) arrayMethod(n node, a *array, name string, args []value, blk *proc) (value, bool) {
	ev.step(len(a.list) / 16)
	if changes(name) {
		return ev.changeArray(n, a, name, args, blk)
	}
	if v, ok := ev.enumMethod(n, a, a.list, name, args, blk); ok {
		return v, true
	}
	if len(args) == 0 {
		switch name {
		case "length", "size":
			return int64(len(a.list)), true
		case "empty?":
			return len(a.list) == 0, true
		case "last":
			return at(a.list, -1), true
		case "to_a", "to_ary", "entries":
			return a, true
		case "compact":
			return &array{list: slices.DeleteFunc(slices.Clone(a.list), func(v value) bool { return v == nil })}, true
		case "reverse":
			list := slices.Clone(a.list)
			slices.Reverse(list)
			return &array{list: list}, true
		case "flatten":
			return ev.flatten(n, a, -1), true
		case "to_h":
			return ev.pairsToHash(n, a.list), true
		case "join":
			return ev.join(n, a, ""), true
		case "shuffle", "sample", "permutation", "combination", "transpose", "cycle", "each_entry", "lazy":
			return ev.undecided(n, "calls "+name+" on an Array, which is not evaluated"), true
		}
		return nil, false
	}
	return ev.arrayMethod1(n, a, name, args)
}

func (ev *evaluator) arrayMethod1(n node, a *array, name string, args []value) (value, bool) {
	switch name {
	case "[]", "slice":
		return ev.slice(n, a, args), true
	case "values_at":
		out := newArray()
		for _, i := range args {
			k, ok := i.(int64)
			if !ok {
				return nil, false
			}
			out.list = append(out.list, at(a.list, k))
		}
		return out, true
	case "dig":
		return ev.dig(n, a, args), true
	case "at":
		if i, ok := args[0].(int64); ok {
			return at(a.list, i), true
		}
	case "fetch":
		if i, ok := args[0].(int64); ok {
			if i < int64(len(a.list)) && i >= -int64(len(a.list)) {
				return at(a.list, i), true
			}
			if len(args) > 1 {
				return args[1], true
			}
			return ev.raise(n, "IndexError", "index outside of the array"), true
		}
	case "join":
		if args[0] == nil {
			return ev.join(n, a, ""), true
		}
		if sep, ok := textArg(args, 0); ok {
			return ev.join(n, a, sep), true
		}
	case "last":
		if k, ok := args[0].(int64); ok && k >= 0 {
			return &array{list: slices.Clone(a.list[max(int64(len(a.list))-k, 0):])}, true
		}
	case "flatten":
		if depth, ok := args[0].(int64); ok {
			return ev.flatten(n, a, int(depth)), true
		}
	case "*":
		if sep, ok := textArg(args, 0); ok {
			return ev.join(n, a, sep), true
		}
		if k, ok := args[0].(int64); ok && k >= 0 {
			ev.step(int(min(k, maxSteps)) * max(len(a.list), 1))
			return &array{list: slices.Repeat(a.list, int(k))}, true
		}
	case "+", "-", "&", "|", "concat", "union", "difference", "intersection", "<=>":
		o, ok := args[0].(*array)
		if !ok {
			if name == "<=>" {
				return nil, true
			}
			return ev.raise(n, "TypeError", "no implicit conversion of "+describe(args[0])+" into Array"), true
		}
		if len(args) == 1 {
			return ev.arraySet(n, a, name, o)
		}
	}
	return nil, false
}

func at(list []value, i int64) value {
	if i < 0 {
		i += int64(len(list))
	}
	if i < 0 || i >= int64(len(list)) {
		return nil
	}
	return list[i]
}

// arraySet is + - & | <=> with another array.
func (ev *evaluator) arraySet(n node, a *array, name string, b *array) (value, bool) {
	ev.step(len(a.list) + len(b.list))
	if name == "+" {
		return &array{list: slices.Concat(a.list, b.list)}, true
	}
	if name == "<=>" {
		for i := 0; i < min(len(a.list), len(b.list)); i++ {
			if c := ev.compare(n, a.list[i], b.list[i]); c != int64(0) {
				return c, true
			}
		}
		c, _ := compareNumbers(int64(len(a.list)), int64(len(b.list)))
		return int64(c), true
	}
	other := map[hashKey]bool{}
	for _, v := range b.list {
		k, ok := keyOf(v)
		if !ok {
			return nil, false
		}
		other[k] = true
	}
	out := newArray()
	seen := map[hashKey]bool{}
	list := a.list
	if name == "|" || name == "union" {
		list = slices.Concat(a.list, b.list)
	}
	for _, v := range list {
		k, ok := keyOf(v)
		if !ok {
			return nil, false
		}
		switch name {
		case "-", "difference":
			if other[k] {
				continue
			}
		case "&", "intersection":
			if !other[k] || seen[k] {
				continue
			}
		default:
			if seen[k] {
				continue
			}
		}
		seen[k] = true
		out.list = append(out.list, v)
	}
	return out, true
}

func (ev *evaluator) slice(n node, a *array, args []value) value {
	count := int64(len(a.list))
	if len(args) == 2 {
		from, ok := args[0].(int64)
		size, ok2 := args[1].(int64)
		if from < 0 {
			from += count
		}
		if ok && ok2 {
			if from < 0 || from > count || size < 0 {
				return nil
			}
			return &array{list: slices.Clone(a.list[from:min(from+min(size, count), count)])}
		}
	}
	switch i := args[0].(type) {
	case int64:
		return at(a.list, i)
	case *rangeVal:
		from, size, ok := rangeBounds(i, count)
		if !ok {
			return nil
		}
		return &array{list: slices.Clone(a.list[from : from+size])}
	case *str, nil, Symbol, *array, *hash, bool:
		return ev.raise(n, "TypeError", "no implicit conversion of "+describe(i)+" into Integer")
	}
	return ev.undecided(n, "an index that is not evaluated")
}

func (ev *evaluator) join(n node, a *array, sep string) value {
	var b strings.Builder
	if u := ev.joinInto(n, &b, a, sep, 0); u != nil {
		return *u
	}
	return newStr(b.String())
}

func (ev *evaluator) joinInto(n node, b *strings.Builder, a *array, sep string, depth int) *Undecided {
	if depth > maxDepth {
		u := ev.undecided(n, "a list that is nested too deeply")
		return &u
	}
	for i, e := range a.list {
		ev.step(1)
		if i > 0 {
			ev.grow(len(sep))
			b.WriteString(sep)
		}
		if sub, ok := e.(*array); ok && sub.unknown == nil {
			if u := ev.joinInto(n, b, sub, sep, depth+1); u != nil {
				return u
			}
			continue
		}
		s, u := ev.toS(n, e)
		if u != nil {
			return u
		}
		ev.grow(len(s))
		b.WriteString(s)
	}
	return nil
}

func (ev *evaluator) flatten(n node, a *array, depth int) value {
	out := newArray()
	var walk func(list []value, left, nest int) *Undecided
	walk = func(list []value, left, nest int) *Undecided {
		for _, e := range list {
			ev.step(1)
			if u := tainted(e); u != nil {
				return u
			}
			sub, ok := e.(*array)
			if !ok || left == 0 {
				out.list = append(out.list, e)
				continue
			}
			if nest > maxDepth {
				u := ev.undecided(n, "a list that is nested too deeply")
				return &u
			}
			if u := walk(sub.list, left-1, nest+1); u != nil {
				return u
			}
		}
		return nil
	}
	if u := walk(a.list, depth, 0); u != nil {
		return *u
	}
	return out
}

// pairsToHash is to_h of a list of pairs.
func (ev *evaluator) pairsToHash(n node, list []value) value {
	h := newHash()
	for _, e := range list {
		ev.step(1)
		p, ok := e.(*array)
		if !ok || len(p.list) != 2 {
			if u := tainted(e); u != nil {
				return *u
			}
			return ev.raise(n, "TypeError", "wrong element type (expected pairs)")
		}
		if _, ok := keyOf(p.list[0]); !ok {
			return ev.undecided(n, "a hash key that is not known")
		}
		h.set(p.list[0], p.list[1])
	}
	return h
}

// changeArray calls a method that changes an array in place.
func (ev *evaluator) changeArray(n node, a *array, name string, args []value, blk *proc) (value, bool) {
	if a.frozen {
		return ev.raise(n, "FrozenError", "the array is frozen"), true
	}
	ev.step(len(args))
	switch name {
	case "<<", "push", "append":
		a.list = append(a.list, args...)
		return a, true
	case "unshift", "prepend":
		ev.step(len(a.list))
		a.list = slices.Concat(args, a.list)
		return a, true
	case "concat":
		for _, x := range args {
			o, ok := x.(*array)
			if !ok {
				return ev.raise(n, "TypeError", "no implicit conversion of "+describe(x)+" into Array"), true
			}
			ev.step(len(o.list))
			a.list = append(a.list, o.list...)
		}
		return a, true
	case "pop", "shift":
		if len(args) > 0 {
			return nil, false
		}
		if len(a.list) == 0 {
			return nil, true
		}
		if name == "pop" {
			v := a.list[len(a.list)-1]
			a.list = a.list[:len(a.list)-1]
			return v, true
		}
		v := a.list[0]
		a.list = a.list[1:]
		return v, true
	case "clear":
		a.list = nil
		return a, true
	case "replace":
		if len(args) != 1 {
			return nil, false
		}
		if o, ok := args[0].(*array); ok {
			ev.step(len(o.list))
			a.list = slices.Clone(o.list)
			return a, true
		}
	case "insert":
		if len(args) == 0 {
			return nil, false
		}
		if i, ok := args[0].(int64); ok && i >= 0 && i <= int64(len(a.list)) {
			ev.step(len(a.list))
			a.list = slices.Insert(slices.Clone(a.list), int(i), args[1:]...)
			return a, true
		}
	case "delete":
		if len(args) == 1 {
			return ev.deleteValue(a, args[0])
		}
	case "delete_at":
		if len(args) != 1 {
			return nil, false
		}
		if i, ok := args[0].(int64); ok {
			if i < 0 {
				i += int64(len(a.list))
			}
			if i < 0 || i >= int64(len(a.list)) {
				return nil, true
			}
			v := a.list[i]
			a.list = slices.Delete(slices.Clone(a.list), int(i), int(i)+1)
			return v, true
		}
	case "delete_if", "keep_if":
		if blk != nil {
			list, u := ev.filter(n, a.list, blk, name == "keep_if")
			if u != nil {
				a.unknown = u
				return *u, true
			}
			a.list = list
			return a, true
		}
	}
	return ev.arrayBang(n, a, name, args, blk)
}

func (ev *evaluator) deleteValue(a *array, v value) (value, bool) {
	var kept []value
	var found value
	for _, e := range a.list {
		ev.step(1)
		same, known := ev.equal(e, v)
		if !known {
			return nil, false
		}
		if same {
			found = e
		} else {
			kept = append(kept, e)
		}
	}
	a.list = kept
	return found, true
}

// arrayBang calls map!, uniq! and the like.
func (ev *evaluator) arrayBang(n node, a *array, name string, args []value, blk *proc) (value, bool) {
	plain, ok := strings.CutSuffix(name, "!")
	if !ok {
		return nil, false
	}
	v, ok := ev.arrayMethod(n, &array{list: slices.Clone(a.list)}, plain, args, blk)
	if !ok {
		return nil, false
	}
	b, ok := v.(*array)
	if !ok {
		u, _ := v.(Undecided)
		a.unknown = &u
		return u, true
	}
	changed := len(b.list) != len(a.list)
	a.list, a.unknown = b.list, b.unknown
	switch plain {
	case "map", "collect", "sort", "sort_by", "reverse", "shuffle", "rotate":
		return a, true
	}
	if !changed {
		return nil, true
	}
	return a, true
}
