package mmsample

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/internal/pgtest"
	"github.com/jackc/pgx/v5"
)

var cluster *pgtest.Cluster

func TestMain(m *testing.M) {
	c, err := pgtest.New(pgtest.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	cluster = c
	code := m.Run()
	if err := c.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// filled makes a database of its own and fills it.
func filled(t *testing.T, name string, o Options) *pgx.Conn {
	t.Helper()
	cluster.SQL(t, "postgres", "CREATE DATABASE "+name)
	conn, err := pgx.Connect(t.Context(), cluster.DSN(name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	if err := Fill(t.Context(), conn, o); err != nil {
		t.Fatal(err)
	}
	return conn
}

func dump(t *testing.T, name string) string {
	t.Helper()
	out, err := cluster.Command("pg_dump", "--no-owner", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	var keep []string
	for _, line := range strings.Split(string(out), "\n") {
		if !strings.HasPrefix(line, `\restrict`) && !strings.HasPrefix(line, `\unrestrict`) {
			keep = append(keep, line)
		}
	}
	return strings.Join(keep, "\n")
}

func TestSameOptionsGiveTheSameDatabaseAndAnotherSeedAnother(t *testing.T) {
	filled(t, "one", Options{Seed: 1, Posts: 700})
	filled(t, "two", Options{Seed: 1, Posts: 700})
	filled(t, "three", Options{Seed: 2, Posts: 700})
	one, two, three := dump(t, "one"), dump(t, "two"), dump(t, "three")
	if one != two {
		t.Error("two fills with the same options differ")
	}
	if one == three {
		t.Error("the seed has no effect")
	}
}

func TestEveryFileInfoRowHasItsFileOfThatSize(t *testing.T) {
	o := Options{Seed: 3, Posts: 800, Files: 60, LargeFiles: 2}
	conn := filled(t, "withfiles", o)
	dir := t.TempDir()
	if err := Files(dir, o); err != nil {
		t.Fatal(err)
	}
	rows, err := conn.Query(t.Context(), `SELECT path, size, thumbnailpath, previewpath FROM fileinfo f JOIN posts p ON p.id = f.postid
		AND p.channelid = f.channelid AND p.userid = f.creatorid AND p.fileids = '["' || f.id || '"]'`)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for rows.Next() {
		var path, thumb, preview string
		var size int64
		if err := rows.Scan(&path, &size, &thumb, &preview); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(dir, path))
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() != size {
			t.Errorf("%s: %d bytes, fileinfo says %d", path, info.Size(), size)
		}
		for _, p := range []string{thumb, preview} {
			if _, err := os.Stat(filepath.Join(dir, p)); p != "" && err != nil {
				t.Error(err)
			}
		}
		n++
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if n != 60 {
		t.Errorf("%d consistent fileinfo rows, want 60", n)
	}
}

func TestSameOptionsGiveTheSameFiles(t *testing.T) {
	o := Options{Seed: 5, Posts: 300, Files: 30}
	a, b := t.TempDir(), t.TempDir()
	for _, dir := range []string{a, b} {
		if err := Files(dir, o); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	err := filepath.WalkDir(a, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		n++
		rel, err := filepath.Rel(a, path)
		if err != nil {
			return err
		}
		one, err1 := os.ReadFile(path)
		two, err2 := os.ReadFile(filepath.Join(b, rel))
		if err1 != nil || err2 != nil || string(one) != string(two) {
			t.Errorf("%s differs: %v %v", rel, err1, err2)
		}
		return nil
	})
	if err != nil || n < 50 {
		t.Errorf("%d files, %v", n, err)
	}
}

func TestPicturesAndVideosBeginWithTheMagicNumberOfTheirKind(t *testing.T) {
	dir := t.TempDir()
	if err := Files(dir, Options{Seed: 6, Posts: 300, Files: 30, LargeFiles: 1}); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		kind := map[string]string{"image/jpeg": ".jpg", "image/png": ".png", "video/mp4": ".mp4"}[http.DetectContentType(text)]
		if want := filepath.Ext(path); kind != want && (kind != "" || want == ".jpg" || want == ".png" || want == ".mp4") {
			t.Errorf("%s looks like %q", path, http.DetectContentType(text))
		}
		seen[kind]++
		return nil
	})
	if err != nil || seen[".jpg"] < 20 || seen[".png"] < 5 || seen[".mp4"] != 1 || seen[""] < 10 {
		t.Errorf("kinds %v, %v", seen, err)
	}
}

func TestRowsReferToEachOther(t *testing.T) {
	conn := filled(t, "refs", Options{Posts: 1000, Version: "9.11"})
	for what, query := range map[string]string{
		"posts without channel":    "SELECT count(*) FROM posts p LEFT JOIN channels c ON c.id = p.channelid WHERE c.id IS NULL",
		"posts without user":       "SELECT count(*) FROM posts p LEFT JOIN users u ON u.id = p.userid WHERE u.id IS NULL",
		"replies without root":     "SELECT count(*) FROM posts p LEFT JOIN posts r ON r.id = p.rootid WHERE p.rootid <> '' AND (r.id IS NULL OR r.channelid <> p.channelid)",
		"reactions without post":   "SELECT count(*) FROM reactions x LEFT JOIN posts p ON p.id = x.postid WHERE p.id IS NULL",
		"threads without post":     "SELECT count(*) FROM threads x LEFT JOIN posts p ON p.id = x.postid WHERE p.id IS NULL",
		"migrations beyond 125":    "SELECT count(*) FROM db_migrations WHERE version > 125 OR version = 110",
		"views of 10.6 in 9.11":    "SELECT count(*) FROM pg_matviews",
		"configuration not active": "SELECT 1 - count(*) FROM configurations WHERE active AND value::jsonb->'SqlSettings' IS NOT NULL",
	} {
		var n int
		if err := conn.QueryRow(t.Context(), query).Scan(&n); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if n != 0 {
			t.Errorf("%s: %d", what, n)
		}
	}
}

func TestImpossibleOptionsAreRefused(t *testing.T) {
	for reason, o := range map[string]Options{
		"unknown schema":        {Version: "5.0"},
		"more files than posts": {Posts: 10, Files: 11},
		"negative":              {Posts: -1},
	} {
		if _, err := o.normal(); err == nil {
			t.Errorf("%s: accepted", reason)
		}
	}
}
