package nginx

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
	Era string `json:"era,omitzero"`

	Host    string   `json:"host,omitzero"`    // public name, "chat.example.com" or "[2001:db8::1]"
	Aliases []string `json:"aliases,omitzero"` // further names of the same site
	Port    int      `json:"port,omitzero"`    // port of the public URL; 0 is 80, or 443 with TLS
	Path    string   `json:"path,omitzero"`    // sub-path of the public URL ("/chat"), "" for none; standalone only

	Listen        []string `json:"listen,omitzero"`         // addresses: "*", "[::]", "192.0.2.1"; nil: every IPv4 and IPv6 address ("*" in an Era)
	ListenPort    int      `json:"listen_port,omitzero"`    // 0: Port
	ProxyProtocol bool     `json:"proxy_protocol,omitzero"` // listeners expect the PROXY protocol of a proxy in front
	DefaultServer bool     `json:"default_server,omitzero"` // also add a server that refuses names other than Host; standalone only
	HTTP3         bool     `json:"http3,omitzero"`          // QUIC listeners and Alt-Svc, if the target nginx can; standalone only

	TLS      *TLS      `json:"tls,omitzero"`      // nil: plain http
	Redirect *Redirect `json:"redirect,omitzero"` // http listener that sends browsers to https; needs TLS
	ACME     *ACME     `json:"acme,omitzero"`     // serves http-01 challenges
	HSTS     HSTS      `json:"hsts,omitzero"`
	Headers  []Header  `json:"headers,omitzero"` // response headers, for example Referrer-Policy

	Upstream Upstream `json:"upstream,omitzero"`
	Proxy    Proxy    `json:"proxy,omitzero"`
	RealIP   RealIP   `json:"real_ip,omitzero"`
	// MaxBody is client_max_body_size; "0" is no limit. "" is "101m", room for
	// Mattermost's default MaxFileSize of 100 MiB and the form around the file
	// (see BodySize); in an Era it is GitLab's default, no limit.
	MaxBody string `json:"max_body,omitzero"`

	Log        Log        `json:"log,omitzero"`
	Focalboard bool       `json:"focalboard,omitzero"` // websocket location of the Focalboard plugin; an Era from 14.2 always has it
	Assets     *Assets    `json:"assets,omitzero"`     // cache static assets in nginx; nil: no cache; standalone only
	Limit      *RateLimit `json:"limit,omitzero"`      // nil: none; standalone only
	Calls      *Calls     `json:"calls,omitzero"`      // ports of the Calls plugin; standalone only

	Custom string `json:"custom,omitzero"` // the user's own nginx text, written whole at the end of the main server
}

// TLS is everything about the https listener.
type TLS struct {
	Certificate string `json:"certificate,omitzero"` // path of the chain, PEM
	Key         string `json:"key,omitzero"`         // path of the private key
	Policy      Policy `json:"policy,omitzero"`      // protocols, ciphers, curves; the zero value is Intermediate

	ClientCertificate string `json:"client_certificate,omitzero"` // CA file for client certificates
	VerifyClient      string `json:"verify_client,omitzero"`      // on, optional, optional_no_ca; "" is off
	VerifyDepth       string `json:"verify_depth,omitzero"`       // "" is 1

	PasswordFile string   `json:"password_file,omitzero"` // pass phrases of the key
	DHParam      string   `json:"dh_param,omitzero"`      // file with DH parameters
	ConfCommands []string `json:"conf_commands,omitzero"` // OpenSSL commands, each "NAME VALUE"
	NoHTTP2      bool     `json:"no_http2,omitzero"`      // switches HTTP/2 off
	// Stapling asks for OCSP stapling, for certificate authorities that still
	// answer. Let's Encrypt ended OCSP in 2025: for a certificate below
	// /etc/letsencrypt it is left out. Standalone only.
	Stapling bool `json:"stapling,omitzero"`
}

// Redirect is the http side of an https site.
type Redirect struct {
	Port int `json:"port,omitzero"` // 0: 80
}

// ACME says where challenge files are found: /.well-known/acme-challenge/X is
// served from Root/.well-known/acme-challenge/X.
type ACME struct {
	Root string `json:"root,omitzero"`
}

// HSTS is sent over https only (an Era sends it over http too, as GitLab did).
type HSTS struct {
	MaxAge            int64 `json:"max_age,omitzero"` // seconds; 0 sends none
	IncludeSubDomains bool  `json:"include_subdomains,omitzero"`
}

// Header is one header with its value.
type Header struct {
	Name  string `json:"name,omitzero"`
	Value string `json:"value,omitzero"`
}

// Upstream are the Mattermost nodes.
type Upstream struct {
	Name      string   `json:"name,omitzero"`      // nginx's name for the group; "" is "mattermost" ("gitlab_mattermost" in an Era)
	Addresses []string `json:"addresses,omitzero"` // "127.0.0.1:8065" when empty; several are a cluster
	Keepalive int      `json:"keepalive,omitzero"` // idle connections kept per worker; 0 is 32, negative is none; standalone only
}

// Proxy are the settings of the connection to Mattermost.
type Proxy struct {
	// Headers sent to Mattermost; values may hold nginx variables. Standalone
	// they are merged by name over the standard set, and the value "" drops a
	// header; in an Era they are the whole list, and nil is GitLab's default.
	Headers []Header `json:"headers,omitzero"`
	// ReadTimeout and ConnectTimeout are nginx times ("3600", "1h").
	// "" is 3600 and 300 in an Era, 600s and 30s standalone.
	ReadTimeout    string `json:"read_timeout,omitzero"`
	ConnectTimeout string `json:"connect_timeout,omitzero"`
	// WebSocketReadTimeout closes a silent websocket. "" is ReadTimeout in an
	// Era; standalone 1h, far above the client's ping every 30 s.
	WebSocketReadTimeout string `json:"websocket_read_timeout,omitzero"`
	BufferSize           string `json:"buffer_size,omitzero"` // proxy_custom_buffer_size: eight buffers of this size in "/"
	// TrustForwarded keeps the X-Forwarded-Proto of a proxy in front of this
	// one, whose addresses stand in RealIP.From. Standalone only.
	TrustForwarded bool `json:"trust_forwarded,omitzero"`
}

// RealIP replaces the client address by the one a trusted proxy reports.
type RealIP struct {
	Header    string   `json:"header,omitzero"`    // "X-Forwarded-For", "proxy_protocol"
	Recursive string   `json:"recursive,omitzero"` // on or off; "" is nginx's own default, off
	From      []string `json:"from,omitzero"`      // trusted proxies: addresses, networks, "unix:"
}

// Log are the site's own logs.
type Log struct {
	Dir        string `json:"dir,omitzero"`         // "" is /var/log/nginx (/var/log/gitlab/nginx in an Era)
	ErrorLevel string `json:"error_level,omitzero"` // "" is error
	// Format and Escape define the access log's format in MainConfig. Format
	// may hold variables. "" is GitLab's format and "default".
	Format string `json:"format,omitzero"`
	Escape string `json:"escape,omitzero"`
}

// Assets is nginx's own cache for what Mattermost serves under /static/: files
// with a hash in their name, the same for everybody. Nothing else is cached;
// profile pictures, which Mattermost's guide for large servers caches too, need
// a login and would be shown to everybody from a cache.
type Assets struct {
	Dir     string `json:"dir,omitzero"`      // "" is /var/cache/nginx/mattermost
	MaxSize string `json:"max_size,omitzero"` // "" is 1g
}

// RateLimit bounds requests per client address.
type RateLimit struct {
	PerSecond int `json:"per_second,omitzero"` // 0 is 50: a client that opens a busy team makes a burst of well over 10
	Burst     int `json:"burst,omitzero"`      // 0 is 200
}

// Calls are the ports of the Calls plugin, which do not pass through http.
type Calls struct {
	Port   int  `json:"port,omitzero"`   // UDP and TCP; 0 is 8443
	Stream bool `json:"stream,omitzero"` // MainConfig's stream part forwards them; otherwise a comment tells to open them
}

// BodySize is the MaxBody for a Mattermost FileSettings.MaxFileSize in bytes:
// the file and 1 MiB for the form around it.
func BodySize(maxFileSize int64) string { return itoa(maxFileSize + 1<<20) }
