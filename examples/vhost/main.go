// Command vhost writes, checks, compares and imports the nginx virtual host of
// a Mattermost server. It never touches the running nginx.
package main

import (
	"context"
	"flag"
	"fmt"
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
	if len(args) == 0 {
		return cli.Usagef("a command is needed: render, check, diff, import or tls-check")
	}
	if args[0] == "-h" || args[0] == "-help" || args[0] == "--help" || args[0] == "help" {
		_, err := fmt.Fprint(s.Out, usage)
		return err
	}
	for _, c := range []struct {
		name string
		run  func(context.Context, []string, cli.Streams) error
	}{
		{"render", runRender}, {"check", runCheck}, {"diff", runDiff}, {"import", runImport}, {"tls-check", runTLSCheck},
	} {
		if c.name == args[0] {
			return c.run(ctx, args[1:], s)
		}
	}
	return cli.Usagef("unknown command %q: want render, check, diff, import or tls-check", args[0])
}

// parse reads flags before, between and behind the arguments, and returns the
// arguments.
func parse(f *flag.FlagSet, args []string) ([]string, error) {
	var rest []string
	for {
		if err := cli.Parse(f, args); err != nil {
			return nil, err
		}
		if f.NArg() == 0 {
			return rest, nil
		}
		rest = append(rest, f.Arg(0))
		args = f.Args()[1:]
	}
}

// oneFile is the single FILE argument.
func oneFile(args []string) (string, error) {
	if len(args) != 1 {
		return "", cli.Usagef("want one FILE, got %d", len(args))
	}
	return args[0], nil
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
