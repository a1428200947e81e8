// Command vhost writes, checks, compares and imports the nginx virtual host of
// a Mattermost server. It never touches the running nginx.
package main

import (
	"context"
	"flag"
	"os"

	"github.com/gitlab-mattermost/sdk/internal/cli"
	"github.com/gitlab-mattermost/sdk/nginx"
)

func main() { os.Exit(cli.Main("vhost", run)) }

const usage = `vhost writes, checks, compares and imports the nginx vhost of a Mattermost server.
It reads files and never touches the running nginx.

  vhost render       write a vhost: from gitlab.rb, from a site file, or from flags
  vhost check FILE   what is wrong with a vhost, without nginx or with a real nginx -t
  vhost diff FILE    what a rendered vhost changes in the file on disk
  vhost import FILE  read an existing vhost into a site file
  vhost tls-check FILE  the certificates that a vhost names: host, expiry, chain, key

For example, the vhost for a Mattermost of its own, tested before it is copied:

  vhost render -host chat.example.com -cert /etc/ssl/chat.pem -key /etc/ssl/chat.key -out mattermost.conf
  vhost check -nginx mattermost.conf

Each command has its own help: vhost render -h.
Exit codes: 0 fine, 1 error, 2 wrong call, 3 findings of severity error (or, for diff, differences).
`

func run(ctx context.Context, args []string, s cli.Streams) error {
	return cli.Dispatch(ctx, "vhost", usage, []cli.Command{
		{Name: "render", Run: runRender}, {Name: "check", Run: runCheck}, {Name: "diff", Run: runDiff},
		{Name: "import", Run: runImport}, {Name: "tls-check", Run: runTLSCheck},
	}, args, s)
}

// targetFlags are the flags that say which nginx will read the result.
type targetFlags struct{ nginx, openssl string }

func (t *targetFlags) add(f *flag.FlagSet) {
	f.StringVar(&t.nginx, "for-nginx", "", "write for nginx `VERSION`; \"local\" asks the nginx of this machine; default: any since 1.18")
	f.StringVar(&t.openssl, "for-openssl", "", "and OpenSSL `VERSION`")
}

func (t *targetFlags) target(ctx context.Context) (nginx.Target, error) {
	if t.nginx == "local" {
		return nginx.Detect(ctx, "")
	}
	target := nginx.Target{Nginx: t.nginx, OpenSSL: t.openssl}
	if err := target.Validate(); err != nil {
		return target, cli.Usagef("%v", err)
	}
	return target, nil
}

// readFile reads FILE, "-" is standard input.
func readFile(name string, s cli.Streams) ([]byte, error) {
	return readAtMost(name, s, 4<<20)
}
