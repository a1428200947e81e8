package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/internal/mmsample"
	"github.com/gitlab-mattermost/sdk/internal/pgtest"
	"github.com/jackc/pgx/v5"
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
	testscript.Main(withCluster{m}, map[string]func(){"backup": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			name := strings.NewReplacer("-", "_").Replace(filepath.Base(e.WorkDir))
			e.Setenv("DB", name)
			e.Setenv("SOCKET", cluster.SocketDir)
			e.Setenv("PORT", fmt.Sprint(cluster.Port))
			e.Setenv("PATH", cluster.BinDir+":"+e.Getenv("PATH"))
			e.Setenv("PGUSER", "postgres")
			e.Setenv("PGHOST", cluster.SocketDir)
			e.Setenv("PGPORT", fmt.Sprint(cluster.Port))
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"installation": installation},
	})
}

var options = mmsample.Options{Seed: 5, Posts: 150, Files: 10, FileSize: 3000}

// installation makes a Mattermost of the Linux package below $WORK/root, with
// its database.
func installation(ts *testscript.TestScript, _ bool, _ []string) {
	root, db := ts.MkAbs("root"), ts.Getenv("DB")
	dsn := fmt.Sprintf("user=%s_role host=%s port=%d dbname=%s", db, cluster.SocketDir, cluster.Port, db)
	ctx := context.Background()
	admin, err := pgx.Connect(ctx, cluster.DSN("postgres"))
	ts.Check(err)
	defer admin.Close(ctx)
	for _, sql := range []string{"CREATE ROLE " + db + "_role LOGIN CREATEDB", "CREATE DATABASE " + db + " OWNER " + db + "_role TEMPLATE template0 ENCODING 'UTF8'"} {
		_, err := admin.Exec(ctx, sql)
		ts.Check(err)
	}
	conn, err := pgx.Connect(ctx, dsn)
	ts.Check(err)
	defer conn.Close(ctx)
	ts.Check(mmsample.Fill(ctx, conn, options))
	files := map[string]string{
		"var/opt/gitlab/mattermost/config.json":                   `{"ServiceSettings": {"SiteURL": "https://old.example.com"}}`,
		"opt/gitlab/etc/mattermost/env/MM_SQLSETTINGS_DATASOURCE": dsn + "\n",
		"opt/gitlab/etc/mattermost/env/MM_FILESETTINGS_DIRECTORY": "/var/opt/gitlab/mattermost/data\n",
		"opt/gitlab/embedded/service/mattermost/VERSION":          "10.11.4\n",
		"etc/gitlab/gitlab.rb":                                    "external_url 'https://gitlab.example.com'\n# mattermost['x'] = 1\nmattermost['env'] = {\n  'A' => 'B',\n}\ngitlab_rails['ldap'] = 'not-ours'\n",
		"etc/gitlab/gitlab-secrets.json":                          `{"gitlab_rails": {"db_key_base": "not-ours"}, "mattermost": {"sql_at_rest_encrypt_key": "ours"}}`,
		"var/opt/gitlab/mattermost/plugins/a/plugin.json":         "{}",
	}
	for name, text := range files {
		p := filepath.Join(root, name)
		ts.Check(os.MkdirAll(filepath.Dir(p), 0o755))
		ts.Check(os.WriteFile(p, []byte(text), 0o600))
	}
	data := filepath.Join(root, "var/opt/gitlab/mattermost/data")
	ts.Check(os.Mkdir(data, 0o755))
	ts.Check(mmsample.Files(data, options))
}
