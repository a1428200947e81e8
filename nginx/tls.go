package nginx

// Policy is a TLS policy as data.
type Policy struct {
	Name    string `json:"name,omitzero"`    // "intermediate"
	Version string `json:"version,omitzero"` // of the guideline it was taken from; printed in the vhost

	Protocols           []string `json:"protocols,omitzero"`             // TLSv1.2, TLSv1.3
	Ciphers             string   `json:"ciphers,omitzero"`               // OpenSSL list for TLS 1.2 and older; "" writes none
	PreferServerCiphers string   `json:"prefer_server_ciphers,omitzero"` // on or off
	SessionCache        []string `json:"session_cache,omitzero"`
	SessionTimeout      string   `json:"session_timeout,omitzero"`
	Curves              []string `json:"curves,omitzero"`       // nil writes none; those that the target's OpenSSL lacks are left out
	HSTSMaxAge          int64    `json:"hsts_max_age,omitzero"` // what the guideline asks for, in seconds
}

// Intermediate is Mozilla's general-purpose policy, guideline 6.0 of
// 2026-04-06: TLS 1.2 and 1.3, six forward-secret AEAD suites, the hybrid
// post-quantum group first where OpenSSL has it.
func Intermediate() Policy {
	return Policy{
		Name: "intermediate", Version: "6.0",
		Protocols: []string{"TLSv1.2", "TLSv1.3"},
		Ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:" +
			"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:" +
			"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305",
		PreferServerCiphers: "off",
		SessionCache:        []string{"shared:MattermostTLS:10m"},
		SessionTimeout:      "1d",
		Curves:              []string{"X25519MLKEM768", "X25519", "prime256v1", "secp384r1"},
		HSTSMaxAge:          63072000,
	}
}

// Modern is Mozilla's policy for clients of the last years, guideline 6.0:
// TLS 1.3 alone.
func Modern() Policy {
	return Policy{
		Name: "modern", Version: "6.0",
		Protocols:           []string{"TLSv1.3"},
		PreferServerCiphers: "off",
		SessionCache:        []string{"shared:MattermostTLS:10m"},
		SessionTimeout:      "1d",
		Curves:              []string{"X25519MLKEM768", "X25519", "prime256v1", "secp384r1"},
		HSTSMaxAge:          63072000,
	}
}

// LinuxPackage is the policy of GitLab's Linux package, the default from 14.1
// to 18.11.
func LinuxPackage() Policy {
	return Policy{
		Name: "linux-package", Version: "18.11",
		Protocols: []string{"TLSv1.2", "TLSv1.3"},
		Ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:" +
			"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:" +
			"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:" +
			"DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384",
		PreferServerCiphers: "off",
		SessionCache:        []string{"shared:SSL:10m"},
		SessionTimeout:      "1d",
		HSTSMaxAge:          63072000,
	}
}

// Policies returns the policies that this package knows, newest first.
func Policies() []Policy { return []Policy{Intermediate(), Modern(), LinuxPackage()} }

// PolicyByName finds one of Policies.
func PolicyByName(name string) (Policy, bool) {
	for _, p := range Policies() {
		if p.Name == name {
			return p, true
		}
	}
	return Policy{}, false
}
