package s3store

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gitlab-mattermost/sdk/backup"
	"github.com/gitlab-mattermost/sdk/backup/storetest"
)

func open1(t *testing.T, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStoreKeepsTheStoresPromises(t *testing.T) {
	storetest.Run(t, func(t *testing.T) backup.Store {
		_, o := newFake(t)
		o.Prefix = "backups/main"
		return open1(t, o)
	})
}

// tree makes a small data directory.
func tree(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	for i := range 30 {
		p := filepath.Join(dir, fmt.Sprintf("2026010%d/teams/noteam", i%5))
		if err := os.MkdirAll(p, 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(p, fmt.Sprint(i, " ü.txt")), bytes.Repeat([]byte{byte(i), 'x'}, 2000*i), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func create(t *testing.T, s backup.Store, src backup.Source, o backup.CreateOptions) *backup.Result {
	t.Helper()
	res, err := backup.Create(t.Context(), s, src, o)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func same(t *testing.T, a, b string) {
	t.Helper()
	if out, err := exec.Command("diff", "-r", a, b).CombinedOutput(); err != nil {
		t.Errorf("%s", out)
	}
}

func TestBackupThroughS3RestoresTheSameFiles(t *testing.T) {
	fake, o := newFake(t)
	s, dir := open1(t, o), tree(t)
	src := backup.Source{Trees: []backup.Tree{{Name: "data", Dir: dir}}}
	create(t, s, src, backup.CreateOptions{})
	// Every tenth request fails once with a status that clients repeat.
	var n atomic.Int64
	fake.fault = func(w http.ResponseWriter, r *http.Request) bool {
		if n.Add(1)%10 != 0 {
			return false
		}
		_, _ = io.Copy(io.Discard, r.Body) // the client may have gone
		fake.fail(w, http.StatusServiceUnavailable, "SlowDown")
		return true
	}
	res := create(t, s, src, backup.CreateOptions{Base: backup.LatestBase})
	if res.Reused == 0 {
		t.Error("nothing was reused")
	}
	v, err := backup.Verify(t.Context(), s, res.ID, backup.VerifyOptions{})
	if err != nil || !v.Sound {
		t.Fatalf("%+v, %v", v, err)
	}
	to := filepath.Join(t.TempDir(), "out")
	if _, _, err := backup.Extract(t.Context(), s, res.ID, "data", to, backup.Keys{}); err != nil {
		t.Fatal(err)
	}
	same(t, dir, to)
	if n.Load() < 20 {
		t.Errorf("only %d requests", n.Load())
	}
}

func TestAFailingUploadLeavesNoBackupAndNoPieces(t *testing.T) {
	fake, o := newFake(t)
	s := open1(t, o)
	fake.fault = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut || !strings.Contains(r.URL.Path, "files/") {
			return false
		}
		_, _ = io.Copy(io.Discard, r.Body) // the client may have gone
		fake.fail(w, http.StatusForbidden, "AccessDenied")
		return true
	}
	_, err := backup.Create(t.Context(), s, backup.Source{Trees: []backup.Tree{{Name: "data", Dir: tree(t)}}}, backup.CreateOptions{})
	if err == nil || !strings.Contains(err.Error(), "AccessDenied") && !strings.Contains(err.Error(), "Access Denied") {
		t.Errorf("error %v", err)
	}
	if strings.Contains(fmt.Sprint(err), "secret") {
		t.Error("the secret key is in the message")
	}
	if len(fake.objects) != 0 || len(fake.uploads) != 0 {
		t.Errorf("left: %d objects, %d uploads", len(fake.objects), len(fake.uploads))
	}
}

func TestAReadThatBreaksOffIsDamageNotSilence(t *testing.T) {
	fake, o := newFake(t)
	s := open1(t, o)
	res := create(t, s, backup.Source{Trees: []backup.Tree{{Name: "data", Dir: tree(t)}}}, backup.CreateOptions{})
	for key, object := range fake.objects {
		if strings.Contains(key, "files/0") {
			object.data = object.data[:len(object.data)-5]
			fake.objects[key] = object
		}
	}
	v, err := backup.Verify(t.Context(), s, res.ID, backup.VerifyOptions{})
	if err != nil || v.Sound {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestFilesOfAnInstallationInABucketAreCopied(t *testing.T) {
	fake, o := newFake(t)
	dir := tree(t)
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(p)
		rel, _ := filepath.Rel(dir, p) // both are absolute
		fake.objects["mm/"+rel] = fakeObject{data, time.Now()}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	o.Prefix = "mm/"
	bucket, err := OpenBucket(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	store, err := backup.OpenDir(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	res := create(t, store, backup.Source{Trees: []backup.Tree{{Name: "data", Objects: bucket}}}, backup.CreateOptions{})
	if res.Files != 30 || res.Manifest.Files.Trees[0].Path != "s3://mattermost/mm/" {
		t.Errorf("%+v %+v", res, res.Manifest.Files.Trees)
	}
	to := filepath.Join(t.TempDir(), "out")
	if _, _, err := backup.Extract(t.Context(), store, res.ID, "data", to, backup.Keys{}); err != nil {
		t.Fatal(err)
	}
	same(t, dir, to)
	res = create(t, store, backup.Source{Buckets: map[string]backup.ObjectSource{"data": bucket}}, backup.CreateOptions{})
	if b := res.Manifest.Buckets[0]; b.Objects != 30 || b.Bytes != 2*2000*29*30/2 {
		t.Errorf("listed: %+v", b)
	}
}

func TestWrongOptionsAreNamed(t *testing.T) {
	_, good := newFake(t)
	for why, c := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"scheme in the endpoint": {func(o *Options) { o.Endpoint = "https://" + o.Endpoint }, "without https://"},
		"no bucket":              {func(o *Options) { o.Bucket = "" }, "required"},
		"another bucket":         {func(o *Options) { o.Bucket = "other-bucket" }, "does not exist"},
		"wrong key":              {func(o *Options) { o.AccessKey = "wrong" }, "open bucket"},
		"prefix with a space":    {func(o *Options) { o.Prefix = "a b" }, "prefix"},
	} {
		o := good
		c.change(&o)
		_, err := Open(t.Context(), o)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", why, err)
		}
	}
}
