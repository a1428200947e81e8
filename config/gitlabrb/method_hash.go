package gitlabrb

import "strings"

// oneEntry tells the methods of a hash that look at one entry only.
func oneEntry(name string) bool {
	switch name {
	case "[]", "[]=", "store", "fetch", "dig", "key?", "has_key?", "include?", "member?", "delete", "length", "size", "empty?", "any?":
		return true
	}
	return false
}

// hashMethod calls a method of a hash.
func (ev *evaluator) hashMethod(n node, h *hash, name string, args []value, blk *proc) (value, bool) {
	if h.frozen && changes(name) {
		return ev.raise(n, "FrozenError", "the hash is frozen"), true
	}
	if !oneEntry(name) {
		ev.step(h.size())
	}
	if h.mash && len(args) > 0 {
		switch name {
		case "merge", "merge!", "update", "[]", "store", "[]=", "dig", "delete_if":
		default:
			for i := range args {
				if i == 0 || name == "values_at" || name == "except" {
					args[i] = mashKey(args[i])
				}
			}
		}
	}
	switch name {
	case "[]":
		if len(args) == 1 {
			return ev.hashIndex(n, h, args[0]), true
		}
	case "[]=", "store":
		if len(args) == 2 {
			ev.setHash(n, h, args[0], args[1])
			return args[1], true
		}
	case "merge", "merge!", "update":
		return ev.merge(n, h, name, args, blk), true
	case "dig":
		return ev.dig(n, h, args), len(args) > 0
	case "fetch":
		return ev.hashFetch(n, h, args, blk)
	case "delete", "delete_if", "reject!", "select!", "keep_if", "filter!", "compact!", "clear", "transform_values!", "shift", "replace", "default=", "transform_keys!":
		return ev.changeHash(n, h, name, args, blk)
	}
	switch len(args) {
	case 0:
		if v, ok := ev.hashMethod0(n, h, name, blk); ok {
			return v, true
		}
	case 1:
		if v, ok := ev.hashMethod1(h, name, args[0]); ok {
			return v, true
		}
	}
	switch name {
	case "slice", "except", "values_at", "fetch_values":
		return ev.hashPart(n, h, name, args)
	case "include?", "member?":
		return nil, false
	}
	list, _ := ev.elements(n, h)
	ev.step(len(list))
	switch name {
	case "select", "filter", "reject", "partition", "any?", "all?", "none?", "count", "find", "detect", "min_by", "max_by", "sort_by",
		"group_by", "sum", "flat_map", "map", "collect", "each", "each_pair", "each_with_index", "each_with_object", "to_a", "sort",
		"inject", "reduce", "first", "filter_map", "zip", "uniq", "take", "drop", "find_index", "each_entry", "each_slice", "min", "max", "to_h":
		return ev.enumMethod(n, h, list, name, args, blk)
	}
	return nil, false
}

func (ev *evaluator) hashIndex(n node, h *hash, k value) value {
	if h.mash {
		return ev.readMash(n, h, k)
	}
	if _, ok := keyOf(k); !ok {
		return ev.undecided(n, "a hash key that is not evaluated")
	}
	v, has := h.get(k)
	if !has {
		return h.fallback
	}
	return v
}

func (ev *evaluator) hashFetch(n node, h *hash, args []value, blk *proc) (value, bool) {
	if len(args) == 0 || len(args) > 2 {
		return nil, false
	}
	if u := tainted(args[0]); u != nil {
		return *u, true
	}
	if v, has := h.get(args[0]); has {
		return v, true
	}
	if blk != nil {
		return ev.callProc(n, blk, []value{args[0]}), true
	}
	if len(args) == 2 {
		return args[1], true
	}
	return ev.raise(n, "KeyError", "key not found: "+inspect(args[0])), true
}

// dig reads nested values without making any.
func (ev *evaluator) dig(n node, v value, keys []value) value {
	for _, k := range keys {
		if u := tainted(v); u != nil {
			return *u
		}
		switch c := v.(type) {
		case nil:
			return nil
		case *hash:
			if c.mash {
				k = mashKey(k)
			}
			v, _ = c.get(k)
		case *array:
			j, ok := k.(int64)
			if !ok {
				return ev.raise(n, "TypeError", "no implicit conversion of "+describe(k)+" into Integer")
			}
			v = at(c.list, j)
		default:
			return ev.raise(n, "TypeError", className(v)+" does not have #dig method")
		}
	}
	return v
}

// merge is merge, merge! and update.
func (ev *evaluator) merge(n node, h *hash, name string, args []value, blk *proc) value {
	target := h
	if name == "merge" {
		target = ev.dup(h).(*hash)
	}
	for _, a := range args {
		o, ok := a.(*hash)
		if !ok {
			if u := tainted(a); u != nil {
				taint(target, *u)
				continue
			}
			return ev.raise(n, "TypeError", "no implicit conversion of "+describe(a)+" into Hash")
		}
		if o.unknown != nil {
			taint(target, *o.unknown)
		}
		for _, e := range o.live() {
			k, v := e.key, e.value
			if target.mash {
				k = mashKey(k)
			}
			if old, has := target.get(k); has && blk != nil && !target.mash {
				v = ev.callProc(n, blk, []value{k, old, v})
			}
			ev.setHash(n, target, k, v)
		}
	}
	return target
}

func (ev *evaluator) hashMethod0(n node, h *hash, name string, blk *proc) (value, bool) {
	switch name {
	case "keys", "values":
		out := newArray()
		for _, e := range h.live() {
			if name == "keys" {
				out.list = append(out.list, e.key)
			} else {
				out.list = append(out.list, e.value)
			}
		}
		ev.step(len(out.list))
		return out, true
	case "length", "size":
		return int64(h.size()), true
	case "count":
		return int64(h.size()), blk == nil
	case "empty?":
		return h.size() == 0, true
	case "any?":
		return h.size() > 0, blk == nil
	case "to_h", "to_hash":
		if blk == nil {
			plain := newHash()
			for _, e := range h.live() {
				plain.set(e.key, e.value)
			}
			return plain, true
		}
	case "to_a":
		list, _ := ev.elements(n, h)
		return &array{list: list}, true
	case "invert":
		out := newHash()
		for _, e := range h.live() {
			if _, ok := keyOf(e.value); !ok {
				return nil, false
			}
			out.set(e.value, e.key)
		}
		return out, true
	case "compact":
		out := &hash{mash: false}
		for _, e := range h.live() {
			if e.value != nil {
				out.set(e.key, e.value)
			}
		}
		return out, !h.mash
	case "symbolize_keys", "transform_keys", "deep_symbolize_keys", "stringify_keys":
		if name != "transform_keys" || blk == nil {
			return nil, false
		}
	}
	if blk != nil {
		return ev.hashBlock(n, h, name, blk)
	}
	return nil, false
}

// hashBlock calls the methods of a hash that take a block.
func (ev *evaluator) hashBlock(n node, h *hash, name string, blk *proc) (value, bool) {
	switch name {
	case "each", "each_pair", "each_key", "each_value":
		for _, e := range h.live() {
			ev.step(1)
			switch name {
			case "each_key":
				ev.callProc(n, blk, []value{e.key})
			case "each_value":
				ev.callProc(n, blk, []value{e.value})
			default:
				ev.callProc(n, blk, []value{newArray(e.key, e.value)})
			}
			if u := ev.leftLoop(blk); u != nil {
				return *u, true
			}
		}
		return h, true
	case "select", "filter", "reject":
		out, u := ev.filterHash(n, h, blk, name != "reject")
		if u != nil {
			return *u, true
		}
		return out, true
	case "transform_values", "transform_keys":
		out := newHash()
		for _, e := range h.live() {
			ev.step(1)
			if name == "transform_values" {
				out.set(e.key, ev.callProc(n, blk, []value{e.value}))
				continue
			}
			k := ev.callProc(n, blk, []value{e.key})
			if _, ok := keyOf(k); !ok {
				return nil, false
			}
			out.set(k, e.value)
		}
		return out, true
	}
	return nil, false
}

func (ev *evaluator) filterHash(n node, h *hash, blk *proc, want bool) (*hash, *Undecided) {
	out := newHash()
	for _, e := range h.live() {
		ev.step(1)
		v := ev.callProc(n, blk, []value{e.key, e.value})
		if u := tainted(v); u != nil {
			return nil, u
		}
		if truthy(v) == want {
			out.set(e.key, e.value)
		}
	}
	return out, nil
}

func (ev *evaluator) hashMethod1(h *hash, name string, arg value) (value, bool) {
	switch name {
	case "key?", "has_key?", "include?", "member?":
		if _, ok := keyOf(arg); !ok {
			return nil, false
		}
		_, has := h.get(arg)
		return has, true
	case "value?", "has_value?", "key":
		for _, e := range h.live() {
			ev.step(1)
			same, known := ev.equal(e.value, arg)
			if !known {
				return nil, false
			}
			if same {
				if name == "key" {
					return e.key, true
				}
				return true, true
			}
		}
		if name == "key" {
			return nil, true
		}
		return false, true
	}
	return nil, false
}

func (ev *evaluator) hashPart(n node, h *hash, name string, args []value) (value, bool) {
	out, list := newHash(), newArray()
	if name == "except" {
		for _, e := range h.live() {
			out.set(e.key, e.value)
		}
	}
	for _, k := range args {
		v, has := h.get(k)
		switch name {
		case "slice":
			if has {
				out.set(k, v)
			}
		case "except":
			out.remove(k)
		case "values_at":
			if h.mash {
				v = ev.readMash(n, h, k)
			}
			list.list = append(list.list, v)
		default:
			if !has {
				return ev.raise(n, "KeyError", "key not found: "+inspect(k)), true
			}
			list.list = append(list.list, v)
		}
	}
	if name == "slice" || name == "except" {
		return out, !h.mash || name == "slice"
	}
	return list, true
}

// changeHash calls a method that removes from or replaces in a hash.
func (ev *evaluator) changeHash(n node, h *hash, name string, args []value, blk *proc) (value, bool) {
	switch name {
	case "delete":
		if len(args) != 1 {
			return nil, false
		}
		ev.forget(h, args[0])
		v, has := h.remove(args[0])
		if !has && blk != nil {
			return ev.callProc(n, blk, args), true
		}
		return v, true
	case "clear":
		for _, e := range h.live() {
			ev.forget(h, e.key)
		}
		h.clear()
		return h, true
	case "delete_if", "reject!", "select!", "keep_if", "filter!":
		if blk == nil {
			return nil, false
		}
		before := h.size()
		kept, u := ev.filterHash(n, h, blk, name != "delete_if" && name != "reject!")
		if u != nil {
			h.unknown = u
			return *u, true
		}
		for _, e := range h.live() {
			if _, ok := kept.get(e.key); !ok {
				ev.forget(h, e.key)
				h.remove(e.key)
			}
		}
		if strings.HasSuffix(name, "!") && h.size() == before {
			return nil, true
		}
		return h, true
	case "compact!":
		before := h.size()
		for _, e := range h.live() {
			if e.value == nil {
				ev.forget(h, e.key)
				h.remove(e.key)
			}
		}
		if h.size() == before {
			return nil, true
		}
		return h, true
	case "transform_values!":
		if blk != nil && !h.mash {
			for _, e := range h.live() {
				h.set(e.key, ev.callProc(n, blk, []value{e.value}))
			}
			return h, true
		}
	case "default=":
		if len(args) == 1 && !h.mash {
			h.fallback = args[0]
			return args[0], true
		}
	}
	return nil, false
}
