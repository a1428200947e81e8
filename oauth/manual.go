package oauth

import (
	"context"
	"fmt"
	"strings"
)

// ManualRoute registers by a person's hand, for those without an
// administrator's token and without access to GitLab's database. Plan gives
// the instructions; Apply asks Answer for the values that the person brings
// back and checks their shape.
type ManualRoute struct {
	GitLabURL string
	Version   Version // zero: as the newest

	// Answer waits for the person to do it. nil makes Apply fail with
	// ErrCannot, which is right for a dry run.
	Answer func(ctx context.Context, in Instructions) (Credentials, error)
}

// Instructions say what a person does in GitLab. Values are to be pasted as
// they are; their names are GitLab's English ones, their order that of the
// form in every language.
type Instructions struct {
	Open   string      `json:"open"`   // page to open
	Steps  []string    `json:"steps"`  // what to do there
	Values []FormValue `json:"values"` // what to enter, in the form's order
	Bring  []string    `json:"bring"`  // which values to bring back
	Script string      `json:"script"` // the same for gitlab-rails runner
}

// FormValue is one field of GitLab's form.
type FormValue struct {
	Field string `json:"field"`
	Value string `json:"value"`
}

// Find implements [Route]; nobody can look by hand.
func (r *ManualRoute) Find(context.Context, Application, Credentials) ([]Registered, error) {
	return nil, fmt.Errorf("find: %w: open %s and look for %q", ErrCannot, r.page(), ApplicationName)
}

// Plan implements [Route].
func (r *ManualRoute) Plan(_ context.Context, o Order) (Plan, error) {
	if err := o.Want.Check(); err != nil {
		return Plan{}, err
	}
	if _, err := EndpointsOf(r.GitLabURL, r.Version); err != nil {
		return Plan{}, err
	}
	script, err := RailsScript(o)
	if err != nil {
		return Plan{}, err
	}
	in := Instructions{Open: r.page(), Script: script}
	switch o.Action {
	case ActionEnsure:
		in.create(r, o)
	case ActionReauthorize:
		in.Steps = []string{
			"Sign in as an administrator and open the page.",
			"Delete (older: Destroy) the application " + o.Want.Name + ". This revokes every authorization.",
		}
		in.create(r, o)
	case ActionRenewSecret:
		in.Steps = []string{"Sign in as an administrator, open the page and then the application " + o.Want.Name + "."}
		if before(r.Version, 16, 0) {
			in.Steps = append(in.Steps, "This GitLab has no button for it: delete the application and register it again.")
		} else {
			in.Steps = append(in.Steps, "Press Renew secret and confirm. The old secret is dead at once.")
		}
		in.Bring = []string{"Application ID", "Secret"}
	case ActionRevoke:
		in.Steps = []string{
			"Sign in as an administrator and open the page.",
			"Delete (older: Destroy) the application " + o.Want.Name + ". Mattermost's GitLab login stops.",
		}
	default:
		return Plan{}, fmt.Errorf("action %q: want ensure, reauthorize, renew-secret or revoke", shorten(string(o.Action)))
	}
	return Plan{Route: "manual", Order: o, Instructions: &in, Steps: []Step{{Verb: "by-hand", What: "follow the instructions at " + in.Open}}}, nil
}

func (in *Instructions) create(r *ManualRoute, o Order) {
	if len(in.Steps) == 0 {
		in.Steps = []string{"Sign in as an administrator and open the page (Admin > Applications)."}
	}
	in.Steps = append(in.Steps,
		"If "+o.Want.Name+" is listed with these redirect URIs, open it instead of making another one.",
		"Press Add new application (older: New application) and enter the values.",
		"Save. Copy the secret now: from GitLab 15.9 on it is shown only once.")
	yesNo := map[bool]string{true: "on", false: "off"}
	in.Values = []FormValue{{"Name", o.Want.Name}, {"Redirect URI", o.Want.RedirectText()}}
	if !before(r.Version, 9, 0) {
		in.Values = append(in.Values, FormValue{"Trusted", yesNo[o.Want.Trusted]})
	}
	if !before(r.Version, 11, 0) {
		in.Values = append(in.Values, FormValue{"Confidential", yesNo[o.Want.Confidential]})
	}
	scopes := o.Want.ScopeText()
	if scopes == "" {
		scopes = "(none ticked; GitLab from 13.x on insists on one: read_user)"
	}
	in.Values = append(in.Values, FormValue{"Scopes", scopes})
	in.Bring = []string{"Application ID", "Secret"}
}

func (r *ManualRoute) page() string {
	return strings.TrimRight(strings.TrimSpace(r.GitLabURL), "/") + "/admin/applications"
}

// Apply implements [Route]. Credentials that cannot be GitLab's (swapped,
// masked, with a blank at the end) are refused.
func (r *ManualRoute) Apply(ctx context.Context, p Plan) (Result, error) {
	if p.Instructions == nil {
		return Result{}, fmt.Errorf("apply: the plan is not of the manual route")
	}
	res := Result{Route: "manual", Findings: p.Findings}
	if r.Answer == nil {
		return res, fmt.Errorf("%s: %w by itself: a person follows the instructions at %s", p.Order.Action, ErrCannot, p.Instructions.Open)
	}
	c, err := r.Answer(ctx, *p.Instructions)
	if err != nil {
		return res, err
	}
	if len(p.Instructions.Bring) > 0 {
		if err := CheckID(c.ID); err != nil {
			return res, err
		}
		if err := CheckSecret(c.Secret); err != nil {
			return res, err
		}
		if c.ID == c.Secret.Reveal() {
			return res, fmt.Errorf("application id and secret are the same text; copy the secret again")
		}
	}
	res.Done, res.Credentials = p.Steps, c
	res.Application = Registered{Application: p.Order.Want, ID: c.ID, Unknown: []string{"scopes", "trusted", "confidential"}}
	return res, nil
}
