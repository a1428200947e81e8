// Package config works out what GitLab's Linux package made of a gitlab.rb for
// its bundled Mattermost, from 7.14 to 18.11, and what 19.x still does.
// Most callers need [Load], or [Resolve] when they have the texts already; the
// result is an [Installation]: every setting with its origin, the decisions of
// the package, and findings about what will bite.
//
// Nothing is executed. gitlab.rb is read by package gitlabrb; what cannot be
// decided without running Ruby is an error where Mattermost depends on it and
// ignored elsewhere. All facts about the machine are an explicit [Host], so
// that a plan for another machine is possible: [LocalHost] looks at this one,
// [Facts] describes any.
//
//	loaded, err := config.Load(config.LoadOptions{Host: config.LocalHost("/")})
//	if err != nil {
//		return err
//	}
//	url, _ := loaded.Installation.Mattermost.Text("service_site_url")
//
// Around that:
//
//   - [Explain] says where a value comes from, what it overrides and feeds.
//   - [Rules] lists the findings with the versions they hold for; findings of
//     the settings file itself ("gitlabrb.…") are passed on.
//   - [KeyAt], [Catalogue] and [Eras] know every key of every version;
//     [Installation.LegacyConfigJSON] renders the config.json of before 11.0.
//   - [CheckConfig] answers what gitlab-ctl check-config will say, bugs of the
//     running version included.
//   - [Drift] compares config.json with gitlab.rb; [OwnServer] gives the lines
//     for a Mattermost on its own machine.
//
// # Values
//
// A value is one of the Go types that package gitlabrb lists; [RubyText] gives
// the text that reaches a variable or template. nil means "not set": in
// gitlab.rb it is dropped before the defaults apply, while false and "" are
// values. Secrets are in the values themselves; an [Attribute], a [SecretsFile]
// and a [ConfigJSON] mask them whenever they are formatted.
//
// # What is not promised
//
// The wording of messages and findings; ids and severities are stable. White
// space of a generated config.json other than that of GitLab 10.8.
package config
