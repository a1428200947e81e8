package oauth

import (
	"context"
	"errors"
)

// Route is one way to GitLab's applications: [APIRoute], [DatabaseRoute] or
// [ManualRoute].
type Route interface {
	// Find returns the applications that may be the wanted one, best first.
	// With an id only that one is looked for. A route that cannot look returns
	// an error that wraps ErrCannot.
	Find(ctx context.Context, want Application, c Credentials) ([]Registered, error)
	// Plan decides what the order needs. It changes nothing.
	Plan(ctx context.Context, o Order) (Plan, error)
	// Apply does the plan's steps, or nothing and ErrStale when GitLab has
	// changed since. After another error the Result says what was done.
	Apply(ctx context.Context, p Plan) (Result, error)
}

// Ensure makes the application exist as wanted. Running it again changes
// nothing. With credentials the application of that id is meant and, by the
// database route, made with exactly that id and secret.
//
// When another registration comes in between it plans again, at most twice.
func Ensure(ctx context.Context, r Route, want Application, c Credentials) (Result, error) {
	return Carry(ctx, r, Order{Action: ActionEnsure, Want: want, Credentials: c})
}

// Reauthorize revokes what users have authorized and authorizes again.
func Reauthorize(ctx context.Context, r Route, want Application, c Credentials) (Result, error) {
	return Carry(ctx, r, Order{Action: ActionReauthorize, Want: want, Credentials: c})
}

// RenewSecret gives the application a new secret and returns it.
func RenewSecret(ctx context.Context, r Route, want Application, c Credentials) (Result, error) {
	return Carry(ctx, r, Order{Action: ActionRenewSecret, Want: want, Credentials: c})
}

// Revoke removes the application and all its tokens.
func Revoke(ctx context.Context, r Route, want Application, c Credentials) (Result, error) {
	return Carry(ctx, r, Order{Action: ActionRevoke, Want: want, Credentials: c})
}

// Carry plans and applies an order.
func Carry(ctx context.Context, r Route, o Order) (Result, error) {
	for attempt := 0; ; attempt++ {
		p, err := r.Plan(ctx, o)
		if err != nil {
			return Result{}, err
		}
		res, err := r.Apply(ctx, p)
		if !errors.Is(err, ErrStale) || attempt == 2 {
			return res, err
		}
	}
}
