package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gitlab-mattermost/sdk/backup"
)

// child runs one operation in a process of its own, so that its memory can be
// measured.
func child(text string) int {
	var j job
	err := json.Unmarshal([]byte(text), &j)
	var a *answer
	watch := watchChildren()
	if err == nil {
		a, err = j.run(context.Background())
	}
	below := watch.end()
	if err == nil {
		var own float64
		own, err = peakOf("self")
		a.Peak = own + below
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

// children watches the memory of this process's children. What the system keeps
// of ended ones is no use: it counts what the parent had when it made them.
type children struct {
	stop chan struct{}
	done chan float64 // the largest sum of their own peaks, MiB
}

func watchChildren() *children {
	c := &children{stop: make(chan struct{}), done: make(chan float64, 1)}
	go func() {
		tick, most := time.NewTicker(50*time.Millisecond), 0.0
		defer tick.Stop()
		for {
			select {
			case <-c.stop:
				c.done <- most
				return
			case <-tick.C:
				most = max(most, childPeaks())
			}
		}
	}()
	return c
}

// end gives the result.
func (c *children) end() float64 {
	close(c.stop)
	return <-c.done
}

// childPeaks adds up the peaks of all children that live now; one that ends
// meanwhile has none.
func childPeaks() float64 {
	var sum float64
	lists, _ := filepath.Glob("/proc/self/task/*/children")
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for _, pid := range strings.Fields(string(text)) {
			peak, _ := peakOf(pid)
			sum += peak
		}
	}
	return sum
}

// peakOf is the largest resident size of a process so far, in MiB.
func peakOf(pid string) (float64, error) {
	status, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.SplitSeq(string(status), "\n") {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1024, err
		}
	}
	return 0, errors.New("no VmHWM in /proc/" + pid + "/status")
}
