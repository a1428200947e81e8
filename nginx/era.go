package nginx

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gitlab-mattermost/sdk/internal/version"
)

func itoa[T ~int | ~int64](n T) string { return strconv.FormatInt(int64(n), 10) }

// EraChange is one version in which GitLab's vhost template for Mattermost
// changed.
type EraChange struct {
	From   string // first GitLab version
	Nginx  string // the nginx that GitLab bundled then
	Change string
}

// EraChanges lists the versions at which the template or its defaults changed,
// oldest first, as read from the releases of GitLab's Linux package.
func EraChanges() []EraChange {
	return []EraChange{
		{"7.14", "1.7.12", "the first template: upstream on 127.0.0.1, timeouts fixed at 300, ssl on"},
		{"8.0", "1.7.12", "websocket upgrade headers with their map in the vhost, own log format, timeouts can be set"},
		{"8.1", "1.7.12", "client_max_body_size, 250m"},
		{"8.3", "1.7.12", "upstream uses service_address, client_max_body_size 0"},
		{"8.6", "1.9.10", "HTTP/2 on the listen line"},
		{"8.7", "1.9.12", "real_ip settings"},
		{"8.9", "1.9.12", "proxy_read_timeout 3600"},
		{"8.11", "1.10.1", "proxy headers from a table"},
		{"8.15", "1.10.2", "the upgrade map moved to nginx.conf"},
		{"9.0", "1.10.3", "client certificates"},
		{"10.0", "1.12.1", "TLS 1.0 off, query strings filtered in the log"},
		{"10.7", "1.12.1", "3DES out of the cipher list"},
		{"11.8", "1.12.2", "redirect inside location /, challenge location in the redirect server"},
		{"12.0", "1.14.2", "TLS 1.1 off"},
		{"12.2", "1.16.1", "ssl on dropped, TLS 1.3, ECDSA ciphers"},
		{"12.6", "1.16.1", "Referrer-Policy"},
		{"13.0", "1.16.1", "gzip ratio in the log"},
		{"14.1", "1.20.1", "Mozilla's intermediate cipher list, sessions for a day"},
		{"14.2", "1.20.1", "error_log level, websocket and Focalboard locations, AES256-GCM-SHA384 allowed"},
		{"14.7", "1.20.1", "proxy_protocol"},
		{"14.9", "1.20.1", "challenge location narrowed and in both servers, proxy_custom_buffer_size"},
		{"15.0", "1.20.1", "Strict-Transport-Security, AES256-GCM-SHA384 gone again"},
		{"15.5", "1.20.2", "ssl_password_file"},
		{"16.1.3", "1.24.0", "HTTP/1.1 to Mattermost in every location"},
		{"17.11", "1.27.4", "http2 on; instead of the listen flag"},
		{"18.5", "1.29.0", "vhost file renamed to service_conf/gitlab-mattermost.conf"},
		{"18.9", "1.29.4", "escaping of the access log can be chosen"},
		{"18.10", "1.29.4", "ssl_ecdh_curve, ssl_conf_command"},
		{"18.11", "1.29.4", "the last release with Mattermost"},
	}
}

// era answers "does the template of this GitLab version …?".
type era struct {
	v   version.Version
	key int // v as releaseKey gives it
}

func parseEra(text string) (era, error) {
	v, err := version.Parse(text)
	if err != nil {
		return era{}, fmt.Errorf("era: %w", err)
	}
	first, after := version.MustParse("7.14"), version.MustParse("19.0")
	if !v.AtLeast(first) || v.AtLeast(after) {
		return era{}, fmt.Errorf("era %s: GitLab bundled Mattermost from 7.14 to 18.11", text)
	}
	return era{v, (v.Major*1000+v.Minor)*1000 + max(v.Patch, 0)}, nil
}

func (e era) from(v string) bool { return e.key >= releaseKey(v) }

// releaseKey makes "16.1.3" comparable without an allocation; rendering asks
// several dozen times. The text is a constant of this package.
func releaseKey(v string) int {
	key, part, parts := 0, 0, 0
	for i := 0; i < len(v); i++ {
		if v[i] == '.' {
			key, part, parts = key*1000+part, 0, parts+1
			continue
		}
		part = part*10 + int(v[i]-'0')
	}
	for key = key*1000 + part; parts < 2; parts++ {
		key *= 1000
	}
	return key
}

// nginx is the version that GitLab bundled.
func (e era) nginx() string {
	bundled := ""
	for _, c := range EraChanges() {
		if e.from(c.From) {
			bundled = c.Nginx
		}
	}
	return bundled
}

// policy is the default TLS policy of the era.
func (e era) policy() Policy {
	p := LinuxPackage()
	p.Version = e.v.String()
	switch {
	case e.from("12.2"):
	case e.from("12.0"):
		p.Protocols = []string{"TLSv1.2"}
	case e.from("10.0"):
		p.Protocols = []string{"TLSv1.1", "TLSv1.2"}
	default:
		p.Protocols = []string{"TLSv1", "TLSv1.1", "TLSv1.2"}
	}
	switch {
	case e.from("15.0"):
	case e.from("14.2"):
		p.Ciphers += ":AES256-GCM-SHA384"
	case e.from("14.1"):
	default:
		p.Ciphers = e.oldCiphers()
		p.PreferServerCiphers = "on"
		p.SessionCache = []string{"builtin:1000", "shared:SSL:10m"}
		p.SessionTimeout = "5m"
	}
	return p
}

// oldCiphers is the default list before 14.1.
func (e era) oldCiphers() string {
	list := []string{"ECDHE-RSA-AES256-GCM-SHA384"}
	add := func(when bool, names ...string) {
		if when {
			list = append(list, names...)
		}
	}
	ecdsa, tripleDES := e.from("12.2"), !e.from("10.7")
	add(ecdsa, "ECDHE-ECDSA-AES256-GCM-SHA384")
	add(true, "ECDHE-RSA-AES128-GCM-SHA256")
	add(ecdsa, "ECDHE-ECDSA-AES128-GCM-SHA256")
	add(true, "ECDHE-RSA-AES256-SHA384", "ECDHE-RSA-AES128-SHA256", "ECDHE-RSA-AES256-SHA", "ECDHE-RSA-AES128-SHA")
	add(tripleDES, "ECDHE-RSA-DES-CBC3-SHA")
	add(true, "AES256-GCM-SHA384", "AES128-GCM-SHA256", "AES256-SHA256", "AES128-SHA256", "AES256-SHA", "AES128-SHA")
	add(tripleDES, "DES-CBC3-SHA")
	add(true, "!aNULL", "!eNULL", "!EXPORT", "!DES", "!MD5", "!PSK", "!RC4")
	return strings.Join(list, ":")
}

// logFormat is the default format of the access log, "" before there was one.
func (e era) logFormat() string {
	switch {
	case e.from("13.0"):
		return gitlabLogFormat
	case e.from("10.0"):
		return strings.TrimSuffix(gitlabLogFormat, " $gzip_ratio")
	case e.from("8.0"):
		return `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"`
	}
	return ""
}
