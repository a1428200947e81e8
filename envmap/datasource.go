package envmap

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/gitlab-mattermost/sdk/internal/redact"
)

// Secret is a text that never shows when it is printed or logged.
type Secret = redact.Secret

// databaseURL turns a PostgreSQL data source, as a URL or as key=value words,
// into a postgres:// URL that another machine can use. A Unix socket cannot be.
// Errors never hold the text.
func databaseURL(source string) (string, error) {
	if source == "" {
		return "", errors.New("no data source is set")
	}
	if strings.HasPrefix(source, "postgres://") || strings.HasPrefix(source, "postgresql://") {
		u, err := url.Parse(source)
		if err != nil {
			return "", errors.New("the data source is no URL")
		}
		if u.Hostname() == "" || strings.HasPrefix(u.Query().Get("host"), "/") {
			return "", errSocket
		}
		u.Scheme = "postgres"
		return u.String(), nil
	}
	words, err := keywords(source)
	if err != nil {
		return "", err
	}
	host := words["host"]
	if host == "" || strings.HasPrefix(host, "/") {
		return "", errSocket
	}
	u := url.URL{Scheme: "postgres", Host: host, Path: "/" + words["dbname"]}
	if words["port"] != "" {
		u.Host = net.JoinHostPort(host, words["port"])
	} else if strings.Contains(host, ":") {
		u.Host = "[" + host + "]"
	}
	if words["password"] != "" {
		u.User = url.UserPassword(words["user"], words["password"])
	} else if words["user"] != "" {
		u.User = url.User(words["user"])
	}
	query := url.Values{}
	for key, value := range words {
		switch key {
		case "host", "port", "dbname", "user", "password":
		default:
			query.Set(key, value)
		}
	}
	u.RawQuery = query.Encode()
	return u.String(), nil
}

var errSocket = errors.New("the data source is a Unix socket of this machine; give a database that the network reaches")

// keywords reads libpq's key=value form: values in single quotes may hold
// blanks, a backslash escapes.
func keywords(s string) (map[string]string, error) {
	words := map[string]string{}
	for {
		s = strings.TrimLeft(s, " \t\n\r")
		if s == "" {
			return words, nil
		}
		key, rest, ok := strings.Cut(s, "=")
		key = strings.TrimSpace(key)
		if !ok || !ValidName(key) {
			return nil, fmt.Errorf("the data source is neither a URL nor key=value words")
		}
		value, after, err := keywordValue(strings.TrimLeft(rest, " \t\n\r"))
		if err != nil {
			return nil, err
		}
		words[key], s = value, after
	}
}

func keywordValue(s string) (value, rest string, err error) {
	var b strings.Builder
	quote := strings.HasPrefix(s, "'")
	i := 0
	if quote {
		i = 1
	}
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case quote && c == '\'':
			return b.String(), s[i+1:], nil
		case !quote && strings.IndexByte(" \t\n\r", c) >= 0:
			return b.String(), s[i:], nil
		default:
			b.WriteByte(c)
		}
	}
	if quote {
		return "", "", errors.New("a quote in the data source is not closed")
	}
	return b.String(), "", nil
}
