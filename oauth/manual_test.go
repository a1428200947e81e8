package oauth_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/oauth"
)

func TestManualRouteGivesExactValuesForTheVersion(t *testing.T) {
	for _, c := range []struct {
		version string
		fields  string
		reason  string
	}{
		{"8.12", "Name|Redirect URI|Scopes", "before trusted and confidential"},
		{"10.8", "Name|Redirect URI|Trusted|Scopes", "before confidential"},
		{"18.11", "Name|Redirect URI|Trusted|Confidential|Scopes", "now"},
		{"", "Name|Redirect URI|Trusted|Confidential|Scopes", "version not known"},
	} {
		r := &oauth.ManualRoute{GitLabURL: "https://gitlab.example.com/"}
		if c.version != "" {
			r.Version = mustVersion(t, c.version)
		}
		p, err := r.Plan(ctx, oauth.Order{Action: oauth.ActionEnsure, Want: desired(t)})
		if err != nil {
			t.Fatal(err)
		}
		var fields []string
		values := map[string]string{}
		for _, v := range p.Instructions.Values {
			fields = append(fields, v.Field)
			values[v.Field] = v.Value
		}
		if strings.Join(fields, "|") != c.fields {
			t.Errorf("%s: %v: %s", c.version, fields, c.reason)
		}
		if values["Redirect URI"] != "https://mm.example.com/signup/gitlab/complete\nhttps://mm.example.com/login/gitlab/complete" || values["Scopes"] != "read_user" {
			t.Errorf("values %q", values)
		}
		if p.Instructions.Open != "https://gitlab.example.com/admin/applications" {
			t.Errorf("page %s", p.Instructions.Open)
		}
	}
}

func TestManualRouteChecksWhatComesBack(t *testing.T) {
	r := &oauth.ManualRoute{GitLabURL: "https://gitlab.example.com"}
	if _, err := r.Find(ctx, desired(t), oauth.Credentials{}); !errors.Is(err, oauth.ErrCannot) {
		t.Errorf("find: %v", err)
	}
	if _, err := oauth.Ensure(ctx, r, desired(t), oauth.Credentials{}); !errors.Is(err, oauth.ErrCannot) {
		t.Errorf("nobody answers: %v", err)
	}
	for _, c := range []struct {
		c       oauth.Credentials
		message string
	}{
		{given, ""},
		{oauth.Credentials{ID: "gloas-0123", Secret: "x"}, "swapped"},
		{oauth.Credentials{ID: "id", Secret: "********"}, "masked"},
		{oauth.Credentials{ID: "id", Secret: "secret "}, "blank at its start or end"},
		{oauth.Credentials{ID: "same", Secret: "same"}, "same text"},
		{oauth.Credentials{ID: "id"}, "secret: is empty"},
	} {
		r.Answer = func(context.Context, oauth.Instructions) (oauth.Credentials, error) { return c.c, nil }
		res, err := oauth.Ensure(ctx, r, desired(t), oauth.Credentials{})
		if (err == nil) != (c.message == "") || err != nil && !strings.Contains(err.Error(), c.message) {
			t.Errorf("%q: %v", c.message, err)
		}
		if err == nil && res.Credentials != given {
			t.Error("the credentials are lost")
		}
	}
	for _, action := range []oauth.Action{oauth.ActionReauthorize, oauth.ActionRenewSecret, oauth.ActionRevoke} {
		p, err := r.Plan(ctx, oauth.Order{Action: action, Want: desired(t)})
		if err != nil || len(p.Instructions.Steps) < 2 {
			t.Errorf("%s: %v", action, err)
		}
	}
}

// railsModel is as much of ActiveRecord as the script uses, with a file as its
// table.
const railsModel = `
require 'json'
module Doorkeeper
  class Application
    FILE = ARGV.fetch(0)
    COLUMNS = JSON.parse(ENV.fetch('COLUMNS_OF_ERA'))
    ROWS = File.exist?(FILE) ? JSON.parse(File.read(FILE)) : []
    def self.column_names = COLUMNS
    def self.all_rows = ROWS.map { |r| new(r) }
    def self.find_by(uid:) = all_rows.find { |a| a.uid == uid }
    def self.where(name:) = all_rows.select { |a| a.name == name }
    def initialize(values = {}) = (@v = {}; values.each { |k, x| @v[k.to_s] = x })
    def assign_attributes(values) = values.each { |k, x| raise "no column #{k}" unless COLUMNS.include?(k.to_s); @v[k.to_s] = x }
    %w[name uid redirect_uri scopes trusted confidential organization_id].each do |c|
      define_method(c) { @v[c] }
      define_method(c + '=') { |x| @v[c] = x }
    end
    def renew_secret = @v['secret'] = 'renewed-secret'
    def plaintext_secret = @v['secret']
    def save!
      raise 'organization_id is missing' if COLUMNS.include?('organization_id') && !organization_id
      @v['uid'] ||= 'generated-id'
      @v['secret'] ||= 'generated-secret'
      ROWS.reject! { |r| r['uid'] == uid }
      ROWS << @v
      File.write(FILE, JSON.generate(ROWS))
    end
    def destroy!
      ROWS.reject! { |r| r['uid'] == uid }
      File.write(FILE, JSON.generate(ROWS))
    end
  end
end
`

func TestRailsScriptRunsInRuby(t *testing.T) {
	for _, columns := range []string{`["name","uid","redirect_uri","scopes"]`, `["name","uid","redirect_uri","scopes","trusted","confidential","organization_id"]`} {
		dir := t.TempDir()
		table := filepath.Join(dir, "table.json")
		run := func(o oauth.Order) (map[string]string, error) {
			t.Helper()
			script, err := oauth.RailsScript(o)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, "script.rb")
			if err := os.WriteFile(file, []byte(railsModel+script), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command("ruby", "-W", file, table)
			cmd.Env = append(os.Environ(), "COLUMNS_OF_ERA="+columns)
			out, err := cmd.Output()
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				return nil, errors.New(string(exit.Stderr))
			} else if err != nil {
				t.Fatal(err)
			}
			var doc map[string]string
			if err := json.Unmarshal(out, &doc); err != nil {
				t.Fatalf("%v in %q", err, out)
			}
			return doc, nil
		}
		order := oauth.Order{Action: oauth.ActionEnsure, Want: desired(t)}
		for range 2 {
			if doc, err := run(order); err != nil || doc["id"] != "generated-id" || doc["secret"] != "generated-secret" {
				t.Fatalf("%v %v", doc, err)
			}
		}
		text, err := os.ReadFile(table)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(string(text), "signup/gitlab/complete") != 1 || strings.Contains(columns, "trusted") != strings.Contains(string(text), `"trusted":true`) {
			t.Errorf("table %s", text)
		}
		order.Action = oauth.ActionRenewSecret
		if doc, err := run(order); err != nil || doc["secret"] != "renewed-secret" {
			t.Errorf("%v %v", doc, err)
		}
		order.Action = oauth.ActionReauthorize
		if _, err := run(order); err != nil {
			t.Error(err)
		}
		order.Action, order.Credentials.ID = oauth.ActionRevoke, "generated-id"
		if _, err := run(order); err != nil {
			t.Error(err)
		}
		if _, err := run(order); err == nil || !strings.Contains(err.Error(), "no such application") {
			t.Errorf("revoked twice: %v", err)
		}
	}
}

func TestRailsScriptQuotesHostileNames(t *testing.T) {
	a := desired(t)
	a.Name = `'; system('touch pwned'); '#{1}\`
	script, err := oauth.RailsScript(oauth.Order{Action: oauth.ActionEnsure, Want: a})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(script, `name = '\'; system(\'touch pwned\'); \'#{1}\\'`) {
		t.Errorf("not quoted:\n%s", script)
	}
	cmd := exec.Command("ruby", "-c")
	cmd.Stdin = strings.NewReader(script)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("ruby: %v %s", err, out)
	}
}
