package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Thresholds, each measured.
const (
	// bigTable is from where a table's full-text indexes may be left for
	// later: reading a smaller one takes a search about a second.
	bigTable = 8 << 20
	// earlyText is how much indexed text makes a GIN index worth making
	// before the rows. A server before 18 builds it in one process, about
	// 5 MB in a second; made first, the loading connections share the work.
	// For an index over little text, such as that of hashtags, it costs more
	// than it saves.
	earlyText = 16 << 20
)

func (l *loader) isBig(s buildStep) bool { return s.gin && s.weight/8 > bigTable }

// earlyIndexes makes the full-text indexes that are built while rows arrive.
func (l *loader) earlyIndexes(ctx context.Context, conn *pgx.Conn) error {
	l.early = map[string]bool{}
	if l.deferText || l.major >= 18 {
		return nil
	}
	for _, s := range l.plan.indexes {
		if !l.isBig(s) {
			continue
		}
		text, err := l.indexedText(ctx, s)
		if err != nil {
			return err
		}
		if text < earlyText {
			continue
		}
		if err := execScript(ctx, conn, s.index); err != nil {
			return fmt.Errorf("create index %s: %w", s.name, err)
		}
		l.early[s.name] = true
	}
	return nil
}

// indexedText estimates, from the first rows of the table's largest piece, how
// many bytes of all rows are in columns that the index names.
func (l *loader) indexedText(ctx context.Context, s buildStep) (int64, error) {
	var largest *Piece
	for i, p := range l.m.Database.Pieces {
		t := p.Tables[0]
		if len(p.Tables) == 1 && isTable(s.table, t.Schema, t.Name) && (largest == nil || p.PlainSize > largest.PlainSize) {
			largest = &l.m.Database.Pieces[i]
		}
	}
	if largest == nil {
		return 0, nil
	}
	_, expression, _ := strings.Cut(s.index, " USING ")
	share, err := l.sample(ctx, largest, expression)
	if err != nil {
		return 0, fmt.Errorf("look at the rows of %s: %w", s.table, err)
	}
	var total int64
	for _, p := range l.m.Database.Pieces {
		if p.Tables[0].Schema == largest.Tables[0].Schema && p.Tables[0].Name == largest.Tables[0].Name {
			total += p.PlainSize
		}
	}
	return int64(share * float64(total)), nil
}

// isTable compares a table's name as a script has it.
func isTable(written, schema, name string) bool {
	return written == schema+"."+name || written == pgx.Identifier{schema, name}.Sanitize()
}

// errSampled ends the reading of a piece after its first rows.
var errSampled = errors.New("enough rows")

// sampleBytes is how much of a piece is looked at.
const sampleBytes = 256 << 10

// sample tells which part of the first rows is in columns that expression
// names, between 0 and 1.
func (l *loader) sample(ctx context.Context, p *Piece, expression string) (float64, error) {
	r, err := openProof(ctx, l.store, l.m.ID, p.Part, l.keys, proof{})
	if err != nil {
		return 0, err
	}
	defer r.Close()
	named, all := 0, 0
	err = readCopyScript(r, func(c *copyStatement) error {
		_, list, _ := strings.Cut(c.sql, " (")
		list, _, _ = strings.Cut(list, ") FROM stdin")
		var wanted []bool
		for column := range strings.SplitSeq(list, ", ") {
			word := regexp.MustCompile(`(^|[^A-Za-z0-9_$])` + regexp.QuoteMeta(unquoteIdent(column)) + `($|[^A-Za-z0-9_$])`)
			wanted = append(wanted, word.MatchString(expression))
		}
		for all < sampleBytes && c.fill() {
			i := 0
			for field := range bytes.SplitSeq(c.rest, []byte{'\t'}) {
				if all += len(field); i < len(wanted) && wanted[i] {
					named += len(field)
				}
				i++
			}
		}
		if c.err != nil && !errors.Is(c.err, io.EOF) {
			return c.err
		}
		return errSampled
	})
	if err != nil && !errors.Is(err, errSampled) {
		return 0, err
	}
	return float64(named) / float64(max(all, 1)), nil
}
