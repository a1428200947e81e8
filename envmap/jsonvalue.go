package envmap

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
)

// compactJSON takes all white space out of a JSON text.
func compactJSON(value []byte) (string, error) {
	var b bytes.Buffer
	if err := json.Compact(&b, value); err != nil {
		return "", err
	}
	return b.String(), nil
}

// sameJSON compares two JSON values, numbers by their text, objects in any
// order.
func sameJSON(a, b []byte) bool {
	x, errX := looseJSON(a)
	y, errY := looseJSON(b)
	return errX == nil && errY == nil && reflect.DeepEqual(x, y)
}

func looseJSON(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

// marshal writes a value as JSON without touching <, > and &.
func marshal(v any) (json.RawMessage, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return json.RawMessage(strings.TrimSuffix(b.String(), "\n")), nil
}
