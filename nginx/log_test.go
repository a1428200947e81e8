package nginx

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestTokensStayOutOfTheAccessLog: query strings and referring pages carry
// invitations and OAuth codes. GitLab's format filters the parameters that it
// knows by name; the standalone one drops them all.
func TestTokensStayOutOfTheAccessLog(t *testing.T) {
	layouts(t, func(t *testing.T, site *Site) {
		p := serve(t, site)
		p.do("GET", "/signup?private_token=SECRET1&TOKEN=SECRET2&rss-token=SECRET3&page=2",
			http.Header{"Referer": {"https://gitlab.example.com/oauth/authorize?code=SECRET4"}}, nil)
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil { // writes what is buffered
			t.Fatal(err)
		}
		log := ""
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end) && !strings.Contains(log, "/signup"); time.Sleep(20 * time.Millisecond) {
			log = ""
			paths, err := filepath.Glob(filepath.Join(p.dir, "*_access.log"))
			if err != nil {
				t.Fatal(err)
			}
			for _, path := range paths {
				b, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				log += string(b)
			}
		}
		if !strings.Contains(log, "GET /signup") || strings.Contains(log, "SECRET") {
			t.Errorf("log: %s", log)
		}
	})
}
