package backup

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"filippo.io/age"
)

// Target is where a restore goes. Leaving a part empty leaves it alone: with
// only DSN set, only the database is restored.
type Target struct {
	// DSN is the data source of the restored Mattermost. Its database is
	// replaced; its role owns the new one.
	DSN Secret
	// AdminDSN connects to another database of the same server with a role
	// that may create and rename databases. "" uses DSN's role and the
	// database postgres.
	AdminDSN Secret
	// OSUser is as in Source, for DSN; AdminOSUser for AdminDSN ("" is
	// OSUser).
	OSUser, AdminOSUser string
	// Dirs says where each tree goes, for example DataTree. A directory that
	// exists is replaced as a whole.
	Dirs map[string]string
	// Documents says where documents go, for example config.json. Files are
	// made with mode 0600.
	Documents map[string]string
	// Owner, if set, owns all restored files; it needs root.
	Owner *Ownership
	// Service is stopped before and started after the swap; nil is NoService.
	Service Service
	// Check, if set, is called after the start; its error undoes the restore.
	Check func(context.Context) error
	// MattermostVersion is the version that will run there; a backup of a
	// newer one is refused. "" does not compare.
	MattermostVersion string
	// StateDir holds the journals of restores. It must be on durable storage
	// and is made 0700 when missing. Required.
	StateDir string
}

// RestoreOptions tune Restore.
type RestoreOptions struct {
	// Keys open an encrypted backup.
	Keys Keys
	// Settings are written into config.json and into the active row of the
	// configurations table, by their path: "ServiceSettings.SiteURL".
	Settings map[string]any
	// DeferFullText starts the service before the big full-text indexes
	// exist. Search is slow until they do; Restore returns after that. A
	// crash in between is repaired by Recover.
	DeferFullText bool
	// Workers is how many connections and writers work; 0 is one for each
	// processor, at least two, and 32 writers where the processor hashes many
	// files together faster than one by one.
	Workers  int
	Progress func(Progress)

	now   func() time.Time
	hook  func(point string)
	folds func(dir string) (bool, error)
}

// RestorePlan is what a restore will do, as data. Steps are in order.
type RestorePlan struct {
	Backup   string    `json:"backup"`
	Steps    []Step    `json:"steps"`
	Findings []Finding `json:"findings"`

	store  Store
	target Target
	o      RestoreOptions
	m      *Manifest
	keys   []age.Identity
	live   *server
	admin  *server
	j      Journal
}

// Step is one step of a plan.
type Step struct {
	Action string `json:"action"` // "create database", "swap", "stop service", …
	What   string `json:"what"`
	Detail string `json:"detail,omitempty"`
}

// RestoreResult says what a restore did.
type RestoreResult struct {
	Backup    string    `json:"backup"`
	Journal   string    `json:"journal"` // for Rollback and Discard
	Seconds   float64   `json:"seconds"`
	Service   float64   `json:"seconds_to_service"` // until the service was started
	Downtime  float64   `json:"downtime_seconds"`   // from the stop's begin to the start's end
	SwapTime  float64   `json:"swap_seconds"`       // of that, what is not the service's own
	Phases    []Phase   `json:"phases"`
	Rows      int64     `json:"rows"`
	Files     int64     `json:"files"`
	Bytes     int64     `json:"bytes"`
	Kept      []string  `json:"kept"` // names of the former database and paths
	Recovered []string  `json:"recovered,omitempty"`
	Findings  []Finding `json:"findings"`
}

// Restore plans and applies. See RestorePlan.Apply for what a failure leaves.
func Restore(ctx context.Context, store Store, id string, target Target, o RestoreOptions) (*RestoreResult, error) {
	plan, err := PlanRestore(ctx, store, id, target, o)
	if err != nil {
		return nil, err
	}
	return plan.Apply(ctx)
}

// PlanRestore checks everything that can be checked beforehand and says what
// would be done. It changes nothing.
func PlanRestore(ctx context.Context, store Store, id string, target Target, o RestoreOptions) (*RestorePlan, error) {
	p := &RestorePlan{store: store, target: target, o: o, Findings: []Finding{}}
	p.defaults()
	var err error
	if p.m, err = Load(ctx, store, id); err != nil {
		return nil, fmt.Errorf("plan restore: %w", err)
	}
	p.Backup = p.m.ID
	if p.keys, err = o.Keys.open(ctx, store, p.m); err != nil {
		return nil, fmt.Errorf("plan restore: %w", err)
	}
	for _, check := range []func(context.Context) error{p.checkParts, p.checkVersions, p.planDatabase, p.planPaths, p.planSteps} {
		if err := check(ctx); err != nil {
			return nil, fmt.Errorf("plan restore of %s: %w", p.m.ID, err)
		}
	}
	return p, nil
}

func (p *RestorePlan) defaults() {
	if p.o.now == nil {
		p.o.now = time.Now
	}
	if p.o.hook == nil {
		p.o.hook = func(string) {}
	}
	if p.o.folds == nil {
		p.o.folds = foldsCase
	}
	if p.target.Service == nil {
		p.target.Service = NoService{}
	}
}

// checkParts compares the target with what the backup holds, and the sizes of
// all parts with the store: a truncated backup is refused before anything is
// made.
func (p *RestorePlan) checkParts(ctx context.Context) error {
	t := p.target
	if t.DSN == "" && len(t.Dirs) == 0 && len(t.Documents) == 0 {
		return errors.New("the target names no database, no directory and no document")
	}
	if t.DSN != "" && p.m.Database == nil {
		return errNoDatabase
	}
	for _, name := range sortedKeys(t.Dirs) {
		if p.m.Files == nil || !hasTree(p.m, name) {
			return fmt.Errorf("the backup holds no tree %q", name)
		}
	}
	for _, name := range sortedKeys(t.Documents) {
		if _, ok := p.m.document(name); !ok {
			return fmt.Errorf("the backup holds no document %q", name)
		}
	}
	res, err := verify(ctx, p.store, p.m.ID, VerifyOptions{Depth: Quick})
	if err != nil {
		return err
	}
	for _, f := range res.Findings {
		if f.Severity == severityError {
			return fmt.Errorf("%w: %s: %s", ErrDamaged, f.Where, f.Message)
		}
	}
	return nil
}

func hasTree(m *Manifest, name string) bool {
	for _, t := range m.Files.Trees {
		if t.Name == name {
			return true
		}
	}
	return false
}

func (m *Manifest) document(name string) (Document, bool) {
	for _, d := range m.Documents {
		if d.Name == name {
			return d, true
		}
	}
	return Document{}, false
}

// planDatabase connects, names the databases and checks what the role may do.
func (p *RestorePlan) planDatabase(ctx context.Context) error {
	p.j = Journal{Backup: p.m.ID, Created: p.o.now().UTC()}
	for at := p.j.Created; p.j.ID == "" || exists(p.j.file); at = at.Add(time.Second) { // two within a second
		p.j.ID = at.Format(idLayout)
		p.j.file = filepath.Join(p.target.StateDir, "restore-"+p.j.ID+".json")
	}
	if p.target.DSN == "" {
		return nil
	}
	var err error
	if p.live, p.admin, err = p.target.servers(); err != nil {
		return err
	}
	conn, err := p.admin.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) // read only
	live := p.live.info["dbname"]
	if live == "" {
		return errors.New("the data source names no database")
	}
	if p.admin.info["dbname"] == live {
		return errors.New("the administrative connection must use another database than the one to replace, for example postgres")
	}
	base := live[:min(len(live), 40)]
	p.j.Database = &DatabaseSwap{Live: live, Staged: base + "_new_" + p.j.ID, Old: base + "_old_" + p.j.ID}
	var may bool
	var clash int
	var owner *string
	role := p.live.info["user"]
	err = conn.QueryRow(ctx, `SELECT rolsuper OR rolcreatedb, (SELECT count(*) FROM pg_database WHERE datname IN ($1, $2)),
		(SELECT pg_get_userbyid(datdba)::text FROM pg_database WHERE datname = $3) FROM pg_roles WHERE rolname = current_user`,
		p.j.Database.Staged, p.j.Database.Old, live).Scan(&may, &clash, &owner)
	if err != nil {
		return fmt.Errorf("look at the target server: %w", err)
	}
	switch {
	case !may:
		return errors.New("the administrative role may not create databases; give AdminDSN a role with CREATEDB or a superuser")
	case clash > 0:
		return errors.New("databases of a restore with the same time exist; try again in a second")
	}
	p.j.Database.Had = owner != nil
	if owner != nil && role != "" && *owner != role {
		p.Findings = append(p.Findings, Finding{ID: "owner-differs", Severity: severityWarning, Where: live,
			Message: fmt.Sprintf("the database belongs to %s; the new one will belong to %s, as the data source says", *owner, role), Fix: "none needed when that is Mattermost's role"})
	}
	if major := serverMajor(conn); major < p.m.Database.ServerMajor {
		return fmt.Errorf("the backup is from PostgreSQL %d and the target runs %d, which may not understand it; restore into %d or newer", p.m.Database.ServerMajor, major, p.m.Database.ServerMajor)
	}
	return nil
}

// servers parses both data sources.
func (t Target) servers() (live, admin *server, err error) {
	if live, err = newServer(t.DSN, t.OSUser); err != nil {
		return nil, nil, err
	}
	adminUser := t.AdminOSUser
	if adminUser == "" {
		adminUser = t.OSUser
	}
	dsn := t.AdminDSN
	if dsn == "" {
		dsn = live.info.with("postgres").text()
	}
	if admin, err = newServer(dsn, adminUser); err != nil {
		return nil, nil, err
	}
	return live, admin, nil
}

// checkVersions refuses what the target cannot understand.
func (p *RestorePlan) checkVersions(context.Context) error {
	have, target := p.m.Mattermost.Version, p.target.MattermostVersion
	if have == "" || target == "" {
		return nil
	}
	newer, err := newerVersion(have, target)
	if err != nil {
		return err
	}
	if newer {
		return fmt.Errorf("the backup is of Mattermost %s and the target runs %s: an older server starts on a newer database, but loses settings; install %s or newer first", have, target, have)
	}
	return nil
}

// planPaths names the directories and files and checks that renaming works.
func (p *RestorePlan) planPaths(context.Context) error {
	add := func(what, live string) error {
		s, err := newPathSwap(live, p.j.ID)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		for _, other := range p.j.Paths {
			if within(s.Live, other.Live) || within(other.Live, s.Live) {
				return fmt.Errorf("%s: %s and %s lie within each other; restore them one after the other", what, s.Live, other.Live)
			}
		}
		p.j.Paths = append(p.j.Paths, s)
		return nil
	}
	for _, name := range sortedKeys(p.target.Dirs) {
		if err := add("tree "+name, p.target.Dirs[name]); err != nil {
			return err
		}
	}
	for _, name := range sortedKeys(p.target.Documents) {
		if err := add("document "+name, p.target.Documents[name]); err != nil {
			return err
		}
	}
	if p.target.StateDir == "" {
		return errors.New("no state directory: a restore that cannot be recorded cannot be undone")
	}
	for _, s := range p.j.Paths {
		if within(p.target.StateDir, s.Live) {
			return fmt.Errorf("the state directory %s lies in %s, which is replaced", p.target.StateDir, s.Live)
		}
	}
	return p.checkSpace()
}

// newPathSwap follows a symbolic link at live, so that what is renamed is the
// directory itself, and refuses what cannot be renamed.
func newPathSwap(live, id string) (PathSwap, error) {
	live, err := filepath.Abs(live)
	if err != nil {
		return PathSwap{}, err
	}
	s := PathSwap{}
	if real, err := filepath.EvalSymlinks(live); err == nil {
		live, s.Had = real, true
	}
	parent := filepath.Dir(live)
	var up, self syscall.Stat_t
	if err := syscall.Stat(parent, &up); err != nil {
		return s, fmt.Errorf("%s: %w", parent, err)
	}
	if s.Had {
		if err := syscall.Stat(live, &self); err != nil {
			return s, fmt.Errorf("%s: %w", live, err)
		}
		if self.Dev != up.Dev {
			return s, fmt.Errorf("%s is a mount point and cannot be renamed; restore into a directory below it, or unmount it", live)
		}
	}
	s.Live, s.Staged, s.Old = live, live+".new-"+id, live+".old-"+id
	return s, nil
}

func within(p, dir string) bool {
	return p == dir || strings.HasPrefix(p, strings.TrimSuffix(dir, "/")+"/")
}

// checkSpace wants room for the files beside the old ones. The database's disk
// is the server's and cannot be asked.
func (p *RestorePlan) checkSpace() error {
	if len(p.target.Dirs) == 0 {
		return nil
	}
	for _, dir := range p.target.Dirs {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return err
		}
		free, err := freeBytes(filepath.Dir(abs))
		if err != nil {
			return err
		}
		if free < p.m.Files.Bytes {
			return fmt.Errorf("not enough space beside %s: %d MB are needed, %d MB are free; nothing was changed", dir, p.m.Files.Bytes>>20, free>>20)
		}
	}
	return nil
}

// planSteps puts the plan into words.
func (p *RestorePlan) planSteps(context.Context) error {
	add := func(action, what, detail string) { p.Steps = append(p.Steps, Step{action, what, detail}) }
	if d := p.j.Database; d != nil {
		var rows int64
		for _, t := range p.m.Database.Tables {
			rows += t.Rows
		}
		add("create database", d.Staged, fmt.Sprintf("%d tables, %d rows, beside %s", len(p.m.Database.Tables), rows, d.Live))
	}
	for _, s := range p.j.Paths {
		add("create", s.Staged, "beside "+s.Live)
	}
	if len(p.o.Settings) > 0 {
		add("change settings", strings.Join(sortedKeys(p.o.Settings), ", "), "in the restored configuration")
	}
	add("stop service", p.target.Service.String(), "")
	if d := p.j.Database; d != nil {
		if d.Had {
			add("rename database", d.Live+" to "+d.Old, "kept until discarded")
		}
		add("rename database", d.Staged+" to "+d.Live, "")
	}
	for _, s := range p.j.Paths {
		if s.Had {
			add("rename", s.Live+" to "+filepath.Base(s.Old), "kept until discarded")
		}
		add("rename", s.Staged+" to "+filepath.Base(s.Live), "")
	}
	add("start service", p.target.Service.String(), "")
	if p.o.DeferFullText {
		add("build full-text indexes", "of large tables", "while the service runs")
	}
	return nil
}
