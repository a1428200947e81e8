package config

import (
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
	"github.com/gitlab-mattermost/sdk/internal/redact"
)

// MaxConfigJSON bounds config.json; real ones are about 40 KB.
const MaxConfigJSON = 16 << 20

// ConfigJSON is a Mattermost config.json of any version. Nothing of it is
// lost: Bytes returns the text as it was, with comments and unknown fields.
//
// It prints as its name only: it holds secrets.
type ConfigJSON struct {
	name string
	data []byte
	root *jsonValue
}

// ParseConfigJSON reads a config.json of at most 16 MiB. Comments (// and
// /* */), which some editors leave in it, are accepted. Errors are a
// *gitlabrb.Error with the place.
func ParseConfigJSON(name string, data []byte) (*ConfigJSON, error) {
	root, err := parseJSON(name, blankComments(data), MaxConfigJSON)
	if err != nil {
		return nil, err
	}
	if root.kind != jsonObject {
		return nil, &gitlabrb.Error{Pos: gitlabrb.Pos{File: name, Line: 1, Col: 1}, Message: "want a JSON object with the sections of Mattermost's settings"}
	}
	return &ConfigJSON{name, data, root}, nil
}

// blankComments replaces comments by spaces, so that places stay right.
func blankComments(data []byte) []byte {
	out := append([]byte(nil), data...)
	for i := 0; i < len(out); i++ {
		switch {
		case out[i] == '"':
			for i++; i < len(out) && out[i] != '"'; i++ {
				if out[i] == '\\' {
					i++
				}
			}
		case out[i] == '/' && i+1 < len(out) && out[i+1] == '/':
			for ; i < len(out) && out[i] != '\n'; i++ {
				out[i] = ' '
			}
		case out[i] == '/' && i+1 < len(out) && out[i+1] == '*':
			end := strings.Index(string(out[i+2:]), "*/")
			if end < 0 {
				return out // left for the parser to refuse
			}
			for j := i; j < i+end+4; j++ {
				if out[j] != '\n' {
					out[j] = ' '
				}
			}
			i += end + 3
		}
	}
	return out
}

// Name is the name given to ParseConfigJSON.
func (c *ConfigJSON) Name() string { return c.name }

// Bytes is the text as it was read.
func (c *ConfigJSON) Bytes() []byte { return c.data }

// Get returns a field, such as "ServiceSettings.SiteURL", as a gitlabrb value.
func (c *ConfigJSON) Get(field string) (any, bool) {
	if c == nil {
		return nil, false
	}
	v := c.root
	for _, name := range strings.Split(field, ".") {
		if v = v.get(name); v == nil {
			return nil, false
		}
	}
	return v.ruby(), true
}

// Fields yields every "Section.Field" with its value, in order. Nested hashes
// and lists are one value; the values may be secrets.
func (c *ConfigJSON) Fields() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for i, section := range c.root.keys {
			item := c.root.items[i]
			if item.kind != jsonObject {
				if !yield(section, item.ruby()) {
					return
				}
				continue
			}
			for n, name := range item.keys {
				if !yield(section+"."+name, item.items[n].ruby()) {
					return
				}
			}
		}
	}
}

// Format prints the name alone, whatever the verb.
func (c *ConfigJSON) Format(f fmt.State, _ rune) {
	// The write error cannot be handled here; fmt drops it as well.
	_, _ = io.WriteString(f, c.name)
}

// MarshalJSON refuses to spill the content by accident; use Bytes.
func (c *ConfigJSON) MarshalJSON() ([]byte, error) {
	return []byte(`"` + redact.Mask + `"`), nil
}
