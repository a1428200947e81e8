package backup

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

func TestFramesOfBothKindsAreOrdinaryZstd(t *testing.T) {
	enc := newEncoders(true, 1)
	noise := make([]byte, 700_001)
	rnd := rand.New(rand.NewPCG(1, 1))
	for i := range noise {
		noise[i] = byte(rnd.Uint32())
	}
	var file, want bytes.Buffer
	f := newFrameWriter(&file, enc)
	for i, n := range []int{0, 1, 3, rawBlock - 1, rawBlock, rawBlock + 1, 2 * rawBlock, 700_001} {
		mode := f.raw
		if i%3 == 0 {
			mode = f.compressed
		}
		if err := mode(); err != nil {
			t.Fatal(err)
		}
		want.Write(noise[:n])
		if _, err := f.Write(noise[:n]); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("zstd", "-dc")
	cmd.Stdin = &file
	got, err := cmd.Output()
	if err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("zstd gave %d bytes, want %d; %v", len(got), want.Len(), err)
	}
	file.Reset()
	if err := newFrameWriter(&file, enc).Close(); err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command("zstd", "-dc")
	cmd.Stdin = &file
	if got, err := cmd.Output(); err != nil || len(got) != 0 {
		t.Errorf("an empty file: %q, %v", got, err)
	}
}

// tsv makes a line of a file list, with defaults.
func tsv(kind, path, link string) string {
	e := entry{kind: kind[0], mode: 0o640, path: path, link: link}
	if e.kind == 'f' {
		e.pack = "20260101T000000Z-0000/files/000001.tar.zst"
	}
	return string(e.appendLine(nil))
}

func TestAHostileFileListIsRefused(t *testing.T) {
	top := tsv("d", "data", "")
	for _, c := range []struct{ why, list, want string }{
		{"path traversal", top + tsv("f", "data/../x", ""), "not clean"},
		{"absolute", top + tsv("f", "/etc/passwd", ""), "not clean"},
		{"dot", top + tsv("f", "data/./x", ""), "not clean"},
		{"zero byte", top + tsv("f", "data/a\x00b", ""), "zero byte"},
		{"duplicate", top + tsv("f", "data/a", "") + tsv("f", "data/a", ""), "not in order"},
		{"disorder", top + tsv("f", "data/b", "") + tsv("f", "data/a", ""), "not in order"},
		{"below a file", top + tsv("f", "data/a", "") + tsv("f", "data/a/b", ""), "no directory"},
		{"below a link", top + tsv("l", "data/a", "b") + tsv("f", "data/a/b", ""), "no directory"},
		{"unknown tree", tsv("d", "other", ""), "not the top of a tree"},
		{"tree that is a link", tsv("l", "data", "x"), "not the top of a tree"},
		{"device", top + strings.Replace(tsv("f", "data/a", ""), "f\t", "c\t", 1), "neither directory"},
		{"setuid", top + strings.Replace(tsv("f", "data/a", ""), "\t640\t", "\t4755\t", 1), "impossible"},
		{"link to the root", top + tsv("l", "data/a", "/etc"), "out of its tree"},
		{"link above the tree", top + tsv("l", "data/a", "../x"), "out of its tree"},
		{"link that climbs after another link", top + tsv("l", "data/a", "b/../../x"), "out of its tree"},
		{"negative size", top + strings.Replace(tsv("f", "data/a", ""), "\t640\t0", "\t640\t-1", 1), "impossible"},
		{"bad hash", top + strings.Replace(tsv("f", "data/a", ""), strings.Repeat("0", 64), "zz", 1), "no sha256"},
		{"no line end", top + "f", "no line end"},
		{"endless line", top + strings.Repeat("x", 70_000) + "\n", "longer than"},
		{"fields", top + "f\t1\n", "2 fields"},
	} {
		x := newIndexReader(strings.NewReader(c.list), []TreeInfo{{Name: DataTree}})
		var err error
		for err == nil {
			_, err = x.next()
		}
		if errors.Is(err, io.EOF) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.why, err, c.want)
		}
	}
}

func TestLinksThatStayInTheirTreeAreKept(t *testing.T) {
	for _, c := range []struct {
		path, target string
		ok           bool
	}{{"data/a", "b", true}, {"data/a/b", "../c", true}, {"data/a/b", "../../c", false}, {"data/a/b/c", "../../x/y", true}, {"data/a", "", false}, {"data/a", "x/..", false}, {"data/a/b", "..", true}, {"data/a", "..", false}} {
		if err := checkLink(c.path, c.target); (err == nil) != c.ok {
			t.Errorf("%s -> %s: %v", c.path, c.target, err)
		}
	}
}

func FuzzFileListRoundTrip(f *testing.F) {
	for _, seed := range []string{"data/plain", "data/tab\there", `data/"quoted`, "data/\xff\xfe", `data/back\slash`, "data/ü"} {
		f.Add(seed, uint32(0o640), int64(5), int64(1_700_000_000_000_000_001))
	}
	f.Fuzz(func(t *testing.T, path string, mode uint32, size, mtime int64) {
		e := entry{kind: 'f', mode: mode & 0o777, size: max(size, 0), mtime: mtime, hash: sha256.Sum256([]byte(path)), pack: "20260101T000000Z-0000/files/1", path: path}
		line := e.appendLine(nil)
		for _, before := range []string{"", e.pack, "20260101T000000Z-0000/files/2"} {
			got, err := parseEntry(line[:len(line)-1], before)
			if err != nil || *got != e {
				t.Errorf("%q after pack %q: %+v, %v", line, before, got, err)
			}
		}
	})
}

func FuzzReadersNeverPanic(f *testing.F) {
	f.Add([]byte(tsv("d", "data", "")))
	f.Add([]byte(`{"format":"gitlab-mattermost-backup/1","id":"20260101T000000Z-0000"}`))
	f.Add([]byte("SET client_encoding = ';\n"))
	f.Add([]byte("COPY FROM stdin;\n\\.\n"))
	f.Add([]byte("SET client_encoding = 'UTF8';\nCOPY \"public\".\"t\" (\"a\") FROM stdin;\n1\n\\.\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		x := newIndexReader(bytes.NewReader(data), []TreeInfo{{Name: DataTree}})
		for {
			if _, err := x.next(); err != nil {
				break
			}
		}
		if m, err := DecodeManifest(bytes.NewReader(data)); err == nil && m.Format != Format {
			t.Error("a manifest of another format was accepted")
		}
		_ = readCopyScript(bytes.NewReader(data), func(c *copyStatement) error { _, err := c.countRows(); return err })
		if _, err := parseDSN(Secret(data)); err != nil && len(data) > 20 && strings.Contains(err.Error(), string(data)) {
			t.Error("the data source is in the message")
		}
	})
}

func TestCopyScriptGivesExactlyTheRows(t *testing.T) {
	long := strings.Repeat("x", 600_000)
	script := "SET client_encoding = 'UTF8';\nCOPY \"a\".\"b\" (\"c\") FROM stdin;\n1\n" + long + "\n\\\\.\n\\.\nCOPY \"a\".\"empty\" (\"c\") FROM stdin;\n\\.\n"
	for _, wrap := range []func(io.Reader) io.Reader{func(r io.Reader) io.Reader { return r }, iotest.OneByteReader, iotest.DataErrReader} {
		var got []string
		err := readCopyScript(wrap(strings.NewReader(script)), func(c *copyStatement) error {
			data, err := io.ReadAll(c)
			got = append(got, fmt.Sprint(c.rows, " ", len(data)))
			return err
		})
		if err != nil || strings.Join(got, ",") != fmt.Sprintf("3 %d,0 0", len(long)+1+2+4) {
			t.Errorf("%v, %v", got, err)
		}
	}
	for why, bad := range map[string]string{"cut off": script[:60], "one quote for two": "SET client_encoding = ';\n", "other SQL": "DROP TABLE x;\n", "program": "COPY x FROM PROGRAM 'id'; -- FROM stdin\n"} {
		if err := readCopyScript(strings.NewReader(bad), func(c *copyStatement) error { _, err := c.countRows(); return err }); err == nil {
			t.Errorf("%s was accepted", why)
		}
	}
	if copyTable.MatchString("COPY x FROM PROGRAM 'id' -- FROM stdin") {
		t.Error("a program passes for a table")
	}
}

func TestDataSourcesOfBothFormsBecomeTheSameEnvironment(t *testing.T) {
	for _, dsn := range []Secret{
		"postgres://mm%40x:p%27%20w@db.example.com:5433/mattermost?sslmode=require&connect_timeout=10&binary_parameters=yes",
		`user=mm@x password='p\' w' host=db.example.com port = 5433 dbname=mattermost sslmode=require connect_timeout=10 binary_parameters=yes`,
	} {
		info, err := parseDSN(dsn)
		if err != nil {
			t.Fatal(err)
		}
		env := strings.Join(info.env(), "\n")
		for _, want := range []string{"PGUSER=mm@x", "PGPASSWORD=p' w", "PGHOST=db.example.com", "PGPORT=5433", "PGDATABASE=mattermost", "PGSSLMODE=require", "PGCONNECT_TIMEOUT=10"} {
			if !strings.Contains(env+"\n", want+"\n") {
				t.Errorf("%s is missing", want)
			}
		}
		cfg, err := info.config()
		if err != nil || cfg.User != "mm@x" || cfg.Password != "p' w" || cfg.RuntimeParams["binary_parameters"] != "" {
			t.Errorf("driver: %v", err)
		}
	}
	for _, bad := range []Secret{"postgres://u:topsecret@h:bad port/x", "password='topsecret", "topsecret"} {
		if _, err := parseDSN(bad); err == nil || strings.Contains(err.Error(), "topsecret") {
			t.Errorf("bad data source: %v", err)
		}
	}
}

func TestSettingsChangeKeepsEverythingElseByteForByte(t *testing.T) {
	for _, c := range []struct{ why, in, name, out string }{
		{"replaces", `{"A": {"x" : 1, "y":2 } }`, "A.y", `{"A": {"x" : 1, "y":"v" } }`},
		{"adds a setting", `{"A": {"x":1}}`, "A.z", "{\"A\": {\n    \"z\": \"v\",\"x\":1}}"},
		{"adds a section", `{}`, "B.z", "{\n    \"B\": {\"z\": \"v\"}}"},
		{"leaves the same name elsewhere", `{"C":{"y":1},"A":{"y":1}}`, "A.y", `{"C":{"y":1},"A":{"y":"v"}}`},
	} {
		got, err := changeSettings([]byte(c.in), map[string]any{c.name: "v"})
		if err != nil || string(got) != c.out {
			t.Errorf("%s: %s, %v", c.why, got, err)
		}
	}
	for _, bad := range []string{"", "[]", `{"A":1}`, `{"A":{`} {
		if got, err := changeSettings([]byte(bad), map[string]any{"A.y": 1}); err == nil {
			t.Errorf("%q became %s", bad, got)
		}
	}
}

func TestDetectReadsBothPackages(t *testing.T) {
	write := func(root string, files map[string]string) {
		for name, text := range files {
			p := filepath.Join(root, name)
			if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	standalone := t.TempDir()
	write(standalone, map[string]string{"opt/mattermost/config/config.json": `{"SqlSettings":{"DriverName":"postgres","DataSource":"postgres://mmuser:pw@localhost/mattermost?sslmode=disable"},"FileSettings":{"Directory":"./data/"},"PluginSettings":{"Directory":"./plugins"}}`,
		"opt/mattermost/data/x": "1", "opt/mattermost/plugins/p/plugin.json": "{}"})
	i, err := Detect(standalone)
	if err != nil {
		t.Fatal(err)
	}
	if i.Kind != "standalone" || i.Source.DSN.Reveal() != "postgres://mmuser:pw@localhost/mattermost?sslmode=disable" || strings.Join(i.Names(), " ") != "data plugins" ||
		i.Target.Dirs[DataTree] != filepath.Join(standalone, "opt/mattermost/data") || i.Target.Service.String() != Systemctl("mattermost").String() {
		t.Errorf("%+v", i)
	}
	if strings.Contains(fmt.Sprintf("%+v", i), "pw@") {
		t.Error("the password prints")
	}
	bundle := t.TempDir()
	write(bundle, map[string]string{"var/opt/gitlab/mattermost/config.json": `{"SqlSettings":{"DataSource":"wrong"}}`, "var/opt/gitlab/mattermost/VERSION": "10.11.4\n",
		"opt/gitlab/etc/mattermost/env/MM_SQLSETTINGS_DATASOURCE":  "user=gitlab_mattermost host=/var/opt/gitlab/postgresql dbname=mattermost_production\n",
		"opt/gitlab/etc/mattermost/env/MM_FILESETTINGS_DRIVERNAME": "amazons3", "opt/gitlab/etc/mattermost/env/MM_FILESETTINGS_AMAZONS3BUCKET": "b", "opt/gitlab/etc/mattermost/env/MM_FILESETTINGS_AMAZONS3SECRETACCESSKEY": "topsecret"})
	if i, err = Detect(bundle); err != nil {
		t.Fatal(err)
	}
	if i.Kind != "linux-package" || !strings.Contains(i.Source.DSN.Reveal(), "gitlab_mattermost") || i.Source.MattermostVersion != "10.11.4" || i.Bucket == nil || i.Bucket.Bucket != "b" || len(i.Names()) != 0 {
		t.Errorf("%+v", i)
	}
	if _, err := Detect(t.TempDir()); !errors.Is(err, ErrNotFound) {
		t.Errorf("nothing there: %v", err)
	}
}

// A manifest comes from a store that others may write to.
func TestManifestsWhoseRowsDoNotAddUpAreRefused(t *testing.T) {
	table := Table{Schema: "public", Name: "posts", Rows: 2}
	one := PieceTable{Schema: "public", Name: "posts", Rows: 2}
	for _, c := range []struct {
		why    string
		pieces []Piece
		want   string // "" is accepted
	}{
		{"all rows in one piece", []Piece{{Tables: []PieceTable{one}}}, ""},
		{"a piece without a table", []Piece{{Tables: []PieceTable{one}}, {}}, "names no table"},
		{"a table that is not listed", []Piece{{Tables: []PieceTable{{Schema: "x", Name: "posts", Rows: 2}}}}, "not in the list"},
		{"fewer rows than a piece can have", []Piece{{Tables: []PieceTable{{Schema: "public", Name: "posts", Rows: -2}}}}, "not in the list"},
		{"rows twice", []Piece{{Tables: []PieceTable{one}}, {Tables: []PieceTable{one}}}, "hold 4 rows"},
		{"rows missing", nil, "hold 0 rows"},
	} {
		err := (&Database{Encoding: "UTF8", Tables: []Table{table}, Pieces: c.pieces}).check()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.why, err, c.want)
		}
	}
}
