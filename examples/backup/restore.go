package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/gitlab-mattermost/sdk/backup"
	"github.com/gitlab-mattermost/sdk/internal/cli"
)

const restoreHelp = `backup restore builds a new database and new directories beside the living
installation, checks them, stops the service, swaps by renaming and starts it.
The former ones are kept until 'backup discard'; 'backup rollback' swaps back.
Any failure leaves the old state. With -n it prints the plan and does nothing.

  backup restore -store /var/backups/mattermost -n
  backup restore -store /var/backups/mattermost 20261121T074258Z-3fa9
  backup restore -store /mnt/old -only database,files -set ServiceSettings.SiteURL=https://chat.example.com \
      -dsn-file /etc/mattermost-dsn -data /opt/mattermost/data -owner mattermost -service systemctl

Flags:
`

func restore(ctx context.Context, args []string, s cli.Streams) error {
	f := cli.Flags("restore", restoreHelp, s)
	var tf targetFlags
	var keys keyFlags
	var o backup.RestoreOptions
	var set repeated
	store := storeFlag(f, "store")
	tf.add(f)
	keys.add(f)
	f.Var(&set, "set", "`SETTING=VALUE` to write into the restored configuration, for example ServiceSettings.SiteURL=https://…; the value is JSON if it parses, else text; may be repeated")
	f.BoolVar(&o.DeferFullText, "service-first", false, "start the service before the big full-text indexes are built")
	f.IntVar(&o.Workers, "workers", 0, "`number` of connections and writers (default: chosen by the processors)")
	asJSON := f.Bool("json", false, "print JSON")
	dry := f.Bool("n", false, "print the plan and do nothing")
	if err := cli.Parse(f, args); err != nil {
		return err
	}
	id, err := backupID(f)
	if err != nil {
		return err
	}
	if err := notNegative("workers", o.Workers); err != nil {
		return err
	}
	st, err := openStore(ctx, *store)
	if err != nil {
		return err
	}
	target, err := tf.target()
	if err != nil {
		return err
	}
	if o.Keys, err = keys.keys(); err != nil {
		return err
	}
	if o.Settings, err = newSettings(set); err != nil {
		return err
	}
	m, err := backup.Load(ctx, st, id)
	if err != nil {
		return err
	}
	if err := restrict(&target, m, &tf); err != nil {
		return err
	}
	bar, end := progress(s, "restore", 0)
	o.Progress = bar
	plan, err := backup.PlanRestore(ctx, st, m.ID, target, o)
	if err != nil {
		return err
	}
	if *dry {
		return printPlan(s, plan, *asJSON)
	}
	res, err := plan.Apply(ctx)
	end()
	if err != nil {
		return err
	}
	if *asJSON {
		if err := cli.WriteJSON(s.Out, res); err != nil {
			return err
		}
		return verdict(res.Findings)
	}
	for _, line := range res.Recovered {
		fmt.Fprintln(s.Out, line)
	}
	fmt.Fprintf(s.Out, "restored backup %s: %d rows, %d files, %.1f s; the service was down for %.2f s\n", res.Backup, res.Rows, res.Files, res.Seconds, res.Downtime)
	for _, k := range res.Kept {
		fmt.Fprintf(s.Out, "kept: %s\n", k)
	}
	fmt.Fprintf(s.Out, "undo with 'backup rollback %s', delete what is kept with 'backup discard %s'\n", res.Journal, res.Journal)
	printFindings(s.Out, res.Findings)
	return verdict(res.Findings)
}

func newSettings(list []string) (map[string]any, error) {
	texts, err := pairs("set", list)
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	for name, text := range texts {
		var v any
		if json.Unmarshal([]byte(text), &v) != nil {
			v = text
		}
		out[name] = v
	}
	return out, nil
}

func printPlan(s cli.Streams, plan *backup.RestorePlan, asJSON bool) error {
	if asJSON {
		return cli.WriteJSON(s.Out, plan)
	}
	fmt.Fprintf(s.Out, "plan to restore backup %s\n", plan.Backup)
	for n, step := range plan.Steps {
		fmt.Fprintf(s.Out, "%2d. %s: %s\n", n+1, step.Action, step.What)
		if step.Detail != "" {
			fmt.Fprintf(s.Out, "    %s\n", step.Detail)
		}
	}
	printFindings(s.Out, plan.Findings)
	return verdict(plan.Findings)
}
