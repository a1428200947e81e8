package database

import (
	"context"
	"testing"
)

// moveForTest moves NAME of the server to NAME_moved with a hook.
func moveForTest(ctx context.Context, _ *Manager, d DSN, name string, hook func(string)) (*MoveResult, error) {
	return Move(ctx, MoveOptions{Source: d.With(name), Target: d.With(name + "_moved"), Role: name + "_role", hook: hook})
}

func TestMoveCopiesEverythingAndRewritesOwners(t *testing.T) {
	fresh(t, "mv_role", "mv_src", "mv_src_moved")
	cluster.SQL(t, "postgres", "CREATE DATABASE mv_src")
	cluster.SQL(t, "mv_src", zoo)
	r, err := Move(t.Context(), MoveOptions{Source: target("mv_src"), Target: target("mv_src_moved"), Role: "mv_role", Password: "x y"})
	if err != nil {
		t.Fatal(err)
	}
	m := manager(t)
	diff, err := CompareServers(t.Context(), m, manager(t), FingerprintOptions{Database: "mv_src"}, FingerprintOptions{Database: "mv_src_moved"})
	if err != nil || len(diff) > 0 {
		t.Errorf("differences %v %v", diff, err)
	}
	foreign := scalar[string](t, target("mv_src_moved"), `SELECT coalesce(string_agg(relname, ' '), '') FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
		WHERE nspname NOT LIKE 'pg\_%' AND nspname <> 'information_schema' AND pg_get_userbyid(relowner) <> 'mv_role'`)
	if foreign != "" {
		t.Errorf("not owned by the role: %s", foreign)
	}
	if r.Rows == 0 || r.Bytes == 0 {
		t.Errorf("result %+v", r)
	}
}
