package gitlabrb

import (
	"math/big"
	"strconv"
)

// value is a Ruby value while evaluating: nil, bool, int64, *big.Int, float64,
// Symbol, Undecided, or one of the objects below, which have an identity as
// Ruby's have: two variables may hold the same string, and see it change.
type value any

type (
	str struct {
		s       string
		frozen  bool
		unknown *Undecided // changed in a way that is not known
	}
	array struct {
		list    []value
		frozen  bool
		unknown *Undecided
	}
	// hash is a Hash or, with mash set, a hash of the settings: its keys are
	// strings, and it stores empty hashes when read.
	hash struct {
		entries  []entry
		index    map[hashKey]int
		dead     int
		mash     bool
		path     []string // where in the settings it is
		vivified *node    // made by reading, at this node
		viviFile *File
		viviMay  *Undecided
		frozen   bool
		fallback value
		unknown  *Undecided
	}
	entry struct {
		key, value value
		dead       bool
	}
	// hashKey is what two equal keys have in common.
	hashKey struct {
		kind byte
		text string
	}
	rangeVal struct {
		low, high value
		exclusive bool
	}
	regex struct {
		source string
		flags  string
	}
	proc struct {
		params *params
		body   node
		scope  *env
		file   *File
		lambda bool
		home   *frame // what return leaves
		loop   *boundary
		// bySymbol is &:name, which calls a method; even the empty name is one.
		bySymbol bool
		symbol   string
		method   *method
	}
	method struct {
		def       *def
		file      *File
		uncertain *Undecided
	}
	exception struct{ r *raised }
	// object is a class, a module or another constant thing, by name.
	object struct{ name string }
	// self is the object that the settings are methods of.
	selfObject struct{}
)

func newStr(s string) *str { return &str{s: s} }

func newArray(list ...value) *array { return &array{list: list} }

func newHash() *hash { return &hash{} }

// keyOf returns the identity of a key, false if it cannot be one here.
func keyOf(k value) (hashKey, bool) { return keyAt(k, 0) }

// keyAt counts the depth: a list may hold itself.
func keyAt(k value, depth int) (hashKey, bool) {
	if depth > maxDepth {
		return hashKey{}, false
	}
	switch k := k.(type) {
	case nil:
		return hashKey{kind: 'n'}, true
	case bool:
		if k {
			return hashKey{kind: 't'}, true
		}
		return hashKey{kind: 'f'}, true
	case *str:
		return hashKey{'s', k.s}, k.unknown == nil
	case string:
		return hashKey{'s', k}, true
	case Symbol:
		return hashKey{'y', string(k)}, true
	case int64:
		return hashKey{'i', strconv.FormatInt(k, 10)}, true
	case *big.Int:
		return hashKey{'i', k.String()}, true
	case float64:
		return hashKey{'d', formatFloat(k)}, true
	case *array:
		text := ""
		for _, e := range k.list {
			key, ok := keyAt(e, depth+1)
			if !ok || len(text) > 1000 {
				return hashKey{}, false
			}
			text += string(key.kind) + itoa(len(key.text)) + ":" + key.text
		}
		return hashKey{'a', text}, k.unknown == nil
	}
	return hashKey{}, false
}

func (h *hash) find(k hashKey) int {
	if h.index != nil {
		if i, ok := h.index[k]; ok {
			return i
		}
	}
	return -1
}

// get returns the value under a key that is known to be comparable.
func (h *hash) get(k value) (value, bool) {
	key, ok := keyOf(k)
	if !ok {
		return nil, false
	}
	if i := h.find(key); i >= 0 {
		return h.entries[i].value, true
	}
	return nil, false
}

// set stores a value; the key must be comparable.
func (h *hash) set(k, v value) {
	key, ok := keyOf(k)
	if !ok {
		return
	}
	if i := h.find(key); i >= 0 {
		h.entries[i].value = v
		return
	}
	if s, isStr := k.(*str); isStr && !s.frozen {
		k = &str{s: s.s, frozen: true} // Ruby copies string keys
	}
	if h.index == nil {
		h.index = make(map[hashKey]int)
	}
	h.index[key] = len(h.entries)
	h.entries = append(h.entries, entry{key: k, value: v})
}

func (h *hash) remove(k value) (value, bool) {
	key, ok := keyOf(k)
	if !ok {
		return nil, false
	}
	i := h.find(key)
	if i < 0 {
		return nil, false
	}
	v := h.entries[i].value
	h.entries[i] = entry{dead: true}
	delete(h.index, key)
	if h.dead++; h.dead > 16 && h.dead > len(h.entries)/2 {
		h.compact()
	}
	return v, true
}

func (h *hash) compact() {
	list := h.live()
	h.entries, h.dead = list, 0
	for i := range list {
		key, _ := keyOf(list[i].key)
		h.index[key] = i
	}
}

// live returns the entries in order; the slice is the caller's.
func (h *hash) live() []entry {
	list := make([]entry, 0, len(h.entries)-h.dead)
	for _, e := range h.entries {
		if !e.dead {
			list = append(list, e)
		}
	}
	return list
}

func (h *hash) size() int { return len(h.entries) - h.dead }

func (h *hash) clear() { h.entries, h.index, h.dead = nil, nil, 0 }

// tainted returns why the content of a value is not known.
func tainted(v value) *Undecided {
	switch v := v.(type) {
	case Undecided:
		return &v
	case *str:
		return v.unknown
	case *array:
		return v.unknown
	case *hash:
		return v.unknown
	}
	return nil
}

// taint marks a changeable value as changed in an unknown way.
func taint(v value, u Undecided) {
	switch v := v.(type) {
	case *str:
		v.unknown = &u
	case *array:
		v.unknown = &u
	case *hash:
		v.unknown = &u
	}
}

func truthy(v value) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	}
	return true
}

// className is the name of the class of a value.
func className(v value) string {
	switch v := v.(type) {
	case nil:
		return "NilClass"
	case bool:
		if v {
			return "TrueClass"
		}
		return "FalseClass"
	case int64, *big.Int:
		return "Integer"
	case float64:
		return "Float"
	case *str:
		return "String"
	case Symbol:
		return "Symbol"
	case *array:
		return "Array"
	case *hash:
		if v.mash {
			return "Gitlab::ConfigMash"
		}
		return "Hash"
	case *rangeVal:
		return "Range"
	case *regex:
		return "Regexp"
	case *proc:
		return "Proc"
	case *exception:
		return v.r.class
	}
	return "Object"
}

// asMash converts a value on its way into the settings: hashes become settings
// hashes with string keys, arrays are copied.
func (ev *evaluator) asMash(v value, depth int) value {
	if depth > maxDepth {
		return Undecided{Why: "a structure that is nested too deeply"}
	}
	ev.step(1)
	switch v := v.(type) {
	case *hash:
		if v.mash {
			return v
		}
		m := &hash{mash: true, unknown: v.unknown}
		for _, e := range v.live() {
			m.set(mashKey(e.key), ev.asMash(e.value, depth+1))
		}
		return m
	case *array:
		a := &array{unknown: v.unknown, list: make([]value, len(v.list))}
		for i, e := range v.list {
			a.list[i] = ev.asMash(e, depth+1)
		}
		return a
	}
	return v
}

// mashKey turns a symbol into the string it is the same as.
func mashKey(k value) value {
	if s, ok := k.(Symbol); ok {
		return newStr(string(s))
	}
	return k
}

// exporter turns internal values into the exported ones.
type exporter struct{ steps int }

func (x *exporter) export(v value, depth int) any {
	if x.steps--; x.steps < 0 || depth > maxDepth {
		return Undecided{Why: "a structure that is too large or refers to itself"}
	}
	if u := tainted(v); u != nil {
		return *u
	}
	switch v := v.(type) {
	case *str:
		return v.s
	case *array:
		list := make([]any, len(v.list))
		for i, e := range v.list {
			list[i] = x.export(e, depth+1)
		}
		return list
	case *hash:
		if v.viviMay != nil && v.size() == 0 {
			return *v.viviMay
		}
		h := &Hash{}
		for _, e := range v.entries {
			if e.dead {
				continue
			}
			h.Set(exportKey(e.key), x.export(e.value, depth+1))
		}
		return h
	case nil, bool, int64, *big.Int, float64, Symbol:
		return v
	}
	return Undecided{Why: "the value is a " + className(v)}
}

func exportKey(k value) any {
	switch k := k.(type) {
	case *str:
		return k.s
	case Symbol:
		return string(k)
	case *big.Int:
		return k.String()
	case nil, bool, int64, float64, string:
		return k
	}
	return inspect(k)
}

func keyText(k any) string {
	switch k := k.(type) {
	case string:
		return k
	case Symbol:
		return string(k)
	}
	return inspect(k)
}
