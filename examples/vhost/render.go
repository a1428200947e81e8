package main

import (
	"cmp"
	"context"
	"fmt"

	"github.com/gitlab-mattermost/sdk/internal/cli"
	"github.com/gitlab-mattermost/sdk/nginx"
)

const renderUsage = `vhost render writes the vhost of a site.

  vhost render -host chat.example.com
  vhost render -gitlab-rb /etc/gitlab/gitlab.rb -target linux-package
  vhost render -site site.json -for-nginx local -out /etc/nginx/conf.d/mattermost.conf

The text goes to standard output or to -out, findings to standard error.

`

func runRender(ctx context.Context, args []string, s cli.Streams) error {
	var src source
	var to targetFlags
	f := cli.Flags("vhost render", renderUsage, s)
	src.add(f)
	to.add(f)
	out := f.String("out", "", "write to `FILE`, atomically")
	main := f.Bool("main", false, "print what nginx.conf must hold for a linux-package vhost instead")
	dry := f.Bool("n", false, "with -out: write nothing, say what would be written")
	asJSON := f.Bool("json", false, "print one object: config, main_config, stream_config, site, findings")
	if _, err := cli.Arguments(f, args); err != nil {
		return err
	}
	if err := cmp.Or(src.check(f), cli.Exclusive(f, "json", "main")); err != nil {
		return err
	}
	r, err := render(ctx, &src, &to, s)
	if err != nil {
		return err
	}
	if *asJSON {
		if err := cli.WriteJSON(s.Out, r); err != nil {
			return err
		}
		if *out == "" {
			return verdict(r.Findings)
		}
	} else {
		printFindings(s.Err, r.Findings)
	}
	text := r.Config
	if *main {
		if text = r.MainConfig; text == "" {
			fmt.Fprintln(s.Err, "nothing: this vhost brings all it needs")
		}
	}
	if err := writeOut(*out, text, *dry, s); err != nil {
		return err
	}
	return verdict(r.Findings)
}

// rendered is what -json prints.
type rendered struct {
	Config       string          `json:"config"`
	MainConfig   string          `json:"main_config"`
	StreamConfig string          `json:"stream_config"`
	Site         *nginx.Site     `json:"site"`
	Findings     []nginx.Finding `json:"findings"`

	target nginx.Target
}

func render(ctx context.Context, src *source, to *targetFlags, s cli.Streams) (*rendered, error) {
	site, list, err := src.load(s)
	if err != nil {
		return nil, err
	}
	target, err := to.target(ctx)
	if err != nil {
		return nil, err
	}
	r := &rendered{Site: site, Findings: findings(list), target: target}
	if r.Config, err = nginx.Render(site, target); err != nil {
		if src.host != "" {
			return nil, cli.Usagef("%v", err) // the site is what the flags say
		}
		return nil, err
	}
	if r.MainConfig, err = nginx.MainConfig(site, target); err != nil {
		return nil, err
	}
	r.StreamConfig, err = nginx.StreamConfig(site, target)
	return r, err
}
