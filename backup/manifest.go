package backup

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
	"time"
)

// Format names the layout that this package writes. Verify and Restore refuse
// any other.
const Format = "gitlab-mattermost-backup/1"

// Names of the objects of a backup that are the same in each one.
const (
	manifestName  = "manifest.json"
	sumsName      = "SHA256SUMS"
	recipeName    = "RESTORE.txt"
	permanentName = "PERMANENT"
	keyName       = "key.age"
)

// maxManifest bounds what is read of a manifest. A pack takes about 230 bytes of
// it; they get larger with their number, see packBytes.
const maxManifest = 64 << 20

// Manifest says what a backup holds. It is the last object written: a
// directory without it is not a backup.
type Manifest struct {
	Format   string    `json:"format"`
	ID       string    `json:"id"`
	Created  time.Time `json:"created"`  // the moment of the database snapshot
	Finished time.Time `json:"finished"` // when the last part was durable

	Mattermost Mattermost  `json:"mattermost"`
	Database   *Database   `json:"database,omitempty"`
	Files      *Files      `json:"files,omitempty"`
	Documents  []Document  `json:"documents,omitempty"`
	Buckets    []Bucket    `json:"buckets,omitempty"`
	Encryption *Encryption `json:"encryption,omitempty"`
	Imported   *Imported   `json:"imported,omitempty"`

	// Parents are the backups that hold packs this one refers to, oldest
	// first. Without them it cannot be restored.
	Parents []string `json:"parents,omitempty"`

	Recipe   Part      `json:"recipe"`
	Key      *Part     `json:"key,omitempty"` // the passphrase-protected key
	Findings []Finding `json:"findings"`
}

// Part is one stored object. SHA256 is that of the stored bytes, so that
// sha256sum can check it; the plain fields are those of the text or tar inside
// the compression and encryption. A pack has no PlainSHA256: the file list has
// one for each file in it. Neither has a document of an encrypted backup,
// because a hash of a short secret can be guessed at.
type Part struct {
	Name        string `json:"name"` // below the backup's own directory
	Size        int64  `json:"size"`
	SHA256      string `json:"sha256"`
	PlainSize   int64  `json:"plain_size"`
	PlainSHA256 string `json:"plain_sha256,omitempty"`
}

// Mattermost says which server's data it is.
type Mattermost struct {
	Version string `json:"version,omitempty"` // of the program, as far as known
	Schema  Schema `json:"schema"`
}

// Schema says what the database knows about its own layout.
type Schema struct {
	Migrations int    `json:"migrations"` // rows of db_migrations; 0 before 6.4
	Highest    int64  `json:"highest"`    // its greatest number
	LastName   string `json:"last_name,omitempty"`
	Legacy     string `json:"legacy,omitempty"` // Systems.Version, frozen since 6.4
}

// Database describes the dump.
type Database struct {
	Name          string    `json:"name"`
	Owner         string    `json:"owner"`
	ServerVersion string    `json:"server_version"`
	ServerMajor   int       `json:"server_major"`
	DumpVersion   string    `json:"dump_version"` // pg_dump's own words
	Encoding      string    `json:"encoding"`
	Collate       string    `json:"collate"`
	Ctype         string    `json:"ctype"`
	Settings      []Setting `json:"settings,omitempty"` // ALTER DATABASE … SET
	Bytes         int64     `json:"bytes"`              // on the server's disk
	Tables        []Table   `json:"tables"`

	PreData   Part    `json:"pre_data"`
	Pieces    []Piece `json:"pieces"`
	Sequences *Part   `json:"sequences,omitempty"`
	Blobs     *Part   `json:"large_objects,omitempty"`
	PostData  Part    `json:"post_data"`
	Grants    *Part   `json:"grants,omitempty"` // what other roles may do

	References *References `json:"references,omitempty"`
}

// Setting is one ALTER DATABASE … SET name TO value.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Table is one table with its rows in the snapshot.
type Table struct {
	Schema string `json:"schema"`
	Name   string `json:"name"`
	Rows   int64  `json:"rows"`
	Bytes  int64  `json:"bytes"` // with TOAST, without indexes
}

// String is schema.table, not quoted.
func (t Table) String() string { return t.Schema + "." + t.Name }

// Piece is a part with COPY statements: a range of one table, or several
// small tables.
type Piece struct {
	Part
	Tables []PieceTable `json:"tables"`
}

// PieceTable is how many rows of which table a piece holds.
type PieceTable struct {
	Schema string `json:"schema"`
	Name   string `json:"name"`
	Rows   int64  `json:"rows"`
}

// References is the result of comparing the fileinfo rows of the snapshot with
// the files that were stored.
type References struct {
	Checked  int64    `json:"checked"`   // paths in rows, thumbnails and previews included
	Missing  int64    `json:"missing"`   // referred to, not stored
	WrongLen int64    `json:"wrong_len"` // stored with another size than the row says
	Orphans  int64    `json:"orphans"`   // stored, not referred to: profile pictures, plugins
	Examples []string `json:"examples,omitempty"`
}

// Files describes the trees that were saved.
type Files struct {
	Trees []TreeInfo `json:"trees"`
	Count int64      `json:"count"` // regular files
	Bytes int64      `json:"bytes"` // of all regular files
	Index Part       `json:"index"` // the list of files
	Packs []Part     `json:"packs"` // own packs; those of parents are in the parents' manifests
}

// TreeInfo is one saved directory.
type TreeInfo struct {
	Name string `json:"name"` // first element of its paths: data, plugins, …
	Path string `json:"path"` // where it was
}

// Document is one configuration file or value, stored as it was.
type Document struct {
	Name string `json:"name"`
	Path string `json:"path,omitempty"` // where it was
	Part Part   `json:"part"`
}

// Bucket is the list of an object store's content whose objects were not
// copied: a tab-separated line of size, time in nanoseconds and key for each.
type Bucket struct {
	Name    string `json:"name"`
	Where   string `json:"where"`
	Objects int64  `json:"objects"`
	Bytes   int64  `json:"bytes"`
	List    Part   `json:"list"`
}

// Encryption says how the parts are encrypted.
type Encryption struct {
	Recipients int  `json:"recipients"`
	Passphrase bool `json:"passphrase"`
}

// Imported says that the backup was made from files of another tool.
type Imported struct {
	From []ImportedFile `json:"from"`
}

// ImportedFile is one file that Import read.
type ImportedFile struct {
	Name   string `json:"name"`
	Kind   string `json:"kind"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Parts lists every object of the backup except the manifest, the sums and the
// permanent mark, sorted by name.
func (m *Manifest) Parts() []Part {
	parts := []Part{m.Recipe}
	if m.Key != nil {
		parts = append(parts, *m.Key)
	}
	if d := m.Database; d != nil {
		parts = append(parts, d.PreData, d.PostData)
		for _, p := range d.Pieces {
			parts = append(parts, p.Part)
		}
		for _, p := range []*Part{d.Sequences, d.Blobs, d.Grants} {
			if p != nil {
				parts = append(parts, *p)
			}
		}
	}
	if m.Files != nil {
		parts = append(append(parts, m.Files.Index), m.Files.Packs...)
	}
	for _, d := range m.Documents {
		parts = append(parts, d.Part)
	}
	for _, b := range m.Buckets {
		parts = append(parts, b.List)
	}
	sort.Slice(parts, func(i, j int) bool { return parts[i].Name < parts[j].Name })
	return parts
}

// StoredBytes is the size of all parts.
func (m *Manifest) StoredBytes() int64 {
	var n int64
	for _, p := range m.Parts() {
		n += p.Size
	}
	return n
}

// encode gives the manifest's bytes: two-space JSON, one final newline.
func (m *Manifest) encode() ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(m); err != nil {
		return nil, fmt.Errorf("encode manifest: %w", err)
	}
	return buf.Bytes(), nil
}

// sums gives the bytes of SHA256SUMS: what sha256sum -c checks, the manifest
// included.
func (m *Manifest) sums(manifestSHA256 string) []byte {
	var buf bytes.Buffer
	for _, p := range m.Parts() {
		fmt.Fprintf(&buf, "%s  %s\n", p.SHA256, p.Name)
	}
	fmt.Fprintf(&buf, "%s  %s\n", manifestSHA256, manifestName)
	return buf.Bytes()
}

// DecodeManifest reads a manifest strictly: unknown fields, another format,
// illegal names and impossible sizes are errors. It does not look at parts.
func DecodeManifest(r io.Reader) (*Manifest, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxManifest+1))
	if err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	if len(data) > maxManifest {
		return nil, fmt.Errorf("read manifest: larger than %d bytes", maxManifest)
	}
	var head struct{ Format string }
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	if head.Format != Format {
		return nil, fmt.Errorf("read manifest: format %q; this program reads %q", head.Format, Format)
	}
	var m Manifest
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&m); err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("read manifest: something follows its end")
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	return &m, nil
}

func (m *Manifest) check() error {
	if err := checkID(m.ID); err != nil {
		return err
	}
	seen := map[string]bool{manifestName: true, sumsName: true, permanentName: true}
	for _, p := range m.Parts() {
		if err := CheckObjectName(p.Name); err != nil {
			return err
		}
		if seen[p.Name] {
			return fmt.Errorf("part %s is listed twice", p.Name)
		}
		seen[p.Name] = true
		if p.Size < 0 || p.PlainSize < 0 || !isSHA256(p.SHA256) || p.PlainSHA256 != "" && !isSHA256(p.PlainSHA256) {
			return fmt.Errorf("part %s: bad size or sha256", p.Name)
		}
	}
	for _, id := range m.Parents {
		if err := checkID(id); err != nil {
			return fmt.Errorf("parent: %w", err)
		}
		if id >= m.ID {
			return fmt.Errorf("parent %s is not older than %s", id, m.ID)
		}
	}
	if m.Database != nil {
		return m.Database.check()
	}
	return nil
}

func (d *Database) check() error {
	if !isWord(d.Encoding) {
		return fmt.Errorf("encoding %q", d.Encoding)
	}
	known := map[PieceTable]int64{}
	for _, t := range d.Tables {
		known[PieceTable{Schema: t.Schema, Name: t.Name}] = 0
	}
	for _, p := range d.Pieces {
		if len(p.Tables) == 0 {
			return fmt.Errorf("piece %s: it names no table", p.Name)
		}
		for _, t := range p.Tables {
			key := PieceTable{Schema: t.Schema, Name: t.Name}
			if _, ok := known[key]; !ok || t.Rows < 0 {
				return fmt.Errorf("piece %s: table %s.%s is not in the list of tables", p.Name, t.Schema, t.Name)
			}
			known[key] += t.Rows
		}
	}
	for _, t := range d.Tables {
		if got := known[PieceTable{Schema: t.Schema, Name: t.Name}]; got != t.Rows {
			return fmt.Errorf("table %s: the pieces hold %d rows, the table has %d", t, got, t.Rows)
		}
	}
	return nil
}

func isSHA256(s string) bool {
	_, err := parseSHA256([]byte(s))
	return err == nil
}

// parseSHA256 parses a hash as sha256sum writes it, in lower case.
func parseSHA256(text []byte) (sum [sha256.Size]byte, err error) {
	if len(text) != 2*len(sum) || bytes.ContainsAny(text, "ABCDEF") {
		return sum, fmt.Errorf("%.80q is no sha256; want 64 digits 0-9 and a-f", text)
	}
	if _, err := hex.Decode(sum[:], text); err != nil {
		return sum, fmt.Errorf("%q is no sha256: %w", text, err)
	}
	return sum, nil
}

// idLayout makes IDs that sort by time. Four hexadecimal digits follow.
const idLayout = "20060102T150405Z"

// checkID tells whether id could have been made by this package.
func checkID(id string) error {
	stamp, tail, ok := strings.Cut(id, "-")
	if _, err := time.Parse(idLayout, stamp); err == nil && ok && len(tail) == 4 {
		if _, err := hex.DecodeString(tail); err == nil && strings.ToLower(tail) == tail {
			return nil
		}
	}
	return fmt.Errorf("%q is no backup ID; want the form 20261121T074258Z-3fa9", id)
}

// parts lists the database's parts, in the order of loading.
func (d *Database) parts() []Part {
	list := []Part{d.PreData}
	if d.Blobs != nil {
		list = append(list, *d.Blobs)
	}
	for _, p := range d.Pieces {
		list = append(list, p.Part)
	}
	if d.Sequences != nil {
		list = append(list, *d.Sequences)
	}
	list = append(list, d.PostData)
	if d.Grants != nil {
		list = append(list, *d.Grants)
	}
	return list
}
