package nginx

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/gitlab-mattermost/sdk/internal/childproc"
)

// Detect asks an nginx binary for its version, its OpenSSL and what it was
// built with ("nginx -V"). binary is a path or a name to look up; "" is
// "nginx", also looked for in /usr/sbin.
func Detect(ctx context.Context, binary string) (Target, error) {
	path, err := findBinary(binary)
	if err != nil {
		return Target{}, err
	}
	out, err := combined(ctx, exec.Command(path, "-V"))
	if err != nil {
		return Target{}, fmt.Errorf("ask nginx for its version: %w", err)
	}
	return parseBuild(out)
}

func findBinary(binary string) (string, error) {
	if binary == "" {
		binary = "nginx"
	}
	path, err := exec.LookPath(binary)
	if err != nil && !strings.Contains(binary, "/") {
		path, err = exec.LookPath("/usr/sbin/" + binary)
	}
	if err != nil {
		return "", fmt.Errorf("find %s: %w; install nginx or name its binary", binary, err)
	}
	return path, nil
}

// combined runs a program that writes to stderr in every case, as nginx does,
// and returns what it wrote.
func combined(ctx context.Context, cmd *exec.Cmd) (string, error) {
	prepared := childproc.Prepare(ctx, cmd)
	var out bytes.Buffer
	prepared.Stdout, prepared.Stderr = &out, &out
	err := prepared.Run()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return out.String(), err
}

// Sandbox runs a real "nginx -t" in a throw-away prefix: its own main file,
// pid and temporary directories. The running nginx is not touched.
type Sandbox struct {
	Binary string // "" is nginx from PATH or /usr/sbin
	// RealFiles has nginx open the certificates, logs and caches that the text
	// names. Otherwise stand-ins below the prefix take their place, so that a
	// vhost for another machine can be tested.
	RealFiles bool
}

// Test has nginx read http-level text, such as Render returns, and reports
// what it says with the line in that text. No findings means that nginx
// accepts it. The error is about running nginx, never about the text.
func (s Sandbox) Test(ctx context.Context, http string) ([]Finding, error) {
	path, err := findBinary(s.Binary)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "nginx-test-")
	if err != nil {
		return nil, fmt.Errorf("make a prefix for nginx -t: %w", err)
	}
	defer os.RemoveAll(dir)
	if !s.RealFiles {
		list, err := Parse("vhost", []byte(http))
		if err != nil {
			return syntaxFinding(err), nil
		}
		if http, err = standIns(dir, list); err != nil {
			return nil, err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "vhost.conf"), []byte(http), 0o600); err != nil {
		return nil, err
	}
	conf := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(conf, []byte(sandboxMain(dir)), 0o600); err != nil {
		return nil, err
	}
	out, err := combined(ctx, exec.Command(path, "-t", "-q", "-p", dir, "-c", conf))
	findings := messages(out, filepath.Join(dir, "vhost.conf"))
	var exit *exec.ExitError
	switch {
	case err == nil:
		return findings, nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("nginx -t: %w", ctx.Err())
	case errors.As(err, &exit) && len(findings) > 0:
		return findings, nil
	}
	return nil, fmt.Errorf("nginx -t: %w: %s", err, clip(out))
}

func syntaxFinding(err error) []Finding {
	f := Finding{ID: "nginx.syntax", Severity: SeverityError, Message: err.Error(), Where: "vhost",
		Fix: "close every quote and block, end every directive with \";\""}
	var syntax *SyntaxError
	if errors.As(err, &syntax) {
		f.Message, f.Where = syntax.Message, fmt.Sprintf("vhost:%d", syntax.Line)
	}
	return []Finding{f}
}

// sandboxMain is the main file around the vhost.
func sandboxMain(dir string) string {
	list := []*Directive{d("pid", dir+"/nginx.pid"), d("error_log", "stderr", "notice"), block("events", nil)}
	http := block("http", nil, d("access_log", dir+"/access.log"))
	for _, name := range [...]string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		http.Block = append(http.Block, d(name+"_temp_path", dir+"/"+name))
	}
	http.Block = append(http.Block, d("include", dir+"/vhost.conf"))
	return Format(append(list, http))
}

// standIns replaces the files that the text names, keeping every directive on
// its own line so that nginx's messages still point to the right one.
func standIns(dir string, list []*Directive) (string, error) {
	cert, err := SelfSigned(SelfSignedOptions{Hosts: []string{"localhost"}, Days: 1})
	if err != nil {
		return "", err
	}
	files := map[string]string{"cert.pem": string(cert.Certificate), "key.pem": cert.Key.Reveal(), "pass": "pass\n",
		"dh.pem": dhGroup}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	replace := map[string]string{"ssl_certificate": "cert.pem", "ssl_certificate_key": "key.pem",
		"ssl_client_certificate": "cert.pem", "ssl_trusted_certificate": "cert.pem", "ssl_password_file": "pass",
		"ssl_dhparam": "dh.pem", "proxy_cache_path": "cache", "error_log": "error.log"}
	addresses := map[string]string{}
	list = clone(list)
	walk(list, func(c *Directive) {
		if name, ok := replace[c.Name]; ok && len(c.Args) > 0 {
			c.Args[0] = filepath.Join(dir, name)
		}
		if c.Name == "access_log" && len(c.Args) > 0 && c.Args[0] != "off" {
			c.Args[0] = filepath.Join(dir, "access.log")
		}
		if c.Name == "listen" && len(c.Args) > 0 {
			c.Args[0] = loopback(c.Args[0], addresses)
			if os.Geteuid() != 0 {
				c.Args[0] = highPort(c.Args[0])
			}
		}
	})
	var b strings.Builder
	line := 1
	onTheirLines(&b, list, &line)
	return b.String(), nil
}

// loopback gives an IPv4 address of another machine a stand-in on this one.
func loopback(at string, known map[string]string) string {
	host, port, ok := strings.Cut(at, ":")
	ip := net.ParseIP(host).To4()
	if ip == nil || ip.IsUnspecified() || ip.IsLoopback() || len(known) > 200 {
		return at
	}
	if known[host] == "" {
		known[host] = "127.1.0." + itoa(len(known)+1)
	}
	if !ok {
		return known[host]
	}
	return known[host] + ":" + port
}

// highPort lets a user who may not bind low ports test them.
func highPort(at string) string {
	i := lastColon(at)
	if strings.HasSuffix(at, "]") {
		return at + ":20080"
	}
	if n, err := strconv.Atoi(at[i+1:]); err == nil && n < 1024 {
		return at[:i+1] + itoa(n+20000)
	}
	return at
}

// onTheirLines writes directives so that each begins on the line it had.
func onTheirLines(b *strings.Builder, list []*Directive, line *int) {
	for _, c := range list {
		for *line < c.Line {
			b.WriteByte('\n')
			*line++
		}
		head := c.head()
		b.WriteString(head)
		if !c.HasBlock {
			b.WriteString("; ")
			continue
		}
		b.WriteString(" { ")
		onTheirLines(b, c.Block, line)
		b.WriteString("} ")
	}
}

// messages maps nginx's own words back to lines of the vhost.
func messages(out, vhost string) []Finding {
	re := regexp.MustCompile(`\[(emerg|alert|crit|error|warn)\] \d+#\d+: (.*)`)
	at := regexp.MustCompile(` in ` + regexp.QuoteMeta(vhost) + `:(\d+)$`)
	var list []Finding
	for line := range strings.Lines(out) {
		m := re.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		f := Finding{ID: "nginx.refused", Severity: SeverityError, Message: m[2], Where: "vhost",
			Fix: "correct the line; this is nginx's own message"}
		if m[1] == "warn" {
			f.ID, f.Severity = "nginx.warned", SeverityWarning
		}
		if p := at.FindStringSubmatchIndex(f.Message); p != nil {
			f.Where = "vhost:" + f.Message[p[2]:p[3]]
			f.Message = f.Message[:p[0]]
		}
		// The directory is gone when the message is read.
		f.Message = strings.ReplaceAll(f.Message, filepath.Dir(vhost)+"/", "")
		list = append(list, f)
	}
	return list
}

// dhGroup is the 2048-bit group of RFC 7919, a public constant.
const dhGroup = `-----BEGIN DH PARAMETERS-----
MIIBCAKCAQEA//////////+t+FRYortKmq/cViAnPTzx2LnFg84tNpWp4TZBFGQz
+8yTnc4kmz75fS/jY2MMddj2gbICrsRhetPfHtXV/WVhJDP1H18GbtCFY2VVPe0a
87VXE15/V8k1mE8McODmi3fipona8+/och3xWKE2rec1MKzKT0g6eXq8CrGCsyT7
YdEIqUuyyOP7uWrat2DX9GgdT0Kj3jlN9K5W7edjcrsZCwenyO4KbXCeAvzhzffi
7MA0BM0oNC9hkXL+nOmFg/+OTxIy7vKBg8P+OxtMb61zO7X8vC7CIAXFjvGDfRaD
ssbzSibBsu/6iGtCOGEoXJf//////////wIBAg==
-----END DH PARAMETERS-----
`
