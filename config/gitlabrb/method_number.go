package gitlabrb

import (
	"math"
	"math/big"
)

func isNumber(v value) bool {
	switch v.(type) {
	case int64, *big.Int, float64:
		return true
	}
	return false
}

// norm makes an int64 of a big number that fits.
func norm(n *big.Int) value {
	if n.IsInt64() {
		return n.Int64()
	}
	return n
}

func toBig(v value) *big.Int {
	switch v := v.(type) {
	case int64:
		return big.NewInt(v)
	case *big.Int:
		return v
	}
	return new(big.Int)
}

func toFloat(v value) float64 {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case *big.Int:
		f, _ := new(big.Float).SetInt(v).Float64()
		return f
	case float64:
		return v
	}
	return 0
}

func floatToInt(f float64) value {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return Undecided{Why: "a float that is no number"}
	}
	n, _ := big.NewFloat(f).Int(nil)
	return norm(n)
}

// compareNumbers compares two numbers; ok is false for NaN.
func compareNumbers(a, b value) (c int, ok bool) {
	_, fa := a.(float64)
	_, fb := b.(float64)
	if fa || fb {
		x, y := toFloat(a), toFloat(b)
		switch {
		case math.IsNaN(x) || math.IsNaN(y):
			return 0, false
		case x < y:
			return -1, true
		case x > y:
			return 1, true
		}
		return 0, true
	}
	return toBig(a).Cmp(toBig(b)), true
}

// numberMethod calls a method of an integer or float.
func (ev *evaluator) numberMethod(n node, recv value, name string, args []value, blk *proc) (value, bool) {
	if len(args) == 1 {
		if v, ok := ev.arithmetic(n, recv, name, args[0]); ok {
			return v, true
		}
	}
	if f, ok := recv.(float64); ok {
		return ev.floatMethod(f, name, args)
	}
	return ev.integerMethod(n, recv, name, args, blk)
}

func (ev *evaluator) arithmetic(n node, a value, op string, b value) (value, bool) {
	switch op {
	case "+", "-", "*", "/", "%", "modulo", "**", "pow", "<", "<=", ">", ">=", "<=>", "div", "fdiv":
	case "&", "|", "^", "<<", ">>":
		return ev.bits(n, a, op, b)
	default:
		return nil, false
	}
	if !isNumber(b) {
		switch {
		case op == "<=>":
			return nil, true
		case op == "<" || op == "<=" || op == ">" || op == ">=":
			return ev.raise(n, "ArgumentError", "comparison of "+describe(a)+" with "+describe(b)+" failed"), true
		}
		return ev.raise(n, "TypeError", describe(b)+" cannot be coerced into "+className(a)), true
	}
	switch op {
	case "<", "<=", ">", ">=", "<=>":
		c, ok := compareNumbers(a, b)
		switch {
		case op == "<=>" && !ok:
			return nil, true
		case op == "<=>":
			return int64(c), true
		}
		return ok && (op == "<" && c < 0 || op == "<=" && c <= 0 || op == ">" && c > 0 || op == ">=" && c >= 0), true
	}
	_, fa := a.(float64)
	_, fb := b.(float64)
	if fa || fb || op == "fdiv" {
		return ev.floatArithmetic(n, toFloat(a), op, toFloat(b))
	}
	return ev.intArithmetic(n, toBig(a), op, toBig(b)), true
}

func (ev *evaluator) floatArithmetic(n node, x float64, op string, y float64) (value, bool) {
	switch op {
	case "+":
		return x + y, true
	case "-":
		return x - y, true
	case "*":
		return x * y, true
	case "/", "fdiv":
		return x / y, true
	case "**", "pow":
		if x < 0 && y != math.Trunc(y) {
			return ev.undecided(n, "a complex number"), true
		}
		return math.Pow(x, y), true
	case "%", "modulo":
		m := math.Mod(x, y)
		if m != 0 && (m < 0) != (y < 0) {
			m += y
		}
		return m, true
	}
	return nil, false
}

func (ev *evaluator) intArithmetic(n node, x *big.Int, op string, y *big.Int) value {
	ev.step(1 + (x.BitLen()+y.BitLen())/256)
	if x.BitLen()+y.BitLen() > maxBits {
		return ev.undecided(n, "a number of more than "+itoa(maxBits)+" bits")
	}
	z := new(big.Int)
	switch op {
	case "+":
		return norm(z.Add(x, y))
	case "-":
		return norm(z.Sub(x, y))
	case "*":
		return norm(z.Mul(x, y))
	case "**", "pow":
		if y.Sign() < 0 {
			return ev.undecided(n, "a rational number")
		}
		if !y.IsInt64() || x.BitLen() > 1 && int64(x.BitLen())*y.Int64() > maxBits {
			return ev.undecided(n, "a number of more than "+itoa(maxBits)+" bits")
		}
		if x.BitLen() <= 1 && y.BitLen() > 16 {
			y = new(big.Int).SetUint64(2 + uint64(y.Bit(0))) // ±1 and 0 only depend on the parity
		}
		return norm(z.Exp(x, y, nil))
	}
	if y.Sign() == 0 {
		return ev.raise(n, "ZeroDivisionError", "divided by 0")
	}
	mod := new(big.Int)
	z.QuoRem(x, y, mod)
	if mod.Sign() != 0 && (mod.Sign() < 0) != (y.Sign() < 0) { // Ruby rounds down
		z.Sub(z, big.NewInt(1))
		mod.Add(mod, y)
	}
	if op == "/" || op == "div" {
		return norm(z)
	}
	return norm(mod)
}

func (ev *evaluator) bits(n node, a value, op string, b value) (value, bool) {
	if _, f := a.(float64); f {
		return nil, false
	}
	switch b.(type) {
	case int64, *big.Int:
	default:
		return ev.raise(n, "TypeError", describe(b)+" cannot be coerced into Integer"), true
	}
	x, y, z := toBig(a), toBig(b), new(big.Int)
	switch op {
	case "&":
		return norm(z.And(x, y)), true
	case "|":
		return norm(z.Or(x, y)), true
	case "^":
		return norm(z.Xor(x, y)), true
	}
	shift := y.Int64()
	if op == ">>" {
		shift = -shift
	}
	if !y.IsInt64() || shift > maxBits || x.BitLen() > maxBits {
		return ev.undecided(n, "a number of more than "+itoa(maxBits)+" bits"), true
	}
	if shift >= 0 {
		return norm(z.Lsh(x, uint(shift))), true
	}
	return norm(z.Rsh(x, uint(min(-shift, maxBits*2)))), true
}

func (ev *evaluator) integerMethod(n node, recv value, name string, args []value, blk *proc) (value, bool) {
	x := toBig(recv)
	if len(args) == 0 {
		switch name {
		case "to_i", "to_int", "floor", "ceil", "round", "truncate", "ord", "+@":
			return recv, true
		case "to_f":
			return toFloat(recv), true
		case "-@":
			return norm(new(big.Int).Neg(x)), true
		case "~":
			return norm(new(big.Int).Not(x)), true
		case "abs", "magnitude":
			return norm(new(big.Int).Abs(x)), true
		case "zero?":
			return x.Sign() == 0, true
		case "positive?":
			return x.Sign() > 0, true
		case "negative?":
			return x.Sign() < 0, true
		case "nonzero?":
			if x.Sign() == 0 {
				return nil, true
			}
			return recv, true
		case "even?":
			return x.Bit(0) == 0, true
		case "odd?":
			return x.Bit(0) == 1, true
		case "succ", "next":
			return ev.intArithmetic(n, x, "+", big.NewInt(1)), true
		case "pred":
			return ev.intArithmetic(n, x, "-", big.NewInt(1)), true
		case "integer?", "finite?":
			return true, true
		case "chr":
			if x.IsInt64() && x.Sign() >= 0 && x.Int64() < 128 {
				return newStr(string(rune(x.Int64()))), true
			}
		case "times":
			if blk != nil && x.IsInt64() {
				return ev.repeat(n, recv, 0, x.Int64()-1, 1, blk), true
			}
		}
	}
	if len(args) == 1 {
		switch name {
		case "upto", "downto":
			to, ok := args[0].(int64)
			from, ok2 := recv.(int64)
			if blk != nil && ok && ok2 {
				step := int64(1)
				if name == "downto" {
					step = -1
				}
				return ev.repeat(n, recv, from, to, step, blk), true
			}
		case "to_s":
			if base, ok := args[0].(int64); ok && base >= 2 && base <= 36 {
				return newStr(x.Text(int(base))), true
			}
		case "gcd":
			if isInt(args[0]) {
				return norm(new(big.Int).GCD(nil, nil, new(big.Int).Abs(x), new(big.Int).Abs(toBig(args[0])))), true
			}
		case "divmod":
			if isInt(args[0]) {
				q := ev.intArithmetic(n, x, "/", toBig(args[0]))
				return newArray(q, ev.intArithmetic(n, x, "%", toBig(args[0]))), true
			}
		}
	}
	if (name == "between?" || name == "clamp") && len(args) == 2 {
		return ev.between(n, recv, name, args), true
	}
	return nil, false
}

func isInt(v value) bool {
	switch v.(type) {
	case int64, *big.Int:
		return true
	}
	return false
}

func (ev *evaluator) between(n node, v value, name string, args []value) value {
	low, high := ev.compare(n, v, args[0]), ev.compare(n, v, args[1])
	a, ok := low.(int64)
	b, ok2 := high.(int64)
	if !ok || !ok2 {
		return ev.undecided(n, "a comparison that is not evaluated")
	}
	switch {
	case name == "between?":
		return a >= 0 && b <= 0
	case a < 0:
		return args[0]
	case b > 0:
		return args[1]
	}
	return v
}

// repeat calls a block for each number of a sequence.
func (ev *evaluator) repeat(n node, result value, from, to, step int64, blk *proc) value {
	for i := from; step > 0 && i <= to || step < 0 && i >= to; i += step {
		ev.step(1)
		ev.callProc(n, blk, []value{i})
		if u := ev.leftLoop(blk); u != nil {
			return *u
		}
	}
	return result
}

// leftLoop reports that the loop may have been left by break.
func (ev *evaluator) leftLoop(blk *proc) *Undecided {
	if blk != nil && blk.loop != nil {
		return blk.loop.uncertain
	}
	return nil
}

func (ev *evaluator) floatMethod(f float64, name string, args []value) (value, bool) {
	if d, ok := argInt(args); ok && d == 0 && (name == "round" || name == "floor" || name == "ceil") {
		args = nil
	}
	if len(args) > 0 {
		return nil, false
	}
	switch name {
	case "to_f", "+@":
		return f, true
	case "-@":
		return -f, true
	case "to_i", "to_int", "truncate":
		return floatToInt(math.Trunc(f)), true
	case "floor":
		return floatToInt(math.Floor(f)), true
	case "ceil":
		return floatToInt(math.Ceil(f)), true
	case "round":
		return floatToInt(math.Round(f)), true
	case "abs":
		return math.Abs(f), true
	case "zero?":
		return f == 0, true
	case "nan?":
		return math.IsNaN(f), true
	case "positive?":
		return f > 0, true
	case "negative?":
		return f < 0, true
	}
	return nil, false
}

// compare is <=>: an int64, nil where there is no order, or undecided.
func (ev *evaluator) compare(n node, a, b value) value {
	if isNumber(a) && isNumber(b) {
		if c, ok := compareNumbers(a, b); ok {
			return int64(c)
		}
		return nil
	}
	if ev.depth >= maxCalls { // a list may hold itself
		return ev.undecided(n, "a comparison of values that are nested too deeply")
	}
	ev.depth++
	v := ev.send(n, a, "<=>", []value{b}, nil)
	ev.depth--
	return v
}
