package main

import (
	"cmp"
	"context"
	"crypto/x509"
	"fmt"

	"github.com/gitlab-mattermost/sdk/internal/cli"
	"github.com/gitlab-mattermost/sdk/internal/english"
	"github.com/gitlab-mattermost/sdk/nginx"
)

const tlsCheckUsage = `vhost tls-check reads the certificates that a vhost names and reports what keeps
browsers, mobile apps or nginx from using them: missing files, a key that does
not belong to the certificate or that others may read, a host that it does not
name, expiry, an incomplete chain.

  sudo vhost tls-check /etc/nginx/conf.d/mattermost.conf
  vhost tls-check -host chat.example.com -cert chat.pem -key chat.key

For a trial, before there is a real certificate:

  vhost tls-check -make -host chat.example.com -cert trial.pem -key trial.key

`

func runTLSCheck(_ context.Context, args []string, s cli.Streams) error {
	f := cli.Flags("vhost tls-check", tlsCheckUsage, s)
	host := f.String("host", "", "`NAME` that the certificate must hold; default: the vhost's server_name")
	cert := f.String("cert", "", "certificate `FILE` instead of a vhost")
	key := f.String("key", "", "key `FILE`")
	root := f.String("root", "/", "the files of the vhost are below `DIR`")
	ca := f.String("ca", "", "trust the authorities in `FILE` instead of the system's")
	create := f.Bool("make", false, "make a self-signed certificate for 30 days of trial; replaces nothing")
	dry := f.Bool("n", false, "with -make: write nothing, say what would be written")
	asJSON := f.Bool("json", false, "print one object: findings")
	rest, err := cli.Arguments(f, args, "[FILE]")
	if err == nil {
		err = cmp.Or(cli.Needs(f, "make", "n"), cli.Exclusive(f, "make", "json"), cli.Exclusive(f, "make", "ca"))
	}
	if err != nil {
		return err
	}
	o := nginx.CertificateOptions{Certificate: *cert, Key: *key}
	if *host != "" {
		o.Hosts = []string{*host}
	}
	if *create {
		if *host == "" || *cert == "" || *key == "" || len(rest) > 0 {
			return cli.Usagef("-make needs -host, -cert and -key, and no FILE")
		}
		return makeCertificate(o, *dry, s)
	}
	checks, err := certificates(o, rest, s)
	if err != nil {
		return err
	}
	pool, err := authorities(*ca, s)
	if err != nil {
		return err
	}
	dir, err := rootFS(*root)
	if err != nil {
		return err
	}
	var list []nginx.Finding
	for _, c := range checks {
		c.Roots = pool
		if *cert != "" {
			c.Certificate, c.Key = "/"+relative(*root, c.Certificate), "/"+relative(*root, c.Key)
		}
		list = append(list, nginx.CheckCertificate(dir, c)...)
	}
	if *asJSON {
		if err := cli.WriteJSON(s.Out, map[string]any{"findings": findings(list)}); err != nil {
			return err
		}
		return verdict(list)
	}
	printFindings(s.Out, list)
	if len(list) == 0 {
		fmt.Fprintf(s.Out, "%s: nothing to report\n", english.Count(len(checks), "certificate"))
	}
	return verdict(list)
}

// certificates are the pairs to check: the given one, or all that a vhost names.
func certificates(o nginx.CertificateOptions, rest []string, s cli.Streams) ([]nginx.CertificateOptions, error) {
	if o.Certificate != "" || o.Key != "" {
		if o.Certificate == "" || o.Key == "" || len(rest) > 0 {
			return nil, cli.Usagef("-cert and -key belong together and take the place of FILE")
		}
		return []nginx.CertificateOptions{o}, nil
	}
	if len(rest) == 0 {
		return nil, cli.Usagef("want FILE, or -cert and -key")
	}
	name := rest[0]
	data, err := readFile(name, s)
	if err != nil {
		return nil, err
	}
	list, err := nginx.Parse(name, data)
	if err != nil {
		return nil, err
	}
	pairs := nginx.Certificates(list)
	if len(pairs) == 0 {
		return nil, fmt.Errorf("%s names no certificate", name)
	}
	for i := range pairs {
		if o.Hosts != nil {
			pairs[i].Hosts = o.Hosts
		}
	}
	return pairs, nil
}

func authorities(name string, s cli.Streams) (*x509.CertPool, error) {
	if name == "" {
		return nil, nil
	}
	data, err := readFile(name, s)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("%s holds no certificate", name)
	}
	return pool, nil
}

func makeCertificate(o nginx.CertificateOptions, dry bool, s cli.Streams) error {
	if dry {
		_, err := fmt.Fprintf(s.Out, "would write %s and %s for %s\n", o.Certificate, o.Key, o.Hosts[0])
		return err
	}
	pair, err := nginx.SelfSigned(nginx.SelfSignedOptions{Hosts: o.Hosts})
	if err != nil {
		return err
	}
	if err := pair.Write(o.Certificate, o.Key); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.Out, "wrote %s and %s for %s: no browser trusts it, it ends in 30 days\n", o.Certificate, o.Key, o.Hosts[0])
	return err
}
