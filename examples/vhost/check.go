package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gitlab-mattermost/sdk/internal/cli"
	"github.com/gitlab-mattermost/sdk/nginx"
)

const checkUsage = `vhost check reads a vhost (or a whole nginx.conf) and reports what nginx would
refuse and what Mattermost's users would notice.

  vhost check /etc/nginx/conf.d/mattermost.conf
  vhost check -includes /etc/nginx/nginx.conf
  vhost render -host chat.example.com | vhost check -nginx -

With -nginx a real nginx -t runs too, in a directory of its own that is removed
again: neither the running nginx nor its files are touched.

`

func runCheck(ctx context.Context, args []string, s cli.Streams) error {
	var to targetFlags
	f := cli.Flags("vhost check", checkUsage, s)
	to.add(f)
	withNginx := f.Bool("nginx", false, "also ask a real nginx, with stand-ins for certificates, logs and caches")
	realFiles := f.Bool("real-files", false, "with -nginx: use the files that the vhost names")
	includes := f.Bool("includes", false, "follow include directives below -root")
	root := f.String("root", "/", "`DIR` that includes cannot leave")
	asJSON := f.Bool("json", false, "print one object: findings")
	rest, err := cli.Arguments(f, args, "FILE")
	if err == nil {
		err = cmp.Or(cli.Exclusive(f, "nginx", "includes"), cli.Needs(f, "nginx", "real-files"), cli.Needs(f, "includes", "root"))
	}
	if err != nil {
		return err
	}
	name := rest[0]
	target, err := to.target(ctx)
	if err != nil {
		return err
	}
	var list []nginx.Finding
	var data []byte
	if *includes {
		list, err = checkIncludes(*root, name, target)
	} else if data, err = readFile(name, s); err == nil {
		if len(bytes.TrimSpace(data)) == 0 {
			return fmt.Errorf("%s is empty: there is nothing to check", name)
		}
		list = nginx.Check(name, data, target)
	}
	if err != nil {
		return err
	}
	if *withNginx {
		said, err := nginx.Sandbox{RealFiles: *realFiles}.Test(ctx, string(data))
		if err != nil {
			return err
		}
		list = append(list, said...)
	}
	if *asJSON {
		if err := cli.WriteJSON(s.Out, map[string]any{"findings": findings(list)}); err != nil {
			return err
		}
		return verdict(list)
	}
	printFindings(s.Out, list)
	if len(list) == 0 {
		fmt.Fprintf(s.Out, "%s: nothing to report\n", name)
	}
	return verdict(list)
}

func checkIncludes(root, name string, target nginx.Target) ([]nginx.Finding, error) {
	dir, err := rootFS(root)
	if err != nil {
		return nil, err
	}
	list, err := nginx.Load(dir, relative(root, name))
	if err != nil {
		return nil, err
	}
	return nginx.CheckDirectives(list, target), nil
}

// rootFS is a directory that symbolic links cannot leave.
func rootFS(root string) (fs.FS, error) {
	r, err := os.OpenRoot(root)
	if err != nil {
		return nil, fmt.Errorf("open the root directory: %w", err)
	}
	return r.FS(), nil
}

// relative names a file as seen from root.
func relative(root, name string) string {
	abs, err := filepath.Abs(name)
	if err != nil {
		return name
	}
	absRoot, err := filepath.Abs(root)
	if err != nil {
		return name
	}
	rel, err := filepath.Rel(absRoot, abs)
	if err != nil || rel == ".." || len(rel) > 2 && rel[:3] == "../" {
		return name // below the root already
	}
	return rel
}
