package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/gitlab-mattermost/sdk/config"
	"github.com/gitlab-mattermost/sdk/internal/cli"
	"github.com/gitlab-mattermost/sdk/nginx"
)

// source is where a site comes from: gitlab.rb, a site file, or flags.
type source struct {
	gitlabRB, secrets, root, version string
	site                             string
	target                           string

	host, cert, key, policy, upstream, acme string
	redirect, hsts, http3, assets           bool
}

func (o *source) add(f *flag.FlagSet) {
	f.StringVar(&o.gitlabRB, "gitlab-rb", "", "take the settings from this gitlab.rb `FILE`")
	f.StringVar(&o.secrets, "secrets", "", "and the secrets from `FILE`, default: none")
	f.StringVar(&o.root, "root", "/", "look for other files that gitlab.rb reads below `DIR`")
	f.StringVar(&o.version, "gitlab-version", "", "apply the rules of GitLab `VERSION`, default 18.11")
	f.StringVar(&o.site, "site", "", "take the site from this JSON `FILE` (see vhost import)")
	f.StringVar(&o.target, "target", "standalone", "with -gitlab-rb: linux-package as GitLab wrote it, or standalone")
	f.StringVar(&o.host, "host", "", "public `NAME` of the site")
	f.StringVar(&o.cert, "cert", "", "certificate chain `FILE`; makes the site https")
	f.StringVar(&o.key, "key", "", "private key `FILE`")
	f.StringVar(&o.policy, "policy", "intermediate", "TLS policy `NAME`: intermediate, modern or linux-package")
	f.StringVar(&o.upstream, "upstream", "", "`ADDRESS:PORT` of Mattermost, default 127.0.0.1:8065")
	f.StringVar(&o.acme, "acme", "", "serve ACME challenges from `DIR`")
	f.BoolVar(&o.redirect, "redirect", true, "with -cert: send http to https")
	f.BoolVar(&o.hsts, "hsts", false, "with -cert: send Strict-Transport-Security for two years")
	f.BoolVar(&o.http3, "http3", false, "with -cert: listen for HTTP/3 too, if nginx can")
	f.BoolVar(&o.assets, "assets", false, "cache static files in nginx")
}

// check refuses flags that say nothing together with the chosen source.
func (o *source) check(f *flag.FlagSet) error {
	given := 0
	for _, v := range []string{o.gitlabRB, o.site, o.host} {
		if v != "" {
			given++
		}
	}
	switch {
	case given != 1:
		return cli.Usagef("want exactly one of -gitlab-rb, -site and -host")
	case strings.ContainsAny(o.host, "/@?#"):
		return cli.Usagef("-host: want the name alone, such as chat.example.com")
	case strings.Count(o.host, ":") > 1 && !strings.HasPrefix(o.host, "["):
		return cli.Usagef("-host: an IPv6 address is written in brackets, such as [2001:db8::2]")
	case o.target != "standalone" && o.target != "linux-package":
		return cli.Usagef("-target is %q, want linux-package or standalone", o.target)
	case (o.cert == "") != (o.key == ""):
		return cli.Usagef("-cert and -key belong together")
	}
	if _, err := o.tlsPolicy(); err != nil {
		return err
	}
	err := cmp.Or(cli.Needs(f, "gitlab-rb", "secrets", "root", "gitlab-version", "target"),
		cli.Needs(f, "host", "cert", "upstream", "acme", "redirect", "hsts", "http3", "assets"))
	if err == nil && o.gitlabRB == "" {
		err = cli.Needs(f, "cert", "policy", "redirect", "hsts", "http3")
	}
	switch {
	case err == nil && o.version != "":
		err = cli.CheckGitLabVersion(o.version)
	case err == nil && o.target == "linux-package" && cli.Given(f, "policy"):
		err = cli.Usagef("-policy goes with -target standalone: GitLab's own vhost has its ciphers from gitlab.rb")
	}
	return err
}

// load returns the site and what is worth saying about it.
func (o *source) load(s cli.Streams) (*nginx.Site, []nginx.Finding, error) {
	switch {
	case o.gitlabRB != "":
		return o.fromGitLab()
	case o.site != "":
		data, err := readFile(o.site, s)
		if err != nil {
			return nil, nil, err
		}
		site, err := decodeSite(o.site, data)
		return site, nil, err
	}
	return o.fromFlags()
}

func (o *source) fromGitLab() (*nginx.Site, []nginx.Finding, error) {
	options := config.LoadOptions{GitLabRB: o.gitlabRB, Secrets: o.secrets, Host: config.LocalHost(o.root), GitLabVersion: o.version}
	if o.secrets == "" {
		options.SecretsFile = config.NewSecretsFile("gitlab-secrets.json")
	}
	loaded, err := config.Load(options)
	if err != nil {
		return nil, nil, err
	}
	if !loaded.Installation.VHost.Enabled {
		return nil, nil, fmt.Errorf("%s asks for no Mattermost vhost: mattermost_external_url is not set, or the service or its nginx is off", o.gitlabRB)
	}
	if o.target == "linux-package" {
		return nginx.FromGitLab(loaded.Installation)
	}
	policy, err := o.tlsPolicy()
	if err != nil {
		return nil, nil, err
	}
	return nginx.StandaloneFromGitLab(loaded.Installation, nginx.StandaloneOptions{Policy: policy})
}

func (o *source) tlsPolicy() (nginx.Policy, error) {
	p, ok := nginx.PolicyByName(o.policy)
	if !ok {
		return p, cli.Usagef("-policy is %q, want intermediate, modern or linux-package", o.policy)
	}
	return p, nil
}

func (o *source) fromFlags() (*nginx.Site, []nginx.Finding, error) {
	site := &nginx.Site{Host: o.host, HTTP3: o.http3}
	if o.upstream != "" {
		site.Upstream.Addresses = []string{o.upstream}
	}
	if o.acme != "" {
		site.ACME = &nginx.ACME{Root: o.acme}
	}
	if o.assets {
		site.Assets = &nginx.Assets{}
	}
	if o.cert == "" {
		return site, nil, nil
	}
	policy, err := o.tlsPolicy()
	if err != nil {
		return nil, nil, err
	}
	site.TLS = &nginx.TLS{Certificate: o.cert, Key: o.key, Policy: policy}
	if o.redirect {
		site.Redirect = &nginx.Redirect{}
	}
	if o.hsts {
		site.HSTS.MaxAge = policy.HSTSMaxAge
	}
	return site, nil, nil
}

// decodeSite reads a site file; a field that does not exist is a mistake.
func decodeSite(name string, data []byte) (*nginx.Site, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	site := new(nginx.Site)
	if err := dec.Decode(site); err != nil {
		return nil, fmt.Errorf("%s: not a site file: %w", name, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: something follows the site", name)
	}
	return site, nil
}
