package gitlabrb

import "math/big"

// span is the place of a node: bytes [from,to) of the source. The body of a
// heredoc lies outside of the span of its tag.
type span struct{ from, to int }

func (s span) at() span { return s }

// node is a part of the syntax tree.
type node interface{ at() span }

type (
	// seq is a list of statements.
	seq struct {
		span
		list []node
	}
	// simple is nil, true, false, self, redo, retry, __FILE__, __LINE__.
	simple struct {
		span
		word keyword
	}
	intLit struct {
		span
		n   int64
		big *big.Int // set when n does not fit
	}
	floatLit struct {
		span
		f float64
	}
	// strLit is a string; one without interpolation has no parts.
	strLit struct {
		span
		text    string
		parts   []node // strLit and seq
		command bool   // `…`
		heredoc bool
	}
	regexLit struct {
		span
		parts []node
		flags string
	}
	symLit struct {
		span
		name  string
		parts []node
	}
	arrayLit struct {
		span
		elems []node
		words bool // %w
	}
	hashLit struct {
		span
		pairs  []pair
		braces bool
	}
	// pair is one entry of a hash; key is nil for **value.
	pair struct{ key, value node }

	localVar struct {
		span
		name string
	}
	// otherVar is an instance, class or global variable.
	otherVar struct {
		span
		name string
	}
	// constant is Name, scope::Name or ::Name.
	constant struct {
		span
		scope node
		top   bool
		name  string
	}
	// call is a method call; index is name "[]", an operator its own name.
	call struct {
		span
		recv   node // nil: a call on self
		name   string
		nameAt span
		args   []node
		block  node // *blockLit or *blockPass
		safe   bool // &.
		parens bool // has ( ) or [ ]
		op     bool // written as an operator
	}
	splat struct {
		span
		value node // nil in *
	}
	blockPass struct {
		span
		value node
	}
	// assign is target = value. For a multiple assignment target is multiLHS.
	assign struct {
		span
		target, value node
	}
	opAssign struct {
		span
		target node
		op     string
		value  node
	}
	multiLHS struct {
		span
		targets []node // splat for *rest
	}
	logic struct {
		span
		and         bool
		left, right node
	}
	not struct {
		span
		value node
	}
	defined struct {
		span
		value node
	}
	ifNode struct {
		span
		cond, then, otherwise node
	}
	while struct {
		span
		cond, body node
		until      bool
		after      bool // begin … end while cond
	}
	forNode struct {
		span
		target, list, body node
	}
	caseNode struct {
		span
		subject   node
		whens     []when
		otherwise node
	}
	when struct {
		conds []node
		body  node
	}
	begin struct {
		span
		body      node
		rescues   []rescue
		otherwise node
		ensure    node
	}
	rescue struct {
		classes []node
		target  node
		body    node
	}
	// jump is return, break or next.
	jump struct {
		span
		word  keyword
		value node
	}
	yield struct {
		span
		args []node
	}
	def struct {
		span
		recv   node
		name   string
		params *params
		body   node
	}
	// blockLit is a block or, with lambda set, ->(){}.
	blockLit struct {
		span
		params *params
		body   node
		lambda bool
	}
	rangeLit struct {
		span
		low, high node
		exclusive bool
	}
	// opaque is Ruby that is parsed but never evaluated: class, module, super,
	// alias, undef, BEGIN, END, rational numbers.
	opaque struct {
		span
		what string
	}
)

// params are the parameters of a method or a block.
type params struct {
	list []param
	rank int // while parsing: how far the order of kinds has come
}

// paramKind is how a parameter takes its arguments.
type paramKind uint8

const (
	paramPlain paramKind = iota
	paramOptional
	paramRest
	paramKeyword
	paramKeyRest
	paramBlock
	paramGroup // (a, b)
	paramLocal // ; x
	paramForward
)

type param struct {
	kind  paramKind
	name  string
	value node // default
	group *multiLHS
}
