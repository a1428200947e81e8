package pgtest_test

import (
	"strings"
	"syscall"
	"testing"

	"github.com/gitlab-mattermost/sdk/internal/pgtest"
)

func TestClusterAnswersAndSurvivesARestart(t *testing.T) {
	c := pgtest.Start(t, pgtest.Options{})
	c.SQL(t, "postgres", "CREATE TABLE kept (v int); INSERT INTO kept VALUES (42);")
	if err := c.Stop(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := c.StartServer(); err != nil {
		t.Fatal(err)
	}
	if got := c.SQL(t, "postgres", "SELECT v FROM kept"); got != "42" {
		t.Errorf("after the restart: %q", got)
	}
}

func TestAMissingVersionIsAnErrorThatNamesTheInstalledOnes(t *testing.T) {
	_, err := pgtest.New(pgtest.Options{Version: 7})
	if err == nil || !strings.Contains(err.Error(), "7") {
		t.Errorf("error %v", err)
	}
}
