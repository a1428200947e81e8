package gitlabrb

import "slices"

// foldMethod calls inject, each_with_object, sum, each_slice, zip.
func (ev *evaluator) foldMethod(n node, list []value, name string, args []value, blk *proc) (value, bool) {
	switch name {
	case "each_with_object":
		if blk == nil || len(args) != 1 {
			return nil, false
		}
		for _, e := range list {
			ev.step(1)
			ev.callProc(n, blk, []value{e, args[0]})
		}
		return args[0], true
	case "each_slice":
		k, ok := argInt(args)
		if !ok || k <= 0 || blk == nil {
			return nil, false
		}
		for part := range slices.Chunk(list, int(min(k, maxSteps))) {
			ev.yieldValue(n, blk, &array{list: slices.Clone(part)})
		}
		return nil, true
	case "zip":
		out := newArray()
		for i, e := range list {
			row := newArray(e)
			for _, a := range args {
				o, ok := a.(*array)
				if !ok {
					return nil, false
				}
				ev.step(1)
				row.list = append(row.list, at(o.list[min(i, len(o.list)):], 0))
			}
			out.list = append(out.list, row)
		}
		return out, blk == nil
	case "sum":
		if blk != nil {
			return nil, false
		}
		acc := value(int64(0))
		if len(args) > 0 {
			acc = args[0]
		}
		for _, e := range list {
			if _, isFloat := e.(float64); isFloat {
				return ev.undecided(n, "a sum of floats"), true
			}
			acc = ev.send(n, acc, "+", []value{e}, nil)
		}
		return acc, true
	}
	return ev.inject(n, list, args, blk)
}

func (ev *evaluator) inject(n node, list []value, args []value, blk *proc) (value, bool) {
	list = slices.Clone(list)
	op := ""
	if blk == nil && len(args) > 0 {
		s, ok := args[len(args)-1].(Symbol)
		if !ok {
			return nil, false
		}
		op = string(s)
		args = args[:len(args)-1]
	}
	var acc value
	switch {
	case len(args) == 1:
		acc = args[0]
	case len(args) > 1:
		return nil, false
	case len(list) == 0:
		return nil, true
	default:
		acc, list = list[0], list[1:]
	}
	for _, e := range list {
		ev.step(1)
		if op != "" {
			acc = ev.send(n, acc, op, []value{e}, nil)
		} else if blk != nil {
			acc = ev.callProc(n, blk, []value{acc, e})
		} else {
			return nil, false
		}
	}
	return acc, true
}
