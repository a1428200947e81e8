package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gitlab-mattermost/sdk/config"
	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
	"github.com/gitlab-mattermost/sdk/envmap"
	"github.com/gitlab-mattermost/sdk/nginx"
	"github.com/gitlab-mattermost/sdk/oauth"
)

// report is the whole result; its JSON form is the interface for programs.
type report struct {
	Settings    settings           `json:"settings"`
	Undecided   []undecided        `json:"undecided"`
	Env         map[string]*string `json:"env"`
	Files       []entry            `json:"files"`
	Nginx       vhost              `json:"nginx"`
	OAuth       application        `json:"oauth_application"`
	Secrets     map[string]any     `json:"secrets"`
	GitLabYML   gitlabYML          `json:"gitlab_yml"`
	Database    databasePlan       `json:"database"`
	Accounts    accounts           `json:"accounts"`
	Directories []directory        `json:"directories"`
	Service     service            `json:"service"`
	AltNames    []string           `json:"letsencrypt_alt_names"`
	Findings    []config.Finding   `json:"findings"`
	Errors      []positioned       `json:"errors"`

	tree   tree
	inst   *config.Installation
	used   []string
	source string
	out    string
	dry    bool
	local  bool               // this machine was looked at
	alone  *config.Standalone // set for -target standalone
}

type settings struct {
	ExternalURL    any `json:"external_url"`
	MattermostURL  any `json:"mattermost_external_url"`
	Mattermost     any `json:"mattermost"`
	MattermostNgnx any `json:"mattermost_nginx"`
	GitLabRails    any `json:"gitlab_rails"`
}

type undecided struct {
	Key  string `json:"key"`
	Line int    `json:"line"`
	Why  string `json:"why"`
}

type vhost struct {
	Enabled    bool   `json:"enabled"`
	Path       string `json:"path"`
	Config     string `json:"config"`
	MainConfig string `json:"main_config"`
}

type application struct {
	Name         string   `json:"name"`
	RedirectURIs []string `json:"redirect_uris"`
	Scopes       []string `json:"scopes"`
	Trusted      bool     `json:"trusted"`
	Confidential bool     `json:"confidential"`
	Registration string   `json:"registration"`
	Reason       string   `json:"reason"`
}

type gitlabYML struct {
	Enabled bool    `json:"enabled"`
	Host    *string `json:"host"`
}

type databasePlan struct {
	Role       string `json:"role"`
	Name       string `json:"name"`
	DataSource string `json:"data_source"`
	Create     bool   `json:"create"`
}

type accounts struct {
	Manage bool   `json:"manage"`
	User   string `json:"user"`
	Group  string `json:"group"`
	UID    *int64 `json:"uid"`
	GID    *int64 `json:"gid"`
	Home   string `json:"home"`
	Shell  string `json:"shell"`
}

type directory struct {
	Path  string `json:"path"`
	Owner string `json:"owner"`
	Group string `json:"group"`
	Mode  string `json:"mode"`
}

type service struct {
	Name   string `json:"name"`
	Enable bool   `json:"enable"`
	Run    string `json:"run"`
	LogRun string `json:"log_run"`
	LogCfg string `json:"log_config"`
	EnvDir string `json:"env_directory"`
	Unit   string `json:"unit,omitempty"` // systemd, for -target standalone
}

type positioned struct {
	Message string `json:"message"`
	File    string `json:"file"`
	Line    int    `json:"line"`
	Col     int    `json:"col"`
}

// failure is the report of a run that could not read its input at all.
func failure(err error) *report {
	return &report{
		Settings:  settings{Mattermost: map[string]any{}, MattermostNgnx: map[string]any{}, GitLabRails: map[string]any{}},
		Undecided: []undecided{}, Env: map[string]*string{}, Files: []entry{}, Secrets: map[string]any{},
		OAuth:       application{RedirectURIs: []string{}, Scopes: []string{}},
		Directories: []directory{}, AltNames: []string{}, Findings: []config.Finding{}, Errors: positions(err),
	}
}

// positions spreads an error into its independent parts, each with its place,
// in the order of the places.
func positions(err error) []positioned {
	out := flatten([]positioned{}, err)
	slices.SortStableFunc(out, func(a, b positioned) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	return out
}

// atPlace is how errors print that carry their place in the text only.
var atPlace = regexp.MustCompile(`(?s)^([^\n]+?):([0-9]+):([0-9]+): (.*)$`)

func flatten(out []positioned, err error) []positioned {
	switch e := err.(type) {
	case nil:
		return out
	case *gitlabrb.Error:
		return append(out, positioned{e.Message, e.Pos.File, e.Pos.Line, e.Pos.Col})
	case interface{ Unwrap() []error }:
		for _, part := range e.Unwrap() {
			out = flatten(out, part)
		}
		return out
	}
	if m := atPlace.FindStringSubmatch(err.Error()); m != nil {
		line, _ := strconv.Atoi(m[2]) // digits; out of range cannot come from a bounded file
		col, _ := strconv.Atoi(m[3])
		return append(out, positioned{m[4], m[1], line, col})
	}
	return append(out, positioned{Message: err.Error()})
}

// evaluated turns settings as gitlab.rb gave them into JSON values.
func evaluated(r *gitlabrb.Result) settings {
	value := func(name string, missing any) any {
		v, ok := r.Lookup(name)
		if !ok {
			return missing
		}
		return jsonValue(v)
	}
	none := map[string]any{}
	return settings{
		ExternalURL:    value("external_url", nil),
		MattermostURL:  value("mattermost_external_url", nil),
		Mattermost:     value("mattermost", none),
		MattermostNgnx: value("mattermost_nginx", none),
		GitLabRails:    value("gitlab_rails", none),
	}
}

// jsonValue keeps a value's type; a symbol becomes its text, what could not be
// decided becomes null and stands in "undecided".
func jsonValue(v any) any {
	switch v := v.(type) {
	case gitlabrb.Symbol:
		return string(v)
	case *big.Int:
		return json.Number(v.String())
	case gitlabrb.Undecided:
		return nil
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = jsonValue(v[i])
		}
		return out
	case *gitlabrb.Hash:
		out := make(map[string]any, v.Len())
		for k, e := range v.All() {
			out[config.RubyText(k)] = jsonValue(e)
		}
		return out
	}
	return v
}

// severityOrder puts what stops the installation first.
func severityOrder(severity string) int {
	return slices.Index([]string{config.SeverityError, config.SeverityWarning, config.SeverityInfo}, severity)
}

// newReport composes what the packages say about the installation.
func newReport(o options, l *config.Loaded, loadErr error) (*report, error) {
	r, err := compose(o, l, loadErr)
	if err == nil {
		slices.SortStableFunc(r.Findings, func(a, b config.Finding) int {
			return severityOrder(a.Severity) - severityOrder(b.Severity)
		})
	}
	return r, err
}

func compose(o options, l *config.Loaded, loadErr error) (*report, error) {
	r := failure(loadErr)
	inst := l.Installation
	r.inst, r.out, r.dry, r.local, r.source = inst, o.out, o.dry, o.host == "", o.gitlabRB
	if l.Result != nil {
		r.Settings, r.used = evaluated(l.Result), l.Result.Used
		for _, u := range l.Result.Undecided {
			r.Undecided = append(r.Undecided, undecided{key(u.Path), u.Pos.Line, u.Why})
		}
	}
	if inst == nil {
		return r, nil
	}
	if loadErr != nil {
		r.Findings = append(r.Findings, inst.Findings...)
		return r, nil // the package would have stopped here
	}
	if o.target == "standalone" {
		return r, r.standalone(inst)
	}
	return r, r.linuxPackage(inst)
}

// linuxPackage is what GitLab's own package would have made.
func (r *report) linuxPackage(inst *config.Installation) error {
	r.Findings = append(r.Findings, inst.Findings...)
	env := envmap.FromInstallation(inst)
	if inst.Enabled {
		r.setEnv(env)
		for _, f := range env.DirLosses() {
			r.Findings = append(r.Findings, config.Finding(f))
		}
	}
	r.Nginx = vhost{Enabled: inst.VHost.Enabled, Path: inst.VHost.Path}
	if inst.VHost.Enabled {
		site, findings, err := nginx.FromGitLab(inst)
		r.renderVHost(site, findings, err)
	}
	r.describe(inst)
	if len(r.Errors) > 0 {
		return nil
	}
	tree, err := newTree(inst, env, r.Nginx.Config)
	r.setTree(tree)
	return err
}

func (r *report) setEnv(env *envmap.Environment) {
	for v := range env.All() {
		r.Env[v.Name] = v.Value
	}
}

func (r *report) setTree(t tree) {
	r.tree = t
	for _, f := range t.files {
		r.Files = append(r.Files, f.entry())
	}
}

// renderVHost turns a site into text; what is wrong with it is an error of the
// report.
func (r *report) renderVHost(site *nginx.Site, findings []nginx.Finding, err error) {
	if err == nil {
		for _, f := range findings {
			r.Findings = append(r.Findings, config.Finding(f))
		}
		var mainErr error
		r.Nginx.Config, err = nginx.Render(site, nginx.Target{})
		r.Nginx.MainConfig, mainErr = nginx.MainConfig(site, nginx.Target{})
		err = errors.Join(err, mainErr)
	}
	r.Errors = append(r.Errors, positions(err)...)
}

// describe fills in what the installation says about the machine.
func (r *report) describe(inst *config.Installation) {
	app := oauth.LinuxPackageApplication(inst.MattermostURL)
	if inst.MattermostURL == "" && !inst.Enabled {
		app.RedirectURIs = []string{} // no application is wanted
	}
	r.OAuth = application{
		Name: app.Name, RedirectURIs: app.RedirectURIs, Scopes: append([]string{}, app.Scopes...),
		Trusted: app.Trusted, Confidential: app.Confidential,
		Registration: inst.Registration.Action, Reason: inst.Registration.Reason,
	}
	if section := inst.StoredSecrets.Mattermost(); section != nil {
		r.Secrets, _ = jsonValue(section).(map[string]any)
	}
	r.GitLabYML = gitlabYML(inst.GitLabYML)
	db := inst.Database
	r.Database = databasePlan{db.Role, db.Name, db.DataSource, db.Create}
	r.Accounts = accounts(inst.Accounts)
	for _, d := range inst.Directories {
		r.Directories = append(r.Directories, directory(effective(d)))
	}
	s := inst.Service
	r.Service = service{Name: s.Name, Enable: s.Enable, Run: s.Run, LogRun: s.LogRun, LogCfg: s.LogCfg, EnvDir: s.EnvDir}
	r.AltNames = append(r.AltNames, inst.LetsEncrypt.AltNames...)
}

func (r *report) hasErrorFinding() bool {
	return slices.ContainsFunc(r.Findings, func(f config.Finding) bool { return f.Severity == config.SeverityError })
}

// key writes a path as gitlab.rb does: mattermost['env']['X'].
func key(path []string) string {
	if len(path) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(path[0])
	for _, p := range path[1:] {
		b.WriteString("['" + p + "']")
	}
	return b.String()
}
