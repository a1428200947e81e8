package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/gitlab-mattermost/sdk/internal/cli"
	"github.com/gitlab-mattermost/sdk/oauth"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// target are the flags that say which two servers and by which route.
type target struct {
	streams                    cli.Streams
	gitlab, mattermost, route  string
	version, database, ca      string
	tokenFile, secretFile, id  string
	linuxPackage, json, dryRun bool
}

func (t *target) flags(f *flag.FlagSet) {
	f.StringVar(&t.gitlab, "gitlab", os.Getenv("GITLAB_URL"), "address of GitLab, with its relative path `URL` (or GITLAB_URL)")
	f.StringVar(&t.mattermost, "mattermost", os.Getenv("MATTERMOST_URL"), "address of Mattermost `URL` (or MATTERMOST_URL)")
	f.StringVar(&t.route, "route", "api", "`ROUTE`: api (administrator's token), database (GitLab's own) or manual")
	f.StringVar(&t.version, "gitlab-version", "", "GitLab's `VERSION`, for example 18.11.3; default: found out")
	f.StringVar(&t.database, "database", "", "with -route database: connection `STRING` without a password; default: the PG* variables, or the package's socket")
	f.StringVar(&t.ca, "ca", "", "`FILE` with further certificates to trust")
	f.StringVar(&t.tokenFile, "token-file", "", "`FILE` with the administrator's token; default: GITLAB_TOKEN, then a prompt")
	f.StringVar(&t.id, "id", os.Getenv("MM_GITLABSETTINGS_ID"), "application `ID` to look for or to register (or MM_GITLABSETTINGS_ID)")
	f.StringVar(&t.secretFile, "secret-file", "", "`FILE` with the application's secret; default: MM_GITLABSETTINGS_SECRET")
	f.BoolVar(&t.linuxPackage, "linux-package", false, "want the application as GitLab's Linux package made it: no scope, not trusted")
	f.BoolVar(&t.json, "json", false, "print JSON")
	f.BoolVar(&t.dryRun, "n", false, "only say what would be done")
}

// want is the application that shall exist. All that the flags say is checked
// here, before anybody is asked for a token.
func (t *target) want() (oauth.Application, error) {
	if t.gitlab == "" || t.mattermost == "" {
		return oauth.Application{}, cli.Usagef("-gitlab and -mattermost are needed")
	}
	if err := t.checkGitLab(); err != nil {
		return oauth.Application{}, err
	}
	a, err := oauth.Desired(t.mattermost)
	if err != nil {
		return a, cli.Usagef("-mattermost: %s", cause(err))
	}
	if t.linuxPackage {
		a = oauth.LinuxPackageApplication(t.mattermost)
	}
	return a, nil
}

// checkGitLab checks the flags that every use of GitLab has.
func (t *target) checkGitLab() error {
	if t.gitlab == "" {
		return cli.Usagef("-gitlab is needed")
	}
	if _, err := oauth.NormalizeURL(t.gitlab); err != nil {
		return cli.Usagef("-gitlab: %s", err)
	}
	if t.version != "" {
		if _, err := oauth.ParseVersion(t.version); err != nil {
			return cli.Usagef("-gitlab-version: %s", err)
		}
	}
	return nil
}

// cause is an error without what it was wrapped in.
func cause(err error) error {
	for errors.Unwrap(err) != nil {
		err = errors.Unwrap(err)
	}
	return err
}

func (t *target) credentials() (oauth.Credentials, error) {
	secret, err := secretFrom(t.secretFile, "MM_GITLABSETTINGS_SECRET")
	return oauth.Credentials{ID: t.id, Secret: secret}, err
}

// open makes the route; close ends its connection.
func (t *target) open(ctx context.Context) (r oauth.Route, closeRoute func() error, err error) {
	nothing := func() error { return nil }
	var v oauth.Version
	if t.version != "" {
		if v, err = oauth.ParseVersion(t.version); err != nil {
			return nil, nil, err
		}
	}
	switch t.route {
	case "api":
		client, _, err := t.client()
		if err != nil {
			return nil, nil, err
		}
		token, err := t.token(ctx, "GitLab administrator's token")
		return &oauth.APIRoute{GitLabURL: t.gitlab, Token: token, Version: v, Client: client}, nothing, err
	case "database":
		conn, err := t.connect(ctx)
		if err != nil {
			return nil, nil, err
		}
		return &oauth.DatabaseRoute{DB: conn, Version: v}, func() error { return conn.Close(context.WithoutCancel(ctx)) }, nil
	case "manual":
		return &oauth.ManualRoute{GitLabURL: t.gitlab, Version: v, Answer: t.answer}, nothing, nil
	}
	return nil, nil, cli.Usagef("-route %q: want api, database or manual", t.route)
}

func (t *target) connect(ctx context.Context) (*pgx.Conn, error) {
	text := t.database
	if text == "" && os.Getenv("PGHOST") == "" && os.Getenv("PGDATABASE") == "" {
		// Where the Linux package keeps GitLab's database.
		text = "host=/var/opt/gitlab/postgresql dbname=gitlabhq_production user=gitlab-psql"
	}
	before, err := pgx.ParseConfig("")
	if err != nil {
		return nil, fmt.Errorf("PG* variables: %w", err)
	}
	c, err := pgx.ParseConfig(text)
	if err != nil {
		return nil, cli.Usagef("-database: %s", err)
	}
	if c.Password != before.Password && strings.Contains(strings.ToLower(text), "password") || strings.Contains(text, ":") && strings.Contains(text, "@") && c.Password != before.Password {
		return nil, cli.Usagef("-database must not hold a password; use PGPASSWORD or ~/.pgpass")
	}
	conn, err := pgx.ConnectConfig(ctx, c)
	var refused *pgconn.PgError
	switch {
	case errors.As(err, &refused) && refused.Code == "28000" && strings.HasPrefix(c.Host, "/"): // peer authentication
		return nil, fmt.Errorf("connect to GitLab's database: %w; its socket wants the operating-system user of the same name: sudo -u gitlab-psql; with -gitlab-rb: %s", err, twoSteps)
	case err != nil:
		return nil, fmt.Errorf("connect to GitLab's database: %w", err)
	}
	return conn, nil
}

// client trusts the system and -ca.
func (t *target) client() (*http.Client, *x509.CertPool, error) {
	if t.ca == "" {
		return &http.Client{Timeout: time.Minute}, nil, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, nil, fmt.Errorf("read the system's certificates: %w", err)
	}
	text, err := os.ReadFile(t.ca)
	if err != nil {
		return nil, nil, err
	}
	if !pool.AppendCertsFromPEM(text) {
		return nil, nil, fmt.Errorf("%s: holds no certificate in PEM form", t.ca)
	}
	tr := http.DefaultTransport.(*http.Transport).Clone()
	tr.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return &http.Client{Transport: tr, Timeout: time.Minute}, pool, nil
}

func (t *target) token(ctx context.Context, what string) (oauth.Secret, error) {
	token, err := secretFrom(t.tokenFile, "GITLAB_TOKEN")
	if err != nil || token != "" {
		return token, err
	}
	return t.ask(ctx, what+" (or set GITLAB_TOKEN)")
}

// secretFrom reads a file or, without one, a variable.
func secretFrom(file, variable string) (oauth.Secret, error) {
	if file == "" {
		return oauth.Secret(os.Getenv(variable)), nil
	}
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(io.LimitReader(f, 4096))
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return oauth.Secret(strings.TrimSpace(string(text))), err
}

// ask prompts for what may be a secret.
func (t *target) ask(ctx context.Context, what string) (oauth.Secret, error) {
	line, err := cli.Ask(ctx, t.streams, what)
	return oauth.Secret(line), err
}
