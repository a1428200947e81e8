package envmap

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// encodeJSON writes one object, a variable a line.
func encodeJSON(e *Environment) ([]byte, error) {
	if err := lossless(e, FormatJSON, notUTF8); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteByte('{')
	separator := "\n"
	for v := range e.All() {
		value, err := marshal(v.Value)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%s  %q: %s", separator, v.Name, value)
		separator = ",\n"
	}
	if e.Len() > 0 {
		b.WriteByte('\n')
	}
	b.WriteString("}\n")
	return b.Bytes(), nil
}

// decodeJSON reads an object of texts and nulls, in its order.
func decodeJSON(data []byte) (*Environment, error) {
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("not valid UTF-8")
	}
	members, err := objectMembers(data)
	if err != nil {
		return nil, err
	}
	e := &Environment{}
	for _, m := range members {
		if !ValidName(m.key) {
			return nil, fmt.Errorf("a name is not a variable's name (letters, digits and underscores)")
		}
		v := Var{Name: m.key, Origin: originFile("JSON")}
		if string(m.value) != "null" {
			var text string
			if err := json.Unmarshal(m.value, &text); err != nil {
				return nil, fmt.Errorf("variable %s: want a text or null", m.key)
			}
			v.Value = &text
		}
		e.Put(v)
	}
	return e, nil
}
