package backup

import (
	"regexp"
	"strings"
)

// scriptEntry is one object of a script that pg_dump wrote.
type scriptEntry struct {
	name, kind string
	sql        string
}

// entryHead is the comment that pg_dump puts before each object.
var entryHead = regexp.MustCompile(`(?m)^--\n-- (?:Name|Data for Name): (.*?); Type: (.*?); Schema: .*\n--\n`)

// restrictLine is what pg_dump of 2025 and later writes around plain scripts;
// only psql understands it.
var restrictLine = regexp.MustCompile(`(?m)^\\(un)?restrict [A-Za-z0-9]+\n`)

// splitScript cuts a section of a plain dump into what comes before the first
// object (the session's settings) and the objects.
func splitScript(text string) (preamble string, entries []scriptEntry) {
	text = restrictLine.ReplaceAllString(text, "")
	heads := entryHead.FindAllStringSubmatchIndex(text, -1)
	if len(heads) == 0 {
		return stripComments(text), nil
	}
	preamble = stripComments(text[:heads[0][0]])
	for i, h := range heads {
		end := len(text)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		body := text[h[1]:end]
		if n := len(entries); n > 0 && !complete(entries[n-1].sql) {
			// The "head" is text within a function of the entry before.
			entries[n-1].sql += text[h[0]:end]
			continue
		}
		entries = append(entries, scriptEntry{name: text[h[2]:h[3]], kind: text[h[4]:h[5]], sql: body})
	}
	for i := range entries {
		entries[i].sql = strings.TrimSpace(entries[i].sql)
	}
	return preamble, entries
}

// complete tells whether sql ends where a statement ends.
func complete(sql string) bool {
	s := strings.TrimSpace(stripComments(sql))
	return s == "" || strings.HasSuffix(s, ";")
}

// stripComments removes lines that are comments only.
func stripComments(text string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(text, "\n") {
		if !strings.HasPrefix(line, "--") {
			b.WriteString(line)
			b.WriteByte('\n')
		}
	}
	return strings.TrimSpace(b.String())
}

const identPattern = `(?:"(?:[^"]|"")+"|[a-z_][a-z0-9_$]*)`

var (
	createIndex   = regexp.MustCompile(`^CREATE (UNIQUE )?INDEX (` + identPattern + `) ON (ONLY )?(` + identPattern + `\.` + identPattern + `) USING (\w+) `)
	addConstraint = regexp.MustCompile(`^ALTER TABLE ONLY (` + identPattern + `\.` + identPattern + `)\s+ADD CONSTRAINT (` + identPattern + `) (PRIMARY KEY|UNIQUE) \(([^()]*)\);\s*$`)
	copyTable     = regexp.MustCompile(`^COPY (` + identPattern + `)\.(` + identPattern + `) (?:\(` + identPattern + `(?:, ` + identPattern + `)*\))? ?FROM stdin$`)
)

// unquoteIdent gives the name that a quoted or plain identifier stands for.
func unquoteIdent(s string) string {
	if strings.HasPrefix(s, `"`) {
		return strings.ReplaceAll(s[1:len(s)-1], `""`, `"`)
	}
	return s
}

// buildStep is one thing to do after the rows: an index, in parallel with
// others, and perhaps the constraint that then uses it.
type buildStep struct {
	index  string // statement that builds; "" when there is only after
	after  string // statement to run when all indexes exist
	table  string // as written
	name   string // of the index, as written
	gin    bool
	weight int64
}

// buildPlan sorts what post-data holds: indexes that may be built in parallel,
// heaviest first, and the rest in its order.
type buildPlan struct {
	indexes []buildStep
	views   []string // REFRESH MATERIALIZED VIEW, in order
	rest    []string
}

// planBuild reads the entries of post-data. sizes gives the bytes of plain
// tables under their quoted and their plain names.
func planBuild(entries []scriptEntry, sizes map[string]int64) buildPlan {
	var p buildPlan
	for _, e := range entries {
		switch m := createIndex.FindStringSubmatch(e.sql); {
		case e.kind == "INDEX" && m != nil && m[3] == "" && strings.Count(e.sql, ";") == 1:
			step := buildStep{index: e.sql, table: m[4], name: m[2], gin: m[5] == "gin" && m[1] == "", weight: 1 + sizes[m[4]]}
			if step.gin {
				step.weight *= 8
			}
			p.indexes = append(p.indexes, step)
			continue
		case e.kind == "CONSTRAINT":
			if c := addConstraint.FindStringSubmatch(e.sql); c != nil {
				if _, plain := sizes[c[1]]; plain {
					// Adding the key directly would lock the table against
					// the builders of its other indexes.
					p.indexes = append(p.indexes, buildStep{index: "CREATE UNIQUE INDEX " + c[2] + " ON " + c[1] + " (" + c[4] + ");",
						after: "ALTER TABLE ONLY " + c[1] + " ADD CONSTRAINT " + c[2] + " " + c[3] + " USING INDEX " + c[2] + ";",
						table: c[1], name: c[2], weight: 1 + sizes[c[1]]})
					continue
				}
			}
		}
		if e.kind == "MATERIALIZED VIEW DATA" && strings.HasPrefix(e.sql, "REFRESH MATERIALIZED VIEW ") {
			p.views = append(p.views, e.sql)
			continue
		}
		if stripComments(e.sql) != "" {
			p.rest = append(p.rest, e.sql)
		}
	}
	return p
}
