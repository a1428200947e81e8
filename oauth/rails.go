package oauth

import (
	"fmt"
	"strings"
)

// RailsScript gives a Ruby script that does an order inside GitLab's own
// model, for
//
//	gitlab-rails runner -e production script.rb
//
// It works for every GitLab since 9.0, holds no secret, and prints one line of
// JSON with the application id and, where GitLab shows it, the secret. The
// reader must be root's terminal or a file of mode 0600.
func RailsScript(o Order) (string, error) {
	if err := o.Want.Check(); err != nil {
		return "", err
	}
	if o.Credentials.ID != "" {
		if err := CheckID(o.Credentials.ID); err != nil {
			return "", err
		}
	}
	var uris []string
	for _, u := range o.Want.RedirectURIs {
		uris = append(uris, rubyString(u))
	}
	var b strings.Builder
	fmt.Fprintf(&b, `require 'json'

model = defined?(Authn::OauthApplication) ? Authn::OauthApplication : Doorkeeper::Application
name = %s
redirect_uris = [%s]
wanted = { redirect_uri: redirect_uris.join("\n"), scopes: %s, trusted: %t, confidential: %t }
wanted = wanted.select { |column, _| model.column_names.include?(column.to_s) }
uid = %s

app = if uid
        model.find_by(uid: uid)
      else
        same = model.where(name: name).select { |a| (a.redirect_uri.split & redirect_uris).any? }
        abort "several applications match: ids #{same.map(&:uid).join(', ')}" if same.size > 1
        same.first
      end
`, rubyString(o.Want.Name), strings.Join(uris, ", "), rubyString(o.Want.ScopeText()), o.Want.Trusted, o.Want.Confidential, rubyOrNil(o.Credentials.ID))
	switch o.Action {
	case ActionEnsure:
		b.WriteString(railsEnsure)
	case ActionReauthorize:
		b.WriteString("abort 'no such application' unless app\n" + railsRevokeTokens + railsEnsure)
	case ActionRenewSecret:
		b.WriteString("abort 'no such application' unless app\napp.renew_secret\n" + railsSave)
	case ActionRevoke:
		b.WriteString("abort 'no such application' unless app\napp.destroy!\nputs JSON.generate(id: app.uid)\n")
	default:
		return "", fmt.Errorf("action %q: want ensure, reauthorize, renew-secret or revoke", shorten(string(o.Action)))
	}
	return b.String(), nil
}

const railsRevokeTokens = `app.access_grants.delete_all if app.respond_to?(:access_grants)
app.access_tokens.delete_all if app.respond_to?(:access_tokens)
`

const railsEnsure = `app ||= model.new(name: name)
wanted[:redirect_uri] = (redirect_uris | app.redirect_uri.to_s.split).join("\n")
wanted[:trusted] = true if wanted.key?(:trusted) && app.trusted
app.assign_attributes(wanted)
app.organization_id ||= 1 if model.column_names.include?('organization_id')
` + railsSave

const railsSave = `app.save!
shown = app.respond_to?(:plaintext_secret) ? app.plaintext_secret : app.secret
puts JSON.generate(id: app.uid, secret: shown)
`

func rubyOrNil(s string) string {
	if s == "" {
		return "nil"
	}
	return rubyString(s)
}
