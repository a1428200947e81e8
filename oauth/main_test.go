package oauth_test

import (
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/gitlab-mattermost/sdk/internal/pgtest"
)

// The cluster is started by the first test that needs it and shared.
var postgres struct {
	once sync.Once
	c    *pgtest.Cluster
	err  error
}

func cluster(t testing.TB) *pgtest.Cluster {
	t.Helper()
	postgres.once.Do(func() {
		postgres.c, postgres.err = pgtest.New(pgtest.Options{Settings: map[string]string{"wal_level": "replica", "max_wal_senders": "4"}})
	})
	if postgres.err != nil {
		t.Fatal(postgres.err)
	}
	return postgres.c
}

func TestMain(m *testing.M) {
	code := m.Run()
	if postgres.c != nil {
		if err := postgres.c.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}
