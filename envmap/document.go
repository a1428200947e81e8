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
type object struct {
	members []objectMember
	index   map[string]int // last member of a key in lower case
}

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
	root, err := parseObject(data, 0)
	if err != nil {
		return nil, fmt.Errorf("read config.json: %w", err)
	}
	known := sections()
	for _, m := range root.members {
		if known[strings.ToLower(m.key)] && m.object == nil && string(m.raw) != "null" {
			return nil, fmt.Errorf("read config.json: %s is not an object; Mattermost does not start with it", m.key)
		}
	}
	return &document{root: root}, nil
}

// sections are the known sections, in lower case.
func sections() map[string]bool {
	out := map[string]bool{}
	for s := range Settings() {
		out[strings.ToLower(s.Section())] = true
	}
	return out
}

// settingDepth is how deep the objects of settings nest; what is deeper stays
// one piece of text.
const settingDepth = 3

func parseObject(data []byte, depth int) (*object, error) {
	members, err := objectMembers(data)
	if err != nil {
		return nil, err
	}
	o := &object{members: make([]objectMember, 0, len(members))}
	for _, m := range members {
		member := objectMember{key: m.key, raw: m.value}
		if depth < settingDepth && len(m.value) > 0 && m.value[0] == '{' {
			if member.object, err = parseObject(m.value, depth+1); err != nil {
				return nil, err
			}
		}
		o.append(member)
	}
	return o, nil
}

func (o *object) append(m objectMember) {
	if o.index == nil {
		o.index = make(map[string]int)
	}
	o.index[strings.ToLower(m.key)] = len(o.members)
	o.members = append(o.members, m)
}

// find returns the member that Go's decoder would take for a key: of several
// that differ in case only, the last.
func (o *object) find(key string) *objectMember {
	i, ok := o.index[strings.ToLower(key)]
	if !ok {
		return nil
	}
	return &o.members[i]
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
			o.append(objectMember{key: head})
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
	kept := &object{}
	for _, m := range d.root.members {
		if !strings.EqualFold(m.key, key) {
			kept.append(m)
		}
	}
	d.root = kept
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
