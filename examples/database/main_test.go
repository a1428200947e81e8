package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/database"
	"github.com/gitlab-mattermost/sdk/internal/mmsample"
	"github.com/gitlab-mattermost/sdk/internal/pgtest"
	"github.com/rogpeppe/go-internal/testscript"
)

// withCluster runs the tests with one server.
type withCluster struct{ m *testing.M }

var cluster *pgtest.Cluster

func (w withCluster) Run() int {
	c, err := pgtest.New(pgtest.Options{})
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
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"sql": sql, "sample": sample},
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
