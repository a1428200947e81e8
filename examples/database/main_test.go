package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gitlab-mattermost/sdk/database"
	"github.com/gitlab-mattermost/sdk/internal/cli"
	"github.com/gitlab-mattermost/sdk/internal/mmsample"
	"github.com/gitlab-mattermost/sdk/internal/pgtest"
	"github.com/rogpeppe/go-internal/testscript"
)

// withCluster runs the tests with one server.
type withCluster struct{ m *testing.M }

var cluster *pgtest.Cluster

func (w withCluster) Run() int {
	// Without autovacuum every session of a database is one that a test opened.
	c, err := pgtest.New(pgtest.Options{Settings: map[string]string{"autovacuum": "off"}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	cluster = c
	code := w.m.Run()
	if err := c.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	return code
}

func TestMain(m *testing.M) {
	testscript.Main(withCluster{m}, map[string]func(){"database": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			name := "t_" + filepath.Base(e.WorkDir)
			name = strings.Map(func(r rune) rune {
				if r == '-' {
					return '_'
				}
				return r
			}, name)
			e.Setenv("DB", name)
			e.Setenv("SERVER", fmt.Sprintf("user=postgres host=%s port=%d", cluster.SocketDir, cluster.Port))
			e.Setenv("SOCKET", cluster.SocketDir)
			e.Setenv("PORT", fmt.Sprint(cluster.Port))
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"sql": sql, "sample": sample, "usage": usage, "idle": idle},
	})
}

// sql DATABASE STATEMENTS runs SQL and keeps its output as stdout.
func sql(ts *testscript.TestScript, neg bool, args []string) {
	cmd := cluster.Command("psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-d", args[0], "-c", strings.Join(args[1:], " "))
	out, err := cmd.CombinedOutput()
	if (err != nil) != neg {
		ts.Fatalf("psql: %v: %s", err, out)
	}
	_, _ = ts.Stdout().Write(out) // a buffer
}

// usage COMMAND … runs a command that must say so on standard error and end with
// status 2.
func usage(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[0], args[1:]...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != cli.ExitUsage {
		ts.Fatalf("%v: %v, want exit status 2", args, err)
	}
}

// idle DATABASE waits until the server has noticed that all commands have ended.
func idle(ts *testscript.TestScript, _ bool, args []string) {
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		out, err := cluster.Command("psql", "-XAtq", "-d", "postgres", "-c", "SELECT count(*) FROM pg_stat_activity WHERE datname = '"+args[0]+"'").Output()
		ts.Check(err)
		if strings.TrimSpace(string(out)) == "0" {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("database %s has %s sessions after 10 s", args[0], out)
		}
	}
}

// sample DATABASE fills a database.
func sample(ts *testscript.TestScript, _ bool, args []string) {
	ctx := context.Background()
	d, err := database.ParseDSN(ts.Getenv("SERVER"))
	ts.Check(err)
	conn, err := database.Connect(ctx, d.With(args[0]))
	ts.Check(err)
	defer conn.Close(ctx)
	ts.Check(mmsample.Fill(ctx, conn, mmsample.Options{Posts: 100}))
}
