package nginx

import "time"

// Site is one Mattermost virtual host. The zero value plus Host is a valid
// http vhost in front of a Mattermost on 127.0.0.1:8065.
//
// Texts are given decoded, without nginx quoting: Render quotes them. A text
// that cannot be one nginx parameter, or holds "$" where nobody asked for a
// variable, makes Render return an error that names the field.
type Site struct {
	// Era selects GitLab's own template of that version ("18.11", "14.9", …):
	// the same directives, quirks included. Empty is this package's layout for
	// a host without GitLab ("standalone"), with the template's traps fixed.
	Era string

	Host    string   // public name, "chat.example.com" or "[2001:db8::1]"
	Aliases []string // further names of the same site
	Port    int      // port of the public URL; 0 is 80, or 443 with TLS
	Path    string   // sub-path of the public URL ("/chat"), "" for none; standalone only

	Listen        []string // addresses: "*", "[::]", "192.0.2.1"; nil: every IPv4 and IPv6 address ("*" in an Era)
	ListenPort    int      // 0: Port
	ProxyProtocol bool     // listeners expect the PROXY protocol of a proxy in front
	DefaultServer bool     // also add a server that refuses names other than Host; standalone only
	HTTP3         bool     // QUIC listeners and Alt-Svc, if the target nginx can; standalone only

	TLS      *TLS      // nil: plain http
	Redirect *Redirect // http listener that sends browsers to https; needs TLS
	ACME     *ACME     // serves http-01 challenges
	HSTS     HSTS
	Headers  []Header // response headers, for example Referrer-Policy

	Upstream Upstream
	Proxy    Proxy
	RealIP   RealIP
	// MaxBody is client_max_body_size; "0" is no limit. "" is "101m", room for
	// Mattermost's default MaxFileSize of 100 MiB and the form around the file
	// (see BodySize); in an Era it is GitLab's default, no limit.
	MaxBody string

	Log        Log
	Focalboard bool       // websocket location of the Focalboard plugin; an Era from 14.2 always has it
	Assets     *Assets    // cache static assets in nginx; nil: no cache; standalone only
	Limit      *RateLimit // nil: none; standalone only
	Calls      *Calls     // ports of the Calls plugin; standalone only

	Custom string // the user's own nginx text, written whole at the end of the main server
}

// TLS is everything about the https listener.
type TLS struct {
	Certificate string // path of the chain, PEM
	Key         string // path of the private key
	Policy      Policy // protocols, ciphers, curves; the zero value is Intermediate

	ClientCertificate string // CA file for client certificates
	VerifyClient      string // on, optional, optional_no_ca; "" is off
	VerifyDepth       string // "" is 1

	PasswordFile string   // pass phrases of the key
	DHParam      string   // file with DH parameters
	ConfCommands []string // OpenSSL commands, each "NAME VALUE"
	NoHTTP2      bool     // switches HTTP/2 off
	// Stapling asks for OCSP stapling, for certificate authorities that still
	// answer. Let's Encrypt ended OCSP in 2025: for a certificate below
	// /etc/letsencrypt it is left out. Standalone only.
	Stapling bool
}

// Redirect is the http side of an https site.
type Redirect struct {
	Port int // 0: 80
}

// ACME says where challenge files are found: /.well-known/acme-challenge/X is
// served from Root/.well-known/acme-challenge/X.
type ACME struct {
	Root string
}

// HSTS is sent over https only (an Era sends it over http too, as GitLab did).
type HSTS struct {
	MaxAge            int64 // seconds; 0 sends none
	IncludeSubDomains bool
}

// Header is one header with its value.
type Header struct {
	Name, Value string
}

// Upstream are the Mattermost nodes.
type Upstream struct {
	Name      string   // nginx's name for the group; "" is "mattermost" ("gitlab_mattermost" in an Era)
	Addresses []string // "127.0.0.1:8065" when empty; several are a cluster
	Keepalive int      // idle connections kept per worker; 0 is 32, negative is none; standalone only
}

// Proxy are the settings of the connection to Mattermost.
type Proxy struct {
	// Headers sent to Mattermost; values may hold nginx variables. Standalone
	// they are merged by name over the standard set, and the value "" drops a
	// header; in an Era they are the whole list, and nil is GitLab's default.
	Headers []Header
	// ReadTimeout and ConnectTimeout are nginx times ("3600", "1h").
	// "" is 3600 and 300 in an Era, 600s and 30s standalone.
	ReadTimeout, ConnectTimeout string
	// WebSocketReadTimeout closes a silent websocket. "" is ReadTimeout in an
	// Era; standalone 1h, far above the client's ping every 30 s.
	WebSocketReadTimeout string
	BufferSize           string // proxy_custom_buffer_size: eight buffers of this size in "/"
	// TrustForwarded keeps the X-Forwarded-Proto of a proxy in front of this
	// one, whose addresses stand in RealIP.From. Standalone only.
	TrustForwarded bool
}

// RealIP replaces the client address by the one a trusted proxy reports.
type RealIP struct {
	Header    string   // "X-Forwarded-For", "proxy_protocol"
	Recursive string   // on or off; "" is nginx's own default, off
	From      []string // trusted proxies: addresses, networks, "unix:"
}

// Log are the site's own logs.
type Log struct {
	Dir        string // "" is /var/log/nginx (/var/log/gitlab/nginx in an Era)
	ErrorLevel string // "" is error
	// Format and Escape define the access log's format in MainConfig. Format
	// may hold variables. "" is GitLab's format and "default".
	Format, Escape string
}

// Assets is nginx's own cache for what Mattermost serves under /static/: files
// with a hash in their name, the same for everybody. Nothing else is cached;
// profile pictures, which Mattermost's guide for large servers caches too, need
// a login and would be shown to everybody from a cache.
type Assets struct {
	Dir     string // "" is /var/cache/nginx/mattermost
	MaxSize string // "" is 1g
}

// RateLimit bounds requests per client address.
type RateLimit struct {
	PerSecond int // 0 is 50: a client that opens a busy team makes a burst of well over 10
	Burst     int // 0 is 200
}

// Calls are the ports of the Calls plugin, which do not pass through http.
type Calls struct {
	Port   int  // UDP and TCP; 0 is 8443
	Stream bool // MainConfig's stream part forwards them; otherwise a comment tells to open them
}

// Duration writes a time as nginx reads it, in whole seconds.
func Duration(t time.Duration) string { return itoa(int64(t/time.Second)) + "s" }

// BodySize is the MaxBody for a Mattermost FileSettings.MaxFileSize in bytes:
// the file and 1 MiB for the form around it.
func BodySize(maxFileSize int64) string { return itoa(maxFileSize + 1<<20) }
