package database

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// childCommand runs this test binary again as a process that does one job on
// the shared cluster and kills itself with SIGKILL when it reaches a point.
func childCommand(t *testing.T, job, name, point, maintenance string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), "DATABASE_TEST_JOB="+job, "DATABASE_TEST_NAME="+name, "DATABASE_TEST_POINT="+point,
		"DATABASE_TEST_DSN="+target(maintenance).Keyword().Reveal(),
		"DATABASE_TEST_FROM="+on(moveFrom, "").Keyword().Reveal(), "DATABASE_TEST_TO="+on(moveTo, "").Keyword().Reveal())
	cmd.Stdout, cmd.Stderr = &bytes.Buffer{}, &bytes.Buffer{}
	return cmd
}

// child is the main function of such a process.
func child(job string) int {
	err := func() error {
		ctx := context.Background()
		d, err := ParseDSN(os.Getenv("DATABASE_TEST_DSN"))
		if err != nil {
			return err
		}
		conn, err := Connect(ctx, d)
		if err != nil {
			return err
		}
		m, name := New(conn, OpenerFor(d)), os.Getenv("DATABASE_TEST_NAME")
		m.hook = func(point string) {
			if point == os.Getenv("DATABASE_TEST_POINT") {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {}
			}
		}
		switch job {
		case "ensure":
			r, err := m.Ensure(ctx, EnsureOptions{Database: name, Role: name, Password: "x"})
			if err != nil {
				return err
			}
			return json.NewEncoder(os.Stdout).Encode(r)
		case "swap":
			_, err := m.Swap(ctx, name, name+"_next")
			return err
		case "clone":
			return m.Clone(ctx, name, name+"_next")
		case "move":
			from, err := ParseDSN(os.Getenv("DATABASE_TEST_FROM"))
			if err != nil {
				return err
			}
			to, err := ParseDSN(os.Getenv("DATABASE_TEST_TO"))
			if err != nil {
				return err
			}
			_, err = Move(ctx, MoveOptions{Source: from.With(name), Target: to.With(name + "_moved"), Role: name + "_role", hook: m.hook})
			return err
		}
		return errors.New("unknown job " + job)
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// killed runs a job that must die at the point.
func killed(t *testing.T, job, name, point string) {
	t.Helper()
	cmd := childCommand(t, job, name, point, "postgres")
	err := cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || !exit.Sys().(syscall.WaitStatus).Signaled() {
		t.Fatalf("the process was not killed at %q: %v %s", point, err, cmd.Stderr)
	}
	// Its backend notices and ends.
	eventually(t, "end of the killed session", unlocked(t))
}

// unlocked says whether nobody holds the lock of Ensure, Swap, Clone and Move.
func unlocked(t *testing.T) func() bool {
	return func() bool {
		held := 0
		for _, c := range servers() {
			held += scalar[int](t, on(c, "postgres"), "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
		}
		return held == 0
	}
}

func TestKillInTheMiddleOfEnsureLeavesBeforeOrAfter(t *testing.T) {
	state := func(t *testing.T, name string) string {
		return scalar[string](t, target("postgres"), `SELECT concat((SELECT count(*) FROM pg_database WHERE datname = $1), ' ', (SELECT count(*) FROM pg_roles WHERE rolname = $1))`, name)
	}
	for point, want := range map[string]string{"created": "0 0", "settled": "0 0", "filled": "0 0", "named": "1 1"} {
		t.Run(point, func(t *testing.T) {
			fresh(t, "mm_kill", "mm_kill")
			killed(t, "ensure", "mm_kill", point)
			if got := state(t, "mm_kill"); got != want {
				t.Errorf("databases and roles %s after the kill, want %s", got, want)
			}
			r, err := manager(t).Ensure(t.Context(), EnsureOptions{Database: "mm_kill", Role: "mm_kill", Password: "x"})
			if err != nil {
				t.Fatal(err)
			}
			if (len(r.Changed) == 0) != (want == "1 1") {
				t.Errorf("the next run changed %v", r.Changed)
			}
			wantNames(t, "mm_kill", 1)
			if got := state(t, "mm_kill"); got != "1 1" {
				t.Error(got)
			}
		})
	}
	for point, want := range map[string]string{"connected to the database": "postgres", "settled": "mm_kill"} {
		t.Run("existing database, "+point, func(t *testing.T) {
			fresh(t, "mm_kill", "mm_kill")
			cluster.SQL(t, "postgres", "CREATE DATABASE mm_kill")
			killed(t, "ensure", "mm_kill", point)
			owner := scalar[string](t, target("mm_kill"), "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'mm_kill'")
			schema := scalar[string](t, target("mm_kill"), "SELECT replace(pg_get_userbyid(nspowner), 'pg_database_owner', 'postgres') FROM pg_namespace WHERE nspname = 'public'")
			if owner != want || schema != want {
				t.Errorf("owner %s, schema %s after the kill, want both %s", owner, schema, want)
			}
		})
	}
}

func TestKillInTheMiddleOfSwapLeavesBeforeOrAfter(t *testing.T) {
	for point, swapped := range map[string]bool{"checked": false, "ended": false, "renamed one": false, "renamed": true} {
		t.Run(point, func(t *testing.T) {
			fresh(t, "", "mm_swap", "mm_swap_next")
			for _, db := range []string{"mm_swap", "mm_swap_next"} {
				cluster.SQL(t, "postgres", "CREATE DATABASE "+db)
				cluster.SQL(t, db, "CREATE TABLE me (name text); INSERT INTO me VALUES ('"+db+"')")
			}
			killed(t, "swap", "mm_swap", point)
			want := "mm_swap"
			if swapped {
				want = "mm_swap_next"
			}
			if got := scalar[string](t, target("mm_swap"), "SELECT name FROM me"); got != want {
				t.Errorf("mm_swap holds %s, want %s", got, want)
			}
			names := strings.Fields(scalar[string](t, target("postgres"), `SELECT string_agg(datname, ' ' ORDER BY 1) FROM pg_database WHERE datname LIKE 'mm\_swap%'`))
			if len(names) != 2 {
				t.Errorf("databases %v", names)
			}
			for _, n := range names {
				fresh(t, "", n)
			}
		})
	}
}

func TestKillInTheMiddleOfCloneLeavesNoHalfCopyUnderItsName(t *testing.T) {
	fresh(t, "", "mm_clone", "mm_clone_next")
	cluster.SQL(t, "postgres", "CREATE DATABASE mm_clone; ")
	killed(t, "clone", "mm_clone", "cloned")
	if n := scalar[int](t, target("postgres"), "SELECT count(*) FROM pg_database WHERE datname = 'mm_clone_next'"); n != 0 {
		t.Error("the copy has its name already")
	}
	fresh(t, "mm_clone_role", "mm_clone_other")
	if _, err := manager(t).Ensure(t.Context(), EnsureOptions{Database: "mm_clone_other", Role: "mm_clone_role"}); err != nil {
		t.Fatal(err)
	}
	wantNames(t, "mm_clone", 1)
}
