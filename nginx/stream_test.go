package nginx

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestStreamBlockForCallsIsAccepted has a nginx with the stream module, built
// in or beside it, read the block; for one without, our own check must do.
func TestStreamBlockForCallsIsAccepted(t *testing.T) {
	site := &Site{Host: "chat.example.com", Upstream: Upstream{Addresses: []string{"10.0.0.7:8065"}}, Calls: &Calls{Port: freePort(t), Stream: true}}
	text, err := StreamConfig(site, localTarget(t))
	if err != nil || !strings.Contains(text, "udp;") {
		t.Fatalf("%q, %v", text, err)
	}
	if findings := Check("nginx.conf", []byte("events { }\n"+text), Target{}); len(findings) != 0 {
		t.Errorf("our own check: %v", findings)
	}
	build, err := exec.Command(realNginx(t), "-V").CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	const module = "/usr/lib/nginx/modules/ngx_stream_module.so"
	load := ""
	if !strings.Contains(string(build), "--with-stream ") {
		if _, err := os.Stat(module); err != nil {
			return // Debian's nginx without libnginx-mod-stream
		}
		load = "load_module " + module + ";\n"
	}
	dir := t.TempDir()
	conf := filepath.Join(dir, "nginx.conf")
	writeFile(t, conf, load+"pid "+dir+"/pid;\nerror_log stderr;\nevents { }\n"+text, 0o644)
	if out, err := exec.Command(realNginx(t), "-t", "-p", dir, "-c", conf).CombinedOutput(); err != nil {
		t.Errorf("nginx refuses it: %s\n%s", out, text)
	}
}
