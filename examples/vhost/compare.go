package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/gitlab-mattermost/sdk/internal/cli"
	"github.com/gitlab-mattermost/sdk/nginx"
)

const diffUsage = `vhost diff compares the file on disk with the vhost that render would write, by
meaning: layout, comments, quotes and the order of most directives do not count.

  vhost diff -gitlab-rb /etc/gitlab/gitlab.rb -target linux-package \
      /var/opt/gitlab/nginx/conf/service_conf/gitlab-mattermost.conf
  vhost diff -site site.json /etc/nginx/conf.d/mattermost.conf

Lines with "-" are only in the file, with "+" only in the rendered vhost, with
"~" in both and different. Exit code 3 when there are any.

`

func runDiff(ctx context.Context, args []string, s cli.Streams) error {
	var src source
	var to targetFlags
	f := cli.Flags("vhost diff", diffUsage, s)
	src.add(f)
	to.add(f)
	asJSON := f.Bool("json", false, "print one object: changes")
	rest, err := cli.Arguments(f, args, "FILE")
	if err != nil {
		return err
	}
	name := rest[0]
	if err := src.check(f); err != nil {
		return err
	}
	data, err := readFile(name, s)
	if err != nil {
		return err
	}
	have, err := nginx.Parse(name, data)
	if err != nil {
		return err
	}
	r, err := render(ctx, &src, &to, s)
	if err != nil {
		return err
	}
	want, err := r.Site.Directives(r.target)
	if err != nil {
		return err
	}
	changes := nginx.Diff(have, want)
	if *asJSON {
		if changes == nil {
			changes = []nginx.Change{}
		}
		if err := cli.WriteJSON(s.Out, map[string]any{"changes": changes}); err != nil {
			return err
		}
	} else {
		for _, c := range changes {
			fmt.Fprintln(s.Out, c)
		}
	}
	if len(changes) > 0 {
		return cli.ErrFindings
	}
	if !*asJSON {
		fmt.Fprintf(s.Out, "%s: no differences\n", name)
	}
	return nil
}

const importUsage = `vhost import reads an existing vhost into a site file, which render, diff and
check -site take: GitLab's own of every version, the documented ones, and what
people made of them.

  vhost import /etc/nginx/conf.d/mattermost.conf > site.json
  vhost import -out site.json /var/opt/gitlab/nginx/conf/service_conf/gitlab-mattermost.conf

What was not understood is on standard error, with its line.

`

func runImport(_ context.Context, args []string, s cli.Streams) error {
	f := cli.Flags("vhost import", importUsage, s)
	host := f.String("name", "", "the site with this server_name, if there are several")
	out := f.String("out", "", "write to `FILE`, atomically")
	dry := f.Bool("n", false, "with -out: write nothing, say what would be written")
	asJSON := f.Bool("json", false, "print one object: site, findings")
	rest, err := cli.Arguments(f, args, "FILE")
	if err != nil {
		return err
	}
	name := rest[0]
	data, err := readFile(name, s)
	if err != nil {
		return err
	}
	list, err := nginx.Parse(name, data)
	if err != nil {
		return err
	}
	site, notes, err := nginx.Import(list, *host)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if *asJSON {
		if err := cli.WriteJSON(s.Out, map[string]any{"site": site, "findings": findings(notes)}); err != nil {
			return err
		}
		if *out == "" {
			return verdict(notes)
		}
	} else {
		printFindings(s.Err, notes)
	}
	text, err := json.MarshalIndent(site, "", "  ")
	if err != nil {
		return err
	}
	if err := writeOut(*out, string(text)+"\n", *dry, s); err != nil {
		return err
	}
	return verdict(notes)
}
