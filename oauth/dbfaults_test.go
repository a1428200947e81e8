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
)

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
