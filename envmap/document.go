package envmap

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// document is a config.json that keeps the order and the spelling of its keys,
// and everything that nobody here knows.
type document struct{ root *object }

// object is a JSON object; a member holds either an object or any other value.
type object struct{ members []objectMember }

type objectMember struct {
	key    string
	raw    json.RawMessage
	object *object
}

// maxConfig bounds a config.json.
const maxConfig = 16 << 20

// parseDocument reads a config.json; an empty text is an empty document.
// Sections must be objects, as Mattermost demands.
func parseDocument(data []byte) (*document, error) {
	switch {
	case len(data) > maxConfig:
		return nil, fmt.Errorf("read config.json: %d bytes, more than %d", len(data), maxConfig)
	case !utf8.Valid(data):
		return nil, errors.New("read config.json: not valid UTF-8")
	case len(bytes.TrimSpace(data)) == 0:
		return &document{root: &object{}}, nil
	}
	root, err := parseObject(data)
	if err != nil {
		return nil, fmt.Errorf("read config.json: %w", err)
	}
	for _, m := range root.members {
		if s := sectionKind(m.key); s && m.object == nil && string(m.raw) != "null" {
			return nil, fmt.Errorf("read config.json: %s is not an object; Mattermost does not start with it", m.key)
		}
	}
	return &document{root: root}, nil
}

// sectionKind tells whether a top-level key is a section that is known.
func sectionKind(key string) bool {
	for s := range Settings() {
		if strings.EqualFold(s.Section(), key) {
			return true
		}
	}
	return false
}

// parseObject reads nested objects. The decoder bounds the nesting.
func parseObject(data []byte) (*object, error) {
	members, err := objectMembers(data)
	if err != nil {
		return nil, err
	}
	o := &object{}
	for _, m := range members {
		member := objectMember{key: m.key, raw: m.value}
		if len(m.value) > 0 && m.value[0] == '{' {
			if member.object, err = parseObject(m.value); err != nil {
				return nil, err
			}
		}
		o.members = append(o.members, member)
	}
	return o, nil
}

// find returns the member that Go's decoder would take for a key: of several
// that differ in case only, the last.
func (o *object) find(key string) *objectMember {
	for i := len(o.members) - 1; i >= 0; i-- {
		if strings.EqualFold(o.members[i].key, key) {
			return &o.members[i]
		}
	}
	return nil
}

// get returns the JSON of a setting; false when it is missing or null, which
// the server takes as missing.
func (d *document) get(path string) (json.RawMessage, bool) {
	o := d.root
	for {
		head, rest, more := strings.Cut(path, ".")
		m := o.find(head)
		switch {
		case m == nil:
			return nil, false
		case !more:
			value := m.raw
			return value, string(value) != "null"
		case m.object == nil:
			return nil, false
		}
		o, path = m.object, rest
	}
}

// set stores the JSON of a setting; new keys go to the end of their section.
func (d *document) set(path string, value json.RawMessage) {
	o := d.root
	for {
		head, rest, more := strings.Cut(path, ".")
		m := o.find(head)
		if m == nil {
			o.members = append(o.members, objectMember{key: head})
			m = &o.members[len(o.members)-1]
		}
		if !more {
			m.raw, m.object = value, nil
			return
		}
		if m.object == nil {
			m.object = &object{}
		}
		o, path = m.object, rest
	}
}

// remove takes a top-level key out.
func (d *document) remove(key string) {
	kept := d.root.members[:0]
	for _, m := range d.root.members {
		if !strings.EqualFold(m.key, key) {
			kept = append(kept, m)
		}
	}
	d.root.members = kept
}

// json writes the document with four blanks of indentation, as the server does.
func (d *document) json() ([]byte, error) {
	var compact, out bytes.Buffer
	if err := d.root.write(&compact); err != nil {
		return nil, err
	}
	if err := json.Indent(&out, compact.Bytes(), "", "    "); err != nil {
		return nil, fmt.Errorf("write config.json: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

func (o *object) write(b *bytes.Buffer) error {
	b.WriteByte('{')
	for i, m := range o.members {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := marshal(m.key)
		if err != nil {
			return err
		}
		b.Write(key)
		b.WriteByte(':')
		if m.object != nil {
			if err := m.object.write(b); err != nil {
				return err
			}
			continue
		}
		b.Write(m.raw)
	}
	b.WriteByte('}')
	return nil
}
