package oauth

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// User is what Mattermost reads of GitLab's /api/v4/user.
type User struct {
	ID       int64  `json:"id"`
	Username string `json:"username"`
	Login    string `json:"login,omitempty"` // used when Username is empty
	Name     string `json:"name"`
	Email    string `json:"email"`
	State    string `json:"state,omitempty"`
}

// The reasons for which Mattermost refuses a GitLab user.
var (
	ErrNoUserID = errors.New("the answer has no user id; the user endpoint must be /api/v4/user")
	ErrNoEmail  = errors.New("the GitLab account shows no e-mail address, which Mattermost requires")
)

// Check reports what makes Mattermost say "Could not parse auth data out of
// gitlab user object": id 0 or no e-mail address.
func (u User) Check() error {
	switch {
	case u.ID <= 0:
		return ErrNoUserID
	case strings.TrimSpace(u.Email) == "":
		return ErrNoEmail
	}
	return nil
}

// MattermostUser is what Mattermost stores of a GitLab user at the first
// login.
type MattermostUser struct {
	AuthService   string // always gitlab
	AuthData      string // GitLab's numeric id in decimal: the only link
	Username      string
	Email         string // lower case
	EmailVerified bool   // always true
	FirstName     string
	LastName      string
}

// Mattermost maps a GitLab user as Mattermost does: the login name cleaned
// ([CleanUsername]), the name split at its first blank, the e-mail address in
// lower case. Mattermost looks accounts up by AuthData alone; a GitLab that was
// rebuilt with other ids locks everybody out.
func (u User) Mattermost() (MattermostUser, error) {
	if err := u.Check(); err != nil {
		return MattermostUser{}, err
	}
	login := u.Username
	if login == "" {
		login = u.Login
	}
	name := CleanUsername(login)
	if name == "" {
		// Mattermost takes a random name here; this one can be found again.
		name = "a" + strconv.FormatInt(u.ID, 10)
	}
	first, last, _ := strings.Cut(u.Name, " ")
	return MattermostUser{
		AuthService: "gitlab", AuthData: strconv.FormatInt(u.ID, 10), Username: name, Email: strings.ToLower(u.Email),
		EmailVerified: true, FirstName: first, LastName: last,
	}, nil
}

// reservedNames cannot be user names in Mattermost, since they are paths.
var reservedNames = [...]string{
	"admin", "api", "channel", "claim", "error", "files", "help", "landing", "login", "mfa", "oauth", "plug",
	"plugins", "post", "signup", "boards", "playbooks",
}

// restrictedNames are mentions.
var restrictedNames = [...]string{"all", "channel", "matterbot", "system"}

// CleanUsername applies Mattermost's rules in their order: lower case; blanks
// to hyphens; a reserved name is emptied; other characters than a-z, 0-9, dot,
// hyphen and underscore to hyphens; hyphens at both ends cut. "" means that
// nothing usable is left: then Mattermost takes the letter a and a random id.
func CleanUsername(name string) string {
	s := strings.ToLower(strings.ReplaceAll(name, " ", "-"))
	if slices.Contains(reservedNames[:], s) {
		s = ""
	}
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, strings.TrimSpace(s))
	s = strings.Trim(s, "-")
	if len(s) > 64 || slices.Contains(restrictedNames[:], s) {
		return ""
	}
	return s
}

// FreeUsername is the name that a new account gets when others have taken it:
// Mattermost appends 0, 1, 2 and so on.
func FreeUsername(name string, taken func(string) bool) (string, error) {
	if !taken(name) {
		return name, nil
	}
	for i := range 10000 {
		if next := name + strconv.Itoa(i); !taken(next) {
			return next, nil
		}
	}
	return "", fmt.Errorf("user name %q: ten thousand variants are taken", shorten(name))
}
