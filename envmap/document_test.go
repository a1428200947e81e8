package envmap_test

import (
	"bytes"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gitlab-mattermost/sdk/envmap"
)

func TestHostileConfigFilesEndSoonWithAClearError(t *testing.T) {
	v := envmap.Version{Major: 10, Minor: 11}
	var keys bytes.Buffer
	for i := range 50_000 {
		fmt.Fprintf(&keys, "%q: %d,", fmt.Sprintf("key%d", i), i)
	}
	for reason, tc := range map[string]struct{ file, want string }{
		"deep nesting":       {strings.Repeat(`{"a":`, 100_000), "line 1"},
		"deep lists":         {`{"a":` + strings.Repeat("[", 100_000), "line 1"},
		"too large":          {strings.Repeat(" ", 17<<20), "more than"},
		"not UTF-8":          {"{\"a\": \"\xff\"}", "UTF-8"},
		"a list":             {"[]", "object"},
		"cut off":            {`{"ServiceSettings": {"SiteURL": "x"`, "ends too early"},
		"two documents":      {"{}\n{}", "line 2"},
		"a section as text":  {`{"ServiceSettings": "s3cr3t"}`, "ServiceSettings is not an object"},
		"a number as text":   {`{"TeamSettings": {"MaxUsersPerTeam": "s3cr3t"}}`, "not an integer"},
		"many keys are fine": {"{" + keys.String() + `"ServiceSettings": {"SiteURL": "https://x"}}`, ""},
	} {
		start := processorTime(t)
		_, err := envmap.Effective([]byte(tc.file), nil, v)
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "s3cr3t")) {
			t.Errorf("%s: error %v, want %q", reason, err, tc.want)
		}
		// Processor time, which other work on the machine does not use up;
		// what is far from linear in the input takes minutes.
		if took := processorTime(t) - start; took > 20*time.Second && !raceEnabled {
			t.Errorf("%s: took %v", reason, took)
		}
	}
}

func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
