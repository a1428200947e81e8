package gitlabrb

// children lists the nodes directly below n.
func children(n node) []node {
	var out []node
	add := func(list ...node) {
		for _, c := range list {
			if c != nil {
				out = append(out, c)
			}
		}
	}
	switch n := n.(type) {
	case *seq:
		add(n.list...)
	case *strLit:
		add(n.parts...)
	case *symLit:
		add(n.parts...)
	case *regexLit:
		add(n.parts...)
	case *arrayLit:
		add(n.elems...)
	case *hashLit:
		for _, p := range n.pairs {
			add(p.key, p.value)
		}
	case *constant:
		add(n.scope)
	case *call:
		add(n.recv)
		add(n.args...)
		add(n.block)
	case *splat:
		add(n.value)
	case *blockPass:
		add(n.value)
	case *assign:
		add(n.target, n.value)
	case *opAssign:
		add(n.target, n.value)
	case *multiLHS:
		add(n.targets...)
	case *logic:
		add(n.left, n.right)
	case *not:
		add(n.value)
	case *defined:
		add(n.value)
	case *yield:
		add(n.args...)
	case *jump:
		add(n.value)
	case *rangeLit:
		add(n.low, n.high)
	default:
		return blockChildren(n)
	}
	return out
}

// blockChildren is children for the constructs that hold statements.
func blockChildren(n node) []node {
	var out []node
	add := func(list ...node) {
		for _, c := range list {
			if c != nil {
				out = append(out, c)
			}
		}
	}
	switch n := n.(type) {
	case *ifNode:
		add(n.cond, n.then, n.otherwise)
	case *while:
		add(n.cond, n.body)
	case *forNode:
		add(n.target, n.list, n.body)
	case *caseNode:
		add(n.subject)
		for _, w := range n.whens {
			add(w.conds...)
			add(w.body)
		}
		add(n.otherwise)
	case *begin:
		add(n.body)
		for _, r := range n.rescues {
			add(r.classes...)
			add(r.target, r.body)
		}
		add(n.otherwise, n.ensure)
	case *def:
		add(n.recv, n.body)
		if n.params != nil {
			for _, p := range n.params.list {
				add(p.value)
			}
		}
	case *blockLit:
		add(n.body)
		if n.params != nil {
			for _, p := range n.params.list {
				add(p.value)
			}
		}
	}
	return out
}

// buried looks for an assignment of the editor's setting inside of a
// construct; why is empty when there is none.
func (e *editor) buried(n node) (at node, why string) {
	if n == nil {
		return nil, ""
	}
	switch n := n.(type) {
	case *assign:
		if e.isHashItself(n.value) {
			return n, "may be set where the hash " + e.path[0] + " is handed on"
		}
		if c, ok := n.target.(*call); ok && e.touches(c) {
			return n, "is set inside of a condition, loop, method or other construct"
		}
	case *opAssign:
		if c, ok := n.target.(*call); ok && e.touches(c) {
			return n, "is set with " + n.op + "="
		}
	case *multiLHS:
		for _, t := range n.targets {
			if c, ok := t.(*call); ok && e.touches(c) {
				return n, "is set by a multiple assignment"
			}
		}
	case *call:
		if at, why := e.buriedCall(n); why != "" {
			return at, why
		}
		if path, _ := indexPath(n); path != nil && path[0] == e.path[0] {
			return nil, "" // only read
		}
	case *strLit:
		if n.parts == nil {
			return nil, ""
		}
	case *localVar:
		return nil, ""
	}
	for _, c := range children(n) {
		if at, why := e.buried(c); why != "" {
			return at, why
		}
	}
	return nil, ""
}

// buriedCall looks at calls that may change the setting.
func (e *editor) buriedCall(n *call) (node, string) {
	if n.recv == nil && n.name == e.path[0] && len(n.args) > 0 {
		return n, "is set inside of a condition, loop, method or other construct"
	}
	if c, ok := n.recv.(*call); ok && (changes(n.name) || n.block != nil && n.name != "[]") && e.touches(c) {
		return n, "is set by calling " + n.name
	}
	// The hash itself handed on: what happens to it is not known.
	handed := append([]node{n.block}, n.args...)
	if list, ok := n.recv.(*arrayLit); ok {
		handed = append(handed, list)
	}
	for _, a := range handed {
		if e.isHashItself(a) && n.name != "[]" {
			return n, "may be set where the hash " + e.path[0] + " is handed on"
		}
	}
	return nil, ""
}

// isHashItself reports the bare top-level name as a value, also in a list.
func (e *editor) isHashItself(n node) bool {
	switch n := n.(type) {
	case *call:
		if n.recv == nil && n.name == e.path[0] && len(n.args) == 0 {
			return len(e.path) > 1
		}
	case *arrayLit:
		for _, x := range n.elems {
			if e.isHashItself(x) {
				return true
			}
		}
	}
	return false
}

// touches reports whether the index expression may be the setting, a part of
// it or what it is a part of.
func (e *editor) touches(c *call) bool {
	path, exact := indexPath(c)
	if path == nil || path[0] != e.path[0] {
		return false
	}
	for i := 1; i < min(len(path), len(e.path)); i++ {
		if path[i] != e.path[i] && (exact || path[i] != "") {
			return false
		}
	}
	return true
}
