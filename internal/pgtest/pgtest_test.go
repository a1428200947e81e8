package pgtest_test

import (
	"fmt"
	"os"
	"path/filepath"
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

func TestAnotherPlaceForTheProgramsIsTakenFromTheEnvironment(t *testing.T) {
	versions := pgtest.Versions()
	if len(versions) == 0 {
		t.Fatal("no PostgreSQL is installed; run 'make deps'")
	}
	dir := t.TempDir() + "/bin"
	newest := versions[len(versions)-1]
	if err := os.Symlink(fmt.Sprintf("/usr/lib/postgresql/%d/bin", newest), dir); err != nil {
		t.Fatal(err)
	}
	for d := dir; d != "/tmp"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv(pgtest.BinDirVariable, dir)
	if c := pgtest.Start(t, pgtest.Options{}); c.BinDir != dir || c.Major != newest {
		t.Errorf("version %d of %s", c.Major, c.BinDir)
	}
	t.Setenv(pgtest.BinDirVariable, "/nowhere")
	if _, err := pgtest.New(pgtest.Options{}); err == nil || !strings.Contains(err.Error(), "/nowhere") {
		t.Errorf("error %v", err)
	}
}
