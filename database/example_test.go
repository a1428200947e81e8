package database_test

import (
	"fmt"

	"github.com/gitlab-mattermost/sdk/database"
)

// What the Linux package gave to Mattermost when gitlab.rb said nothing.
func ExampleDefault() {
	d := database.Default("")
	fmt.Println(d)
	fmt.Println(d.RedactedURL())
	// Output:
	// user=gitlab_mattermost host=/var/opt/gitlab/postgresql port=5432 dbname=mattermost_production
	// postgres://gitlab_mattermost@/mattermost_production?host=/var/opt/gitlab/postgresql&port=5432
}

// From keyword/value to the URL that Mattermost's log masks.
func ExampleParseDSN() {
	d, err := database.ParseDSN("user=mmuser host=db.example.com dbname=mattermost password='it''s 100%' sslmode=require")
	if err != nil {
		fmt.Println(err)
	}
	d, err = database.ParseDSN(`user=mmuser host=db.example.com dbname=mattermost password='it\'s 100%' sslmode=require`)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(d)
	fmt.Println(d.URL().Reveal())
	// Output:
	// parse data source: column 64: want key=value; a value with spaces must stand in single quotes
	// user=mmuser host=db.example.com dbname=mattermost password=[redacted] sslmode=require
	// postgres://mmuser:it%27s%20100%25@db.example.com/mattermost?sslmode=require
}

// The example of GitLab's documentation for an external PostgreSQL.
func ExampleLint() {
	for _, f := range database.Lint("user=gitlab_mattermost host=10.0.0.5 sslmode=required dbname=mattermost_production password=a connect_timeout=5", "mattermost['sql_data_source']") {
		fmt.Println(f.Severity, f.ID+":", f.Fix)
	}
	// Output:
	// error dsn-sslmode: write sslmode=require
	// warning dsn-password-logged: write the data source as a URL ('database dsn -url' converts it)
}

// Which PostgreSQL a Mattermost wants, and whether it insists.
func ExampleMinimumServer() {
	for _, v := range []string{"5.30", "7.10.3", "10.11.4", "11.7.3"} {
		major, enforced, err := database.MinimumServer(v)
		fmt.Println(v, major, enforced, err)
	}
	// Output:
	// 5.30 10 false <nil>
	// 7.10.3 10 true <nil>
	// 10.11.4 13 true <nil>
	// 11.7.3 14 true <nil>
}

// What differs is named with its direction.
func ExampleCompare() {
	before := &database.Fingerprint{Method: "md5", Tables: []database.TableFingerprint{{Name: "public.posts", Rows: 100, Digest: "1"}, {Name: "public.users", Rows: 3, Digest: "2"}}}
	after := &database.Fingerprint{Method: "md5", Tables: []database.TableFingerprint{{Name: "public.posts", Rows: 99, Digest: "3"}, {Name: "public.users", Rows: 3, Digest: "2"}}}
	diff, err := database.Compare(before, after)
	fmt.Println(diff, err)
	// Output:
	// [rows public.posts: more in A (100 rows in A, 99 in B)] <nil>
}

// Which documented fixes there are.
func ExampleRepairs() {
	for _, r := range database.Repairs()[:3] {
		fmt.Println(r.ID, "-", r.Title)
	}
	// Output:
	// systems-version-3.4 - run the schema step of 3.2 again
	// json-null-6.0 - remove \u0000 before texts become jsonb
	// jsonb-6.0 - turn text columns into jsonb ahead of time
}
