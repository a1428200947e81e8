package config

import (
	"strings"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
)

// attributes lays the settings over the defaults of the version.
func (r *resolver) attributes() {
	r.fillAttributes("mattermost", r.out.Mattermost)
	r.fillAttributes("mattermost_nginx", r.out.Nginx)
	r.out.Enabled = r.out.Mattermost.Truthy("enable")
}

func (r *resolver) fillAttributes(hash string, to *Attributes) {
	known := map[string]bool{}
	for i := range catalogueRows {
		row := &catalogueRows[i]
		if row.hash != hash || !row.holds(r.at) || known[row.key] {
			continue
		}
		known[row.key] = true
		def := Attribute{Value: row.value(), Origin: Origin{Kind: OriginDefault}, Secret: secretKey(hash, row.key)}
		if hash == "mattermost_nginx" && def.Value == nil {
			def = r.certificateDefault(row.key, def)
		}
		own := r.get(hash, row.key)
		v := withoutNil(own.Value)
		switch {
		case v == nil && row.def == "-":
			continue
		case v == nil:
			to.Set(row.key, def)
			continue
		}
		_, isHash := v.(*gitlabrb.Hash)
		if isHash && def.Value != nil && !(row.key == "proxy_set_headers" && r.headers) {
			v = deepMerge(def.Value, v)
			own.Origin.Rule = "merged over the defaults"
		}
		// A computed data source holds no password.
		secret := secretKey(hash, row.key) && (own.Origin.Kind != OriginDerived || !strings.HasPrefix(row.key, "sql_data_source"))
		to.Set(row.key, Attribute{Value: v, Origin: own.Origin, Secret: secret})
	}
	// What the catalogue does not know at this version is kept: nothing reads
	// it, and it need not be decided.
	own := r.hash(hash)
	for _, key := range own.keys {
		if known[key] {
			continue
		}
		if v := withoutNil(own.by[key].Value); v != nil {
			to.Set(key, Attribute{Value: v, Origin: own.by[key].Origin, Secret: secretKey(hash, key)})
		}
	}
}

// certificateDefault names the certificate after the node when no URL does.
func (r *resolver) certificateDefault(key string, def Attribute) Attribute {
	switch key {
	case "ssl_certificate":
		def.Value = sslDir + r.Host.FQDN + ".crt"
	case "ssl_certificate_key":
		def.Value = sslDir + r.Host.FQDN + ".key"
	default:
		return def
	}
	def.Origin.Rule = "full name of the machine"
	return def
}

// catalogueDefault is a fresh copy of a default at the version.
func (r *resolver) catalogueDefault(hash, key string) any {
	for i := range catalogueRows {
		if row := &catalogueRows[i]; row.hash == hash && row.key == key && row.holds(r.at) {
			return row.value()
		}
	}
	return nil
}
