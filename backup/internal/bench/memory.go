package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gitlab-mattermost/sdk/backup"
)

// memory measures the peak memory of every operation with the data of scale and
// with grow times as much. It takes no times: other work may run beside it.
func (b *bench) memory(ctx context.Context, scale, grow float64) error {
	var names []string
	peaks := map[string][]float64{}
	for _, factor := range []float64{1, grow} {
		dir := filepath.Join(b.dir, fmt.Sprintf("memory-%g", factor))
		err := b.operations(ctx, dir, scale*factor, func(name string, a *answer) {
			fmt.Fprintf(os.Stderr, "  %-16s %6.1f MiB %8.1f s\n", name, a.Peak, a.Seconds)
			if len(peaks[name]) == 0 {
				names = append(names, name)
			}
			peaks[name] = append(peaks[name], a.Peak)
		})
		if err != nil {
			return err
		}
	}
	for _, r := range b.results {
		fmt.Println(r)
	}
	fmt.Printf("\npeak memory of all our processes\n\n| what | scale %g, MiB | scale %g, MiB | ratio |\n|---|---|---|---|\n", scale, scale*grow)
	for _, name := range names {
		p := peaks[name]
		fmt.Printf("| %s | %.0f | %.0f | %.2f |\n", name, p[0], p[1], p[1]/p[0])
	}
	return nil
}

// operations runs every operation once on generated data below dir and leaves
// nothing behind.
func (b *bench) operations(ctx context.Context, dir string, scale float64, took func(string, *answer)) error {
	defer os.RemoveAll(dir)
	const database = "memory"
	if err := b.generate(ctx, database, dir, scale); err != nil {
		return err
	}
	data, store := filepath.Join(dir, "data"), filepath.Join(dir, "store")
	run := func(name string, j job) (*answer, error) {
		j.Store = store
		a, _, err := b.child(ctx, name, j)
		if err == nil {
			took(name, a)
		}
		return a, err
	}
	create := job{Op: "create", DSN: b.cluster.DSN(database), Data: data, Config: filepath.Join(dir, "config.json")}
	full, err := run("backup", create)
	if err != nil {
		return err
	}
	if err := addFiles(filepath.Join(data, "new"), full.Stored/100); err != nil {
		return err
	}
	create.Base = backup.LatestBase
	second, err := run("backup again", create)
	if err != nil {
		return err
	}
	if _, err := run("verify", job{Op: "verify", ID: second.ID}); err != nil {
		return err
	}
	// The disk need not hold the data twice.
	if err := os.RemoveAll(data); err != nil {
		return err
	}
	if err := b.drop(database); err != nil {
		return err
	}
	live := database + "_live"
	if _, err := run("restore", job{Op: "restore", ID: second.ID, Live: b.cluster.DSN(live), Data: data, State: filepath.Join(dir, "state")}); err != nil {
		return err
	}
	return b.drop(live)
}
