package backup

import (
	"archive/tar"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
	"time"

	"filippo.io/age"
)

// Depth says how thoroughly Verify reads.
type Depth int

// Full reads every part to its end: the hash of the stored bytes, each frame
// and each entry inside, the rows of each table. Deep also compares the plain
// hashes, that of each file in each pack included; equal stored bytes already
// mean equal content, unless the program or the memory that wrote them was at
// fault. Sampled reads the manifest, the file list and a tenth of the other
// parts, other ones each day. Quick looks at the manifest and at the sizes of
// all parts.
const (
	Full Depth = iota
	Deep
	Sampled
	Quick
)

// VerifyOptions tune Verify. The zero value verifies everything.
type VerifyOptions struct {
	Depth Depth
	// Keys open an encrypted backup. Without them a full verification still
	// compares all stored hashes, but looks at nothing inside.
	Keys     Keys
	Workers  int // how many parts are read at a time; 0 chooses by the processor
	Progress func(Progress)

	now func() time.Time
}

// VerifyResult says what was read and what was found.
type VerifyResult struct {
	ID       string    `json:"id"`
	Sound    bool      `json:"sound"` // no finding of severity error
	Parts    int       `json:"parts"` // that were read
	Of       int       `json:"of"`    // that there are, parents' packs included
	Stored   int64     `json:"stored_bytes"`
	Plain    int64     `json:"plain_bytes"`
	Files    int64     `json:"files"`
	Rows     int64     `json:"rows"`
	Seconds  float64   `json:"seconds"`
	Findings []Finding `json:"findings"`
}

// Verify reads a backup without restoring it. Damage is a finding, not an
// error: the result lists all of it. An error means that verifying itself
// failed, for example because the context ended.
func Verify(ctx context.Context, store Store, id string, o VerifyOptions) (*VerifyResult, error) {
	unlock, err := lockStore(ctx, store, Shared)
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	res, err := verify(ctx, store, id, o)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("verify: %w", err), unlock())
	}
	return res, unlock()
}

func verify(ctx context.Context, store Store, id string, o VerifyOptions) (*VerifyResult, error) {
	begin := time.Now()
	if o.now == nil {
		o.now = time.Now
	}
	v := &verifier{store: store, o: o, pools: newPools(), limit: &limiter{}}
	m, err := Load(ctx, store, id)
	if errors.Is(err, ErrDamaged) {
		v.notes.add(damage(id+"/"+manifestName, err))
		return v.result(id, begin), nil
	}
	if err != nil {
		return nil, err
	}
	v.m = m
	if err := v.run(ctx); err != nil {
		return nil, err
	}
	return v.result(m.ID, begin), nil
}

func damage(where string, err error) Finding {
	return Finding{ID: "damaged", Severity: severityError, Message: err.Error(), Where: where, Fix: "restore from another backup; copy this part from another copy of the store if there is one"}
}

type verifier struct {
	store Store
	o     VerifyOptions
	m     *Manifest
	keys  []age.Identity
	pools *pools
	blind bool // encrypted, and no key was given
	limit *limiter
	notes notes
	res   VerifyResult
	mu    chan struct{}
}

func (v *verifier) result(id string, begin time.Time) *VerifyResult {
	v.res.ID, v.res.Seconds, v.res.Findings = id, time.Since(begin).Seconds(), v.notes.findings()
	v.res.Sound = !HasErrors(v.res.Findings)
	return &v.res
}

// task is one part to read.
type task struct {
	owner string
	part  Part
	read  func(r io.Reader, buf []byte) error // nil reads to the end only
}

func (v *verifier) run(ctx context.Context) error {
	v.mu = make(chan struct{}, 1)
	keys, err := v.o.Keys.open(ctx, v.store, v.m)
	if errors.Is(err, ErrNoIdentity) {
		v.blind = true
		v.notes.add(Finding{ID: "not-opened", Severity: severityInfo, Where: v.m.ID, Message: "the backup is encrypted and was not opened: only stored hashes were compared", Fix: "give an identity or a passphrase"})
	} else if err != nil {
		if ctx.Err() != nil {
			return err
		}
		v.notes.add(damage(v.m.ID+"/"+keyName, err))
		v.blind = true
	}
	v.keys = keys
	parts := v.tasks()
	packs, list, err := v.packTasks(ctx)
	if err != nil {
		return err
	}
	v.res.Of = len(parts) + len(packs)
	var total int64
	for _, t := range parts {
		total += t.part.PlainSize
	}
	for _, t := range packs {
		total += t.part.PlainSize
	}
	stop := report(ctx, v.o.Progress, func() Progress {
		return Progress{Phase: "verify", Bytes: v.limit.bytes.Load(), Total: total, Files: v.limit.files.Load()}
	})
	defer stop()
	g, ctx := newGroup(ctx)
	queue := make(chan task)
	send := func(t task) error {
		select {
		case queue <- t:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	g.run(func() error {
		defer close(queue)
		for _, t := range parts {
			if err := send(t); err != nil {
				return err
			}
		}
		return v.sendPacks(ctx, packs, list, send)
	})
	for range atOnce(v.o.Workers, v.pools.sums, v.store) {
		g.run(func() error {
			buf := make([]byte, readBuffer)
			for t := range queue {
				if err := v.one(ctx, t, buf); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.wait()
}

// tasks lists what to read of the backup's own parts, without packs.
func (v *verifier) tasks() []task {
	read := map[string]func(io.Reader, []byte) error{}
	if d := v.m.Database; d != nil {
		for _, p := range d.Pieces {
			read[p.Name] = func(r io.Reader, _ []byte) error { return v.piece(r, p) }
		}
	}
	packs := map[string]bool{}
	if v.m.Files != nil {
		for _, p := range v.m.Files.Packs {
			packs[p.Name] = true
		}
	}
	var list []task
	for _, p := range v.m.Parts() {
		if !packs[p.Name] {
			list = append(list, task{owner: v.m.ID, part: p, read: read[p.Name]})
		}
	}
	// The largest first: what is left at the end is small.
	slices.SortStableFunc(list, func(a, b task) int { return cmp.Compare(b.part.Size, a.part.Size) })
	return list
}

func missingParent(id, parent string) Finding {
	return Finding{ID: "parent-missing", Severity: severityError, Message: "the backup " + parent + ", which holds files of it, is missing or has no manifest", Where: id, Fix: "copy " + parent + " back into the store"}
}

// packTasks lists the packs to read by "<backup ID>/<pack>": all own ones, and
// the parents' that the file list refers to. list is nil when it was not read.
func (v *verifier) packTasks(ctx context.Context) (packs map[string]task, list *packList, err error) {
	packs = map[string]task{}
	if v.m.Files == nil {
		return packs, nil, nil
	}
	for _, p := range v.m.Files.Packs {
		packs[v.m.ID+"/"+p.Name] = task{owner: v.m.ID, part: p}
	}
	if v.o.Depth == Quick || v.blind {
		return packs, nil, v.parentsExist(ctx)
	}
	list = newPackList()
	err = readIndex(ctx, v.store, v.m, v.keys, func(e *entry) error {
		if e.kind == 'f' {
			list.add(e)
		}
		return nil
	})
	if err == nil && (list.count != v.m.Files.Count || list.bytes != v.m.Files.Bytes) {
		err = fmt.Errorf("%w: the list has %d files with %d bytes, the manifest says %d and %d", ErrDamaged, list.count, list.bytes, v.m.Files.Count, v.m.Files.Bytes)
	}
	if err != nil && contextError(err) != nil {
		return nil, nil, err
	}
	if err != nil {
		v.notes.add(damage(v.m.ID+"/"+v.m.Files.Index.Name, err))
		return packs, nil, v.parentsExist(ctx)
	}
	return packs, list, v.parentPacks(ctx, list, packs)
}

// parentsExist looks for the manifests of the parents that are named.
func (v *verifier) parentsExist(ctx context.Context) error {
	for _, id := range v.m.Parents {
		_, err := v.store.Stat(ctx, id+"/"+manifestName)
		if err != nil && contextError(err) != nil {
			return err
		}
		if err != nil {
			v.notes.add(missingParent(v.m.ID, id))
		}
	}
	return nil
}

// sendPacks sends each pack with the files that the list wants from it, then
// those from which it wants none.
func (v *verifier) sendPacks(ctx context.Context, packs map[string]task, list *packList, send func(task) error) error {
	if list != nil {
		err := readIndex(ctx, v.store, v.m, v.keys, func(e *entry) error {
			if e.kind != 'f' {
				return nil
			}
			want, err := list.take(e)
			t, ok := packs[e.pack]
			if err != nil || want == nil || !ok { // the trouble of one that is not there is noted already
				return err
			}
			delete(packs, e.pack)
			t.read = func(r io.Reader, buf []byte) error { return v.pack(r, want, buf) }
			return send(t)
		})
		if err == nil {
			err = list.end()
		}
		if err != nil && (ctx.Err() != nil || contextError(err) != nil) {
			return err
		}
		if err != nil {
			v.notes.add(damage(v.m.ID+"/"+v.m.Files.Index.Name, err))
		}
	}
	for _, name := range sortedKeys(packs) {
		t := packs[name]
		t.read = func(r io.Reader, buf []byte) error { return v.pack(r, nil, buf) }
		if err := send(t); err != nil {
			return err
		}
	}
	return nil
}

// packOwner finds the part of a pack in its owner's manifest.
type packOwner map[string]map[string]Part // backup ID, pack name

func (o packOwner) find(ctx context.Context, store Store, self *Manifest, pack string) (string, Part, error) {
	id, name, _ := cutFirst(pack)
	if o[id] == nil {
		m := self
		if id != self.ID {
			var err error
			if m, err = Load(ctx, store, id); err != nil {
				return id, Part{}, err
			}
		}
		o[id] = map[string]Part{}
		if m.Files != nil {
			for _, p := range m.Files.Packs {
				o[id][p.Name] = p
			}
		}
	}
	p, ok := o[id][name]
	if !ok {
		return id, Part{}, fmt.Errorf("%w: pack %s is in no manifest", ErrDamaged, pack)
	}
	return id, p, nil
}

// parentPacks adds the packs of other backups.
func (v *verifier) parentPacks(ctx context.Context, list *packList, packs map[string]task) error {
	owners, missing := packOwner{}, map[string]bool{}
	for _, pack := range sortedKeys(list.left) {
		id, part, err := owners.find(ctx, v.store, v.m, pack)
		switch {
		case err != nil && contextError(err) != nil:
			return err
		case errors.Is(err, ErrNoBackup):
			if !missing[id] {
				v.notes.add(missingParent(v.m.ID, id))
			}
			missing[id] = true
		case err != nil:
			v.notes.add(damage(pack, err))
		case id != v.m.ID:
			packs[pack] = task{owner: id, part: part}
		}
	}
	return nil
}

// one reads a part as deeply as asked for.
func (v *verifier) one(ctx context.Context, t task, buf []byte) error {
	name := t.owner + "/" + t.part.Name
	obj, err := v.store.Stat(ctx, name)
	if err == nil && obj.Size != t.part.Size {
		err = fmt.Errorf("%w: %d bytes, want %d", ErrDamaged, obj.Size, t.part.Size)
	}
	if err == nil && (v.o.Depth == Full || v.o.Depth == Deep || v.o.Depth == Sampled && v.sampled(t.part)) {
		if v.blind {
			err = checkStored(ctx, v.store, t.owner, t.part, v.pools)
		} else {
			err = v.readTask(ctx, t, buf)
		}
		v.count(t.part)
	}
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	v.notes.add(damage(name, err))
	return nil
}

// sampled picks a tenth of the parts, others each day.
func (v *verifier) sampled(p Part) bool {
	h := fnv.New32a()
	io.WriteString(h, p.Name)
	return (int64(h.Sum32())+v.o.now().Unix()/86400)%10 == 0
}

func (v *verifier) count(p Part) {
	v.mu <- struct{}{}
	v.res.Parts++
	v.res.Stored += p.Size
	v.res.Plain += p.PlainSize
	<-v.mu
}

func (v *verifier) readTask(ctx context.Context, t task, buf []byte) error {
	how := proof{stored: true, plain: v.o.Depth == Deep, pools: v.pools}
	r, err := openProof(ctx, v.store, t.owner, t.part, v.keys, how)
	if err != nil {
		return err
	}
	defer r.Close()
	in := &countingReader{ctx: ctx, r: r, limit: v.limit}
	if t.read != nil {
		if err := t.read(in, buf); err != nil {
			return err
		}
	}
	_, err = io.CopyBuffer(io.Discard, onlyReader{in}, buf)
	return err
}

type countingReader struct {
	ctx   context.Context
	r     io.Reader
	limit *limiter
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if waitErr := c.limit.wait(c.ctx, n); waitErr != nil {
		return n, waitErr
	}
	return n, err
}

// piece counts the rows of COPY statements.
func (v *verifier) piece(r io.Reader, p Piece) error {
	var got []PieceTable
	err := readCopyScript(r, func(c *copyStatement) error {
		n, err := c.countRows()
		got = append(got, PieceTable{Rows: n})
		return err
	})
	if err != nil {
		return err
	}
	if len(got) != len(p.Tables) {
		return fmt.Errorf("%w: %d COPY statements, want %d", ErrDamaged, len(got), len(p.Tables))
	}
	for i, t := range p.Tables {
		if got[i].Rows != t.Rows {
			return fmt.Errorf("%w: %d rows of %s.%s, want %d", ErrDamaged, got[i].Rows, t.Schema, t.Name, t.Rows)
		}
		v.mu <- struct{}{}
		v.res.Rows += t.Rows
		<-v.mu
	}
	return nil
}

// pack reads a tar and compares the size of each wanted file, deeply also its
// hash. The last of several entries with one name is the one that counts.
func (v *verifier) pack(r io.Reader, want map[string]*packFile, buf []byte) error {
	h := v.pools.hash()
	t := tar.NewReader(r)
	for {
		head, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("%w: tar: %w", ErrDamaged, err)
		}
		f := want[head.Name]
		if f == nil || head.Typeflag != tar.TypeReg {
			continue
		}
		f.ok = head.Size == f.size
		if v.o.Depth != Deep { // Next reads over the content
			continue
		}
		h.Reset()
		if _, err := io.CopyBuffer(onlyWriter{h}, onlyReader{t}, buf); err != nil {
			return err
		}
		f.ok = f.ok && [sha256.Size]byte(h.Sum(buf[:0])) == f.hash
	}
	v.limit.files.Add(int64(len(want)))
	if err := missingFile(want); err != nil {
		return err
	}
	v.mu <- struct{}{}
	v.res.Files += int64(len(want))
	<-v.mu
	return nil
}
