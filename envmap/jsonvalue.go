package envmap

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// member is one member of a JSON object.
type member struct {
	key   string
	value json.RawMessage
}

// objectMembers reads one JSON object and keeps the order of its members.
func objectMembers(data []byte) ([]member, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	if open, err := d.Token(); err != nil {
		return nil, jsonError(data, d, err)
	} else if open != json.Delim('{') {
		return nil, errors.New("want a JSON object")
	}
	var out []member
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, jsonError(data, d, err)
		}
		m := member{key: key.(string)} // the decoder checks that keys are strings
		if err := d.Decode(&m.value); err != nil {
			return nil, jsonError(data, d, err)
		}
		out = append(out, m)
	}
	if _, err := d.Token(); err != nil {
		return nil, jsonError(data, d, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("line %d: text after the object", lineAt(data, d.InputOffset()))
	}
	return out, nil
}

// jsonError adds the line; encoding/json's own words quote at most one
// character of the text.
func jsonError(data []byte, d *json.Decoder, err error) error {
	offset := d.InputOffset()
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		offset = max(offset, syntax.Offset)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the text ends too early")
	}
	return fmt.Errorf("line %d: %w", lineAt(data, offset), err)
}

func lineAt(data []byte, offset int64) int {
	return 1 + bytes.Count(data[:min(int(offset), len(data))], []byte("\n"))
}
