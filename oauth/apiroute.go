package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// APIRoute registers through GitLab's Applications API (GitLab 10.5 and
// newer). The token must be an administrator's with scope api, and admin_mode
// where Admin Mode is on.
//
// What the API cannot do is said in the plan's findings: change an application
// (there is no such request), see or set Trusted, see scopes before late 18.x,
// renew a secret before 16.11.
type APIRoute struct {
	GitLabURL string
	Token     Secret
	Version   Version      // zero: ask GitLab
	Client    *http.Client // nil: http.DefaultClient's transport
}

func (r *APIRoute) open() (*apiClient, Endpoints, error) {
	e, err := EndpointsOf(r.GitLabURL, r.Version)
	if err != nil {
		return nil, e, err
	}
	c, err := newAPIClient(e.GitLab, r.Token, r.Client)
	return c, e, err
}

// Find implements [Route]. With a complete pair of credentials it also checks
// the secret, by a token request with a random code, which changes nothing.
func (r *APIRoute) Find(ctx context.Context, want Application, cred Credentials) ([]Registered, error) {
	c, e, err := r.open()
	if err != nil {
		return nil, err
	}
	all, err := r.list(ctx, c, e, cred)
	return match(want, cred.ID, all), err
}

func (r *APIRoute) list(ctx context.Context, c *apiClient, e Endpoints, cred Credentials) ([]Registered, error) {
	all, err := c.list(ctx)
	if err != nil {
		return nil, adminNeeded(err)
	}
	for i := range all {
		if cred.Secret == "" || all[i].ID != cred.ID || len(all[i].RedirectURIs) == 0 {
			continue
		}
		verdict, err := CheckCredentials(ctx, r.Client, e, cred, all[i].RedirectURIs[0])
		if err != nil {
			return nil, fmt.Errorf("check the secret: %w", err)
		}
		if verdict != CredentialsUnclear {
			ok := verdict == CredentialsRight
			all[i].SecretMatches = &ok
		}
	}
	return all, nil
}

// adminNeeded adds what to do to the refusals that newcomers meet.
func adminNeeded(err error) error {
	var refused *apiError
	if !errors.As(err, &refused) {
		return err
	}
	switch refused.Status {
	case http.StatusUnauthorized:
		return fmt.Errorf("%w; the token is wrong, expired or revoked", err)
	case http.StatusForbidden:
		return fmt.Errorf("%w; the token must be an administrator's with scope api, and with admin_mode where Admin Mode is on", err)
	case http.StatusNotFound:
		return fmt.Errorf("%w; GitLab's address lacks its relative path, or GitLab is older than 10.5", err)
	}
	return err
}

// Plan implements [Route].
func (r *APIRoute) Plan(ctx context.Context, o Order) (Plan, error) {
	c, e, err := r.open()
	if err != nil {
		return Plan{}, err
	}
	return r.plan(ctx, c, e, o)
}

func (r *APIRoute) plan(ctx context.Context, c *apiClient, e Endpoints, o Order) (Plan, error) {
	all, err := r.list(ctx, c, e, o.Credentials)
	if err != nil {
		return Plan{}, err
	}
	can := abilities{route: "api", renewWhy: "GitLab renews secrets by API from 16.11 on; use the database route, or replace the application"}
	v := r.Version
	if !known(v) {
		// Only renew-secret depends on it; a GitLab that hides its version
		// will answer for itself.
		v, _ = c.version(ctx)
	}
	can.renew = !before(v, 16, 11)
	p, err := decide(can, o, all)
	if err == nil && len(o.Want.Scopes) == 0 && (o.Action == ActionEnsure || o.Action == ActionReauthorize) {
		for _, s := range p.Steps {
			if s.Verb == "create" {
				return p, fmt.Errorf("create application: %w: the REST API refuses an application without scopes; use the database route or scope read_user", ErrCannot)
			}
		}
	}
	return p, err
}

// Apply implements [Route].
func (r *APIRoute) Apply(ctx context.Context, p Plan) (Result, error) {
	c, e, err := r.open()
	if err != nil {
		return Result{}, err
	}
	now, err := r.plan(ctx, c, e, p.Order)
	if err != nil {
		return Result{}, err
	}
	if !p.same(now) {
		return Result{}, ErrStale
	}
	res := Result{Route: p.Route, Findings: now.Findings, Credentials: p.Order.Credentials}
	if len(now.Found) > 0 {
		res.Application = now.Found[0]
		res.Credentials.ID = now.Found[0].ID
		if m := now.Found[0].SecretMatches; m != nil && !*m {
			res.Credentials.Secret = ""
		}
	}
	for _, s := range now.Steps {
		if err := r.carry(ctx, c, s, p.Order.Want, &res); err != nil {
			return res, adminNeeded(err)
		}
		res.Done = append(res.Done, s)
	}
	return res, nil
}

func (r *APIRoute) carry(ctx context.Context, c *apiClient, s Step, want Application, res *Result) error {
	switch s.Verb {
	case "create":
		reg, secret, err := c.create(ctx, want)
		if err != nil {
			return err
		}
		res.Application, res.Credentials = reg, Credentials{reg.ID, secret}
		if secret == "" {
			return errors.New("create application: GitLab's answer holds no secret; renew it")
		}
		return nil
	case "delete":
		if res.Application.RowID == s.RowID {
			res.Credentials.Secret = ""
		}
		return c.delete(ctx, s.RowID)
	case "renew-secret":
		secret, err := c.renewSecret(ctx, s.RowID)
		if err == nil {
			res.Credentials.Secret = secret
		}
		return err
	}
	return fmt.Errorf("step %s: %w", s.Verb, ErrCannot)
}
