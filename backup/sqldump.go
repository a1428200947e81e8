package backup

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// dumpImport turns a plain dump of pg_dump into the parts of a backup, in one
// pass: what comes before the first row, the rows as pieces, what comes after.
type dumpImport struct {
	ctx   context.Context
	parts *parts
	note  func(Finding)
	limit *limiter

	db        Database
	pre, post bytes.Buffer
	seqs      bytes.Buffer
	tables    map[PieceTable]int // index in db.Tables

	searchPath string // of dumps from before 2018, whose names are unqualified
	inData     bool
	quote      string // the dollar quote that is open
	open       bool   // within a statement
	ended      bool
	connects   int
	dropped    int

	piece  *partWriter
	out    Piece
	number int
}

var (
	ownerLine     = regexp.MustCompile(`^ALTER [A-Z ]+ .* OWNER TO .*;$`)
	grantLine     = regexp.MustCompile(`^(GRANT|REVOKE|ALTER DEFAULT PRIVILEGES) .*;$`)
	databaseLine  = regexp.MustCompile(`^(CREATE|ALTER|DROP) DATABASE .*;$`)
	setvalLine    = regexp.MustCompile(`^SELECT (pg_catalog\.)?setval\('.*', \d+, (true|false)\);$`)
	dumpedFrom    = regexp.MustCompile(`^-- Dumped from database version (.*)$`)
	dumpedBy      = regexp.MustCompile(`^-- Dumped by (pg_dump version .*)$`)
	encodingLine  = regexp.MustCompile(`^SET client_encoding = '(\w+)';$`)
	searchLine    = regexp.MustCompile(`^SET search_path = ([a-z_][a-z0-9_]*), pg_catalog;$`)
	dollarQuote   = regexp.MustCompile(`\$([A-Za-z_][A-Za-z0-9_]*)?\$`)
	bareCopyTable = regexp.MustCompile(`^COPY (` + identPattern + `) (\(` + identPattern + `(?:, ` + identPattern + `)*\)) FROM stdin$`)
	copyLine      = regexp.MustCompile(`^COPY .* FROM stdin;$`)
)

// endMark is the last thing that pg_dump writes. A dump without it was cut
// off, whatever the exit status of the pipe said.
const endMark = "-- PostgreSQL database dump complete"

// maxSchemaText bounds the text around the rows.
const maxSchemaText = 64 << 20

// read consumes the whole dump.
func (d *dumpImport) read(r io.Reader) error {
	d.tables = map[PieceTable]int{}
	in := bufio.NewReaderSize(r, 256<<10)
	for {
		line, err := in.ReadSlice('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			break
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			return errors.New("dump: a line outside the rows is longer than 256 KiB; was it made with --inserts? make it without")
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("dump: %w", err)
		}
		if err := d.line(strings.TrimSuffix(strings.TrimSuffix(string(line), "\n"), "\r"), in); err != nil {
			return err
		}
	}
	return d.end()
}

// line handles one line outside the rows.
func (d *dumpImport) line(s string, in *bufio.Reader) error {
	if d.pre.Len()+d.post.Len() > maxSchemaText {
		return fmt.Errorf("dump: more than %d MB outside the rows", maxSchemaText>>20)
	}
	if d.quote == "" && !d.open {
		if handled, err := d.statementLine(s, in); handled || err != nil {
			return err
		}
	}
	d.follow(s)
	d.keep(s)
	return nil
}

// statementLine looks at a line that begins a statement.
func (d *dumpImport) statementLine(s string, in *bufio.Reader) (handled bool, err error) {
	switch {
	case s == endMark:
		d.ended = true
		return true, nil
	case strings.HasPrefix(s, `\restrict `), strings.HasPrefix(s, `\unrestrict `):
		return true, nil
	case strings.HasPrefix(s, `\connect `):
		if d.connects++; d.connects > 1 {
			return true, errors.New("dump: it holds several databases (pg_dumpall?); dump Mattermost's database alone with pg_dump")
		}
		return true, nil
	case strings.HasPrefix(s, `\`):
		return true, fmt.Errorf("dump: a psql command in it: %.40q", s)
	case d.ended && s != "" && !strings.HasPrefix(s, "--"):
		return true, fmt.Errorf("dump: something follows its end: %.40q", s)
	case strings.HasPrefix(s, "INSERT INTO "):
		return true, errors.New("dump: made with --inserts; only COPY rows are imported; load it with psql and make a backup of that")
	case ownerLine.MatchString(s), grantLine.MatchString(s):
		d.dropped++
		return true, nil
	case databaseLine.MatchString(s):
		return true, nil
	case setvalLine.MatchString(s):
		d.seqs.WriteString(s + "\n")
		return true, nil
	case copyLine.MatchString(s):
		return true, d.rows(strings.TrimSuffix(s, ";"), in)
	}
	if m := dumpedFrom.FindStringSubmatch(s); m != nil {
		d.db.ServerVersion = m[1]
		major, _, _ := strings.Cut(m[1], ".")
		d.db.ServerMajor, _ = strconv.Atoi(strings.TrimRight(major, "abcdefghijklmnopqrstuvwxyz")) // 0 is unknown
	} else if m := dumpedBy.FindStringSubmatch(s); m != nil {
		d.db.DumpVersion = m[1]
	} else if m := encodingLine.FindStringSubmatch(s); m != nil {
		d.db.Encoding = m[1]
	} else if m := searchLine.FindStringSubmatch(s); m != nil {
		d.searchPath = m[1]
	}
	return false, nil
}

// follow keeps track of dollar quotes and unfinished statements.
func (d *dumpImport) follow(s string) {
	if d.quote == "" && strings.HasPrefix(s, "--") {
		return
	}
	for _, q := range dollarQuote.FindAllString(s, -1) {
		switch {
		case d.quote == "":
			d.quote = q
		case d.quote == q:
			d.quote = ""
		}
	}
	trimmed := strings.TrimSpace(s)
	if d.quote == "" && trimmed != "" {
		d.open = !strings.HasSuffix(trimmed, ";")
	}
}

func (d *dumpImport) keep(s string) {
	b := &d.pre
	if d.inData {
		b = &d.post
	}
	b.WriteString(s)
	b.WriteByte('\n')
}

// rows copies one COPY block into pieces.
func (d *dumpImport) rows(sql string, in *bufio.Reader) error {
	if m := bareCopyTable.FindStringSubmatch(sql); m != nil && d.searchPath != "" {
		sql = "COPY " + d.searchPath + "." + m[1] + " " + m[2] + " FROM stdin"
	}
	m := copyTable.FindStringSubmatch(sql)
	if m == nil {
		return fmt.Errorf("dump: COPY not understood: %.80q", sql)
	}
	if d.db.Encoding == "" {
		return errors.New("dump: no client_encoding before the first rows; is its beginning missing?")
	}
	if !d.inData && d.searchPath != "" {
		fmt.Fprintf(&d.post, "SET search_path = %s, pg_catalog;\n", d.searchPath)
	}
	d.inData = true
	t := PieceTable{Schema: unquoteIdent(m[1]), Name: unquoteIdent(m[2])}
	c := &copyStatement{sql: sql, r: in}
	var size int64
	for c.err == nil {
		if err := d.begin(sql, t); err != nil {
			return err
		}
		for c.err == nil && (d.piece.plainN < pieceBytes || c.middle) {
			if !c.fill() {
				break
			}
			size += int64(len(c.rest))
			if _, err := d.piece.Write(c.rest); err != nil {
				return err
			}
			if err := d.limit.wait(d.ctx, len(c.rest)); err != nil {
				return err
			}
		}
		if c.err != nil && !errors.Is(c.err, io.EOF) {
			return fmt.Errorf("dump: within the rows of %s: %w: the file is cut off", t.Name, c.err)
		}
		last := &d.out.Tables[len(d.out.Tables)-1]
		last.Rows = c.rows
		c.rows = 0
		d.count(*last, size)
		size = 0
		if _, err := io.WriteString(d.piece, "\\.\n"); err != nil {
			return err
		}
		if d.piece.plainN >= pieceBytes {
			if err := d.closePiece(); err != nil {
				return err
			}
		}
	}
	return nil
}

// begin opens a piece if there is none, and a COPY statement in it.
func (d *dumpImport) begin(sql string, t PieceTable) error {
	if d.piece == nil {
		d.number++
		p, err := d.parts.create(d.ctx, fmt.Sprintf("db/data/%04d-%s.sql", d.number, safeLabel(t.Name)), partKind{zstd: true, hash: true})
		if err != nil {
			return err
		}
		d.piece, d.out = p, Piece{}
		if _, err := fmt.Fprintf(p, "SET client_encoding = '%s';\n", d.db.Encoding); err != nil {
			return err
		}
	}
	d.out.Tables = append(d.out.Tables, t)
	_, err := io.WriteString(d.piece, sql+";\n")
	return err
}

func (d *dumpImport) closePiece() error {
	if d.piece == nil {
		return nil
	}
	part, err := d.piece.close()
	if err != nil {
		return err
	}
	d.out.Part, d.piece = part, nil
	d.db.Pieces = append(d.db.Pieces, d.out)
	return nil
}

func (d *dumpImport) count(t PieceTable, size int64) {
	key := PieceTable{Schema: t.Schema, Name: t.Name}
	i, ok := d.tables[key]
	if !ok {
		i = len(d.db.Tables)
		d.tables[key] = i
		d.db.Tables = append(d.db.Tables, Table{Schema: t.Schema, Name: t.Name})
	}
	d.db.Tables[i].Rows += t.Rows
	d.db.Tables[i].Bytes += size
}

// end checks that the dump is whole and writes the rest.
func (d *dumpImport) end() error {
	switch {
	case !d.ended:
		return fmt.Errorf("dump: the line %q is missing at its end: it was cut off and cannot be trusted", endMark)
	case d.quote != "" || d.open:
		return errors.New("dump: it ends within a statement")
	}
	if d.db.Encoding == "" {
		d.db.Encoding = "UTF8"
	}
	if err := d.closePiece(); err != nil {
		return err
	}
	var err error
	kind := partKind{zstd: true, hash: true}
	if d.db.PreData, err = d.parts.writePart(d.ctx, "db/pre-data.sql", kind, d.pre.Bytes()); err != nil {
		return err
	}
	if d.db.PostData, err = d.parts.writePart(d.ctx, "db/post-data.sql", kind, d.post.Bytes()); err != nil {
		return err
	}
	if d.seqs.Len() > 0 {
		part, err := d.parts.writePart(d.ctx, "db/sequences.sql", kind, d.seqs.Bytes())
		if err != nil {
			return err
		}
		d.db.Sequences = &part
	}
	if d.dropped > 0 {
		d.note(Finding{ID: "owners-dropped", Severity: severityInfo, Where: "dump", Message: fmt.Sprintf("%d statements about owners and rights were left out", d.dropped), Fix: "none needed: everything will belong to the role that restores"})
	}
	return nil
}
