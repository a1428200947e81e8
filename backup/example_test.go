package backup_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gitlab-mattermost/sdk/backup"
)

// A backup of files only, then one that stores nothing twice. With
// Source.DSN set, the database goes into the same backup.
func ExampleCreate() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	data := filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o750); err != nil {
		fmt.Println(err)
		return
	}
	if err := os.WriteFile(filepath.Join(data, "hello.txt"), []byte("hello"), 0o640); err != nil {
		fmt.Println(err)
		return
	}
	time.Sleep(10 * time.Millisecond) // the file is older than the backup
	store, err := backup.OpenDir(filepath.Join(dir, "store"))
	if err != nil {
		fmt.Println(err)
		return
	}
	src := backup.Source{Trees: []backup.Tree{{Name: backup.DataTree, Dir: data}}}
	for range 2 {
		res, err := backup.Create(context.Background(), store, src, backup.CreateOptions{Base: backup.LatestBase})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%d file, %d bytes, %d of them in an earlier backup\n", res.Files, res.Plain, res.Reused)
	}
	got, err := backup.Verify(context.Background(), store, backup.LatestBase, backup.VerifyOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("sound:", got.Sound)
	// Output:
	// 1 file, 5 bytes, 0 of them in an earlier backup
	// 1 file, 5 bytes, 5 of them in an earlier backup
	// sound: true
}

// A restore is planned, shown, and then applied.
func ExamplePlanRestore() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	data := filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o750); err != nil {
		fmt.Println(err)
		return
	}
	store, err := backup.OpenDir(filepath.Join(dir, "store"))
	if err != nil {
		fmt.Println(err)
		return
	}
	src := backup.Source{Trees: []backup.Tree{{Name: backup.DataTree, Dir: data}}}
	made, err := backup.Create(context.Background(), store, src, backup.CreateOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := backup.PlanRestore(context.Background(), store, made.ID, backup.Target{
		Dirs:     map[string]string{backup.DataTree: data},
		StateDir: filepath.Join(dir, "state"),
		Service:  backup.Systemctl("mattermost"),
	}, backup.RestoreOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, step := range plan.Steps {
		fmt.Println(step.Action)
	}
	// Output:
	// create
	// stop service
	// rename
	// rename
	// start service
}

// What a retention keeps is a plan before it is an action.
func ExamplePlanPrune() {
	list := []backup.Info{
		{ID: "20261119T020000Z-0001"},
		{ID: "20261120T020000Z-0002"},
		{ID: "20261121T020000Z-0003", Parents: []string{"20261119T020000Z-0001"}},
	}
	plan, err := backup.PlanPrune(list, backup.Retention{Last: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range plan.Keep {
		fmt.Println("keep  ", p.ID, "-", p.Reason)
	}
	for _, p := range plan.Delete {
		fmt.Println("delete", p.ID, "-", p.Reason)
	}
	// Output:
	// keep   20261121T020000Z-0003 - one of the last 1
	// keep   20261119T020000Z-0001 - holds files of 20261121T020000Z-0003
	// delete 20261120T020000Z-0002 - no rule keeps it
}

// Keys are read from files; a key of the wrong kind is refused by line, and
// never quoted.
func ExampleParseRecipients() {
	_, err := backup.ParseRecipients(strings.NewReader("# the vault\nAGE-SECRET-KEY-1PRIVATE\n"))
	fmt.Println(err)
	// Output:
	// read recipients: line 2: not an age or SSH public key
}
