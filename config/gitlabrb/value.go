package gitlabrb

import (
	"iter"
	"slices"
)

// A value of gitlab.rb is one of these Go types; nothing else occurs:
//
//	nil          Ruby's nil, which means "use the default"
//	bool         true, false
//	int64        an Integer that fits
//	*big.Int     an Integer that does not
//	float64      a Float
//	string       a String; the bytes as written, not necessarily UTF-8
//	Symbol       :name
//	[]any        an Array
//	*Hash        a Hash, in order of insertion
//	Undecided    what cannot be known without running Ruby on that machine

// Symbol is a Ruby symbol, without its colon.
type Symbol string

// Undecided stands for a value that static reading cannot determine.
type Undecided struct {
	Pos Pos    // the construct that could not be decided
	Why string // "calls the method foo", "ENV is not given", …
}

// Hash is a Ruby hash: keys in order of insertion, looked up in constant
// time. Inside the settings of gitlab.rb keys are strings (a symbol key is the
// same as its text, as in the settings file itself); other kinds of key
// (numbers) keep their type.
//
// The zero value is an empty hash. A Hash is not safe for concurrent writes.
type Hash struct {
	keys   []any
	values map[any]any
}

// Get returns the value under a string key, and whether the key exists. A nil
// hash has no keys.
func (h *Hash) Get(key string) (any, bool) { return h.GetKey(key) }

// GetKey is Get for a key of any scalar type.
func (h *Hash) GetKey(key any) (any, bool) {
	if h == nil {
		return nil, false
	}
	v, ok := h.values[key]
	return v, ok
}

// Set stores value under key; a new key goes to the end.
func (h *Hash) Set(key, value any) {
	if h.values == nil {
		h.values = make(map[any]any)
	}
	if _, ok := h.values[key]; !ok {
		h.keys = append(h.keys, key)
	}
	h.values[key] = value
}

// Delete removes key and returns what it held.
func (h *Hash) Delete(key any) (any, bool) {
	if h == nil {
		return nil, false
	}
	v, ok := h.values[key]
	if ok {
		delete(h.values, key)
		h.keys = slices.DeleteFunc(h.keys, func(k any) bool { return k == key })
	}
	return v, ok
}

// Len is the number of keys.
func (h *Hash) Len() int {
	if h == nil {
		return 0
	}
	return len(h.keys)
}

// All yields keys and values in order of insertion.
func (h *Hash) All() iter.Seq2[any, any] {
	return func(yield func(any, any) bool) {
		if h == nil {
			return
		}
		for _, k := range h.keys {
			if !yield(k, h.values[k]) {
				return
			}
		}
	}
}
