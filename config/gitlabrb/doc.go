// Package gitlabrb reads and edits /etc/gitlab/gitlab.rb without running it.
// Most callers need Evaluate, which says what settings a file makes, or Parse,
// whose File can be edited byte-exactly.
//
// # What is read
//
// gitlab.rb is a Ruby program. GitLab's package runs it on an object whose
// methods are the settings, in a strict mode where an unknown name is an error.
// This package has its own lexer and parser for nearly all of Ruby's grammar,
// and an evaluator for the part of Ruby that settings files use: literals,
// hashes, arrays, strings of every kind, heredocs, interpolation, variables,
// conditions, loops over known lists, simple methods and lambdas, begin and
// rescue, and the common methods of strings, arrays, hashes and numbers. ENV,
// files, the host name and the output of commands come from Lookups only;
// nothing is ever run.
//
// What cannot be known is the value Undecided, with the place and the reason;
// it is never guessed. A condition that is undecided makes everything that its
// branches assign undecided.
//
// # The rules of the settings file
//
// The evaluator behaves as GitLab 18.11 did:
//
//  1. name 'v', name('v') and name['key'] = 'v' set; name = 'v' only makes a
//     local variable (finding gitlabrb.local-not-setting).
//  2. A name that the GitLab version does not know is an error.
//  3. Keys are strings: mattermost[:enable] is mattermost['enable'].
//  4. Reading a key that is not set stores an empty hash under it and returns
//     that, which counts as true. So name['key'] ||= 'v' never assigns
//     (gitlabrb.or-assign), and a key that is only read hides its default
//     (gitlabrb.read-missing). dig, fetch and key? store nothing.
//  5. The last assignment wins (gitlabrb.shadowed reports the others).
//  6. nil is kept here; GitLab drops such keys later, so nil means "default".
//  7. Local variables do not cross from_file. Behind a from_file that returned,
//     rules 2 and 4 no longer hold: unknown names are accepted and reading a
//     missing key gives nil.
//
// Further findings: gitlabrb.unknown-key (a key that GitLab ignores, with a
// spelling suggestion) and gitlabrb.may-fail (an error on a line of which it is
// not known whether it runs). The ids are stable.
//
// # Editing
//
// File.Set, Append, Uncomment and Unset change one setting and leave every
// other byte as it is; File.WriteFile writes the result with the mode and owner
// of the old file. What stands in a condition, loop or method, or may be meant
// by a computed key, is refused with its line (ErrNotEditable), never edited
// blindly. File.OneLine prints a file for GITLAB_OMNIBUS_CONFIG.
//
// # What is not promised
//
// Ruby that is parsed and not evaluated (classes, most regular expressions,
// methods that settings files do not use) gives Undecided; pattern matching and
// encodings other than UTF-8 are refused with ErrUnsupported. Errors that Ruby
// finds behind its parser, such as a regular expression that cannot be
// compiled, are not noticed. The wording of messages may change; finding ids
// and error values do not.
//
// # Limits
//
// A file is hostile until checked. Parse refuses more than MaxSize bytes and
// more than 250 levels of nesting; evaluation stops with an error after two
// million steps, 32 MB of text built, 150 nested calls or 100 included texts.
package gitlabrb
