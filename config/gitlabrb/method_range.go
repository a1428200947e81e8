package gitlabrb

// rangeList lists the elements of a range.
func (ev *evaluator) rangeList(n node, r *rangeVal) ([]value, *Undecided) {
	low, ok := r.low.(int64)
	high, ok2 := r.high.(int64)
	if !ok || !ok2 {
		a, isText := r.low.(*str)
		b, isText2 := r.high.(*str)
		if isText && isText2 && len(a.s) == 1 && len(b.s) == 1 && isIdent(a.s[0]) && isIdent(b.s[0]) && a.s[0] < 0x80 {
			low, high = int64(a.s[0]), int64(b.s[0])
			var list []value
			for i := low; i < high || i == high && !r.exclusive; i++ {
				list = append(list, newStr(string(rune(i))))
			}
			return list, nil
		}
		u := ev.undecided(n, "a range that is not of numbers")
		return nil, &u
	}
	if r.exclusive {
		high--
	}
	if high < low {
		return nil, nil
	}
	if high-low >= maxSteps || high-low < 0 {
		ev.step(maxSteps)
	}
	ev.step(int(high - low))
	list := make([]value, 0, high-low+1)
	for i := low; i <= high; i++ {
		list = append(list, i)
	}
	return list, nil
}

func (ev *evaluator) rangeMethod(n node, r *rangeVal, name string, args []value, blk *proc) (value, bool) {
	switch name {
	case "===", "include?", "member?", "cover?":
		if len(args) != 1 {
			return nil, false
		}
		return ev.inRange(n, r, args[0]), true
	case "first", "begin", "min":
		if len(args) == 0 {
			return r.low, name != "min"
		}
	case "last", "end", "max":
		if len(args) == 0 {
			return r.high, name != "max"
		}
	}
	list, u := ev.rangeList(n, r)
	if u != nil {
		ev.runMaybe(n, blk, *u)
		return *u, true
	}
	if name == "to_a" || name == "entries" {
		return &array{list: list}, true
	}
	if name == "size" || name == "step" {
		return nil, false
	}
	return ev.enumMethod(n, r, list, name, args, blk)
}

func (ev *evaluator) inRange(n node, r *rangeVal, v value) value {
	for i, end := range []value{r.low, r.high} {
		if end == nil {
			continue
		}
		if isNumber(end) != isNumber(v) {
			return false
		}
		c := ev.compare(n, v, end)
		k, ok := c.(int64)
		if u, is := c.(Undecided); is {
			return u
		}
		if !ok || i == 0 && k < 0 || i == 1 && (k > 0 || k == 0 && r.exclusive) {
			return false
		}
	}
	return true
}
