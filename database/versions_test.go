package database

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestVersionDecisions(t *testing.T) {
	day := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		reason     string
		server     int
		mattermost string
		want       string
	}{
		{"11 refuses 13 at its start", 130020, "11.7.3", "db-version-minimum error stops its start; db-version-ended"},
		{"11 takes 15", 150018, "11.7.3", ""},
		{"14 ended nine days ago, but does", 140020, "11.0", "db-version-ended"},
		{"10.11 takes 13", 130020, "10.11.20", "db-version-ended"},
		{"10.11 does not take 12", 120020, "10.11.20", "db-version-minimum error; db-version-ended"},
		{"10.5 takes 11", 110020, "10.5", "db-version-ended"},
		{"8.0 does not take 10", 100020, "8.0.1", "db-version-minimum; db-version-ended"},
		{"5.37 checks for 10", 90624, "5.37.0", "9.6 is older than 10; db-version-ended"},
		{"5.36 only documents 10", 90624, "5.36.0", "is not supported with it; db-version-ended"},
		{"5.25 takes 9.4", 90400, "5.25", "db-version-ended"},
		{"3.4 does not take 9.3", 90300, "3.4", "9.3 is older than 9.4; db-version-ended"},
		{"newest", 180004, "12.0", ""},
		{"unknown server of the future", 190000, "", ""},
	} {
		f, err := versionFindings(test.server, test.mattermost, day)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, x := range f {
			got = append(got, x.ID+" "+x.Severity+" "+x.Message)
		}
		want := strings.Split(test.want, "; ")
		if test.want == "" {
			want = nil
		}
		if len(got) != len(want) {
			t.Errorf("%s: %q", test.reason, got)
			continue
		}
		for i, w := range want {
			for _, part := range strings.SplitN(w, " error ", 2) {
				if !strings.Contains(got[i], part) {
					t.Errorf("%s: %q lacks %q", test.reason, got[i], part)
				}
			}
		}
	}
	for _, v := range []string{"2.2", "x", ""} {
		if _, _, err := MinimumServer(v); err == nil {
			t.Errorf("%q accepted", v)
		}
	}
}

func TestMigrationStateIsReadFromNamesNotFromTheHighestNumber(t *testing.T) {
	all := func(n int) (map[string]int, map[int]bool) {
		names, numbers := map[string]int{}, map[int]bool{}
		for i := 1; i <= n; i++ {
			if i != 110 {
				names[fmt.Sprint("m", i)], numbers[i] = i, true
			}
		}
		return names, numbers
	}
	for _, test := range []struct {
		reason  string
		highest int
		names   map[string]int
		atLeast string
		missing int
	}{
		{"10.11.0", 141, map[string]int{"system_console_stats": 130, "add_remoteid_channelid_to_post_acknowledgements": 141}, "10.10", 0},
		{"10.11.20", 144, map[string]int{"add_schemeid_to_roles": 142}, "10.11.16", 0},
		{"10.11.21 jumps to 195", 144, map[string]int{"add_schemeid_to_roles": 142, "threadmemberships_cleanup_v2": 195}, "10.11.21", 0},
		{"11.1", 143, map[string]int{"create_content_flagging_tables": 142}, "11.1", 0},
		{"6.6", 82, map[string]int{"posts_createat_id": 80}, "6.6", 0},
		{"nothing known", 3, nil, "", 0},
	} {
		names, numbers := all(test.highest)
		s := MigrationState{Highest: test.highest}
		for name, n := range test.names {
			names[name], numbers[n] = n, true
			s.Highest = max(s.Highest, n)
		}
		s.derive(names, numbers)
		if s.AtLeast != test.atLeast || len(s.Missing) != test.missing {
			t.Errorf("%s: %+v", test.reason, s)
		}
	}
}
