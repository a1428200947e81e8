package oauthtest

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
)

// Browser is a visitor with cookies who signs in and consents by itself: the
// part of a browser that an OAuth login needs.
type Browser struct {
	Client   *http.Client // with a cookie jar; redirects are followed by Browser
	Username string
	Password string
	Deny     bool     // press Deny on the consent page
	Visited  []string // every address that was opened, in order
}

// Page is what a browser ends at.
type Page struct {
	URL    *url.URL
	Status int
	Body   string
	Header http.Header
}

// Browser makes a visitor with the account username and the password
// "password". rt may be nil; give a transport that trusts the certificates in
// use otherwise.
func (g *GitLab) Browser(username string, rt http.RoundTripper) *Browser {
	jar, _ := cookiejar.New(nil) // nil options cannot fail
	return &Browser{Username: username, Password: "password", Client: &http.Client{
		Jar: jar, Transport: rt,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

var (
	formRE  = regexp.MustCompile(`(?s)<form id="([a-z-]+)" method="post" action="([^"]+)">(.*?)</form>`)
	inputRE = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)
	moveRE  = regexp.MustCompile(`<a id="redirect" href="([^"]+)">`)
)

// Open goes to an address and on: redirects, GitLab's sign-in form, its
// consent page and its "Redirecting" page, at most 20 times. It returns the
// page where this ends; an error only when a request failed.
func (b *Browser) Open(address string) (*Page, error) {
	req, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	for range 20 {
		page, err := b.do(req)
		if err != nil {
			return nil, err
		}
		if req, err = b.next(page); err != nil || req == nil {
			return page, err
		}
	}
	return nil, fmt.Errorf("open %s: still going after 20 pages", address)
}

func (b *Browser) do(req *http.Request) (*Page, error) {
	b.Visited = append(b.Visited, req.URL.String())
	resp, err := b.Client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	return &Page{req.URL, resp.StatusCode, string(body), resp.Header}, nil
}

// next is the request that a person would make next; nil: none.
func (b *Browser) next(p *Page) (*http.Request, error) {
	if p.Status >= 300 && p.Status < 400 && p.Header.Get("Location") != "" {
		to, err := p.URL.Parse(p.Header.Get("Location"))
		if err != nil {
			return nil, err
		}
		return http.NewRequest(http.MethodGet, to.String(), nil)
	}
	if m := moveRE.FindStringSubmatch(p.Body); m != nil {
		return http.NewRequest(http.MethodGet, html.UnescapeString(m[1]), nil)
	}
	want := "authorize"
	if b.Deny {
		want = "deny"
	}
	for _, m := range formRE.FindAllStringSubmatch(p.Body, -1) {
		if m[1] != want && m[1] != "sign-in" {
			continue
		}
		to, err := p.URL.Parse(m[2])
		if err != nil {
			return nil, err
		}
		form := url.Values{}
		for _, in := range inputRE.FindAllStringSubmatch(m[3], -1) {
			form.Set(in[1], html.UnescapeString(in[2]))
		}
		if m[1] == "sign-in" {
			form.Set("user[login]", b.Username)
			form.Set("user[password]", b.Password)
		}
		req, err := http.NewRequest(http.MethodPost, to.String(), strings.NewReader(form.Encode()))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return req, nil
	}
	return nil, nil
}
