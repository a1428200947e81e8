package oauth

import (
	"fmt"
	"strings"
	"testing"
)

// The vectors of GitLab's own specification.
const (
	vectorPlain  = "CzOBzBfU9F-HvsqfTaTXF4ivuuxYZuv3BoAK4pnvmyw"
	vectorPBKDF2 = "$pbkdf2-sha512$20000$$.c0G5XJVEew1TyeJk5TrkvB0VyOaTmDzPrsdNRED9vVeZlSyuG3G90F0ow23zUCiWKAVwmNnR/ceh.nJG3MdpQ"
	vectorSHA512 = "6d99aa9e8c21b9d06b3c4c453dc2446a96385a7c1f7cc0d2c5ca5c1e24e4269f0c941167f5e2e8bb6376400728a2a7013c0c128183456372d64e8e973efafd49"
)

func TestStoredSecretsAreGitLabsByteForByte(t *testing.T) {
	for form, want := range map[SecretForm]string{FormPlain: vectorPlain, FormPBKDF2: vectorPBKDF2, FormSHA512: vectorSHA512} {
		got, err := StoreSecret(vectorPlain, form)
		if err != nil || got != want {
			t.Errorf("%s: %q %v", form, got, err)
		}
		if FormOf(want) != form {
			t.Errorf("%s is recognised as %s", form, FormOf(want))
		}
		if ok, err := VerifySecret(want, vectorPlain); !ok || err != nil {
			t.Errorf("%s does not verify: %v", form, err)
		}
		if ok, _ := VerifySecret(want, vectorPlain+"x"); ok {
			t.Errorf("%s verifies a wrong secret", form)
		}
	}
}

func TestVerifyNeverAcceptsTheStoredTextItself(t *testing.T) {
	for _, stored := range []string{vectorPBKDF2, vectorSHA512} {
		if ok, err := VerifySecret(stored, Secret(stored)); ok || err != nil {
			t.Errorf("the hash itself passes as secret: %v %v", ok, err)
		}
	}
	if ok, err := VerifySecret("$pbkdf2-sha512$1$salt$abc", "x"); ok || err == nil {
		t.Error("foreign PBKDF2 parameters must be an error, not a mismatch")
	}
	if ok, _ := VerifySecret("", ""); ok {
		t.Error("nothing verifies against nothing")
	}
}

func TestFormFollowsTheVersion(t *testing.T) {
	for _, c := range []struct {
		version string
		want    SecretForm
		reason  string
	}{
		{"9.5.10", FormPlain, "long before hashing"},
		{"15.3.5", FormPlain, "last that knows only plain"},
		{"15.4.0", FormPBKDF2, "first that accepts PBKDF2"},
		{"15.10", FormPBKDF2, "flag removed"},
		{"18.11.11", FormPBKDF2, "still accepted; SHA-512 only on evidence"},
		{"19.3", FormPBKDF2, "still accepted"},
	} {
		v, err := ParseVersion(c.version)
		if err != nil {
			t.Fatal(err)
		}
		if got := FormFor(v); got != c.want {
			t.Errorf("%s: %s, want %s: %s", c.version, got, c.want, c.reason)
		}
	}
}

func TestShapesOfSecretsSeenInTheWild(t *testing.T) {
	for _, ok := range []Secret{vectorPlain, Secret(strings.Repeat("0f", 32)), Secret("gloas-" + strings.Repeat("a1", 32)), Secret("acme-gloas-" + strings.Repeat("a1", 32))} {
		if err := CheckSecret(ok); err != nil {
			t.Errorf("a real shape is refused: %v", err)
		}
	}
	for _, bad := range []Secret{"", " x", "x\n", "a b", "über", "********", "[redacted]", Secret(strings.Repeat("x", 256))} {
		err := CheckSecret(bad)
		if err == nil {
			t.Errorf("a text of %d bytes passed", len(bad))
		} else if len(bad) > 2 && bad != "[redacted]" && strings.Contains(err.Error(), bad.Reveal()) {
			t.Errorf("the message shows the text: %v", err)
		}
	}
	if err := CheckID("gloas-" + strings.Repeat("a", 64)); err == nil || !strings.Contains(err.Error(), "swapped") {
		t.Errorf("swapped id and secret: %v", err)
	}
}

func TestNewCredentialsHaveThePackagesShape(t *testing.T) {
	a, err := NewCredentials()
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewCredentials()
	if err != nil {
		t.Fatal(err)
	}
	if len(a.ID) != 43 || len(a.Secret.Reveal()) != 43 || a.ID == b.ID || a.Secret == b.Secret || a.ID == a.Secret.Reveal() {
		t.Error("want two different texts of 43 characters each time")
	}
	if text := fmt.Sprintf("%+v %#v", a, a); strings.Contains(text, a.Secret.Reveal()) {
		t.Error("printing credentials shows the secret")
	}
}
