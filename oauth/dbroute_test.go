package oauth_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/oauth"
	"github.com/gitlab-mattermost/sdk/oauth/oauthtest"
	"github.com/jackc/pgx/v5"
)

var (
	ctx   = context.Background()
	given = oauth.Credentials{ID: "given-id-0123456789abcdef", Secret: "given-secret-0123456789abcdef"}
)

func mustVersion(t testing.TB, text string) oauth.Version {
	t.Helper()
	v, err := oauth.ParseVersion(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func desired(t testing.TB) oauth.Application {
	t.Helper()
	a, err := oauth.Desired("https://mm.example.com")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// verbs lists what a result did.
func verbs(steps []oauth.Step) string {
	var out []string
	for _, s := range steps {
		out = append(out, s.Verb)
	}
	return strings.Join(out, " ")
}

func finding(list []oauth.Finding, id string) *oauth.Finding {
	for i := range list {
		if list[i].ID == id {
			return &list[i]
		}
	}
	return nil
}

// serve loads every row into a fake GitLab of that version and asks it whether
// the credentials work: the proof that GitLab could use the row.
func serve(t testing.TB, conn *pgx.Conn, e era, c oauth.Credentials) oauth.CredentialVerdict {
	t.Helper()
	g := oauthtest.Start(t, oauthtest.Options{Version: mustVersion(t, e.version)})
	rows, err := conn.Query(ctx, "SELECT name, uid, secret, redirect_uri, scopes FROM oauth_applications")
	if err != nil {
		t.Fatal(err)
	}
	var r oauthtest.Row
	r.Confidential = true
	if _, err := pgx.ForEachRow(rows, []any{&r.Name, &r.UID, &r.Secret, &r.RedirectURI, &r.Scopes}, func() error {
		g.AddRow(r)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	ends, err := oauth.EndpointsOf(g.URL, oauth.Version{})
	if err != nil {
		t.Fatal(err)
	}
	verdict, err := oauth.CheckCredentials(ctx, nil, ends, c, desired(t).RedirectURIs[0])
	if err != nil {
		t.Fatal(err)
	}
	return verdict
}

func TestDatabaseRouteInEveryEra(t *testing.T) {
	for _, e := range eras {
		t.Run(e.version, func(t *testing.T) {
			conn := gitlabDB(t, e)
			r := &oauth.DatabaseRoute{DB: conn, Version: mustVersion(t, e.version)}
			schema, err := r.Schema(ctx)
			if err != nil || schema.Since != e.since {
				t.Fatalf("schema since %q, want %q: %v", schema.Since, e.since, err)
			}
			first, err := oauth.Ensure(ctx, r, desired(t), oauth.Credentials{})
			if err != nil {
				t.Fatal(err)
			}
			if verbs(first.Done) != "create" || first.Credentials.ID == "" || first.Credentials.Secret == "" {
				t.Fatalf("first: %s", verbs(first.Done))
			}
			if got := serve(t, conn, e, first.Credentials); got != oauth.CredentialsRight {
				t.Errorf("GitLab %s finds the new credentials %s", e.version, got)
			}
			before := dump(t, conn, "oauth_applications")
			if strings.Contains(before, "(1,") && e.orgs && !strings.Contains(before, ",1") {
				t.Errorf("organization missing: %s", before)
			}
			second, err := oauth.Ensure(ctx, r, desired(t), first.Credentials)
			if err != nil || len(second.Done) != 0 || dump(t, conn, "oauth_applications") != before {
				t.Errorf("ensure twice changes %s (%v)", verbs(second.Done), err)
			}
			if m := second.Application.SecretMatches; m == nil || !*m {
				t.Error("the stored secret is not recognised")
			}
			renewed, err := oauth.RenewSecret(ctx, r, desired(t), oauth.Credentials{ID: first.Credentials.ID})
			if err != nil || renewed.Credentials.Secret == first.Credentials.Secret || renewed.Credentials.ID != first.Credentials.ID {
				t.Fatalf("renew: %v", err)
			}
			if serve(t, conn, e, first.Credentials) != oauth.CredentialsWrong || serve(t, conn, e, renewed.Credentials) != oauth.CredentialsRight {
				t.Error("after the renewal the old secret must be dead and the new one alive")
			}
			addTokens(t, conn, first.Application.RowID, e)
			reauthorized, err := oauth.Reauthorize(ctx, r, desired(t), renewed.Credentials)
			if err != nil || verbs(reauthorized.Done) != "revoke-tokens" || dump(t, conn, "oauth_access_tokens") != "" {
				t.Errorf("reauthorize: %s %v, tokens %q", verbs(reauthorized.Done), err, dump(t, conn, "oauth_access_tokens"))
			}
			if serve(t, conn, e, renewed.Credentials) != oauth.CredentialsRight {
				t.Error("reauthorize lost id or secret")
			}
			addTokens(t, conn, first.Application.RowID, e)
			revoked, err := oauth.Revoke(ctx, r, desired(t), oauth.Credentials{})
			if err != nil || verbs(revoked.Done) != "delete" {
				t.Fatalf("revoke: %s %v", verbs(revoked.Done), err)
			}
			for _, table := range []string{"oauth_applications", "oauth_access_tokens", "oauth_access_grants", "oauth_openid_requests"} {
				if rest := dump(t, conn, table); rest != "" {
					t.Errorf("%s keeps %s", table, rest)
				}
			}
			if _, err := oauth.Revoke(ctx, r, desired(t), oauth.Credentials{}); !errors.Is(err, oauth.ErrNotFound) {
				t.Errorf("revoke of nothing: %v", err)
			}
			blind, err := oauth.Ensure(ctx, &oauth.DatabaseRoute{DB: conn}, desired(t), oauth.Credentials{})
			if err != nil || serve(t, conn, e, blind.Credentials) != oauth.CredentialsRight {
				t.Errorf("with the version not known GitLab refuses the credentials: %v", err)
			}
		})
	}
}

func addTokens(t testing.TB, conn *pgx.Conn, app int64, e era) {
	t.Helper()
	execSQL(t, conn, "INSERT INTO oauth_access_tokens (application_id, resource_owner_id, token, expires_in, created_at) VALUES ($1, 7, 't', 7200, now())", app)
	execSQL(t, conn, "WITH g AS (INSERT INTO oauth_access_grants (application_id, resource_owner_id, token, expires_in, redirect_uri, created_at) VALUES ($1, 7, 'g', 600, 'u', now()) RETURNING id) INSERT INTO oauth_openid_requests (access_grant_id, nonce) SELECT id, 'n' FROM g", app)
	if e.device {
		execSQL(t, conn, "INSERT INTO oauth_device_grants (application_id, device_code) VALUES ($1, 'd')", app)
	}
}

func TestRevokeLeavesOtherApplicationsAlone(t *testing.T) {
	e := named(t, "18.11.0")
	conn := gitlabDB(t, e)
	r := &oauth.DatabaseRoute{DB: conn, Version: mustVersion(t, e.version)}
	if _, err := oauth.Ensure(ctx, r, desired(t), given); err != nil {
		t.Fatal(err)
	}
	execSQL(t, conn, "INSERT INTO oauth_applications (id, name, uid, secret, redirect_uri, organization_id) VALUES (900, 'GitLab Mattermost', 'other', 's', 'https://chat.other.example/signup/gitlab/complete', 1)")
	addTokens(t, conn, 900, e)
	if _, err := oauth.Revoke(ctx, r, desired(t), oauth.Credentials{}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(dump(t, conn, "oauth_applications"), "other") || dump(t, conn, "oauth_access_tokens") == "" {
		t.Error("another Mattermost's application or tokens are gone")
	}
}

func TestGivenCredentialsAreRegisteredExactly(t *testing.T) {
	e := named(t, "18.6.0")
	conn := gitlabDB(t, e)
	r := &oauth.DatabaseRoute{DB: conn, Version: mustVersion(t, e.version)}
	want := oauth.LinuxPackageApplication("https://mm.example.com")
	res, err := oauth.Ensure(ctx, r, want, given)
	if err != nil || res.Credentials != given || res.Application.Trusted || len(res.Application.Scopes) != 0 {
		t.Fatalf("%+v %v", res, err)
	}
	if serve(t, conn, e, given) != oauth.CredentialsRight {
		t.Error("GitLab refuses the registered credentials")
	}
	other := given
	other.Secret = "after-a-restore-the-secrets-file-has-another-one"
	res, err = oauth.Ensure(ctx, r, want, other)
	if err != nil || verbs(res.Done) != "set-secret" || finding(res.Findings, "secret-mismatch") == nil {
		t.Fatalf("%s %v", verbs(res.Done), err)
	}
	if serve(t, conn, e, other) != oauth.CredentialsRight || serve(t, conn, e, given) != oauth.CredentialsWrong {
		t.Error("the secret was not replaced")
	}
}

func TestSecretFormFollowsTheEvidence(t *testing.T) {
	sha, err := oauth.StoreSecret("x", oauth.FormSHA512)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		era, version, existing string
		force, want            oauth.SecretForm
		reason                 string
	}{
		{"13.12.0", "", "", "", oauth.FormPlain, "no sign of hashing"},
		{"15.11.0", "", "", "", oauth.FormPBKDF2, "expires_in NOT NULL came with 15.10"},
		{"15.3.0", "15.3", "", "", oauth.FormPlain, "version given"},
		{"15.3.0", "15.4", "", "", oauth.FormPBKDF2, "same table, newer version"},
		{"18.6.0", "18.6", sha, "", oauth.FormSHA512, "another row proves the strategy"},
		{"18.6.0", "18.6", sha, oauth.FormPBKDF2, oauth.FormPBKDF2, "forced"},
		{"18.6.0", "18.6", "", oauth.FormPlain, oauth.FormPlain, "FIPS builds refuse PBKDF2"},
	} {
		conn := gitlabDB(t, named(t, c.era))
		if c.existing != "" {
			execSQL(t, conn, "INSERT INTO oauth_applications (name, uid, secret, redirect_uri, organization_id) VALUES ('x', 'x', $1, 'https://x.example', 1)", c.existing)
		}
		r := &oauth.DatabaseRoute{DB: conn, SecretForm: c.force}
		if c.version != "" {
			r.Version = mustVersion(t, c.version)
		}
		res, err := oauth.Ensure(ctx, r, desired(t), oauth.Credentials{})
		if err != nil {
			t.Fatal(err)
		}
		var stored string
		if err := conn.QueryRow(ctx, "SELECT secret FROM oauth_applications WHERE uid = $1", res.Credentials.ID).Scan(&stored); err != nil {
			t.Fatal(err)
		}
		if oauth.FormOf(stored) != c.want || res.Application.SecretForm != c.want {
			t.Errorf("%s %s: stored as %s, want %s: %s", c.era, c.version, oauth.FormOf(stored), c.want, c.reason)
		}
	}
}

func TestAnApplicationOfThePackageIsFoundAndCorrected(t *testing.T) {
	for _, separator := range []string{"\r\n", "\n"} {
		conn := gitlabDB(t, named(t, "18.11.0"))
		stored, err := oauth.StoreSecret(given.Secret, oauth.FormPBKDF2)
		if err != nil {
			t.Fatal(err)
		}
		redirect := "https://mm.example.com/signup/gitlab/complete" + separator + "https://mm.example.com/login/gitlab/complete"
		execSQL(t, conn, "INSERT INTO oauth_applications (name, uid, secret, redirect_uri) VALUES ('GitLab Mattermost', $1, $2, $3)", given.ID, stored, redirect)
		execSQL(t, conn, "INSERT INTO oauth_applications (name, uid, secret, redirect_uri) VALUES ('GitLab Pages', 'pages', 'p', 'https://pages.example.com/auth')")
		r := &oauth.DatabaseRoute{DB: conn}
		p, err := r.Plan(ctx, oauth.Order{Action: oauth.ActionEnsure, Want: oauth.LinuxPackageApplication("https://mm.example.com"), Credentials: given})
		if err != nil || verbs(p.Steps) != "repair-organization" || len(p.Found) != 1 || !p.Found[0].IsLinuxPackage() {
			t.Fatalf("%+v %v", p, err)
		}
		if f := finding(p.Findings, "organization-null-rows"); f == nil || !strings.Contains(f.Message, "GitLab Pages") {
			t.Errorf("NULL organization rows are not all named: %+v", p.Findings)
		}
		res, err := oauth.Ensure(ctx, r, desired(t), given)
		if err != nil || verbs(res.Done) != "update repair-organization" || !res.Application.Trusted || res.Application.ScopeText() != "read_user" {
			t.Fatalf("%s %v", verbs(res.Done), err)
		}
		if finding(res.Findings, "scope-empty") == nil {
			t.Error("nothing says that the scope was empty")
		}
		var nulls int
		if err := conn.QueryRow(ctx, "SELECT count(*) FROM oauth_applications WHERE organization_id IS NULL").Scan(&nulls); err != nil || nulls != 1 {
			t.Errorf("%d rows without organization, want only that of Pages (%v)", nulls, err)
		}
		if n, err := r.RepairOrganizations(ctx); n != 1 || err != nil {
			t.Errorf("repair of all: %d %v", n, err)
		}
		if n, err := r.RepairOrganizations(ctx); n != 0 || err != nil {
			t.Errorf("repair twice: %d %v", n, err)
		}
	}
}

func TestOrganizationMustExistBeforeItIsWritten(t *testing.T) {
	conn := gitlabDB(t, named(t, "18.6.0"))
	execSQL(t, conn, "DELETE FROM organizations")
	execSQL(t, conn, "INSERT INTO oauth_applications (name, uid, secret, redirect_uri) VALUES ('x', 'x', 's', 'https://x.example')")
	r := &oauth.DatabaseRoute{DB: conn}
	p, err := r.Plan(ctx, oauth.Order{Action: oauth.ActionEnsure, Want: desired(t)})
	if err != nil || finding(p.Findings, "organization-absent") == nil {
		t.Errorf("%v %v", p.Findings, err)
	}
	if n, err := r.RepairOrganizations(ctx); err == nil || n != 0 {
		t.Errorf("repaired towards an organization that is not there: %d", n)
	}
}

func TestDriftKeepsWhatAnAdministratorAdded(t *testing.T) {
	conn := gitlabDB(t, named(t, "18.11.0"))
	execSQL(t, conn, "INSERT INTO oauth_applications (name, uid, secret, redirect_uri, scopes, trusted, organization_id) VALUES ('Chat', 'u', 's', E'https://mm.example.com/signup/gitlab/complete\nhttps://intern.example.com/signup/gitlab/complete', 'read_user', true, 1)")
	r := &oauth.DatabaseRoute{DB: conn}
	want := desired(t)
	want.Trusted = false
	res, err := oauth.Ensure(ctx, r, want, oauth.Credentials{})
	if err != nil || verbs(res.Done) != "update" {
		t.Fatalf("%s %v", verbs(res.Done), err)
	}
	got := dump(t, conn, "oauth_applications")
	for _, keep := range []string{"Chat", "intern.example.com", "login/gitlab/complete", ",t,"} {
		if !strings.Contains(got, keep) {
			t.Errorf("%q is gone: %s", keep, got)
		}
	}
	if finding(res.Findings, "redirect-missing") == nil || finding(res.Findings, "redirect-extra") == nil || finding(res.Findings, "secret-unknown") == nil {
		t.Errorf("findings %+v", res.Findings)
	}
}

func TestAnotherMattermostIsNeverTouched(t *testing.T) {
	conn := gitlabDB(t, named(t, "18.11.0"))
	execSQL(t, conn, "INSERT INTO oauth_applications (name, uid, secret, redirect_uri, organization_id) VALUES ('GitLab Mattermost', 'u', 's', 'https://chat.other.example/signup/gitlab/complete', 1)")
	before := dump(t, conn, "oauth_applications")
	r := &oauth.DatabaseRoute{DB: conn}
	res, err := oauth.Ensure(ctx, r, desired(t), oauth.Credentials{})
	if err != nil || verbs(res.Done) != "create" || !strings.Contains(dump(t, conn, "oauth_applications"), before) {
		t.Errorf("%s %v", verbs(res.Done), err)
	}
}

func TestSeveralMatchesAreNamedAndNotChosenFrom(t *testing.T) {
	conn := gitlabDB(t, named(t, "18.11.0"))
	for _, uid := range []string{"one", "two"} {
		execSQL(t, conn, "INSERT INTO oauth_applications (name, uid, secret, redirect_uri, organization_id) VALUES ('GitLab Mattermost', $1, 's', $2, 1)", uid, desired(t).RedirectText())
	}
	r := &oauth.DatabaseRoute{DB: conn}
	_, err := oauth.Revoke(ctx, r, desired(t), oauth.Credentials{})
	if !errors.Is(err, oauth.ErrAmbiguous) || !strings.Contains(err.Error(), "one") || !strings.Contains(err.Error(), "two") {
		t.Errorf("%v", err)
	}
	res, err := oauth.Revoke(ctx, r, desired(t), oauth.Credentials{ID: "two"})
	if err != nil || res.Application.ID != "two" {
		t.Errorf("by id: %v", err)
	}
}
