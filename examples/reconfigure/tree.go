package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/gitlab-mattermost/sdk/config"
	"github.com/gitlab-mattermost/sdk/envmap"
	"github.com/gitlab-mattermost/sdk/internal/atomicfile"
)

// tree is what would be on the machine: absolute paths, shown before they are
// written below -out.
type tree struct {
	dirs  []config.Directory
	files []file
	links []config.Link
}

type file struct {
	path, mode, owner, group string
	data                     []byte
}

// entry is a file as the JSON output names it.
type entry struct {
	Path   string `json:"path"`
	Mode   string `json:"mode"`
	Owner  string `json:"owner"`
	Group  string `json:"group"`
	SHA256 string `json:"sha256"`
}

func (f file) entry() entry {
	sum := sha256.Sum256(f.data)
	return entry{f.path, f.mode, f.owner, f.group, hex.EncodeToString(sum[:])}
}

// newTree composes the packages' results into one tree.
func newTree(inst *config.Installation, env *envmap.Environment, vhost string) (tree, error) {
	var t tree
	add := func(path, mode string, data []byte) {
		t.files = append(t.files, file{path, mode, "root", "root", data})
	}
	if inst.StoredSecrets != nil {
		add(config.DefaultSecrets, "0600", inst.StoredSecrets.Bytes())
	}
	if !inst.Enabled {
		return t, nil
	}
	variables, err := env.DirFiles()
	if err != nil {
		return t, err
	}
	// The package gave these files no mode; they hold the OAuth secret and the
	// at-rest key, and only root reads them (chpst, before it drops rights).
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		add(path.Join(inst.Service.EnvDir, name), "0600", variables[name])
	}
	if inst.VHost.Enabled {
		add(inst.VHost.Path, "0644", []byte(vhost))
	}
	add(path.Join(inst.Service.Dir, "run"), "0755", []byte(inst.Service.Run))
	add(path.Join(inst.Service.Dir, "log/run"), "0755", []byte(inst.Service.LogRun))
	add(path.Join(inst.Service.Dir, "log/config"), "0644", []byte(inst.Service.LogCfg))
	t.dirs, t.links = inst.Directories, inst.Service.Links
	return t, nil
}

// writeTree writes the tree below out, atomically file by file. Links inside
// out cannot lead a write outside it.
func writeTree(out string, t tree) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return fmt.Errorf("create the output directory: %w", err)
	}
	root, err := os.OpenRoot(out)
	if err != nil {
		return fmt.Errorf("open the output directory: %w", err)
	}
	defer root.Close() // read-only handle, nothing to lose
	for _, d := range t.dirs {
		if err := writeDir(root, d); err != nil {
			return fmt.Errorf("%s: %w", out, err)
		}
	}
	for _, f := range t.files {
		mode, err := parseMode(f.mode)
		if err != nil {
			return err
		}
		if err := atomicfile.WriteRoot(root, relative(f.path), f.data, mode); err != nil {
			return fmt.Errorf("%s: %w", out, err)
		}
	}
	for _, l := range t.links {
		if err := writeLink(root, l); err != nil {
			return fmt.Errorf("%s: %w", out, err)
		}
	}
	return nil
}

// effective fills in what the package left to the umask and to root.
func effective(d config.Directory) config.Directory {
	d.Owner, d.Group, d.Mode = cmp.Or(d.Owner, "root"), cmp.Or(d.Group, "root"), cmp.Or(d.Mode, "0755")
	return d
}

func writeDir(root *os.Root, d config.Directory) error {
	mode, err := parseMode(effective(d).Mode)
	if err != nil {
		return err
	}
	if err := root.MkdirAll(relative(d.Path), 0o755); err != nil {
		return fmt.Errorf("create directory %s: %w", d.Path, err)
	}
	return root.Chmod(relative(d.Path), mode)
}

// writeLink makes a link that points to where its target will be on the
// machine; below out it dangles on purpose.
func writeLink(root *os.Root, l config.Link) error {
	name := relative(l.Path)
	if old, err := root.Readlink(name); err == nil && old == l.Target {
		return nil
	}
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return fmt.Errorf("create directory of %s: %w", l.Path, err)
	}
	if err := root.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("replace link %s: %w", l.Path, err)
	}
	return root.Symlink(l.Target, name)
}

// relative turns an absolute path of the machine into one below the output
// directory. os.Root refuses whatever still tries to leave it.
func relative(p string) string {
	return strings.TrimPrefix(path.Clean("/"+p), "/")
}

func parseMode(s string) (os.FileMode, error) {
	n, err := strconv.ParseUint(s, 8, 12)
	if err != nil {
		return 0, fmt.Errorf("file mode %q: %w", s, err)
	}
	return os.FileMode(n), nil
}
