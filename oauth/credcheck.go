package oauth

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// CredentialVerdict is what [CheckCredentials] learned.
type CredentialVerdict string

// The three verdicts.
const (
	CredentialsRight   CredentialVerdict = "right"
	CredentialsWrong   CredentialVerdict = "wrong"   // unknown id or wrong secret
	CredentialsUnclear CredentialVerdict = "unclear" // something else answered
)

// CheckCredentials asks GitLab whether an id and a secret belong together,
// without any effect: a token request with a random code is refused as
// invalid_client when the pair is wrong, as invalid_grant when it is right.
// The same request with another secret must be refused differently, otherwise
// what answers is not GitLab and the verdict is unclear.
func CheckCredentials(ctx context.Context, client *http.Client, e Endpoints, c Credentials, redirectURI string) (CredentialVerdict, error) {
	random, err := NewCredentials()
	if err != nil {
		return CredentialsUnclear, err
	}
	given, err := tokenRequest(ctx, client, e.Token, c, redirectURI, random.ID)
	if err != nil {
		return CredentialsUnclear, err
	}
	switch given.code {
	case "invalid_client":
		return CredentialsWrong, nil
	case "invalid_grant":
		other, err := tokenRequest(ctx, client, e.Token, Credentials{c.ID, random.Secret}, redirectURI, random.ID)
		if err != nil {
			return CredentialsUnclear, err
		}
		if other.code == "invalid_client" {
			return CredentialsRight, nil
		}
	}
	return CredentialsUnclear, nil
}

// tokenAnswer is the part of a token endpoint's answer that may be shown.
type tokenAnswer struct {
	status      int
	code        string // "error" of the JSON
	description string
	kind        string // content type
	location    string
	body        string // for recognising other servers; never shown
	token       *Token // on success
}

// tokenRequest posts as Mattermost does: client_secret_post, form, JSON wanted.
func tokenRequest(ctx context.Context, client *http.Client, endpoint string, c Credentials, redirectURI, code string) (tokenAnswer, error) {
	form := url.Values{
		"client_id": {c.ID}, "client_secret": {c.Secret.Reveal()}, "code": {code},
		"grant_type": {"authorization_code"}, "redirect_uri": {redirectURI},
	}
	return postToken(ctx, client, endpoint, form)
}

func postToken(ctx context.Context, client *http.Client, endpoint string, form url.Values) (tokenAnswer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return tokenAnswer{}, fmt.Errorf("token request: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	resp, err := noRedirects(client).Do(req)
	if err != nil {
		return tokenAnswer{}, fmt.Errorf("token request: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return tokenAnswer{}, fmt.Errorf("token request: %w", err)
	}
	a := tokenAnswer{status: resp.StatusCode, kind: resp.Header.Get("Content-Type"), location: resp.Header.Get("Location"), body: string(text)}
	var doc struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
		wireToken
	}
	if json.Unmarshal(text, &doc) == nil {
		a.code, a.description = shorten(doc.Error), shorten(doc.Description)
		if doc.Access != "" {
			a.token = doc.token()
		}
	}
	return a, nil
}

// noRedirects keeps secrets from being sent on to another address.
func noRedirects(client *http.Client) *http.Client {
	own := http.Client{}
	if client != nil {
		own = *client
	}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}
