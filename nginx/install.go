package nginx

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/gitlab-mattermost/sdk/internal/atomicfile"
)

// InstallPlan is the plan to put a vhost file into a running nginx: data
// until Apply is called.
type InstallPlan struct {
	Path string // the vhost file
	Old  []byte // what is there now, nil when nothing is
	New  []byte
	mode fs.FileMode
}

// PlanInstall compares text with the file at path and changes nothing. The
// directory must exist; a path that is no regular file is refused.
func PlanInstall(path, text string) (*InstallPlan, error) {
	plan := &InstallPlan{Path: path, New: []byte(text), mode: 0o644}
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
			return nil, fmt.Errorf("plan the vhost %s: its directory does not exist", path)
		}
		return plan, nil
	case err != nil:
		return nil, fmt.Errorf("plan the vhost: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("plan the vhost %s: it is not a regular file; name the file itself", path)
	}
	plan.mode = info.Mode().Perm()
	if plan.Old, err = readBounded(path); err != nil {
		return nil, fmt.Errorf("plan the vhost: %w", err)
	}
	return plan, nil
}

// Changes reports whether Apply would change anything.
func (p *InstallPlan) Changes() bool { return p.Old == nil || !bytes.Equal(p.Old, p.New) }

// Control says how the running nginx is reached.
type Control struct {
	Binary string // "" is nginx from PATH or /usr/sbin
	Conf   string // its main file; "" is the one compiled in
	Prefix string // its prefix; "" is the one compiled in
	// Verify, if set, is asked after the reload whether the site works; an
	// error rolls back. nginx reports a reload as done before it has tried.
	Verify func(context.Context) error
}

func (c Control) run(ctx context.Context, args ...string) (string, error) {
	path, err := findBinary(c.Binary)
	if err != nil {
		return "", err
	}
	if c.Prefix != "" {
		args = append(args, "-p", c.Prefix)
	}
	if c.Conf != "" {
		args = append(args, "-c", c.Conf)
	}
	out, err := combined(ctx, exec.Command(path, args...))
	if err != nil {
		return out, fmt.Errorf("nginx %s: %w: %s", args[0], err, strings.TrimSpace(out))
	}
	return out, nil
}

// Apply writes the file, has nginx test its whole configuration with it, and
// reloads. When the test, the reload or Verify fails, or ctx ends, the old
// file is put back (or the new one removed), nginx is reloaded again if it had
// been told to load the new one, and the error says what happened. It refuses
// to start when the file has changed since the plan was made.
func (p *InstallPlan) Apply(ctx context.Context, c Control) error {
	now, err := PlanInstall(p.Path, string(p.New))
	if err != nil {
		return err
	}
	if !bytes.Equal(now.Old, p.Old) {
		return fmt.Errorf("install %s: it has changed since the plan was made; plan again", p.Path)
	}
	if err := atomicfile.WriteFile(p.Path, p.New, p.mode); err != nil {
		return fmt.Errorf("install the vhost: %w", err)
	}
	if _, err := c.run(ctx, "-t"); err != nil {
		return errors.Join(fmt.Errorf("install %s: nginx refuses it, nothing was reloaded: %w", p.Path, err), p.restore())
	}
	_, err = c.run(ctx, "-s", "reload")
	if err == nil && c.Verify != nil {
		if err = c.Verify(ctx); err != nil {
			err = fmt.Errorf("the site does not work: %w", err)
		}
	}
	if err == nil {
		return nil
	}
	err = fmt.Errorf("install %s: rolled back: %w", p.Path, err)
	if restoreErr := p.restore(); restoreErr != nil {
		return errors.Join(err, restoreErr)
	}
	// The reload back must happen even when ctx has ended.
	if _, reloadErr := c.run(context.WithoutCancel(ctx), "-s", "reload"); reloadErr != nil {
		return errors.Join(err, fmt.Errorf("the old file is back; reload nginx by hand: %w", reloadErr))
	}
	return err
}

func (p *InstallPlan) restore() error {
	if p.Old == nil {
		if err := os.Remove(p.Path); err != nil {
			return fmt.Errorf("remove the new vhost: %w", err)
		}
		return atomicfile.SyncDir(filepath.Dir(p.Path))
	}
	if err := atomicfile.WriteFile(p.Path, p.Old, p.mode); err != nil {
		return fmt.Errorf("put the old vhost back: %w", err)
	}
	return nil
}

// readBounded reads a file of at most maxFile bytes.
func readBounded(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, maxFile)
	}
	return os.ReadFile(path)
}
