package oauth

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// Token is what GitLab gives for a code. Its secrets print as [redacted].
type Token struct {
	Access  Secret    `json:"access_token"`
	Refresh Secret    `json:"refresh_token"`
	Type    string    `json:"token_type"`
	Scope   string    `json:"scope"`
	Expiry  time.Time `json:"expiry"` // zero: not said
}

// wireToken is the same as it travels.
type wireToken struct {
	Access    string `json:"access_token"`
	Refresh   string `json:"refresh_token"`
	Type      string `json:"token_type"`
	Scope     string `json:"scope"`
	ExpiresIn int64  `json:"expires_in"`
}

func (w wireToken) token() *Token {
	t := &Token{Access: Secret(w.Access), Refresh: Secret(w.Refresh), Type: w.Type, Scope: w.Scope}
	if w.ExpiresIn > 0 {
		t.Expiry = time.Now().Add(time.Duration(min(w.ExpiresIn, 1<<31)) * time.Second)
	}
	return t
}

// OAuth2 gives the token as x/oauth2 has it, with the secrets in the clear.
func (t Token) OAuth2() *oauth2.Token {
	return &oauth2.Token{AccessToken: t.Access.Reveal(), RefreshToken: t.Refresh.Reveal(), TokenType: t.Type, Expiry: t.Expiry}
}

func fromOAuth2(t *oauth2.Token) Token {
	scope, _ := t.Extra("scope").(string) // absent: empty
	return Token{Access: Secret(t.AccessToken), Refresh: Secret(t.RefreshToken), Type: t.TokenType, Scope: scope, Expiry: t.Expiry}
}

// RevokeToken makes GitLab forget an access or refresh token. GitLab says yes
// to unknown tokens as well; only a wrong client is an error.
func RevokeToken(ctx context.Context, client *http.Client, e Endpoints, c Credentials, token Secret) error {
	form := url.Values{"client_id": {c.ID}, "client_secret": {c.Secret.Reveal()}, "token": {token.Reveal()}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.Revoke, strings.NewReader(form.Encode()))
	if err != nil {
		return fmt.Errorf("revoke token: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := noRedirects(client).Do(req)
	if err != nil {
		return fmt.Errorf("revoke token: %w", err)
	}
	if err := resp.Body.Close(); err != nil {
		return fmt.Errorf("revoke token: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("revoke token: GitLab answered %d; id and secret of the application are not right", resp.StatusCode)
	}
	return nil
}
