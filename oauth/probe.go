package oauth

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Prober walks the login sequence between a Mattermost and a GitLab and names
// what is wrong. Only the two addresses are needed; each further field decides
// steps that would otherwise be reported as not decidable.
//
// It asks from the machine it runs on, which should be Mattermost's. It changes
// nothing: the token request it makes carries a random code, and no session is
// kept.
type Prober struct {
	GitLabURL     string
	MattermostURL string

	// Settings are Mattermost's. Empty endpoints are derived from GitLabURL;
	// without id and secret the token step is not decidable.
	Settings Settings

	Route     Route  // reads the registration; nil: not decidable
	UserToken Secret // personal token of a GitLab user (read_user): who would sign in

	MattermostToken Secret // Mattermost administrator's token: account collisions
	AdminToken      Secret // GitLab administrator's token: the outbound allow list

	MattermostVersion Version // zero: asked for
	TeamEdition       *bool   // nil: asked for
	AllowedInternal   *string // AllowedUntrustedInternalConnections; nil: not checked

	// CADirs are the directories of SSL_CERT_DIR that Mattermost runs with. A
	// certificate must verify against these; empty: as on this machine.
	CADirs []string

	// Interactive, when set, makes a real login through a browser: Open gets
	// the address on a loopback port that a person opens.
	Interactive *Interactive

	Roots   *x509.CertPool                                                    // what this machine trusts; nil: the system
	Dial    func(ctx context.Context, network, addr string) (net.Conn, error) // nil: the network
	Lookup  func(ctx context.Context, host string) ([]string, error)          // nil: the system's resolver
	Timeout time.Duration                                                     // per request; 0: 15 s
	Now     func() time.Time
	OnStep  func(ProbeStep) // called after each step, in order
}

// Outcome of a step.
type Outcome string

// The three outcomes. Warnings leave a step passed.
const (
	Passed      Outcome = "passed"
	Failed      Outcome = "failed"
	Undecidable Outcome = "not decidable"
)

// ProbeStep is one arrow of the login sequence.
type ProbeStep struct {
	ID       string   `json:"id"`
	From     string   `json:"from"` // Browser, Mattermost or GitLab
	To       string   `json:"to"`
	Title    string   `json:"title"`
	Outcome  Outcome  `json:"outcome"`
	Evidence []string `json:"evidence"` // what was seen; no secrets
	Causes   []Cause  `json:"causes"`
}

// Report is what a probe found.
type Report struct {
	GitLab     string      `json:"gitlab"`
	Mattermost string      `json:"mattermost"`
	Steps      []ProbeStep `json:"steps"`
}

// Failed reports whether a step failed.
func (r Report) Failed() bool {
	for _, s := range r.Steps {
		if s.Outcome == Failed {
			return true
		}
	}
	return false
}

// Causes lists what was named, in order, each once.
func (r Report) Causes() []Cause {
	var out []Cause
	seen := map[string]bool{}
	for _, s := range r.Steps {
		for _, c := range s.Causes {
			if !seen[c.ID] {
				seen[c.ID] = true
				out = append(out, c)
			}
		}
	}
	return out
}

// Findings gives the causes as findings; Where is the step.
func (r Report) Findings() []Finding {
	var out []Finding
	for _, s := range r.Steps {
		for _, c := range s.Causes {
			out = append(out, Finding{ID: c.ID, Severity: c.Severity, Message: c.Title, Where: s.Title, Fix: c.Fix})
		}
	}
	return out
}

// probe is one run.
type probe struct {
	*Prober
	gitlab, mattermost string
	ends               Endpoints
	client             *http.Client
	report             Report

	gitlabUp, mattermostUp bool
	redirect               *url.URL    // where Mattermost sends the browser
	reg                    *Registered // the application, when a route sees it
	credentials            Credentials
	redirectURI            string
	user                   *User
}

// Run probes. The error is about the call itself (addresses that are none, a
// cancelled context with the steps so far); what is wrong with the servers is
// in the report.
func (p *Prober) Run(ctx context.Context) (Report, error) {
	own := *p // what is learned on the way stays out of the caller's value
	r := &probe{Prober: &own}
	var errs []error
	var err error
	if r.mattermost, err = NormalizeURL(p.MattermostURL); err != nil {
		errs = append(errs, err)
	}
	if r.ends, err = EndpointsOf(p.GitLabURL, Version{}); err != nil {
		errs = append(errs, err)
	}
	for _, e := range []*string{&p.Settings.AuthEndpoint, &p.Settings.TokenEndpoint, &p.Settings.UserAPIEndpoint} {
		if *e != "" {
			if _, err := NormalizeURL(*e); err != nil {
				errs = append(errs, err)
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return Report{}, err
	}
	r.gitlab = r.ends.GitLab
	if p.Settings.TokenEndpoint != "" {
		r.ends.Token = p.Settings.TokenEndpoint
	}
	if p.Settings.UserAPIEndpoint != "" {
		r.ends.UserAPI = p.Settings.UserAPIEndpoint
	}
	r.credentials = Credentials{p.Settings.ID, p.Settings.Secret}
	r.redirectURI = r.mattermost + signupPath
	r.report = Report{GitLab: r.gitlab, Mattermost: r.mattermost}
	r.client = r.newClient(p.Roots)
	for _, step := range []func(context.Context, *ProbeStep){
		r.reachGitLab, r.trustOfMattermost, r.reachMattermost, r.loginRedirect, r.authorize,
		r.registration, r.consent, r.token, r.userAPI, r.account, r.roundTrip, r.outbound,
	} {
		if err := ctx.Err(); err != nil {
			return r.report, err
		}
		s := ProbeStep{Outcome: Undecidable, Evidence: []string{}, Causes: []Cause{}}
		step(ctx, &s)
		if s.ID == "" {
			continue // not asked for
		}
		r.report.Steps = append(r.report.Steps, s)
		if p.OnStep != nil {
			p.OnStep(s)
		}
	}
	return r.report, ctx.Err()
}

func (s *ProbeStep) name(id, from, to, title string) {
	s.ID, s.From, s.To, s.Title = id, from, to, title
}

func (s *ProbeStep) see(evidence string) { s.Evidence = append(s.Evidence, shorten(evidence)) }

// blame names a cause; one of severity error fails the step.
func (s *ProbeStep) blame(id string) {
	c := causeOf(id)
	s.Causes = append(s.Causes, c)
	if c.Severity == severityError {
		s.Outcome = Failed
	} else if s.Outcome == Undecidable {
		s.Outcome = Passed
	}
}

// pass marks a step as passed unless something failed in it.
func (s *ProbeStep) pass() {
	if s.Outcome != Failed {
		s.Outcome = Passed
	}
}
