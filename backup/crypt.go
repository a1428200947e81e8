package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
)

// ErrNoIdentity is wrapped when a backup is encrypted and nothing that was
// given opens it.
var ErrNoIdentity = errors.New("the backup is encrypted and no identity or passphrase that was given opens it")

// Encrypt chooses who can read a backup. Recipients and a passphrase exclude
// each other, as in age. The zero value encrypts nothing.
type Encrypt struct {
	Recipients []age.Recipient
	Passphrase Secret
}

// Keys open an encrypted backup. Either one is enough.
type Keys struct {
	Identities []age.Identity
	Passphrase Secret
}

// ParseRecipients reads age and SSH public keys, one a line; empty lines and
// lines that begin with # are skipped.
func ParseRecipients(r io.Reader) ([]age.Recipient, error) {
	text, err := readKeyFile(r)
	if err != nil {
		return nil, fmt.Errorf("read recipients: %w", err)
	}
	var out []age.Recipient
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if strings.HasPrefix(line, "ssh-") {
			key, err := agessh.ParseRecipient(line)
			if err != nil {
				return nil, fmt.Errorf("read recipients: line %d: %w", i+1, err)
			}
			out = append(out, key)
			continue
		}
		keys, err := age.ParseRecipients(strings.NewReader(line))
		if err != nil {
			// The library's message may quote the line, which could be a
			// private key put into the wrong file.
			return nil, fmt.Errorf("read recipients: line %d: not an age or SSH public key", i+1)
		}
		out = append(out, keys...)
	}
	if len(out) == 0 {
		return nil, errors.New("read recipients: no key found")
	}
	return out, nil
}

// ParseIdentities reads an age identity file or one unencrypted SSH private
// key.
func ParseIdentities(r io.Reader) ([]age.Identity, error) {
	text, err := readKeyFile(r)
	if err != nil {
		return nil, fmt.Errorf("read identities: %w", err)
	}
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("-----BEGIN")) {
		key, err := agessh.ParseIdentity(text)
		if err != nil {
			return nil, fmt.Errorf("read SSH identity: %w", err)
		}
		return []age.Identity{key}, nil
	}
	keys, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil {
		return nil, errors.New("read identities: not an age identity file or an SSH private key")
	}
	return keys, nil
}

func readKeyFile(r io.Reader) ([]byte, error) {
	const limit = 1 << 20
	text, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && len(text) > limit {
		err = errors.New("larger than 1 MiB")
	}
	return text, err
}

// sealer holds what encrypting a backup's parts needs. A nil sealer encrypts
// nothing.
type sealer struct {
	recipients []age.Recipient
	info       Encryption
	key        []byte // content of key.age, for a passphrase
}

// newSealer prepares encryption. A passphrase protects one generated key,
// because age derives a key from a passphrase for a second of work, which
// would be paid for each of a thousand parts.
func newSealer(e Encrypt) (*sealer, error) {
	switch {
	case len(e.Recipients) > 0 && e.Passphrase != "":
		return nil, errors.New("encrypt: give recipients or a passphrase, not both")
	case len(e.Recipients) > 0:
		return &sealer{recipients: e.Recipients, info: Encryption{Recipients: len(e.Recipients)}}, nil
	case e.Passphrase == "":
		return nil, nil
	}
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	lock, err := age.NewScryptRecipient(e.Passphrase.Reveal())
	if err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	var key bytes.Buffer
	w, err := age.Encrypt(&key, lock)
	if err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	if _, err := io.WriteString(w, id.String()+"\n"); err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	return &sealer{recipients: []age.Recipient{id.Recipient()}, info: Encryption{Recipients: 1, Passphrase: true}, key: key.Bytes()}, nil
}

// open finds the identities that decrypt m's parts. For a backup that is not
// encrypted it gives none.
func (k Keys) open(ctx context.Context, store Store, m *Manifest) ([]age.Identity, error) {
	if m.Encryption == nil {
		return nil, nil
	}
	if m.Encryption.Passphrase && k.Passphrase != "" && m.Key != nil {
		r, err := store.Open(ctx, m.ID+"/"+m.Key.Name)
		if err != nil {
			return nil, fmt.Errorf("open backup %s: %w", m.ID, err)
		}
		defer r.Close()
		lock, err := age.NewScryptIdentity(k.Passphrase.Reveal())
		if err != nil {
			return nil, fmt.Errorf("open backup %s: %w", m.ID, err)
		}
		plain, err := age.Decrypt(io.LimitReader(r, 1<<20), lock)
		if err != nil {
			return nil, fmt.Errorf("open backup %s: %w", m.ID, ErrNoIdentity)
		}
		return ParseIdentities(plain)
	}
	if len(k.Identities) == 0 {
		return nil, fmt.Errorf("open backup %s: %w", m.ID, ErrNoIdentity)
	}
	return k.Identities, nil
}
