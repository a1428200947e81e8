package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"unicode/utf8"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
)

// Where the package keeps its two files.
const (
	DefaultGitLabRB = "/etc/gitlab/gitlab.rb"
	DefaultSecrets  = "/etc/gitlab/gitlab-secrets.json"
)

// LoadOptions say which files Load reads and for what machine and version.
type LoadOptions struct {
	Root     string // both paths are below it; "" is "/"
	GitLabRB string // "" is DefaultGitLabRB
	Secrets  string // "" is DefaultSecrets, which may then be missing
	// SecretsFile stands for the secrets when they are not to be read from this
	// machine; Secrets is then not looked at.
	SecretsFile *SecretsFile
	// OmnibusConfig is the text of GITLAB_OMNIBUS_CONFIG, which the container
	// image evaluates before gitlab.rb; the file wins. "" is none.
	OmnibusConfig string
	Host          Host   // LocalHost(Root) for this machine
	GitLabVersion string // "" is 18.11
	Rand          io.Reader
}

// Loaded is what Load read and worked out.
type Loaded struct {
	Result       *gitlabrb.Result // nil when gitlab.rb cannot be parsed
	Secrets      *SecretsFile     // nil: there is none
	Installation *Installation    // nil when gitlab.rb cannot be parsed
}

// Load reads gitlab.rb and gitlab-secrets.json, evaluates and resolves them.
//
// What cannot be read at all (missing, a directory, too large, NUL bytes, not
// UTF-8, secrets that are not JSON) is an error that names the file. Errors in
// the settings are a gitlabrb.ErrorList; Loaded then still holds what is
// known. A secrets file that others may read is a finding.
func Load(o LoadOptions) (*Loaded, error) {
	l := &Loaded{}
	secrets, errs := o.loadSecrets()
	l.Secrets = secrets.file
	rb := o.GitLabRB
	if rb == "" {
		rb = DefaultGitLabRB
	}
	rb = below(o.Root, rb)
	source, err := readText(rb)
	if err != nil {
		return l, errors.Join(append(errs, err)...)
	}
	options := gitlabrb.Options{Lookups: o.Host.Lookups, GitLabVersion: o.GitLabVersion}
	if o.OmnibusConfig != "" {
		l.Result, err = evaluateContainer(o.OmnibusConfig, rb, source, options)
	} else {
		l.Result, err = gitlabrb.Evaluate(rb, source, options)
	}
	if err != nil {
		errs = append(errs, err)
	}
	if l.Result == nil || secrets.broken {
		return l, errors.Join(errs...)
	}
	l.Installation, err = Resolve(Input{GitLabRB: l.Result, Secrets: l.Secrets, Host: o.Host, GitLabVersion: o.GitLabVersion, Rand: o.Rand})
	if err != nil {
		errs = append(errs, err)
	}
	if secrets.mode.Perm()&0o077 != 0 {
		f, _ := ruleFinding(0, "secrets.readable", l.Secrets.Name(),
			fmt.Sprintf("the file with all secrets has mode %04o; others than its owner can read it", secrets.mode.Perm()), "chmod 0600 "+l.Secrets.Name())
		l.Installation.Findings = append(l.Installation.Findings, f)
	}
	return l, joinErrors(errs)
}

// loadedSecrets is what loadSecrets found.
type loadedSecrets struct {
	file   *SecretsFile
	mode   fs.FileMode // 0 when nothing was read
	broken bool        // there is a file, and it cannot be used
}

func (o LoadOptions) loadSecrets() (loadedSecrets, []error) {
	if o.SecretsFile != nil {
		return loadedSecrets{file: o.SecretsFile}, nil
	}
	name, optional := o.Secrets, false
	if name == "" {
		name, optional = DefaultSecrets, true
	}
	name = below(o.Root, name)
	c, err := readBounded(name, secretsMax)
	if errors.Is(err, fs.ErrNotExist) && optional {
		return loadedSecrets{}, nil
	}
	if err != nil {
		return loadedSecrets{broken: true}, []error{err}
	}
	f, err := ParseSecrets(name, c.data)
	if err != nil {
		return loadedSecrets{broken: true}, []error{err}
	}
	return loadedSecrets{file: f, mode: c.mode}, nil
}

// joinErrors makes one list of several, so that a caller finds every place.
func joinErrors(errs []error) error {
	var all gitlabrb.ErrorList
	for _, err := range errs {
		var list gitlabrb.ErrorList
		if !errors.As(err, &list) {
			return errors.Join(errs...)
		}
		all = append(all, list...)
	}
	return all.Err()
}

// below is a path inside root.
func below(root, path string) string {
	if root == "" || root == "/" {
		return path
	}
	return filepath.Join(root, path)
}

// content is a file that was read.
type content struct {
	data []byte
	mode fs.FileMode
}

// readBounded reads a regular file of at most limit bytes.
func readBounded(path string, limit int) (*content, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", path, cause(err))
	case info.IsDir():
		return nil, fmt.Errorf("read %s: is a directory, want a file", path)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("read %s: not a regular file", path)
	case info.Size() > int64(limit):
		return nil, fmt.Errorf("read %s: file has %d bytes, more than the %d that are read", path, info.Size(), limit)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, cause(err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, cause(err))
	}
	if len(data) > limit {
		return nil, fmt.Errorf("read %s: more than the %d bytes that are read", path, limit)
	}
	return &content{data, info.Mode()}, nil
}

// readText is readBounded for a Ruby file.
func readText(path string) ([]byte, error) {
	c, err := readBounded(path, gitlabrb.MaxSize)
	if err != nil {
		return nil, err
	}
	if i := bytes.IndexByte(c.data, 0); i >= 0 {
		return nil, gitlabrb.ErrorList{{Pos: posAt(path, c.data, int64(i)), Message: "NUL byte: this is not a text file"}}
	}
	if !utf8.Valid(c.data) {
		return nil, gitlabrb.ErrorList{{Pos: posAt(path, c.data, invalidUTF8(c.data)), Message: "byte that is not UTF-8; save the file as UTF-8"}}
	}
	return c.data, nil
}

// cause strips the path that an *fs.PathError repeats.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
