package backup

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// A full-text index is made before the rows when it covers much text; that is
// judged by the first rows, not by the size of the table.
func TestEarlyIndexIsJudgedByTheTextOfItsColumns(t *testing.T) {
	store, m := pieceStore(t, "posts", 200_000, func(i int) string {
		return fmt.Sprintf("%026d\t%s\t#tag", i, strings.Repeat("word ", 40))
	})
	l := &loader{store: store, m: m}
	for _, c := range []struct {
		reason, expression string
		early              bool
	}{
		{"the message is most of the row", "to_tsvector('english'::regconfig, (message)::text)", true},
		{"hashtags are few bytes", "to_tsvector('english'::regconfig, (hashtags)::text)", false},
		{"a quoted name with a capital counts", `to_tsvector('english'::regconfig, "Message")`, false},
		{"a name within a longer one does not count", "to_tsvector('english'::regconfig, (messages)::text)", false},
		{"several columns count together", "to_tsvector('english'::regconfig, (((hashtags)::text || ' '::text) || (message)::text))", true},
	} {
		s := buildStep{table: "public.posts", index: "CREATE INDEX i ON public.posts USING gin (" + c.expression + ");"}
		n, err := l.indexedText(context.Background(), s)
		if err != nil {
			t.Fatal(err)
		}
		if got := n >= earlyText; got != c.early {
			t.Errorf("%s: %d bytes, early is %v, want %v", c.reason, n, got, c.early)
		}
	}
}

// pieceStore makes a store with one piece of the table.
func pieceStore(t *testing.T, table string, rows int, row func(int) string) (Store, *Manifest) {
	t.Helper()
	store, err := OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	m := &Manifest{ID: "20260101T000000Z-0001", Database: &Database{Encoding: "UTF8"}}
	parts := newParts(store, nil, newEncoders(false, 4))
	parts.id = m.ID
	var text strings.Builder
	fmt.Fprintf(&text, "SET client_encoding = 'UTF8';\nCOPY \"public\".\"%s\" (\"id\", \"message\", \"hashtags\") FROM stdin;\n", table)
	for i := range rows {
		text.WriteString(row(i) + "\n")
	}
	text.WriteString("\\.\n")
	part, err := parts.writePart(context.Background(), "db/data/0001-"+table+".sql", partKind{zstd: true, hash: true}, []byte(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	m.Database.Pieces = []Piece{{Part: part, Tables: []PieceTable{{Schema: "public", Name: table, Rows: int64(rows)}}}}
	return store, m
}
