package backup

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"time"
)

// Retention says what to keep. Each rule keeps what it names; a backup that no
// rule keeps is deleted. The zero value keeps everything.
type Retention struct {
	Last    int // the newest so many
	Daily   int // the newest of each of the last so many days that have one
	Weekly  int // the same by ISO week
	Monthly int // the same by month
	// Minimum is how many usable backups always stay, whatever the other
	// rules say. At least one stays in any case.
	Minimum int
}

// PrunePlan is what a retention would keep and delete, newest first.
type PrunePlan struct {
	Keep   []PruneItem `json:"keep"`
	Delete []PruneItem `json:"delete"`
	Bytes  int64       `json:"freed_bytes"`
}

// PruneItem is one backup with the reason.
type PruneItem struct {
	ID      string `json:"id"`
	Reason  string `json:"reason"`
	Stored  int64  `json:"stored_bytes"`
	Problem string `json:"problem,omitempty"`
}

// PlanPrune decides, from what List gave. Parents of kept backups are kept, as
// are permanent ones. A backup with a problem is never counted as one to keep:
// it is deleted only when a usable newer one stays, so that a damaged store is
// not emptied. Days are those of UTC.
func PlanPrune(list []Info, r Retention) (*PrunePlan, error) {
	if r.Last < 0 || r.Daily < 0 || r.Weekly < 0 || r.Monthly < 0 || r.Minimum < 0 {
		return nil, errors.New("plan prune: negative count")
	}
	byID := map[string]Info{}
	var usable []Info
	for _, b := range list {
		byID[b.ID] = b
		if b.Problem == "" {
			usable = append(usable, b)
		}
	}
	sort.Slice(usable, func(i, j int) bool { return usable[i].ID > usable[j].ID })
	reasons := map[string]string{}
	keep := func(id, reason string) {
		if reasons[id] == "" {
			reasons[id] = reason
		}
	}
	for i, b := range usable {
		switch {
		case r == Retention{}:
			keep(b.ID, "no rule is set")
		case i < r.Last:
			keep(b.ID, fmt.Sprintf("one of the last %d", r.Last))
		case i < max(1, r.Minimum):
			keep(b.ID, fmt.Sprintf("at least %d stay", max(1, r.Minimum)))
		}
	}
	keepBy(usable, r.Daily, "2006-01-02", keep)
	keepBy(usable, r.Weekly, "week", keep)
	keepBy(usable, r.Monthly, "2006-01", keep)
	for _, b := range list {
		if b.Permanent {
			keep(b.ID, "permanent")
		}
		if b.Problem != "" && (len(usable) == 0 || usable[0].ID < b.ID || r == Retention{}) {
			keep(b.ID, "unusable, but nothing newer is usable")
		}
	}
	for id := range reasons {
		for _, p := range byID[id].Parents {
			keep(p, "holds files of "+id)
		}
	}
	plan := &PrunePlan{Keep: []PruneItem{}, Delete: []PruneItem{}}
	for i := len(list) - 1; i >= 0; i-- {
		b := list[i]
		item := PruneItem{ID: b.ID, Reason: reasons[b.ID], Stored: b.Stored, Problem: b.Problem}
		if item.Reason != "" {
			plan.Keep = append(plan.Keep, item)
			continue
		}
		item.Reason = "no rule keeps it"
		plan.Delete = append(plan.Delete, item)
		plan.Bytes += b.Stored
	}
	return plan, nil
}

// keepBy keeps the newest backup of each of the last n periods that have one.
func keepBy(usable []Info, n int, layout string, keep func(id, reason string)) {
	seen := map[string]bool{}
	for _, b := range usable {
		at, err := time.Parse(idLayout, b.ID[:len(b.ID)-5])
		if err != nil {
			continue // List gives legal IDs only
		}
		period, name := at.Format(layout), map[string]string{"2006-01-02": "day ", "2006-01": "month "}[layout]
		if layout == "week" {
			year, week := at.ISOWeek()
			period, name = fmt.Sprintf("%d-W%02d", year, week), "week "
		}
		if seen[period] {
			continue
		}
		if len(seen) == n {
			return
		}
		seen[period] = true
		keep(b.ID, "newest of "+name+period)
	}
}

// Prune applies a retention and returns the plan as it was applied. Children
// go before their parents and each manifest before its parts, so that an
// interrupted prune leaves whole backups and remains that the next Create
// removes.
func Prune(ctx context.Context, store Store, r Retention) (*PrunePlan, error) {
	return pruneHooked(ctx, store, r, func(string) {})
}

func pruneHooked(ctx context.Context, store Store, r Retention, hook func(string)) (_ *PrunePlan, err error) {
	unlock, err := lockStore(ctx, store, Exclusive)
	if err != nil {
		return nil, fmt.Errorf("prune: %w", err)
	}
	defer func() { err = errors.Join(err, unlock()) }()
	list, err := List(ctx, store)
	if err != nil {
		return nil, fmt.Errorf("prune: %w", err)
	}
	plan, err := PlanPrune(list, r)
	if err != nil {
		return nil, err
	}
	for _, item := range plan.Delete { // newest first: children before parents
		hook("prune:before")
		if err := store.Delete(ctx, item.ID+"/"+manifestName); err != nil {
			return nil, fmt.Errorf("prune: %w", err)
		}
		hook("prune:manifest-gone")
		if err := deleteAll(ctx, store, item.ID); err != nil {
			return nil, fmt.Errorf("prune: %w", err)
		}
		hook("prune:after")
	}
	return plan, nil
}

// SetPermanent marks a backup so that no retention deletes it.
func SetPermanent(ctx context.Context, store Store, id string) error {
	if _, err := Load(ctx, store, id); err != nil {
		return fmt.Errorf("mark permanent: %w", err)
	}
	return putObject(ctx, store, id+"/"+permanentName, []byte("retention never deletes this backup\n"))
}

// ClearPermanent takes the mark away.
func ClearPermanent(ctx context.Context, store Store, id string) error {
	if err := checkID(id); err != nil {
		return fmt.Errorf("unmark permanent: %w", err)
	}
	return store.Delete(ctx, id+"/"+permanentName)
}
