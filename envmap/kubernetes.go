package envmap

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
)

// SecretName is the name of the Secret that FormatKubernetes writes.
const SecretName = "mattermost-environment"

// encodeKubernetes writes a Secret. Values are base64, so every byte survives;
// that is an encoding, no protection.
func encodeKubernetes(e *Environment) ([]byte, error) {
	var b bytes.Buffer
	secretHead(&b, SecretName, "")
	for v := range e.All() {
		if text, ok := v.Text(); ok {
			fmt.Fprintf(&b, "  %s: %s\n", v.Name, secretValue(text))
		}
	}
	return b.Bytes(), nil
}

func secretHead(b *bytes.Buffer, name, namespace string) {
	fmt.Fprintf(b, "apiVersion: v1\nkind: Secret\nmetadata:\n  name: %s\n", yamlQuote(name))
	if namespace != "" {
		fmt.Fprintf(b, "  namespace: %s\n", yamlQuote(namespace))
	}
	b.WriteString("type: Opaque\ndata:\n")
}

func secretValue(text string) string {
	return yamlQuote(base64.StdEncoding.EncodeToString([]byte(text)))
}

// decodeKubernetes reads one Secret, its data (base64) and stringData.
func decodeKubernetes(data []byte) (*Environment, error) {
	entries, err := yamlEntries(data)
	if err != nil {
		return nil, err
	}
	e := &Environment{}
	block, kind := "", ""
	for _, entry := range entries {
		if entry.indent == 0 {
			block = entry.key
			if block == "kind" {
				kind, _, err = yamlScalar(entry.value, entry.line)
				if err != nil {
					return nil, err
				}
			}
			continue
		}
		if block != "data" && block != "stringData" {
			continue
		}
		if entry.err != nil {
			return nil, entry.err
		}
		text, null, err := yamlScalar(entry.value, entry.line)
		if err != nil {
			return nil, err
		}
		if entry.item || null || !ValidName(entry.key) {
			return nil, lineError(entry.line, "want NAME: value with a variable's name")
		}
		if block == "data" {
			raw, err := base64.StdEncoding.DecodeString(text)
			if err != nil || bytes.IndexByte(raw, 0) >= 0 {
				return nil, lineError(entry.line, "variable %s is not base64 of a text", entry.key)
			}
			text = string(raw)
		}
		e.Put(Var{Name: entry.key, Value: &text, Origin: originLine(entry.line)})
	}
	if !strings.EqualFold(kind, "Secret") {
		return nil, fmt.Errorf("kind is %.40q, want a Secret", kind)
	}
	return e, nil
}
