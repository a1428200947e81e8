package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/gitlab-mattermost/sdk/backup"
)

// child runs one operation in a process of its own, so that its memory can be
// measured.
func child(text string) int {
	var j job
	err := json.Unmarshal([]byte(text), &j)
	var a *answer
	if err == nil {
		a, err = j.run(context.Background())
	}
	if err == nil {
		a.Peak, err = peak()
	}
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(a)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func (j job) run(ctx context.Context) (*answer, error) {
	store, err := backup.OpenDir(j.Store)
	if err != nil {
		return nil, err
	}
	switch j.Op {
	case "create":
		src := backup.Source{DSN: backup.Secret(j.DSN)}
		if j.Data != "" {
			src.Trees = []backup.Tree{{Name: backup.DataTree, Dir: j.Data}}
		}
		if j.Config != "" {
			src.Documents = []backup.DocumentSource{{Name: "config.json", Path: j.Config}}
		}
		res, err := backup.Create(ctx, store, src, backup.CreateOptions{Base: j.Base, PgDump: j.PgDump})
		if err != nil {
			return nil, err
		}
		phases, err := json.Marshal(res.Phases)
		return &answer{ID: res.ID, Seconds: res.Seconds, Stored: res.Stored, Plain: res.Plain, Phases: phases}, err
	case "verify":
		res, err := backup.Verify(ctx, store, j.ID, backup.VerifyOptions{})
		if err != nil {
			return nil, err
		}
		if !res.Sound {
			return nil, fmt.Errorf("not sound: %+v", res.Findings)
		}
		return &answer{Seconds: res.Seconds, Plain: res.Plain}, nil
	case "restore":
		t := backup.Target{DSN: backup.Secret(j.Live), StateDir: j.State}
		if j.Data != "" {
			t.Dirs = map[string]string{backup.DataTree: j.Data}
		}
		res, err := backup.Restore(ctx, store, j.ID, t, backup.RestoreOptions{DeferFullText: j.TextLast})
		if err != nil {
			return nil, err
		}
		phases, err := json.Marshal(res.Phases)
		return &answer{Seconds: res.Seconds, Service: res.Service, Downtime: res.SwapTime, Journal: res.Journal, Phases: phases}, err
	}
	return nil, errors.New("unknown operation " + j.Op)
}

// peak is this process's peak plus twice that of its largest child: two
// pg_dump run at a time.
func peak() (float64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.SplitSeq(string(status), "\n") {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			if err != nil {
				return 0, err
			}
			var children syscall.Rusage
			if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &children); err != nil {
				return 0, err
			}
			return (kb + 2*float64(children.Maxrss)) / 1024, nil
		}
	}
	return 0, errors.New("no VmHWM in /proc/self/status")
}
