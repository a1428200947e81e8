package nginx

import (
	"os/exec"
	"strings"
	"testing"
)

// TestPolicyCiphersAreKnownToOpenSSL: a misspelled suite would be dropped
// silently by OpenSSL.
func TestPolicyCiphersAreKnownToOpenSSL(t *testing.T) {
	for _, p := range Policies() {
		if p.Version == "" || p.Name == "" || len(p.Protocols) == 0 || p.HSTSMaxAge == 0 {
			t.Errorf("policy %+v is not complete", p)
		}
		if p.Ciphers == "" {
			continue
		}
		out, err := exec.Command("openssl", "ciphers", "-tls1_2", "-s", p.Ciphers).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v %s", p.Name, err, out)
		}
		if got := strings.TrimSpace(string(out)); got != p.Ciphers {
			t.Errorf("%s: OpenSSL makes of the list\n%s\nwant\n%s", p.Name, got, p.Ciphers)
		}
		if found, ok := PolicyByName(p.Name); !ok || found.Ciphers != p.Ciphers {
			t.Errorf("PolicyByName(%q) does not find it", p.Name)
		}
	}
	if _, ok := PolicyByName("old"); ok {
		t.Error("an unknown policy was found")
	}
}
