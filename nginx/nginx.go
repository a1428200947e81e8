// Package nginx writes, checks, compares and imports the nginx virtual host of
// a Mattermost server. Most callers fill a Site (or take one from FromGitLab)
// and call Render; Check reads a vhost back and reports what is wrong with it.
//
// Two layouts are known. A Site with an Era is written as the template of that
// GitLab version wrote it, from 7.14 to 18.11, traps included: what an existing
// installation has must be reproduced to be understood or moved. A Site without
// one is written for nginx on a host without GitLab, with the traps fixed.
//
// Every text in a Site is one nginx parameter and stays one: it is quoted, or
// Render refuses it and names the field. Only Site.Custom goes in as it is.
//
// What is not promised: the layout and comments of the text (they may improve
// between versions of this package; the directives of an Era do not change).
package nginx

import "fmt"

// Render returns the text of the vhost file, to be included at http level.
//
// Rules, in order:
//  1. Site.Validate must pass; its error names each wrong field.
//  2. Defaults are filled in as the fields document.
//  3. Directives are written for the target: a spelling that it does not know
//     is replaced by one with the same effect, or left out.
//
// The same Site and Target give the same bytes.
func Render(site *Site, target Target) (string, error) {
	list, err := site.Directives(target)
	if err != nil {
		return "", err
	}
	return Format(list), nil
}

// Directives is Render before it becomes text.
func (s *Site) Directives(target Target) ([]*Directive, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if err := target.Validate(); err != nil {
		return nil, err
	}
	if s.Era == "" {
		list := s.standalone(target)
		return list, checkLengths(list)
	}
	list, err := s.eraVHost(target)
	if err != nil {
		return nil, err
	}
	return list, checkLengths(list)
}

// checkLengths refuses parameters that grew too long for nginx when they were
// put together from several fields.
func checkLengths(list []*Directive) error {
	var err error
	walk(list, func(c *Directive) {
		for _, a := range c.Args {
			if len(a) < maxToken/2-2 { // quoting at most doubles it
				continue
			}
			if n := len(quote(a)); n > maxToken-2 && err == nil {
				err = fmt.Errorf("%s %q: nginx reads at most %d bytes in one parameter, this one has %d", c.Name, clip(a), maxToken-2, n)
			}
		}
	})
	return err
}
