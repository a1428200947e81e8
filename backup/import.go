package backup

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/gitlab-mattermost/sdk/internal/childproc"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// ImportOptions tune Import.
type ImportOptions struct {
	// MattermostVersion is what the files are of, if known.
	MattermostVersion string
	Encrypt           Encrypt
	Permanent         bool
	// PgRestore names the program that reads dumps in custom format; "" picks
	// an installed one.
	PgRestore string
	Progress  func(Progress)

	now func() time.Time
}

// Import makes a backup from files that other tools wrote: those of the
// documented commands (a dump *.sql.gz and a data archive *.gz), of mmomni, of
// a mattermost/docker recipe, or of pg_dump -Fc. What a file is, is told from
// its content: a plain or custom dump, a tar with data (and config.json,
// plugins, or a dump in it), a config.json; each plain or compressed with gzip
// or zstd.
//
// Every file is read to its end: a compressed file that stops early, a dump
// without its end mark, or a tar that is cut off is an error, and so are paths
// that leave the archive, device files and links that point out of it. The
// file list is held in memory.
func Import(ctx context.Context, store Store, files []string, o ImportOptions) (_ *Result, err error) {
	if len(files) == 0 {
		return nil, errors.New("import: no file is given")
	}
	c, err := newCreator(store, Source{MattermostVersion: o.MattermostVersion}, CreateOptions{Encrypt: o.Encrypt, Permanent: o.Permanent, now: o.now})
	if err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	unlock, err := lockStore(ctx, store, Exclusive)
	if err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if c.swept, err = sweep(ctx, store, c.o.now()); err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	if c.id, err = newID(ctx, store, c.o.now()); err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	c.parts.id = c.id
	stop := report(ctx, o.Progress, func() Progress {
		return Progress{Phase: "import", Bytes: c.limit.bytes.Load(), Files: c.limit.files.Load()}
	})
	defer stop()
	i := &importer{ctx: ctx, c: c, o: o, m: &Manifest{Format: Format, ID: c.id, Created: c.o.now().UTC(), Mattermost: Mattermost{Version: o.MattermostVersion}, Imported: &Imported{}}}
	res, err := i.run(files)
	if err != nil {
		c.parts.abort()
		// The context may be what ended it; cleaning must still happen.
		return nil, errors.Join(fmt.Errorf("import: %w", err), deleteAll(context.WithoutCancel(ctx), store, c.id))
	}
	return res, nil
}

// importer is one run of Import.
type importer struct {
	ctx  context.Context
	c    *creator
	o    ImportOptions
	m    *Manifest
	dump *dumpImport
	tree *treeImport
	docs map[string][]byte
}

func (i *importer) run(files []string) (*Result, error) {
	i.docs = map[string][]byte{}
	for _, f := range files {
		if err := i.file(f); err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
	}
	if i.dump != nil {
		i.m.Database = &i.dump.db
		i.phase("database", i.m.Database.parts())
	}
	if i.tree != nil {
		files, err := i.tree.finish()
		if err != nil {
			return nil, err
		}
		if len(files.Trees) > 0 {
			i.m.Files = files
			i.c.phase(Phase{Name: "files", Seconds: time.Since(i.c.started).Seconds(), Bytes: files.Bytes})
		}
	}
	for _, name := range sortedKeys(i.docs) {
		i.c.src.Documents = append(i.c.src.Documents, DocumentSource{Name: name, Data: i.docs[name]})
	}
	if err := i.c.documents(i.ctx, i.m); err != nil {
		return nil, err
	}
	if i.m.Database == nil {
		i.c.notes.add(Finding{ID: "import-no-database", Severity: severityWarning, Where: i.m.ID, Message: "no dump was among the files", Fix: "give the dump of the same day too"})
	}
	if i.m.Files == nil {
		i.c.notes.add(Finding{ID: "import-no-files", Severity: severityWarning, Where: i.m.ID, Message: "no data directory was among the files", Fix: "give the data archive of the same day too"})
	}
	return i.c.finish(i.ctx, i.m)
}

func (i *importer) phase(name string, parts []Part) {
	p := Phase{Name: name, Seconds: time.Since(i.c.started).Seconds()}
	for _, q := range parts {
		p.Bytes += q.PlainSize
	}
	i.c.phase(p)
}

// file reads one file, whatever it is, and records its hash.
func (i *importer) file(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("not a regular file")
	}
	h := sha256.New()
	raw := io.TeeReader(f, onlyWriter{h})
	kind, err := i.content(raw, filepath.Base(name))
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, raw); err != nil {
		return err
	}
	i.m.Imported.From = append(i.m.Imported.From, ImportedFile{Name: filepath.Base(name), Kind: kind, Size: info.Size(), SHA256: hexSum(h)})
	return nil
}

func hexSum(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

// content takes compression off and passes on what is inside.
func (i *importer) content(r io.Reader, name string) (kind string, err error) {
	in := bufio.NewReaderSize(r, 64<<10)
	head, _ := in.Peek(512) // shorter files are told by what there is
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		z, err := gzip.NewReader(in)
		if err != nil {
			return "", fmt.Errorf("gzip: %w", err)
		}
		kind, err := i.plain(z, name)
		return kind + ", gzip", cutOff(err)
	case bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")):
		z, err := zstd.NewReader(in, zstd.WithDecoderMaxWindow(128<<20))
		if err != nil {
			return "", fmt.Errorf("zstd: %w", err)
		}
		defer z.Close()
		kind, err := i.plain(z, name)
		return kind + ", zstd", cutOff(err)
	}
	return i.plain(in, name)
}

// cutOff says what an early end of a compressed file means.
func cutOff(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: the file is cut off", err)
	}
	return err
}

// plain tells the kind of uncompressed content and reads it to its end, so
// that the checksum at the end of the compression is compared.
func (i *importer) plain(r io.Reader, name string) (string, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	head, err := in.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	kind, read := "", (func(io.Reader) error)(nil)
	switch {
	case bytes.HasPrefix(head, []byte("PGDMP")):
		kind, read = "custom dump", i.customDump
	case isTar(head):
		kind, read = "tar", i.archive
	case bytes.HasPrefix(bytes.TrimSpace(head), []byte("{")):
		kind, read = "config.json", i.config
	case isSQL(head):
		kind, read = "dump", i.plainDump
	default:
		return "", fmt.Errorf("neither a PostgreSQL dump nor a tar nor a config.json (it begins with %.16q)", head)
	}
	if err := read(in); err != nil {
		return kind, err
	}
	_, err = io.Copy(io.Discard, in)
	return kind, err
}

func isTar(head []byte) bool { return len(head) == 512 && bytes.Equal(head[257:262], []byte("ustar")) }

func isSQL(head []byte) bool {
	text := strings.TrimSpace(string(head))
	for _, begin := range []string{"--", "SET ", `\restrict `, "CREATE ", "/*"} {
		if strings.HasPrefix(text, begin) {
			return true
		}
	}
	return false
}

func (i *importer) plainDump(r io.Reader) error {
	if i.dump != nil {
		return errors.New("a second dump; import one at a time")
	}
	i.dump = &dumpImport{ctx: i.ctx, parts: i.c.parts, note: i.c.notes.add, limit: i.c.limit}
	return i.dump.read(r)
}

// customDump lets pg_restore write the plain form.
func (i *importer) customDump(r io.Reader) error {
	t, err := findTool(i.ctx, "pg_restore", i.o.PgRestore, 0)
	if err != nil {
		return err
	}
	// The newest program reads all older dumps.
	for _, p := range candidates("pg_restore") {
		if other, err := inspectTool(i.ctx, p); err == nil && i.o.PgRestore == "" && other.major > t.major {
			t = other
		}
	}
	cmd := exec.Command(t.path, "--no-owner", "--no-privileges", "-f", "-")
	cmd.Stdin = r
	out, err := childproc.Reader(i.ctx, cmd)
	if err != nil {
		return err
	}
	defer out.Close()
	return i.plainDump(out)
}

func (i *importer) config(r io.Reader) error {
	data, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err != nil {
		return err
	}
	if len(data) > maxDocument || !json.Valid(data) {
		return errors.New("config.json: not valid JSON, or too large")
	}
	if _, ok := i.docs["config.json"]; ok {
		return errors.New("a second config.json")
	}
	i.docs["config.json"] = data
	return nil
}

func (i *importer) archive(r io.Reader) error {
	if i.tree == nil {
		i.tree = newTreeImport(i.ctx, i.c)
	}
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("tar: %w", err)
		}
		if err := i.member(h, t); err != nil {
			return fmt.Errorf("tar: %q: %w", h.Name, err)
		}
	}
}

// member sorts one entry of a tar: into a tree, as config.json, as the dump.
func (i *importer) member(h *tar.Header, r io.Reader) error {
	name := strings.TrimSuffix(strings.TrimPrefix(h.Name, "./"), "/")
	if name == "" || name == "." {
		return nil
	}
	if err := checkTreePath(name); err != nil {
		return err
	}
	if p, ok := treePath(name); ok {
		return i.tree.member(p, h, r)
	}
	base := name[strings.LastIndexByte(name, '/')+1:]
	switch {
	case h.Typeflag == tar.TypeDir:
		return nil
	case h.Typeflag == tar.TypeReg && base == "config.json":
		return i.config(r)
	case h.Typeflag == tar.TypeReg && hasSuffix(base, ".sql", ".sql.gz", ".dump", ".pgdump", ".sql.zst"):
		_, err := i.content(r, base)
		return err
	}
	i.c.notes.add(Finding{ID: "import-ignored", Severity: severityInfo, Where: name, Message: "it belongs neither to the data nor to the plugin directories and was not imported", Fix: "none needed for logs and programs; copy a certificate or a key by hand"})
	return nil
}

func hasSuffix(s string, list ...string) bool {
	for _, suffix := range list {
		if strings.HasSuffix(s, suffix) {
			return true
		}
	}
	return false
}

// treePath finds the tree that a member belongs to: the first element named
// data, plugins or client-plugins, however deep (volumes/app/mattermost/data).
func treePath(name string) (string, bool) {
	elements := strings.Split(name, "/")
	for i, e := range elements {
		switch {
		case e == "client" && i+1 < len(elements) && elements[i+1] == "plugins":
			return strings.Join(append([]string{"client-plugins"}, elements[i+2:]...), "/"), true
		case e == DataTree || e == "plugins" || e == "client-plugins":
			return strings.Join(elements[i:], "/"), true
		}
	}
	return "", false
}
