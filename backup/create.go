package backup

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// Source is what to save. Parts that are not there are left empty: a backup
// may hold files only, or a database only.
type Source struct {
	// DSN is Mattermost's data source, in either form; "" saves no database.
	DSN Secret
	// OSUser is the operating system user that peer authentication on a local
	// socket shall see, for example gitlab-psql; only root can choose one.
	OSUser string
	// Trees are the directories to save. The one named DataTree is what
	// fileinfo rows refer to.
	Trees []Tree
	// Documents are configuration files and values.
	Documents []DocumentSource
	// Buckets are object stores whose objects are listed, by size and time,
	// but not copied; give them as a Tree to copy them.
	Buckets map[string]ObjectSource
	// MattermostVersion is the version of the program, "" if unknown.
	MattermostVersion string
}

// DocumentSource is one configuration document.
type DocumentSource struct {
	Name string // object name below config/, for example "config.json"
	Path string // where it is; read when Data is nil
	Data []byte // its content, when it is no file
}

// maxDocument bounds a configuration document.
const maxDocument = 16 << 20

// LatestBase as CreateOptions.Base builds on the newest backup with the same
// trees, and makes a full one when there is none.
const LatestBase = "latest"

// CreateOptions tune Create. The zero value makes a full, unencrypted backup.
type CreateOptions struct {
	// Base makes the files incremental: the ID of an earlier backup, or
	// LatestBase. Files that are unchanged by path, size and time are not
	// stored again; a sample of them is compared byte by byte.
	Base string
	// RehashAll compares every unchanged file byte by byte.
	RehashAll bool
	// Encrypt chooses who can read the backup.
	Encrypt Encrypt
	// Keys open an encrypted Base, whose file list has to be read.
	Keys Keys
	// Permanent marks the backup so that no retention plan deletes it.
	Permanent bool
	// Workers is how many database connections and how many file readers work
	// at a time; 0 is one for each processor, at least two, and one connection
	// more, which works while the others wait for the server. A processor that
	// hashes many files together faster than one by one gets 32 file readers.
	Workers int
	// BytesPerSecond limits reading, database and files together; 0 does not.
	BytesPerSecond int64
	// PgDump names the program; "" picks the installed one that fits the
	// server.
	PgDump string
	// Compact compresses with more effort: the database part gets 8 % smaller,
	// the backup takes about a tenth longer.
	Compact bool
	// Progress, if set, is called about ten times a second from one goroutine.
	Progress func(Progress)

	now  func() time.Time
	hook func(point string) // tests kill the process here
}

// Result says what Create did.
type Result struct {
	ID       string    `json:"id"`
	Seconds  float64   `json:"seconds"`
	Phases   []Phase   `json:"phases"`
	Stored   int64     `json:"stored_bytes"`
	Plain    int64     `json:"plain_bytes"` // of database and files
	Files    int64     `json:"files"`
	Reused   int64     `json:"reused_bytes"` // of files that an earlier backup holds
	Swept    []string  `json:"swept,omitempty"`
	Findings []Finding `json:"findings"`
	Manifest *Manifest `json:"-"`
}

// Create makes a backup of src in store and returns when it is durable. The
// server may run meanwhile. Any failure, a cancelled context included, leaves
// no finished backup: what was written is removed at once or, after a kill, by
// the next Create.
//
// Things that are worth knowing but do not spoil the backup, for example a
// file that vanished while it was read, are findings in the result and in the
// manifest. A file that cannot be read is an error.
func Create(ctx context.Context, store Store, src Source, o CreateOptions) (*Result, error) {
	if src.DSN == "" && len(src.Trees) == 0 && len(src.Documents) == 0 && len(src.Buckets) == 0 {
		return nil, errors.New("create backup: nothing to save: no data source, no directory, no document")
	}
	c, err := newCreator(store, src, o)
	if err != nil {
		return nil, fmt.Errorf("create backup: %w", err)
	}
	unlock, err := lockStore(ctx, store, Exclusive)
	if err != nil {
		return nil, fmt.Errorf("create backup: %w", err)
	}
	res, err := c.run(ctx)
	if err != nil {
		// The context may be what ended it; cleaning must still happen.
		clean := context.WithoutCancel(ctx)
		err = fmt.Errorf("create backup: %w", err)
		c.parts.abort()
		if c.id != "" {
			err = errors.Join(err, deleteAll(clean, store, c.id))
		}
		return nil, errors.Join(err, unlock())
	}
	return res, unlock()
}

// creator is one run of Create.
type creator struct {
	store Store
	src   Source
	o     CreateOptions
	// connections dump rows and packers pack files at the same time.
	connections int
	packers     int
	id          string
	seal        *sealer
	parts       *parts
	limit       *limiter
	notes       notes
	started     time.Time
	phases      []Phase
	swept       []string
	reused      int64
}

func newCreator(store Store, src Source, o CreateOptions) (*creator, error) {
	if o.Workers < 0 || o.Workers > 256 || o.BytesPerSecond < 0 {
		return nil, errors.New("options: workers must be 0 to 256 and the byte limit not negative")
	}
	if o.now == nil {
		o.now = time.Now
	}
	if o.hook == nil {
		o.hook = func(string) {}
	}
	seen := map[string]bool{}
	for _, t := range src.Trees {
		if seen[t.Name] {
			return nil, fmt.Errorf("tree %s is given twice", t.Name)
		}
		seen[t.Name] = true
		if _, err := newSource(t); err != nil {
			return nil, err
		}
	}
	for _, d := range src.Documents {
		if err := CheckObjectName("config/" + d.Name); err != nil || seen["config/"+d.Name] {
			return nil, errors.Join(fmt.Errorf("document %q: unusable or repeated name", d.Name), err)
		}
		seen["config/"+d.Name] = true
	}
	seal, err := newSealer(o.Encrypt)
	if err != nil {
		return nil, err
	}
	c := &creator{store: store, src: src, o: o, seal: seal, started: time.Now(), limit: &limiter{rate: o.BytesPerSecond}}
	c.connections = processors(o.Workers)
	if o.Workers == 0 {
		c.connections++
	}
	c.parts = newParts(store, seal, newEncoders(o.Compact, c.connections+processors(o.Workers)))
	c.packers = atOnce(o.Workers, c.parts.sums, store)
	return c, nil
}

// newID makes an ID that sorts after every one that the store has: parents
// must be older than their children.
func newID(ctx context.Context, store Store, now time.Time) (string, error) {
	objects, err := store.List(ctx, "")
	if err != nil {
		return "", fmt.Errorf("make an ID: %w", err)
	}
	newest := ""
	for _, o := range objects {
		if id, _, _ := cutFirst(o.Name); checkID(id) == nil && id > newest {
			newest = id
		}
	}
	stamp := now.UTC()
	if newest != "" && stamp.Format(idLayout) <= newest[:len(newest)-5] {
		last, err := time.Parse(idLayout, newest[:len(newest)-5])
		if err != nil {
			return "", fmt.Errorf("make an ID: %w", err)
		}
		stamp = last.Add(time.Second)
	}
	var tail [2]byte
	if _, err := rand.Read(tail[:]); err != nil {
		return "", fmt.Errorf("make an ID: %w", err)
	}
	return stamp.Format(idLayout) + "-" + hex.EncodeToString(tail[:]), nil
}

// lockStore locks a store that can be locked.
func lockStore(ctx context.Context, store Store, mode LockMode) (func() error, error) {
	if l, ok := store.(Locker); ok {
		return l.Lock(ctx, mode)
	}
	return func() error { return nil }, nil
}

func (c *creator) run(ctx context.Context) (*Result, error) {
	var err error
	if c.swept, err = sweep(ctx, c.store, c.o.now()); err != nil {
		return nil, err
	}
	if c.id, err = newID(ctx, c.store, c.o.now()); err != nil {
		return nil, err
	}
	c.parts.id = c.id
	c.o.hook("create:begin")
	parent, err := c.findBase(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.checkSpace(ctx); err != nil {
		return nil, err
	}
	stop := report(ctx, c.o.Progress, func() Progress {
		return Progress{Phase: "backup", Bytes: c.limit.bytes.Load(), Files: c.limit.files.Load()}
	})
	defer stop()
	m := &Manifest{Format: Format, ID: c.id, Mattermost: Mattermost{Version: c.src.MattermostVersion}, Created: c.o.now().UTC()}
	if err := c.data(ctx, m, parent); err != nil {
		return nil, err
	}
	if err := c.documents(ctx, m); err != nil {
		return nil, err
	}
	if err := c.buckets(ctx, m); err != nil {
		return nil, err
	}
	return c.finish(ctx, m)
}

// data saves database and files at the same time, both after the snapshot.
func (c *creator) data(ctx context.Context, m *Manifest, parent *Manifest) error {
	g, ctx := newGroup(ctx)
	var snap *snapshot
	var refs *refCheck
	if c.src.DSN != "" {
		var err error
		if snap, err = c.openDatabase(ctx, m); err != nil {
			return err
		}
		defer snap.close()
		g.run(func() error { return c.dump(ctx, snap, m) })
	}
	if len(c.src.Trees) > 0 {
		g.run(func() error {
			if snap != nil && c.hasData() {
				conn, check, err := snap.references(ctx)
				if err != nil {
					return err
				}
				defer conn.Close(context.WithoutCancel(ctx)) // read only
				refs = check
			}
			return c.files(ctx, m, parent, refs)
		})
	}
	if err := g.wait(); err != nil {
		return err
	}
	if refs != nil {
		m.Database.References = &refs.res
		for _, f := range refs.res.findings() {
			c.notes.add(f)
		}
	}
	return nil
}

func (c *creator) hasData() bool {
	for _, t := range c.src.Trees {
		if t.Name == DataTree {
			return true
		}
	}
	return false
}

func (c *creator) openDatabase(ctx context.Context, m *Manifest) (*snapshot, error) {
	s, err := newServer(c.src.DSN, c.src.OSUser)
	if err != nil {
		return nil, err
	}
	snap, err := takeSnapshot(ctx, s)
	if err != nil {
		return nil, err
	}
	m.Mattermost.Schema = snap.schema
	for _, f := range snap.notes {
		c.notes.add(f)
	}
	c.o.hook("create:snapshot")
	return snap, nil
}

func (c *creator) dump(ctx context.Context, snap *snapshot, m *Manifest) error {
	begin := time.Now()
	t, err := findTool(ctx, "pg_dump", c.o.PgDump, snap.major)
	if err != nil {
		return err
	}
	// Files that are saved beside are company enough, and what would wait for
	// more would only take memory.
	late := len(c.src.Trees) == 0 && inCompany(c.parts.sums, c.store)
	d := &dumpJob{snap: snap, parts: c.parts, tool: t, workers: c.connections, small: isHere(c.store), late: late, limit: c.limit, note: c.notes.add, hook: c.o.hook}
	if m.Database, err = d.run(ctx); err != nil {
		return err
	}
	phase := Phase{Name: "database", Seconds: time.Since(begin).Seconds()}
	for _, p := range m.Database.parts() {
		phase.Bytes += p.PlainSize
	}
	c.phase(phase)
	return nil
}

func (c *creator) files(ctx context.Context, m *Manifest, parent *Manifest, refs *refCheck) error {
	begin := time.Now()
	f := &filesJob{parts: c.parts, trees: c.src.Trees, workers: c.packers, limit: c.limit, note: c.notes.add, refs: refs, hook: c.o.hook}
	if parent != nil {
		keys, err := c.o.Keys.open(ctx, c.store, parent)
		if err != nil {
			return err
		}
		if f.base, err = openBase(ctx, c.store, parent, keys, c.o.RehashAll, c.id); err != nil {
			return err
		}
		defer f.base.part.Close() // read only
	}
	res, err := f.run(ctx)
	if err != nil {
		return err
	}
	m.Files, m.Parents, c.reused = &res.files, res.parents(c.id), res.reused
	c.phase(Phase{Name: "files", Seconds: time.Since(begin).Seconds(), Bytes: res.files.Bytes})
	return nil
}

func (c *creator) phase(p Phase) {
	c.notes.mu.Lock()
	defer c.notes.mu.Unlock()
	c.phases = append(c.phases, p)
}

// documents stores the configuration and the key.
func (c *creator) documents(ctx context.Context, m *Manifest) error {
	for _, d := range c.src.Documents {
		data := d.Data
		if data == nil {
			var err error
			if data, err = readDocument(d.Path); err != nil {
				return fmt.Errorf("document %s: %w", d.Name, err)
			}
		}
		part, err := c.parts.writePart(ctx, "config/"+d.Name, partKind{hash: c.seal == nil}, data)
		if err != nil {
			return err
		}
		m.Documents = append(m.Documents, Document{Name: d.Name, Path: d.Path, Part: part})
	}
	c.o.hook("create:documents")
	if c.seal == nil {
		if len(m.Documents) > 0 {
			c.notes.add(Finding{ID: "not-encrypted", Severity: severityInfo, Where: c.id,
				Message: "the backup holds secrets and is not encrypted; its files are readable by their owner only", Fix: "give recipients or a passphrase when it leaves this machine"})
		}
		return nil
	}
	m.Encryption = &c.seal.info
	if c.seal.key != nil {
		part, err := c.parts.writePart(ctx, keyName, partKind{open: true}, c.seal.key)
		if err != nil {
			return err
		}
		m.Key = &part
	}
	return nil
}

func readDocument(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxDocument {
		return nil, fmt.Errorf("%s: want a regular file of at most %d bytes", path, maxDocument)
	}
	buf := make([]byte, maxDocument+1)
	n, err := readFull(f, buf[:info.Size()+1])
	return buf[:n:n], err
}

// finish writes recipe, sums and, last, the manifest.
func (c *creator) finish(ctx context.Context, m *Manifest) (*Result, error) {
	var err error
	if m.Recipe, err = c.parts.writePart(ctx, recipeName, partKind{open: true, hash: true}, recipe(m)); err != nil {
		return nil, err
	}
	m.Finished, m.Findings = c.o.now().UTC(), c.notes.findings()
	if err := writeManifest(ctx, c.store, m, c.o.Permanent, c.o.hook); err != nil {
		return nil, err
	}
	res := &Result{ID: m.ID, Seconds: time.Since(c.started).Seconds(), Phases: c.phases, Stored: m.StoredBytes(), Reused: c.reused, Swept: c.swept, Findings: m.Findings, Manifest: m}
	for _, p := range c.phases {
		res.Plain += p.Bytes
	}
	if m.Files != nil {
		res.Files = m.Files.Count
	}
	return res, nil
}

// writeManifest turns what was written into a backup: the permanent mark, the
// sums, then the manifest.
func writeManifest(ctx context.Context, store Store, m *Manifest, permanent bool, hook func(string)) error {
	text, err := m.encode()
	if err != nil {
		return err
	}
	if _, err := DecodeManifest(bytesReader(text)); err != nil {
		return fmt.Errorf("own manifest: %w", err)
	}
	if permanent {
		if err := putObject(ctx, store, m.ID+"/"+permanentName, []byte("retention never deletes this backup\n")); err != nil {
			return err
		}
	}
	sum := sha256.Sum256(text)
	if err := putObject(ctx, store, m.ID+"/"+sumsName, m.sums(hex.EncodeToString(sum[:]))); err != nil {
		return err
	}
	hook("create:before-manifest")
	if err := putObject(ctx, store, m.ID+"/"+manifestName, text); err != nil {
		return err
	}
	hook("create:after-manifest")
	return nil
}

// putObject writes a small object.
func putObject(ctx context.Context, store Store, name string, data []byte) error {
	w, err := store.Create(ctx, name)
	if err != nil {
		return err
	}
	if _, err := w.Write(data); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", name, err), w.Abort())
	}
	if err := w.Commit(); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// isMissing tells whether err says that an object is not there.
func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
