package oauth_test

import (
	"testing"

	"github.com/gitlab-mattermost/sdk/oauth"
)

// The cost of one secret in each form: what GitLab pays at every token request
// and VerifySecret pays once.
func BenchmarkStoreSecret(b *testing.B) {
	for _, form := range []oauth.SecretForm{oauth.FormPBKDF2, oauth.FormSHA512} {
		b.Run(string(form), func(b *testing.B) {
			for b.Loop() {
				if _, err := oauth.StoreSecret(given.Secret, form); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Ensure by the database route when nothing is to be done: the price of running
// it at every reconfigure.
func BenchmarkEnsureUnchangedInDatabase(b *testing.B) {
	conn := gitlabDB(b, named(b, "18.11.0"))
	r := &oauth.DatabaseRoute{DB: conn}
	if _, err := oauth.Ensure(ctx, r, desired(b), given); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if res, err := oauth.Ensure(ctx, r, desired(b), oauth.Credentials{ID: given.ID}); err != nil || len(res.Done) != 0 {
			b.Fatal(err)
		}
	}
}

// A probe of healthy servers over TLS, all eleven steps.
func BenchmarkProbe(b *testing.B) {
	s := newStage(b)
	for b.Loop() {
		if r := s.run(); r.Failed() {
			b.Fatal(ids(r))
		}
	}
}
