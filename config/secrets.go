package config

import (
	"fmt"
	"io"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
	"github.com/gitlab-mattermost/sdk/internal/redact"
)

// Secret is a text that never prints; Reveal gives it.
type Secret = redact.Secret

// secretsMax bounds gitlab-secrets.json; real ones are about 20 KB.
const secretsMax = 8 << 20

// SecretsFile is a gitlab-secrets.json. What is not asked for is kept as it
// was: order, unknown sections, the digits of numbers and the escapes of
// strings; only the white space becomes the package's own.
//
// It prints as its name only: no verb shows a secret.
type SecretsFile struct {
	name string
	root *jsonValue
}

// NewSecretsFile returns an empty file.
func NewSecretsFile(name string) *SecretsFile {
	return &SecretsFile{name: name, root: &jsonValue{kind: jsonObject}}
}

// ParseSecrets reads a gitlab-secrets.json: a JSON object of at most 8 MiB
// whose sections are objects. Errors are a *gitlabrb.Error with name and
// place; they never quote content.
func ParseSecrets(name string, data []byte) (*SecretsFile, error) {
	root, err := parseJSON(name, data, secretsMax)
	if err != nil {
		return nil, err
	}
	if root.kind != jsonObject {
		return nil, &gitlabrb.Error{Pos: gitlabrb.Pos{File: name, Line: 1, Col: 1}, Message: "want a JSON object with one section per service"}
	}
	for i, key := range root.keys {
		if root.items[i].kind != jsonObject {
			return nil, &gitlabrb.Error{Pos: gitlabrb.Pos{File: name}, Message: fmt.Sprintf("section %q is not a JSON object", key)}
		}
	}
	return &SecretsFile{name: name, root: root}, nil
}

// Name is the name given to ParseSecrets.
func (s *SecretsFile) Name() string {
	if s == nil {
		return ""
	}
	return s.name
}

// Sections lists the sections in order.
func (s *SecretsFile) Sections() []string {
	if s == nil {
		return nil
	}
	return append([]string(nil), s.root.keys...)
}

// Section returns a copy of one section as gitlabrb values; nil when it is
// missing. The values are secrets: do not print them.
func (s *SecretsFile) Section(name string) *gitlabrb.Hash {
	if s == nil {
		return nil
	}
	if v := s.root.get(name); v != nil {
		if h, ok := v.ruby().(*gitlabrb.Hash); ok {
			return h
		}
	}
	return nil
}

// Mattermost is Section("mattermost").
func (s *SecretsFile) Mattermost() *gitlabrb.Hash { return s.Section("mattermost") }

// SetSection replaces a section, or adds it at the end; nil removes it.
func (s *SecretsFile) SetSection(name string, section *gitlabrb.Hash) {
	if section == nil {
		s.root.remove(name)
		return
	}
	s.root.set(name, jsonOf(section))
}

// Clone returns an independent copy.
func (s *SecretsFile) Clone() *SecretsFile {
	if s == nil {
		return nil
	}
	return &SecretsFile{name: s.name, root: s.root.clone()}
}

// Bytes returns the file as the package writes it: two spaces of indentation
// and a final newline. It must be stored with mode 0600.
func (s *SecretsFile) Bytes() []byte {
	return append(s.root.pretty(nil, ""), '\n')
}

// Format prints the name alone, whatever the verb.
func (s *SecretsFile) Format(f fmt.State, _ rune) {
	// The write error cannot be handled here; fmt drops it as well.
	_, _ = io.WriteString(f, "secrets file "+s.Name())
}

// MarshalJSON refuses to spill the content by accident; use Bytes.
func (s *SecretsFile) MarshalJSON() ([]byte, error) {
	return []byte(`"` + redact.Mask + `"`), nil
}
