package nginx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// running is a nginx of the test's own that includes DIR/conf.d/*.conf.
type running struct {
	*server
	port int
	path string // of the vhost file
}

func answering(port int, text string) string {
	return fmt.Sprintf("server {\n  listen 127.0.0.1:%d;\n  return 200 %q;\n}\n", port, text)
}

func startRunning(t *testing.T) *running {
	dir := t.TempDir()
	r := &running{port: freePort(t), path: filepath.Join(dir, "conf.d", "mattermost.conf")}
	writeFile(t, r.path, answering(r.port, "old"), 0o640)
	r.server = startNginx(t, dir, "include "+dir+"/conf.d/*.conf;\n", r.port)
	return r
}

func (r *running) control(t *testing.T) Control {
	return Control{Binary: realNginx(t), Prefix: r.dir, Conf: filepath.Join(r.dir, "nginx.conf")}
}

func (r *running) answer() string {
	resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/", r.port))
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return string(b)
}

// eventually waits for a reload, which nginx does in the background.
func (r *running) eventually(want string) string {
	got := ""
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if got = r.answer(); got == want {
			break
		}
	}
	return got
}

func TestInstallTestsReloadsAndRollsBack(t *testing.T) {
	r := startRunning(t)
	read := func() string {
		b, err := os.ReadFile(r.path)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	plan := func(text string) *InstallPlan {
		p, err := PlanInstall(r.path, text)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	old := read()

	err := plan("server { listen 127.0.0.1:80x; nonsense; }\n").Apply(t.Context(), r.control(t))
	if err == nil || !strings.Contains(err.Error(), "nginx refuses it, nothing was reloaded") || read() != old {
		t.Errorf("refused text: %v; file is now %q", err, read())
	}

	control := r.control(t)
	control.Verify = func(context.Context) error {
		if got := r.eventually("new"); got != "new" {
			return fmt.Errorf("it answers %q", got)
		}
		return errors.New("the page is empty")
	}
	err = plan(answering(r.port, "new")).Apply(t.Context(), control)
	if err == nil || !strings.Contains(err.Error(), "rolled back: the site does not work: the page is empty") || read() != old {
		t.Errorf("failed verification: %v; file is now %q", err, read())
	}
	if got := r.eventually("old"); got != "old" {
		t.Errorf("after the rollback nginx answers %q", got)
	}

	control.Verify = nil
	next := plan(answering(r.port, "new"))
	if !next.Changes() {
		t.Error("the plan sees no change")
	}
	if err := next.Apply(t.Context(), control); err != nil {
		t.Fatal(err)
	}
	if got := r.eventually("new"); got != "new" {
		t.Errorf("after the installation nginx answers %q", got)
	}
	if info, err := os.Stat(r.path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the file's mode became %v, %v", info.Mode(), err)
	}
	if plan(answering(r.port, "new")).Changes() {
		t.Error("a second plan sees a change")
	}

	stale := plan("server { listen 127.0.0.1:81; }\n")
	writeFile(t, r.path, answering(r.port, "by hand"), 0o640)
	if err := stale.Apply(t.Context(), control); err == nil || !strings.Contains(err.Error(), "changed since the plan was made") {
		t.Errorf("a plan that is out of date: %v", err)
	}
}

func TestInstallOfANewFileIsRemovedWhenRefused(t *testing.T) {
	r := startRunning(t)
	path := filepath.Join(filepath.Dir(r.path), "second.conf")
	p, err := PlanInstall(path, "server {")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Apply(t.Context(), r.control(t)); err == nil {
		t.Error("a broken file was installed")
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the refused file is still there: %v", err)
	}
}

func TestInstallRefusesTheWrongTarget(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("/etc/nginx/nginx.conf", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, filepath.Join(dir, "link"), filepath.Join(dir, "missing", "x.conf")} {
		if _, err := PlanInstall(path, "x"); err == nil {
			t.Errorf("%s was accepted", path)
		}
	}
}

func TestDetectReadsTheRealBinary(t *testing.T) {
	target, err := Detect(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if target != localTarget(t) || !atLeast(target.Nginx, "1.18.0") || !atLeast(target.OpenSSL, "1.1.1") {
		t.Errorf("target %+v", target)
	}
	if _, err := Detect(t.Context(), "/nonexistent/nginx"); err == nil {
		t.Error("a missing binary was accepted")
	}
	if _, err := Detect(t.Context(), "/bin/true"); err == nil {
		t.Error("another program was taken for nginx")
	}
}

func TestParseBuildReadsOtherBuilds(t *testing.T) {
	for _, c := range []struct {
		reason, text string
		want         Target
	}{
		{"mainline with HTTP/3", "nginx version: nginx/1.29.4\nbuilt with OpenSSL 3.5.4 30 Sep 2025\nconfigure arguments: --with-http_v2_module --with-http_v3_module",
			Target{Nginx: "1.29.4", OpenSSL: "3.5.4", HTTP3: true}},
		{"the library at run time counts", "nginx version: nginx/1.22.1\nbuilt with OpenSSL 3.0.20 7 Apr 2026 (running with OpenSSL 3.0.19 27 Jan 2026)\n--with-http_v2_module",
			Target{Nginx: "1.22.1", OpenSSL: "3.0.19"}},
		{"Ubuntu", "nginx version: nginx/1.18.0 (Ubuntu)\nbuilt with OpenSSL 1.1.1f  31 Mar 2020\n--with-http_v2_module", Target{Nginx: "1.18.0", OpenSSL: "1.1.1f"}},
		{"another library", "nginx version: nginx/1.25.1\nbuilt with LibreSSL 3.8.2\nx", Target{Nginx: "1.25.1", NoHTTP2: true}},
	} {
		if got, err := parseBuild(c.text); err != nil || got != c.want {
			t.Errorf("%s: %+v, %v, want %+v", c.reason, got, err, c.want)
		}
	}
}
