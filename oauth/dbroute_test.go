package oauth_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gitlab-mattermost/sdk/internal/pgtest"
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
		for _, knowsVersion := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/%v", e.version, knowsVersion), func(t *testing.T) {
				conn := gitlabDB(t, e)
				r := &oauth.DatabaseRoute{DB: conn}
				if knowsVersion {
					r.Version = mustVersion(t, e.version)
				}
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
			})
		}
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

func TestPlanWritesNothingAndAStalePlanIsRefused(t *testing.T) {
	conn := gitlabDB(t, named(t, "18.11.0"))
	r := &oauth.DatabaseRoute{DB: conn}
	p, err := r.Plan(ctx, oauth.Order{Action: oauth.ActionEnsure, Want: desired(t)})
	if err != nil || verbs(p.Steps) != "create" || dump(t, conn, "oauth_applications") != "" {
		t.Fatalf("%v %v", p.Steps, err)
	}
	if _, err := r.Apply(ctx, p); err != nil {
		t.Fatal(err)
	}
	before := dump(t, conn, "oauth_applications")
	if _, err := r.Apply(ctx, p); !errors.Is(err, oauth.ErrStale) || dump(t, conn, "oauth_applications") != before {
		t.Errorf("the same plan twice: %v", err)
	}
}

func TestConcurrentRegistrationsMakeOneApplication(t *testing.T) {
	e := named(t, "18.11.0")
	conn := gitlabDB(t, e)
	dsn := conn.Config().ConnString()
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		own := connect(t, dsn)
		wg.Go(func() {
			res, err := oauth.Ensure(ctx, &oauth.DatabaseRoute{DB: own}, desired(t), given)
			if err == nil && res.Credentials != given {
				err = errors.New("other credentials than given")
			}
			errs[i] = err
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := conn.QueryRow(ctx, "SELECT count(*) FROM oauth_applications").Scan(&n); err != nil || n != 1 {
		t.Errorf("%d applications (%v)", n, err)
	}
}

func TestAUniqueViolationRollsBackAndSaysSo(t *testing.T) {
	conn := gitlabDB(t, named(t, "18.11.0"))
	other := connect(t, conn.Config().ConnString())
	tx, err := other.Begin(ctx) // GitLab itself, which does not know our lock
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(ctx, "INSERT INTO oauth_applications (name, uid, secret, redirect_uri, organization_id) VALUES ('x', $1, 's', 'https://x.example', 1)", given.ID); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := oauth.Ensure(ctx, &oauth.DatabaseRoute{DB: conn}, desired(t), given)
		done <- err
	}()
	waitForLock(t, other.Config().ConnString())
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	err = <-done
	if err == nil || !strings.Contains(err.Error(), "application id is in use") || strings.Contains(err.Error(), given.Secret.Reveal()) {
		t.Errorf("%v", err)
	}
	if got := dump(t, conn, "oauth_applications"); strings.Contains(got, "GitLab Mattermost") {
		t.Errorf("not rolled back: %s", got)
	}
}

// waitForLock returns once a backend of the database waits for a lock.
func waitForLock(t testing.TB, dsn string) {
	t.Helper()
	conn := connect(t, dsn)
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		var waiting bool
		if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')").Scan(&waiting); err != nil {
			t.Fatal(err)
		}
		if waiting {
			return
		}
	}
	t.Fatal("nobody waits for a lock")
}

func TestCancelRollsBack(t *testing.T) {
	conn := gitlabDB(t, named(t, "18.11.0"))
	dsn := conn.Config().ConnString()
	tx, err := conn.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(ctx, "LOCK TABLE oauth_applications IN SHARE MODE"); err != nil {
		t.Fatal(err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	own := connect(t, dsn)
	go func() {
		_, err := oauth.Ensure(cancelled, &oauth.DatabaseRoute{DB: own}, desired(t), given)
		done <- err
	}()
	waitForLock(t, dsn)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if err := tx.Rollback(ctx); err != nil {
		t.Fatal(err)
	}
	if got := dump(t, conn, "oauth_applications"); got != "" {
		t.Errorf("cancelled, and left %s", got)
	}
}

func TestWrongDatabasesAreRefused(t *testing.T) {
	conn := gitlabDB(t, named(t, "18.11.0"))
	for _, c := range []struct{ sql, message, reason string }{
		{"ALTER TABLE oauth_applications ADD future_column text NOT NULL", "future_column", "a GitLab from the future"},
		{"ALTER TABLE oauth_applications DROP future_column; ALTER TABLE oauth_applications RENAME uid TO client", "no column uid", "some other program's table"},
		{"ALTER TABLE oauth_applications RENAME client TO uid; DROP TABLE oauth_access_tokens", "oauth_access_tokens", "half of a GitLab"},
		{"DROP TABLE oauth_applications", "gitlabhq_production", "Mattermost's database, for example"},
	} {
		execSQL(t, conn, c.sql)
		_, err := oauth.Ensure(ctx, &oauth.DatabaseRoute{DB: conn}, desired(t), oauth.Credentials{})
		if err == nil || !strings.Contains(err.Error(), c.message) {
			t.Errorf("%s: %v, want %q", c.reason, err, c.message)
		}
	}
}

func TestRoleWithoutPrivileges(t *testing.T) {
	conn := gitlabDB(t, named(t, "18.11.0"))
	execSQL(t, conn, "DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN")
	execSQL(t, conn, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
	own := connect(t, strings.Replace(conn.Config().ConnString(), "user=postgres", "user=reader", 1))
	r := &oauth.DatabaseRoute{DB: own}
	p, err := r.Plan(ctx, oauth.Order{Action: oauth.ActionEnsure, Want: desired(t)})
	if err != nil || finding(p.Findings, "no-privilege") == nil {
		t.Fatalf("%v %v", p.Findings, err)
	}
	if _, err := r.Apply(ctx, p); err == nil || !strings.Contains(err.Error(), "connect as GitLab's own role") {
		t.Errorf("%v", err)
	}
	execSQL(t, conn, "DROP OWNED BY reader; DROP ROLE reader")
}

func TestReadOnlyReplica(t *testing.T) {
	primary := gitlabDB(t, named(t, "18.11.0"))
	if _, err := oauth.Ensure(ctx, &oauth.DatabaseRoute{DB: primary}, desired(t), given); err != nil {
		t.Fatal(err)
	}
	r := &oauth.DatabaseRoute{DB: connect(t, standby(t).DSN(primary.Config().Database))}
	found, err := r.Find(ctx, desired(t), given)
	if err != nil || len(found) != 1 || found[0].SecretMatches == nil || !*found[0].SecretMatches {
		t.Fatalf("a replica can be read: %+v %v", found, err)
	}
	p, err := r.Plan(ctx, oauth.Order{Action: oauth.ActionRevoke, Want: desired(t)})
	if err != nil {
		t.Fatal(err)
	}
	if f := finding(p.Findings, "read-only"); f == nil || f.Severity != "error" {
		t.Errorf("%+v", p.Findings)
	}
	if _, err := r.Apply(ctx, p); err == nil || !strings.Contains(err.Error(), "connect to the primary") {
		t.Errorf("%v", err)
	}
}

// standby turns a second cluster into a streaming replica of the shared one.
func standby(t testing.TB) *pgtest.Cluster {
	t.Helper()
	from, to := cluster(t), pgtest.Start(t, pgtest.Options{})
	if err := to.Stop(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(to.DataDir); err != nil {
		t.Fatal(err)
	}
	cmd := to.Command("pg_basebackup", "-D", to.DataDir, "-R", "-X", "stream", "-c", "fast", "-h", from.SocketDir, "-p", strconv.Itoa(from.Port), "-U", pgtest.Superuser)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("pg_basebackup: %v: %s", err, out)
	}
	conf, err := os.OpenFile(filepath.Join(to.DataDir, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(conf, "port = %d\nunix_socket_directories = '%s'\n", to.Port, to.SocketDir); err != nil {
		t.Fatal(err)
	}
	if err := conf.Close(); err != nil {
		t.Fatal(err)
	}
	if err := to.StartServer(); err != nil {
		t.Fatal(err)
	}
	return to
}
