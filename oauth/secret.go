package oauth

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// SecretForm is how GitLab keeps the secret of an application in its table.
type SecretForm string

// The three forms. Every GitLab accepts plain; 15.4 and newer accept PBKDF2;
// only servers with the newest strategy (first behind a flag in 18.4) accept
// SHA-512.
const (
	FormPlain  SecretForm = "plain"
	FormPBKDF2 SecretForm = "pbkdf2-sha512"
	FormSHA512 SecretForm = "sha512"
)

const (
	pbkdf2Prefix = "$pbkdf2-sha512$20000$$"
	pbkdf2Rounds = 20000
	pbkdf2Length = 64
)

// ab64 is passlib's variant of base64: standard, without padding, + as dot.
var ab64 = strings.NewReplacer("+", ".")

// StoreSecret gives the text for the column secret. PBKDF2 has 20,000 rounds
// and, as in GitLab, an empty salt: GitLab looks secrets up by their hash.
func StoreSecret(secret Secret, form SecretForm) (string, error) {
	if err := CheckSecret(secret); err != nil {
		return "", err
	}
	switch form {
	case FormPlain:
		return secret.Reveal(), nil
	case FormSHA512:
		sum := sha512.Sum512([]byte(secret.Reveal()))
		return hex.EncodeToString(sum[:]), nil
	case FormPBKDF2:
		key, err := pbkdf2.Key(sha512.New, secret.Reveal(), nil, pbkdf2Rounds, pbkdf2Length)
		if err != nil {
			return "", fmt.Errorf("hash secret: %w", err)
		}
		return pbkdf2Prefix + ab64.Replace(base64.RawStdEncoding.EncodeToString(key)), nil
	}
	return "", fmt.Errorf("secret form %q: want plain, pbkdf2-sha512 or sha512", shorten(string(form)))
}

// FormOf recognises the form of a stored secret by its shape, as GitLab does.
func FormOf(stored string) SecretForm {
	switch {
	case strings.HasPrefix(stored, "$pbkdf2-"):
		return FormPBKDF2
	case len(stored) == 2*sha512.Size && strings.Trim(stored, "0123456789abcdef") == "":
		return FormSHA512
	}
	return FormPlain
}

// VerifySecret reports whether secret is the one behind a stored text, in
// whatever form that is, and in constant time. A PBKDF2 text of other
// parameters than GitLab's is an error, not a mismatch.
//
// The stored text itself is never accepted, although GitLab's fallback to
// plain text does accept it.
func VerifySecret(stored string, secret Secret) (bool, error) {
	if stored == "" || secret == "" {
		return false, nil
	}
	form := FormOf(stored)
	if form == FormPBKDF2 && !strings.HasPrefix(stored, pbkdf2Prefix) {
		return false, errors.New("stored secret: PBKDF2 with parameters that GitLab does not use")
	}
	if CheckSecret(secret) != nil {
		return false, nil // no server could have stored it
	}
	want, err := StoreSecret(secret, form)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare([]byte(stored), []byte(want)) == 1, nil
}

// CheckSecret refuses what cannot be a client secret: empty, longer than 255
// bytes, or with characters other than printable ASCII. GitLab has made secrets
// of several shapes (43 url-safe characters by the Linux package, 64
// hexadecimal digits, gloas- and, by setting, another prefix before that), so
// no certain shape is demanded. The message never holds the text.
func CheckSecret(secret Secret) error {
	return checkToken("secret", secret.Reveal())
}

// CheckID refuses what cannot be an application id, as [CheckSecret] does.
func CheckID(id string) error {
	if strings.HasPrefix(id, "gloas-") {
		return errors.New("application id: starts with gloas-, which is a secret; id and secret may be swapped")
	}
	return checkToken("application id", id)
}

func checkToken(what, text string) error {
	switch {
	case text == "":
		return fmt.Errorf("%s: is empty", what)
	case len(text) > 255:
		return fmt.Errorf("%s: is longer than 255 bytes", what)
	case strings.TrimSpace(text) != text:
		return fmt.Errorf("%s: has a blank at its start or end; copy it again", what)
	case strings.IndexFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) >= 0:
		return fmt.Errorf("%s: has characters other than printable ASCII; copy it again", what)
	case strings.Trim(text, "*") == "":
		return fmt.Errorf("%s: is a masked value (asterisks), not the value", what)
	case text == "[redacted]":
		return fmt.Errorf("%s: is a masked value, not the value", what)
	}
	return nil
}

// NewCredentials makes an id and a secret of 43 url-safe characters (32 random
// bytes) each, as the Linux package did from 15.4 on.
func NewCredentials() (Credentials, error) {
	var b [64]byte
	if _, err := rand.Read(b[:]); err != nil {
		return Credentials{}, fmt.Errorf("make credentials: %w", err)
	}
	enc := base64.RawURLEncoding
	return Credentials{ID: enc.EncodeToString(b[:32]), Secret: Secret(enc.EncodeToString(b[32:]))}, nil
}

// Credentials are what Mattermost needs to speak as the application.
type Credentials struct {
	ID     string `json:"id"`
	Secret Secret `json:"secret"` // masked in JSON
}

// FormFor is the form to write for a GitLab version: plain before 15.4,
// PBKDF2 from then on, which every later server accepts except builds under
// FIPS 140-3. The release in which SHA-512 became unconditional is not known,
// so it is chosen only on evidence, see [DatabaseRoute].
func FormFor(v Version) SecretForm {
	if before(v, 15, 4) {
		return FormPlain
	}
	return FormPBKDF2
}
