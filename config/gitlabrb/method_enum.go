package gitlabrb

import "slices"

// enumMethod calls what arrays, hashes and ranges have in common; list is
// what self yields.
func (ev *evaluator) enumMethod(n node, self value, list []value, name string, args []value, blk *proc) (value, bool) {
	if blk != nil && len(args) == 0 {
		if v, ok := ev.blockMethod(n, self, list, name, blk); ok {
			return v, true
		}
	}
	switch name {
	case "each_with_object", "inject", "reduce", "each_slice", "sum", "zip":
		return ev.foldMethod(n, list, name, args, blk)
	case "include?", "member?", "index", "find_index", "count":
		if len(args) == 1 && blk == nil {
			return ev.findValue(n, list, name, args[0]), true
		}
		if name == "count" && len(args) == 0 {
			return int64(len(list)), true
		}
	case "first":
		if len(args) == 0 {
			return at(list, 0), true
		}
		if k, ok := args[0].(int64); ok && k >= 0 {
			return &array{list: slices.Clone(list[:min(k, int64(len(list)))])}, true
		}
	case "take", "drop":
		if k, ok := argInt(args); ok && k >= 0 {
			k = min(k, int64(len(list)))
			if name == "take" {
				return &array{list: slices.Clone(list[:k])}, true
			}
			return &array{list: slices.Clone(list[k:])}, true
		}
	case "any?", "all?", "none?", "one?":
		if len(args) == 0 {
			return ev.countTruthy(list, name), true
		}
	case "sort", "min", "max", "uniq", "tally":
		if len(args) == 0 && blk == nil {
			return ev.orderMethod(n, list, name)
		}
	}
	return nil, false
}

func argInt(args []value) (int64, bool) {
	if len(args) != 1 {
		return 0, false
	}
	k, ok := args[0].(int64)
	return k, ok
}

// yieldValue calls a block for one element.
func (ev *evaluator) yieldValue(n node, blk *proc, e value) value {
	ev.step(1)
	return ev.callProc(n, blk, []value{e})
}

// eachValue calls a block for each element and returns self.
func (ev *evaluator) eachValue(n node, self value, list []value, blk *proc) value {
	for _, e := range list {
		ev.yieldValue(n, blk, e)
		if u := ev.leftLoop(blk); u != nil {
			return *u
		}
	}
	return self
}

// mapValues collects what a block returns.
func (ev *evaluator) mapValues(n node, list []value, blk *proc) ([]value, *Undecided) {
	out := make([]value, 0, len(list))
	for _, e := range list {
		out = append(out, ev.yieldValue(n, blk, e))
		if u := ev.leftLoop(blk); u != nil {
			return nil, u
		}
	}
	return out, nil
}

// filter keeps the elements for which a block says want.
func (ev *evaluator) filter(n node, list []value, blk *proc, want bool) ([]value, *Undecided) {
	var out []value
	for _, e := range list {
		v := ev.yieldValue(n, blk, e)
		if u := tainted(v); u != nil {
			return nil, u
		}
		if u := ev.leftLoop(blk); u != nil {
			return nil, u
		}
		if truthy(v) == want {
			out = append(out, e)
		}
	}
	return out, nil
}

func arrayOr(list []value, u *Undecided) value {
	if u != nil {
		return *u
	}
	return &array{list: list}
}

// blockMethod calls the methods that take a block and no arguments.
func (ev *evaluator) blockMethod(n node, self value, list []value, name string, blk *proc) (value, bool) {
	list = slices.Clone(list)
	switch name {
	case "each", "each_entry":
		return ev.eachValue(n, self, list, blk), true
	case "each_with_index", "each_index":
		for i, e := range list {
			ev.step(1)
			if name == "each_index" {
				ev.callProc(n, blk, []value{int64(i)})
			} else {
				ev.callProc(n, blk, []value{e, int64(i)})
			}
			if u := ev.leftLoop(blk); u != nil {
				return *u, true
			}
		}
		return self, true
	case "reverse_each":
		slices.Reverse(list)
		return ev.eachValue(n, self, list, blk), true
	case "map", "collect":
		return arrayOr(ev.mapValues(n, list, blk)), true
	case "flat_map":
		out, u := ev.mapValues(n, list, blk)
		if u != nil {
			return *u, true
		}
		return ev.flatten(n, &array{list: out}, 1), true
	case "filter_map":
		out, u := ev.mapValues(n, list, blk)
		for _, v := range out {
			if t := tainted(v); t != nil {
				u = t
			}
		}
		return arrayOr(slices.DeleteFunc(out, func(v value) bool { return !truthy(v) }), u), true
	case "select", "filter", "reject":
		return arrayOr(ev.filter(n, list, blk, name != "reject")), true
	case "partition":
		yes, u := ev.filter(n, list, blk, true)
		if u != nil {
			return *u, true
		}
		no, u := ev.filter(n, list, blk, false)
		return arrayOr([]value{&array{list: yes}, &array{list: no}}, u), true
	case "find", "detect", "any?", "all?", "none?", "one?", "count", "find_index", "index", "take_while", "drop_while":
		return ev.searchMethod(n, list, name, blk), true
	case "sort_by", "min_by", "max_by", "group_by", "uniq", "sum", "to_h", "each_with_object", "sort":
		return ev.keyMethod(n, list, name, blk)
	}
	return nil, false
}

func (ev *evaluator) searchMethod(n node, list []value, name string, blk *proc) value {
	var hits []value
	for i, e := range list {
		v := ev.yieldValue(n, blk, e)
		if u := tainted(v); u != nil {
			return *u
		}
		hit := truthy(v)
		switch {
		case hit && (name == "find" || name == "detect"):
			return e
		case hit && (name == "find_index" || name == "index"):
			return int64(i)
		case hit && name == "any?", !hit && name == "all?":
			return name == "any?"
		case !hit && name == "take_while":
			return &array{list: list[:i]}
		case !hit && name == "drop_while":
			return &array{list: list[i:]}
		}
		if hit {
			hits = append(hits, true)
		}
	}
	switch name {
	case "count":
		return int64(len(hits))
	case "take_while":
		return &array{list: list}
	case "drop_while":
		return newArray()
	case "any?", "all?", "none?", "one?":
		return name == "all?" || name == "none?" && len(hits) == 0 || name == "one?" && len(hits) == 1
	}
	return nil
}

func (ev *evaluator) countTruthy(list []value, name string) value {
	hits := 0
	for _, e := range list {
		if u := tainted(e); u != nil {
			return *u
		}
		if truthy(e) {
			hits++
		}
	}
	switch name {
	case "any?":
		return hits > 0
	case "all?":
		return hits == len(list)
	case "none?":
		return hits == 0
	}
	return hits == 1
}

func (ev *evaluator) findValue(n node, list []value, name string, v value) value {
	count := int64(0)
	for i, e := range list {
		ev.step(1)
		same, known := ev.equal(e, v)
		if !known {
			if u := tainted(e); u != nil {
				return *u
			}
			return ev.undecided(n, "a comparison that is not evaluated")
		}
		if !same {
			continue
		}
		switch name {
		case "include?", "member?":
			return true
		case "index", "find_index":
			return int64(i)
		}
		count++
	}
	switch name {
	case "include?", "member?":
		return false
	case "count":
		return count
	}
	return nil
}

// keyMethod calls the methods that order or group by what a block returns.
func (ev *evaluator) keyMethod(n node, list []value, name string, blk *proc) (value, bool) {
	if name == "sort" {
		return ev.undecided(n, "sort with a block"), true
	}
	keys, u := ev.mapValues(n, list, blk)
	if u != nil {
		return *u, true
	}
	for _, k := range keys {
		if t := tainted(k); t != nil {
			return *t, true
		}
	}
	switch name {
	case "to_h":
		return ev.pairsToHash(n, keys), true
	case "sum":
		return ev.foldMethod(n, keys, "sum", nil, nil)
	case "group_by", "uniq":
		h := newHash()
		out := newArray()
		for i, k := range keys {
			if _, ok := keyOf(k); !ok {
				return nil, false
			}
			g, has := h.get(k)
			if !has {
				g = newArray()
				h.set(k, g)
				out.list = append(out.list, list[i])
			}
			g.(*array).list = append(g.(*array).list, list[i])
		}
		if name == "uniq" {
			return out, true
		}
		return h, true
	case "sort_by", "min_by", "max_by":
		order := make([]int, len(list))
		for i := range order {
			order[i] = i
		}
		if problem := ev.sortBy(n, order, keys, name == "sort_by"); problem != nil {
			return problem, true
		}
		out := make([]value, len(list))
		for i, j := range order {
			out[i] = list[j]
		}
		switch {
		case name == "sort_by":
			return &array{list: out}, true
		case len(out) == 0:
			return nil, true
		case name == "min_by":
			return out[0], true
		}
		last := len(out) - 1 // the first of the greatest
		for last > 0 && ev.compare(n, keys[order[last-1]], keys[order[last]]) == int64(0) {
			last--
		}
		return out[last], true
	}
	return nil, false
}

// sortBy sorts order by keys. Ruby's sort is not stable: equal keys make the
// order of a sort_by undecided.
func (ev *evaluator) sortBy(n node, order []int, keys []value, strict bool) (problem value) {
	ev.step(len(order) * 8)
	slices.SortStableFunc(order, func(i, j int) int {
		if problem != nil {
			return 0
		}
		switch c := ev.compare(n, keys[i], keys[j]).(type) {
		case int64:
			if c == 0 && strict && i != j {
				problem = ev.undecided(n, "the order of equal elements")
			}
			return int(c)
		case Undecided:
			problem = c
		default:
			problem = ev.raise(n, "ArgumentError", "comparison of "+describe(keys[i])+" with "+describe(keys[j])+" failed")
		}
		return 0
	})
	return problem
}

func (ev *evaluator) orderMethod(n node, list []value, name string) (value, bool) {
	if name == "uniq" || name == "tally" {
		h := newHash()
		for _, v := range list {
			ev.step(1)
			if _, ok := keyOf(v); !ok {
				return nil, false
			}
			count, _ := h.get(v)
			i, _ := count.(int64)
			h.set(v, i+1)
		}
		if name == "tally" {
			return h, true
		}
		out := newArray()
		for _, e := range h.live() {
			out.list = append(out.list, e.key)
		}
		return out, true
	}
	order := make([]int, len(list))
	for i := range order {
		order[i] = i
	}
	for _, v := range list {
		if u := tainted(v); u != nil {
			return *u, true
		}
	}
	if problem := ev.sortBy(n, order, list, false); problem != nil {
		return problem, true
	}
	out := make([]value, len(list))
	for i, j := range order {
		out[i] = list[j]
	}
	switch {
	case name == "sort":
		return &array{list: out}, true
	case name == "min":
		return at(out, 0), true
	}
	return at(out, -1), true
}
