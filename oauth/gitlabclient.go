package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	gitlab "github.com/xanzy/go-gitlab"
)

// This is the only file that knows the client library, which is final and
// deprecated. Its successor needs the same few methods.
//
//lint:file-ignore SA1019 kept to this one file until the successor replaces it

// maxAnswer bounds what is read of one answer. An application is well under
// 4 KiB, so this is thousands of them.
const maxAnswer = 16 << 20

// apiClient speaks GitLab's REST API as one token's owner.
type apiClient struct{ c *gitlab.Client }

// apiError is a refusal of GitLab.
type apiError struct {
	Status int
	Text   string // GitLab's own words, shortened
}

// Error is the status with GitLab's words.
func (e *apiError) Error() string {
	if e.Text == "" {
		return fmt.Sprintf("GitLab answered %d", e.Status)
	}
	return fmt.Sprintf("GitLab answered %d: %s", e.Status, e.Text)
}

// newAPIClient talks to the GitLab at base (a normalised address). Redirects
// are not followed: they would carry the token to another address.
func newAPIClient(base string, token Secret, h *http.Client) (*apiClient, error) {
	if err := checkToken("token", token.Reveal()); err != nil {
		return nil, err
	}
	own := http.Client{}
	if h != nil {
		own = *h
	}
	own.Transport = bounded{own.Transport}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c, err := gitlab.NewClient(token.Reveal(), gitlab.WithBaseURL(base), gitlab.WithHTTPClient(&own), gitlab.WithoutRetries())
	if err != nil {
		return nil, fmt.Errorf("GitLab client: %w", err)
	}
	return &apiClient{c}, nil
}

// bounded limits each answer.
type bounded struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	next := b.next
	if next == nil {
		next = http.DefaultTransport
	}
	resp, err := next.RoundTrip(r)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	}
	return resp, err
}

func (a *apiClient) list(ctx context.Context) ([]Registered, error) {
	// The library's type has no scopes, which newer servers send.
	var rows []struct {
		gitlab.Application
		Scopes *[]string `json:"scopes"`
	}
	if err := a.do(ctx, http.MethodGet, "applications", nil, &rows); err != nil {
		return nil, fmt.Errorf("list applications: %w", err)
	}
	out := make([]Registered, 0, len(rows))
	for _, r := range rows {
		reg := fromAPI(&r.Application)
		if r.Scopes != nil {
			reg.Scopes = *r.Scopes
		} else {
			reg.Unknown = append(reg.Unknown, "scopes")
		}
		out = append(out, reg)
	}
	return out, nil
}

func fromAPI(a *gitlab.Application) Registered {
	return Registered{
		Application: Application{Name: a.ApplicationName, RedirectURIs: SplitRedirectURIs(a.CallbackURL), Confidential: a.Confidential},
		RowID:       int64(a.ID), ID: a.ApplicationID, Unknown: []string{"trusted"},
	}
}

func (a *apiClient) create(ctx context.Context, want Application) (Registered, Secret, error) {
	row, _, err := a.c.Applications.CreateApplication(&gitlab.CreateApplicationOptions{
		Name: gitlab.Ptr(want.Name), RedirectURI: gitlab.Ptr(want.RedirectText()), Scopes: gitlab.Ptr(want.ScopeText()), Confidential: gitlab.Ptr(want.Confidential),
	}, gitlab.WithContext(ctx))
	if err != nil {
		return Registered{}, "", fmt.Errorf("create application: %w", explain(err))
	}
	reg := fromAPI(row)
	reg.Scopes = want.Scopes
	return reg, Secret(row.Secret), nil
}

func (a *apiClient) delete(ctx context.Context, row int64) error {
	if _, err := a.c.Applications.DeleteApplication(int(row), gitlab.WithContext(ctx)); err != nil {
		return fmt.Errorf("delete application %d: %w", row, explain(err))
	}
	return nil
}

// renewSecret uses a request that the library lacks; GitLab has it since 16.11.
func (a *apiClient) renewSecret(ctx context.Context, row int64) (Secret, error) {
	var app gitlab.Application
	if err := a.do(ctx, http.MethodPost, "applications/"+strconv.FormatInt(row, 10)+"/renew-secret", nil, &app); err != nil {
		return "", fmt.Errorf("renew the secret of application %d: %w", row, err)
	}
	if app.Secret == "" {
		return "", fmt.Errorf("renew the secret of application %d: GitLab's answer holds none", row)
	}
	return Secret(app.Secret), nil
}

func (a *apiClient) version(ctx context.Context) (Version, error) {
	v, _, err := a.c.Version.GetVersion(gitlab.WithContext(ctx))
	if err != nil {
		return Version{}, fmt.Errorf("ask GitLab for its version: %w", explain(err))
	}
	return ParseVersion(v.Version)
}

// get, put and remove serve the integrations and settings, whose newer fields
// the library does not have.
func (a *apiClient) get(ctx context.Context, path string, into any) error {
	return a.do(ctx, http.MethodGet, path, nil, into)
}

func (a *apiClient) put(ctx context.Context, path string, doc map[string]any) error {
	return a.do(ctx, http.MethodPut, path, doc, nil)
}

func (a *apiClient) remove(ctx context.Context, path string) error {
	return a.do(ctx, http.MethodDelete, path, nil, nil)
}

func (a *apiClient) do(ctx context.Context, method, path string, doc map[string]any, into any) error {
	var body any
	if doc != nil {
		body = doc
	}
	req, err := a.c.NewRequest(method, path, body, []gitlab.RequestOptionFunc{gitlab.WithContext(ctx)})
	if err != nil {
		return err
	}
	_, err = a.c.Do(req, into)
	return explain(err)
}

// escapePath makes one path element of a project's or group's id or full path.
func escapePath(s string) string { return gitlab.PathEscape(s) }

// explain turns the library's errors into ours, without request or body.
func explain(err error) error {
	var refused *gitlab.ErrorResponse
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, gitlab.ErrNotFound):
		return &apiError{Status: http.StatusNotFound} // the library drops the body
	case errors.As(err, &refused):
		e := &apiError{Status: refused.Response.StatusCode, Text: shorten(refused.Message)}
		if e.Status >= 300 && e.Status < 400 {
			e.Text = "a redirect to " + shorten(refused.Response.Header.Get("Location")) + "; give that address as GitLab's"
		}
		return e
	case errors.As(err, &syntax), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the answer is not GitLab's JSON (a proxy's page?): %w", err)
	}
	return err
}
