package database

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strconv"
)

// A password is turned into its SCRAM-SHA-256 verifier (RFC 5803) here, so that
// the server and its log never see the text.

const scramIterations = 4096 // PostgreSQL's own default

// checkPassword refuses what PostgreSQL's clients do not agree on. libpq, pgx
// and Mattermost's lib/pq normalise characters outside ASCII in three different
// ways, so such a password lets in some programs and not others.
func checkPassword(p Secret) error {
	text := p.Reveal()
	if len(text) > 512 {
		return errors.New("the password is longer than 512 bytes")
	}
	for i := 0; i < len(text); i++ {
		if text[i] < ' ' || text[i] > '~' {
			return fmt.Errorf("the password holds a character outside printable ASCII at byte %d; PostgreSQL's clients normalise those differently: choose another", i+1)
		}
	}
	return nil
}

// verifier computes what pg_authid keeps for a password.
func verifier(p Secret) (string, error) {
	salt := make([]byte, 16)
	if _, err := rand.Read(salt); err != nil {
		return "", err
	}
	return verifierWith(p, salt, scramIterations)
}

func verifierWith(p Secret, salt []byte, iterations int) (string, error) {
	salted, err := pbkdf2.Key(sha256.New, p.Reveal(), salt, iterations, sha256.Size)
	if err != nil {
		return "", err
	}
	mac := func(text string) []byte {
		h := hmac.New(sha256.New, salted)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	stored := sha256.Sum256(mac("Client Key"))
	b64 := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", iterations, b64(salt), b64(stored[:]), b64(mac("Server Key"))), nil
}

var scramPattern = regexp.MustCompile(`^SCRAM-SHA-256\$(\d{1,9}):([A-Za-z0-9+/=]+)\$`)

// matches tells whether a verifier was made from the password.
func matches(stored string, p Secret) bool {
	m := scramPattern.FindStringSubmatch(stored)
	if m == nil {
		return false
	}
	n, err := strconv.Atoi(m[1])
	salt, err2 := base64.StdEncoding.DecodeString(m[2])
	if err != nil || err2 != nil || n < 1 || n > 10_000_000 {
		return false
	}
	again, err := verifierWith(p, salt, n)
	return err == nil && hmac.Equal([]byte(again), []byte(stored))
}
