package upgrade

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/gitlab-mattermost/sdk/internal/version"
)

// ruleIndex is the embedded rules, grouped by product, so that a hop only looks
// at its own.
type ruleIndex struct {
	all       []lazyRule
	byProduct map[string][]*lazyRule
}

// embeddedRules reads the rules once, at the first plan. What it returns is
// shared between plans and never leaves the package: completeRules copies.
var embeddedRules = sync.OnceValue(func() ruleIndex {
	all, err := parseRules(rulesText)
	if err != nil {
		panic(damaged(err))
	}
	index := ruleIndex{all: all, byProduct: make(map[string][]*lazyRule, 3)}
	for i := range all {
		index.byProduct[all[i].product] = append(index.byProduct[all[i].product], &all[i])
	}
	return index
})

// damaged is what a panic says: a test reads the same text, so an error is a
// damaged build.
func damaged(err error) string { return "upgrade: damaged rules.txt: " + err.Error() }

// on appends the rules that a hop of a product meets, before any facts are
// asked.
func (x ruleIndex) on(product string, h hop, list []*lazyRule) []*lazyRule {
	for _, r := range x.byProduct[product] {
		if r.concerns(&h) {
			list = append(list, r)
		}
	}
	return list
}

// lazyRule is a rule of which at first only the lines that choose it are read:
// a plan looks at all rules and shows few.
type lazyRule struct {
	id, text     string // text is the rest of the stanza
	product      string
	at           int // rank of the version crossed, 0 for none
	starts, ends []Range

	once  sync.Once
	whole *Rule // read once, and only read from then on
}

// complete returns the whole rule, which is shared: it must not be changed or
// handed out.
func (r *lazyRule) complete() *Rule {
	r.once.Do(func() {
		rule, err := r.read()
		if err != nil {
			panic(damaged(err))
		}
		r.whole = rule
	})
	return r.whole
}

// read reads the whole rule; what is not given is severity info and the
// upgrade notes as source.
func (r *lazyRule) read() (*Rule, error) {
	rule := &Rule{ID: r.id, Severity: SeverityInfo, Source: sources["notes"]}
	for rest := r.text; rest != ""; {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		key, value, _ := strings.Cut(line, " ")
		if err := rule.set(key, value); err != nil {
			return nil, fmt.Errorf("rule %s: %w", r.id, err)
		}
	}
	return rule, nil
}

// choose reads the lines that choose the rule, which stand first.
func (r *lazyRule) choose() (err error) {
	for rest := r.text; rest != "" && err == nil; {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		key, value, _ := strings.Cut(line, " ")
		switch key {
		case "at":
			var at string
			if r.product, at = productOf(value); at != "" {
				var v Version
				v, err = version.Parse(at)
				r.at = rank(v)
			}
		case "from":
			r.starts, err = parseRanges(value)
		case "lands":
			r.ends, err = parseRanges(value)
		default:
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("rule %s: %w", r.id, err)
	}
	return nil
}

// completeRules returns copies of whole rules that belong to the caller, with
// all their lists cut from a few large ones.
func completeRules(chosen []*lazyRule) []Rule {
	texts, ranges := 0, 0
	for _, c := range chosen {
		r := c.complete()
		texts += len(r.Commands) + len(r.SQL) + len(r.Settings) + len(r.Notes)
		ranges += len(r.From) + len(r.Lands)
	}
	rules := make([]Rule, len(chosen))
	allTexts, allRanges := make([]string, 0, texts), make([]Range, 0, ranges)
	for i, c := range chosen {
		r := &rules[i]
		*r = *c.complete()
		for _, list := range [...]*[]string{&r.Commands, &r.SQL, &r.Settings, &r.Notes} {
			*list, allTexts = cutCopy(*list, allTexts)
		}
		for _, list := range [...]*[]Range{&r.From, &r.Lands} {
			*list, allRanges = cutCopy(*list, allRanges)
		}
	}
	return rules
}

// cutCopy copies a list behind what the pool has, without room behind it, so
// that appending to it touches no neighbour; nil stays nil.
func cutCopy[T any](list, pool []T) (copied, rest []T) {
	if list == nil {
		return nil, pool
	}
	start := len(pool)
	pool = append(pool, list...)
	return slices.Clip(pool[start:]), pool
}

// rank orders versions as one number, a line as its first release.
func rank(v Version) int { return v.Major<<40 | v.Minor<<20 | max(v.Patch, 0) }

// hop is a move from one version to another.
type hop struct {
	from, to         Version
	fromRank, toRank int
}

func newHop(from, to Version) hop {
	return hop{from, to, rank(from), rank(to)}
}

// concerns reports whether a hop of the rule's product meets the rule.
func (r *lazyRule) concerns(h *hop) bool {
	if r.at != 0 && (h.fromRank >= r.at || h.toRank < r.at) {
		return false
	}
	return within(h.from, r.starts) && within(h.to, r.ends)
}
