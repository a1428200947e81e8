package oauth

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gitlab-mattermost/sdk/internal/english"
)

// Action is what an [Order] asks for.
type Action string

// The actions of a route.
const (
	ActionEnsure      Action = "ensure"       // exists and is as wanted
	ActionReauthorize Action = "reauthorize"  // all authorizations revoked, then as wanted
	ActionRenewSecret Action = "renew-secret" // a new secret; the old one is dead at once
	ActionRevoke      Action = "revoke"       // the application and every token of it removed
)

// Order is what shall be done to which application.
type Order struct {
	Action Action
	Want   Application

	// Credentials pick the application by its id and, for the database route,
	// choose the id and the secret of a new one. Both may be empty.
	Credentials Credentials

	// Replace permits to delete an application and make a new one, with a new
	// id and secret, where the route cannot change it in place.
	Replace bool
}

// Step is one change.
type Step struct {
	Verb  string `json:"verb"` // create, update, set-secret, renew-secret, revoke-tokens, repair-organization, delete or by-hand
	RowID int64  `json:"row_id,omitempty"`
	ID    string `json:"id,omitempty"`
	What  string `json:"what"` // for people; holds no secret
}

// Plan is what a route would do. It holds no secret in its steps, findings and
// instructions; the order in it may, masked when printed.
type Plan struct {
	Route        string        `json:"route"`
	Order        Order         `json:"-"`
	Found        []Registered  `json:"found"`
	Steps        []Step        `json:"steps"`
	Findings     []Finding     `json:"findings"`
	Instructions *Instructions `json:"instructions,omitempty"` // by hand only
}

// Result is what was done. Credentials.Secret is set only when it is known
// afterwards: given, generated or returned by GitLab. Show it once.
type Result struct {
	Route       string      `json:"route"`
	Done        []Step      `json:"done"`
	Application Registered  `json:"application"`
	Credentials Credentials `json:"credentials"`
	Findings    []Finding   `json:"findings"`
}

// Errors of the routes.
var (
	// ErrStale says that GitLab changed between Plan and Apply. Nothing was
	// done; plan again.
	ErrStale = errors.New("GitLab's applications changed since the plan was made")
	// ErrNotFound says that no application matches the order.
	ErrNotFound = errors.New("no matching application in GitLab")
	// ErrAmbiguous says that several applications match; give the id.
	ErrAmbiguous = errors.New("several applications in GitLab match")
	// ErrCannot says that the route is not able to do it. The message says
	// which click, statement or option is.
	ErrCannot = errors.New("this route cannot do it")
)

// abilities are what differs between the routes when a plan is made.
type abilities struct {
	route        string
	update       bool // attributes can be changed in place
	trust        bool // Trusted can be set
	chooseID     bool // id and secret can be chosen
	renew        bool
	renewWhy     string // why not
	revokeTokens bool   // tokens can be removed without the application
}

// decide makes the plan from what exists; it is the same for all routes that
// can see the applications.
func decide(can abilities, o Order, all []Registered) (Plan, error) {
	p := Plan{Route: can.route, Order: o, Found: match(o.Want, o.Credentials.ID, all)}
	if o.Action != ActionEnsure && len(p.Found) == 0 {
		if o.Credentials.ID != "" {
			return p, fmt.Errorf("%s: %w with id %s", o.Action, ErrNotFound, shorten(o.Credentials.ID))
		}
		return p, fmt.Errorf("%s: %w with the redirect URI %s", o.Action, ErrNotFound, shorten(o.Want.RedirectText()))
	}
	if o.Action != ActionEnsure && len(p.Found) > 1 {
		var ids []string
		for _, r := range p.Found {
			ids = append(ids, r.label())
		}
		return p, fmt.Errorf("%s: %w: %s; say which one by its id", o.Action, ErrAmbiguous, strings.Join(ids, ", "))
	}
	if o.Action == ActionEnsure || o.Action == ActionReauthorize {
		if err := o.Want.Check(); err != nil {
			return p, err
		}
	}
	p.note(others(o.Want, p.Found, all)...)
	switch o.Action {
	case ActionEnsure:
		p.ensure(can)
	case ActionReauthorize:
		return p, p.reauthorize(can)
	case ActionRenewSecret:
		return p, p.renew(can)
	case ActionRevoke:
		p.step("delete", p.Found[0], "delete "+p.Found[0].label()+" with all its authorizations and tokens; Mattermost's GitLab login stops")
	default:
		return p, fmt.Errorf("action %q: want ensure, reauthorize, renew-secret or revoke", shorten(string(o.Action)))
	}
	return p, nil
}

func (p *Plan) note(f ...Finding) { p.Findings = append(p.Findings, f...) }

func (p *Plan) step(verb string, r Registered, what string) {
	p.Steps = append(p.Steps, Step{Verb: verb, RowID: r.RowID, ID: r.ID, What: what})
}

func (p *Plan) create(can abilities) {
	s := Step{Verb: "create", What: fmt.Sprintf("create application %q with %s and scope %q", p.Order.Want.Name, english.Count(len(p.Order.Want.RedirectURIs), "redirect URI"), p.Order.Want.ScopeText())}
	if can.chooseID {
		s.ID = p.Order.Credentials.ID
	}
	p.Steps = append(p.Steps, s)
	if p.Order.Want.Trusted && !can.trust {
		p.note(trustedByHand("the new application"))
	}
	if p.Order.Credentials.ID != "" && !can.chooseID {
		p.note(Finding{ID: "id-not-kept", Severity: severityWarning, Where: "application id",
			Message: "GitLab chooses a new id and secret; the given ones are not registered",
			Fix:     "give Mattermost the new ones, or use the database route, which keeps them"})
	}
}

func trustedByHand(where string) Finding {
	return Finding{ID: "trusted-by-hand", Severity: severityWarning, Where: where,
		Message: "the REST API cannot set Trusted; until it is set each user sees the consent page once",
		Fix:     "tick Trusted under Admin > Applications > Edit, or run: UPDATE oauth_applications SET trusted = true WHERE uid = '<application id>'"}
}

func (p *Plan) ensure(can abilities) {
	if len(p.Found) == 0 {
		p.create(can)
		return
	}
	have, want := p.Found[0], p.Order.Want
	drift := Drift(want, have)
	change := slices.ContainsFunc(drift, func(f Finding) bool {
		return slices.Contains([]string{"redirect-missing", "scope-empty", "scope-differs", "confidential-off"}, f.ID)
	})
	trust := want.Trusted && !have.Trusted && have.knows("trusted")
	defer func() { p.note(p.settled(drift)...) }()
	switch {
	case change && !can.update && p.Order.Replace:
		p.create(can) // first, so that a failure loses nothing
		p.step("delete", have, "delete "+have.label()+" with its tokens, because the REST API cannot change it")
		return
	case change && !can.update:
		p.note(Finding{ID: "cannot-change", Severity: severityError, Where: have.label(),
			Message: "it differs and the REST API has no request that changes an application",
			Fix:     "edit it under Admin > Applications, use the database route, or permit to replace it (new id and secret)"})
	case change || trust && can.trust:
		p.step("update", have, "update "+have.label()+": redirect URIs, scopes, trusted and confidential as wanted")
	case want.Trusted && !can.trust && !have.knows("trusted"):
		f := trustedByHand(have.label())
		f.Severity, f.Message = severityInfo, "the REST API neither shows nor sets Trusted"
		p.note(f)
	}
	if have.OrganizationMissing && can.update {
		p.step("repair-organization", have, "set organization_id of "+have.label()+" to 1")
	}
	if have.SecretMatches != nil && !*have.SecretMatches && can.chooseID && p.Order.Credentials.Secret != "" {
		p.step("set-secret", have, "store the given secret for "+have.label())
	}
	if p.Order.Credentials.Secret == "" {
		p.note(Finding{ID: "secret-unknown", Severity: severityWarning, Where: have.label(),
			Message: "GitLab does not show the secret of an existing application",
			Fix:     "take it from Mattermost's settings or gitlab-secrets.json, or renew it"})
	}
}

// repairs says which findings a step settles.
var repairs = [...][2]string{
	{"update", "redirect-missing"}, {"update", "scope-empty"}, {"update", "scope-differs"}, {"update", "trusted-off"}, {"update", "confidential-off"},
	{"create", "redirect-missing"}, {"create", "scope-empty"}, {"create", "scope-differs"}, {"create", "confidential-off"}, {"create", "secret-mismatch"},
	{"set-secret", "secret-mismatch"}, {"repair-organization", "organization-null"},
}

// settled lowers what the plan's own steps repair to information, so that only
// what remains is an error.
func (p *Plan) settled(drift []Finding) []Finding {
	out := slices.Clone(drift)
	for i, f := range out {
		for _, s := range p.Steps {
			if !slices.Contains(repairs[:], [2]string{s.Verb, f.ID}) {
				continue
			}
			out[i].Severity, out[i].Fix = severityInfo, "repaired by the step "+s.Verb
			if strings.HasPrefix(f.ID, "scope-") {
				out[i].Severity = severityWarning
				out[i].Fix += "; set gitlab_scope (MM_GITLABSETTINGS_SCOPE) to the same in Mattermost, or its logins end with invalid_scope"
			}
		}
	}
	return out
}

func (p *Plan) reauthorize(can abilities) error {
	have := p.Found[0]
	if !can.revokeTokens {
		if !p.Order.Replace {
			return fmt.Errorf("reauthorize %s: %w: the REST API can only delete it and make a new one, with a new id and secret; permit that, or use the database route, which keeps both", have.label(), ErrCannot)
		}
		p.create(can) // first, so that a failure loses nothing
		p.step("delete", have, "delete "+have.label()+" with all its authorizations")
		return nil
	}
	p.step("revoke-tokens", have, "remove every authorization and token of "+have.label()+"; each user authorizes again")
	p.ensure(can)
	return nil
}

func (p *Plan) renew(can abilities) error {
	have := p.Found[0]
	if !can.renew {
		return fmt.Errorf("renew the secret of %s: %w: %s", have.label(), ErrCannot, can.renewWhy)
	}
	p.step("renew-secret", have, "renew the secret of "+have.label()+"; the old one is dead at once, so Mattermost needs the new one and a restart")
	return nil
}

// others reports further applications that look like the wanted one.
func others(want Application, found, all []Registered) []Finding {
	var out []Finding
	for _, r := range match(want, "", all) {
		if len(found) > 0 && r.RowID == found[0].RowID {
			continue
		}
		out = append(out, Finding{ID: "duplicate-application", Severity: severityWarning, Where: r.label(),
			Message: "looks like the same Mattermost; the Linux package left one for each former mattermost_external_url",
			Fix:     "revoke the one whose id Mattermost does not use"})
	}
	return out
}

// same reports whether two plans do the same to the same rows.
func (p Plan) same(q Plan) bool { return slices.Equal(p.Steps, q.Steps) }

// merged is what an update writes: as wanted, further redirect URIs kept, and
// Trusted never taken away.
func merged(want Application, have Registered) Application {
	out := want
	out.Name = have.Name
	out.RedirectURIs = slices.Clone(want.RedirectURIs)
	for _, uri := range have.RedirectURIs {
		if !slices.Contains(out.RedirectURIs, uri) && CheckRedirectURI(uri) == nil {
			out.RedirectURIs = append(out.RedirectURIs, uri)
		}
	}
	out.Trusted = want.Trusted || have.Trusted
	return out
}
