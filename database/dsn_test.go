package database

import (
	"fmt"
	"net/url"
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestDefaultIsWhatTheLinuxPackageComputed(t *testing.T) {
	if got := Default("").Keyword().Reveal(); got != "user=gitlab_mattermost host=/var/opt/gitlab/postgresql port=5432 dbname=mattermost_production" {
		t.Error(got)
	}
	if got := Default("/run/pg").String(); got != "user=gitlab_mattermost host=/run/pg port=5432 dbname=mattermost_production" {
		t.Error(got)
	}
}

func TestParseDSNReadsEveryFormThatMattermostAccepts(t *testing.T) {
	type p = map[string]string
	for _, test := range []struct {
		reason, in string
		want       DSN
	}{
		{"the package's own", "user=gitlab_mattermost host=/var/opt/gitlab/postgresql port=5432 dbname=mattermost_production", Default("")},
		{"GitLab's documentation", "user=gitlab_mattermost host=db port=5432 sslmode=required dbname=mattermost_production password=a",
			DSN{"gitlab_mattermost", "a", []Host{{"db", 5432}}, "mattermost_production", p{"sslmode": "required"}}},
		{"quotes and backslashes", `user = 'a b' password='it\'s \\ x' dbname=x\ y`, DSN{User: "a b", Password: `it's \ x`, Database: "x y"}},
		{"empty quoted value", `user=u sslrootcert=''`, DSN{User: "u", Params: p{"sslrootcert": ""}}},
		{"line breaks between pairs", "user=u\n\tdbname=d ", DSN{User: "u", Database: "d"}},
		{"several hosts", "host=a,b port=1,2 user=u", DSN{User: "u", Hosts: []Host{{"a", 1}, {"b", 2}}}},
		{"one port for all", "host=a,b port=7", DSN{Hosts: []Host{{"a", 7}, {"b", 7}}}},
		{"port alone", "port=7", DSN{Hosts: []Host{{"", 7}}}},
		{"URL", "postgres://u:p%40%2F%25@h:6432/d?sslmode=disable&connect_timeout=10&binary_parameters=yes",
			DSN{"u", "p@/%", []Host{{"h", 6432}}, "d", p{"sslmode": "disable", "connect_timeout": "10", "binary_parameters": "yes"}}},
		{"the other scheme, no port", "postgresql://u@h/d", DSN{User: "u", Hosts: []Host{{"h", 0}}, Database: "d"}},
		{"socket in the query", "postgres:///d?host=/var/run/postgresql&user=u&password=p", DSN{User: "u", Password: "p", Hosts: []Host{{"/var/run/postgresql", 0}}, Database: "d"}},
		{"socket percent-encoded, libpq's way", "postgres://u@%2Fvar%2Frun:5433/d", DSN{User: "u", Hosts: []Host{{"/var/run", 5433}}, Database: "d"}},
		{"IPv6", "postgres://[::1]:5432/d", DSN{Hosts: []Host{{"::1", 5432}}, Database: "d"}},
		{"IPv6 without port", "postgres://[fe80::1]/d", DSN{Hosts: []Host{{"fe80::1", 0}}, Database: "d"}},
		{"URL with several hosts", "postgres://u@a:1,b/d?search_path=mm%2Cpublic", DSN{User: "u", Hosts: []Host{{"a", 1}, {"b", 0}}, Database: "d", Params: p{"search_path": "mm,public"}}},
		{"raw @ in the password: the last one counts, as in Go's parser", "postgres://u:p@ss@h/d", DSN{User: "u", Password: "p@ss", Hosts: []Host{{"h", 0}}, Database: "d"}},
		{"port in the query", "postgres://h/d?port=9", DSN{Hosts: []Host{{"h", 9}}, Database: "d"}},
		{"nothing but the scheme", "postgres://", DSN{}},
	} {
		t.Run(test.reason, func(t *testing.T) {
			got, err := ParseDSN(test.in)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got  %s\nwant %s", got.Keyword().Reveal(), test.want.Keyword().Reveal())
			}
			roundTrip(t, got)
		})
	}
}

// roundTrip converts to both forms and back.
func roundTrip(t *testing.T, d DSN) {
	t.Helper()
	for _, text := range []string{d.Keyword().Reveal(), d.URL().Reveal()} {
		if text == "" {
			continue // nothing given has no keyword form
		}
		again, err := ParseDSN(text)
		if err != nil {
			t.Errorf("%q does not parse again: %v", text, err)
			continue
		}
		if !reflect.DeepEqual(again, d) {
			t.Errorf("%q reads as\n%#v\nwant\n%#v", text, again.Keyword().Reveal(), d.Keyword().Reveal())
		}
	}
}

func TestParseDSNErrorsNameThePlaceAndNeverTheValue(t *testing.T) {
	for _, test := range []struct{ reason, in, want string }{
		{"password with a space, unquoted", "user=u password=hunter2 secondhalf dbname=d", "column 25: want key=value"},
		{"password with a space and =", "password=hunter2 secondhalf=", ""},
		{"quote never closed", "password='hunter2 dbname=d", "value of password: column 10: the quote is never closed"},
		{"quote inside", "password=hunter2'x dbname=d", `must be written \'`},
		{"lone backslash", `password=hunter2\`, "lone backslash"},
		{"twice", "password=hunter2 password=hunter3", "given twice"},
		{"twice, other key", "sslmode=a sslmode=b", "given twice"},
		{"port", "host=h port=hunter2", "port is not a number"},
		{"port range", "host=h port=70000", "from 1 to 65535"},
		{"hosts and ports", "host=a,b,c port=1,2", "3 hosts but 2 ports"},
		{"raw percent", "postgres://u:hunter2%@h/d", "password: a percent sign"},
		{"raw slash", "postgres://u:hunter2/x@h/d", "percent-encode it (%2F %3F %23)"},
		{"raw hash after the host", "postgres://u@h/d#hunter2", "%23"},
		{"bracket", "postgres://u:hunter2@[::1/d", "closing bracket"},
		{"query", "postgres://h/d?hunter2", "not a list of key=value"},
		{"percent in the query", "postgres://h/d?password=hunter2%zz", "value of password"},
		{"NUL", "user=u\x00", "NUL"},
		{"NUL encoded", "postgres://u:hunter2%00@h/d", "NUL"},
		{"empty", "  ", "empty"},
		{"MySQL, Go's form", "mmuser:hunter2@tcp(127.0.0.1:3306)/mattermost?charset=utf8mb4,utf8", "MySQL data source is not supported"},
		{"MySQL URL", "mysql://mmuser:hunter2@h/d", "MySQL data source is not supported"},
		{"huge", strings.Repeat("a", maxDSN+1), "at most 65536 are read"},
	} {
		t.Run(test.reason, func(t *testing.T) {
			_, err := ParseDSN(test.in)
			if test.want == "" && err == nil {
				return
			}
			wantError(t, err, nil, test.want)
			if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "secondhalf") {
				t.Errorf("the error shows the value: %v", err)
			}
		})
	}
}

func TestPrintingADSNMasksThePassword(t *testing.T) {
	d := DSN{User: "u", Password: "hunter2", Hosts: []Host{{"h", 1}}, Database: "d"}
	all := fmt.Sprintf("%v %+v %#v %s %q %v %s", d, d, d, d, d, []DSN{d}, d.RedactedURL())
	if strings.Contains(all, "hunter2") || !strings.Contains(all, "password=[redacted]") {
		t.Error(all)
	}
}

func TestRedactMasksPasswordsInAnyText(t *testing.T) {
	for _, in := range []string{
		`DataSource: postgres://u:hunter2@h/d?x=1`, `postgres://u:hunter2@x@h/d and more`, `"user=u password=hunter2 dbname=d"`,
		`password = 'hunter2 hunter2' host=h`, `PASSWORD=hunter2`, `password='hunter2\' hunter2'`, `u:hunter2@tcp(h:1)/d`, `postgres://u:hunter2/hunter2@h/d`,
	} {
		if out := Redact(in); strings.Contains(out, "hunter2") || !strings.Contains(out, "[redacted]") {
			t.Errorf("%q became %q", in, out)
		}
	}
	if s := "no secret at all: user=u host=h postgres://h/d"; Redact(s) != s {
		t.Errorf("changed %q", Redact(s))
	}
}

// What we write is read alike by PostgreSQL's own library (through psql) and
// by pgx, with a server that really checks the password.
func TestWrittenDSNsMeanTheSameToPsqlAndPgx(t *testing.T) {
	name, role, password := `d b"'\%@/?#&=+`, `ro le'"\%@:/`, Secret(`p'a"s\s w%o@r:d/?#&=+$`)
	fresh(t, role, name)
	if _, err := manager(t).Ensure(t.Context(), EnsureOptions{Database: name, Role: role, Password: password}); err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{cluster.SocketDir, "127.0.0.1"} {
		d := DSN{User: role, Password: password, Hosts: []Host{{host, cluster.Port}}, Database: name, Params: map[string]string{"sslmode": "disable", "application_name": "a 'b\\"}}
		for _, text := range []string{d.Keyword().Reveal(), d.URL().Reveal()} {
			out, err := exec.Command(cluster.Command("psql").Path, "-X", "-A", "-t", "-c", "SELECT current_user, current_database(), current_setting('application_name')", text).CombinedOutput()
			want := role + "|" + name + `|a 'b\`
			if got := strings.TrimSpace(string(out)); err != nil || got != want {
				t.Errorf("psql %s: %v %q, want %q", Redact(text), err, got, want)
			}
			conn, err := pgx.Connect(t.Context(), text)
			if err != nil {
				t.Errorf("pgx %s: %v", Redact(text), err)
				continue
			}
			conn.Close(t.Context())
			if IsURL(text) {
				if _, err := url.Parse(text); err != nil {
					t.Errorf("Go's parser, which Mattermost uses: %v", err)
				}
			}
		}
	}
}

func FuzzParseDSN(f *testing.F) {
	for _, s := range []string{ // each a form of its own
		"user=a host=/s port=1,2 dbname='x\\'y'", "postgres://u:p%40@[::1]:5,h/d?host=/x&sslmode=a%20b", "postgres:///d?host=/var/run", "a=\\", "postgres://%2Fa/b#",
		"mmuser:x@tcp(h)/d", "host=,", "postgres://,:1/", "port=3", "postgres://:p@h", "x.y='1' Z=2", "postgres://h,/?port=1,2",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDSN(s)
		if err != nil {
			return
		}
		roundTrip(t, d)
		if p := d.Password.Reveal(); len(p) > 12 && !strings.Contains(strings.Replace(s, p, "", 1), p) {
			rest := d
			rest.Password = ""
			if strings.Contains(d.String(), p) && !strings.Contains(rest.Keyword().Reveal(), p) {
				t.Errorf("%q shows the password", d.String())
			}
		}
		Lint(s, "fuzz")
	})
}
