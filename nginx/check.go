package nginx

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Check reads a vhost (or a whole nginx.conf) without nginx and reports what
// nginx would refuse, what it would accept and Mattermost users would notice,
// and what hides something else. file is the name for messages.
//
// It checks, in this order: syntax; that each directive is known, stands in a
// context that allows it, has the number and kind of arguments it needs, is
// not repeated where it may not be, and exists in the target's version;
// locations that are given twice or never reached; and what Mattermost needs
// (websocket upgrades, the scheme, body size, headers that a location hides).
//
// Directives of third-party modules are unknown to it and reported as such.
// Includes are not followed; Load does that first.
func Check(file string, src []byte, target Target) []Finding {
	list, err := Parse(file, src)
	if err != nil {
		where := file
		var syntax *SyntaxError
		if errors.As(err, &syntax) {
			where = fmt.Sprintf("%s:%d", file, syntax.Line)
			err = errors.New(syntax.Message)
		}
		return []Finding{{ID: "nginx.syntax", Severity: SeverityError, Message: err.Error(), Where: where,
			Fix: "close every quote and block, end every directive with \";\""}}
	}
	return CheckDirectives(list, target)
}

// CheckDirectives is Check for text that has been read already.
func CheckDirectives(list []*Directive, target Target) []Finding {
	c := &checker{rules: directiveRules(), target: target}
	c.block(list, topContext(list))
	for _, server := range serversOf(list) {
		c.locations(server)
		c.mattermost(server, list)
	}
	return c.findings
}

// topContext tells what kind of file this is by what stands at its top.
func topContext(list []*Directive) byte {
	for _, dir := range list {
		switch dir.Name {
		case "http", "events", "stream", "worker_processes", "pid":
			return inMain
		case "server", "upstream", "map", "log_format", "proxy_cache_path", "geo", "limit_req_zone":
			return inHTTP
		}
	}
	for _, dir := range list {
		switch dir.Name {
		case "location", "listen", "server_name":
			return inServer
		}
	}
	return inHTTP
}

// serversOf finds the http servers of a vhost or of a whole file.
func serversOf(list []*Directive) []*Directive {
	var out []*Directive
	for _, dir := range list {
		switch dir.Name {
		case "server":
			if dir.HasBlock {
				out = append(out, dir)
			}
		case "http":
			out = append(out, serversOf(dir.Block)...)
		}
	}
	return out
}

type checker struct {
	rules    map[string][]rule
	target   Target
	findings []Finding
}

func (c *checker) add(dir *Directive, id, severity, fix, format string, args ...any) {
	c.findings = append(c.findings, Finding{
		ID: id, Severity: severity, Where: position(dir), Message: fmt.Sprintf(format, args...), Fix: fix,
	})
}

func position(dir *Directive) string {
	if dir.Line == 0 {
		return dir.Name
	}
	return fmt.Sprintf("%s:%d", dir.File, dir.Line)
}

func (c *checker) block(list []*Directive, context byte) {
	if context == inAnything {
		return
	}
	seen := map[string]*Directive{}
	for _, dir := range list {
		if dir.isLayout() {
			if dir.Raw != "" {
				c.raw(dir, context)
			}
			continue // a comment or an empty line
		}
		r, ok := c.directive(dir, context)
		if !ok {
			continue
		}
		if first := seen[dir.Name]; first != nil && !r.multi {
			c.add(dir, "nginx.duplicate", SeverityError, "keep one of them",
				"%q is given twice in one block, first on line %d", dir.Name, first.Line)
		}
		seen[dir.Name] = dir
		if r.block != "" {
			c.block(dir.Block, r.block[0])
		}
	}
}

// raw checks the user's own text in its place.
func (c *checker) raw(dir *Directive, context byte) {
	list, err := Parse("custom configuration", []byte(dir.Raw))
	if err != nil {
		c.add(dir, "nginx.custom-config", SeverityError, "close every block and end every directive with \";\"", "%v", err)
		return
	}
	c.block(list, context)
}

// directive checks one directive by itself; false when nothing is known of it.
func (c *checker) directive(dir *Directive, context byte) (rule, bool) {
	rules, known := c.rules[dir.Name]
	if !known {
		c.add(dir, "nginx.unknown-directive", SeverityWarning,
			"check the spelling; a directive of a third-party module is fine if nginx has it",
			"the directive %q is not known", clip(dir.Name))
		return rule{}, false
	}
	r, allowed := rules[0], false
	for _, candidate := range rules {
		if strings.IndexByte(candidate.contexts, context) >= 0 {
			r, allowed = candidate, true
			break
		}
	}
	if !allowed {
		c.add(dir, "nginx.context", SeverityError, "move it to "+contextNames(r.contexts),
			"%q may not stand in %s", dir.Name, contextNames(string(context)))
		return r, false
	}
	c.shape(dir, r)
	if dir.Name == "listen" {
		c.listen(dir, context)
	}
	switch {
	case r.since != "" && c.target.Nginx != "" && !atLeast(c.target.Nginx, r.since):
		c.add(dir, "nginx.version", SeverityError, "render for this version, or upgrade nginx",
			"%q needs nginx %s, the target is %s", dir.Name, r.since, c.target.Nginx)
	case r.until != "" && atLeast(c.target.Nginx, r.until):
		c.add(dir, "nginx.version", SeverityError, "render for this version",
			"%q is gone since nginx %s, the target is %s", dir.Name, r.until, c.target.Nginx)
	}
	return r, true
}

// shape checks block against ";", the number of arguments and their kind.
func (c *checker) shape(dir *Directive, r rule) {
	if dir.HasBlock != (r.block != "") {
		fix := "end it with \";\""
		if r.block != "" {
			fix = "open a block with \"{\""
		}
		c.add(dir, "nginx.block", SeverityError, fix, "%q %s", dir.Name,
			map[bool]string{true: "has a block and takes none", false: "needs a block"}[dir.HasBlock])
		return
	}
	if n := len(dir.Args); n < r.min || r.max >= 0 && n > r.max {
		c.add(dir, "nginx.arguments", SeverityError, "nginx refuses the whole file over this",
			"%q takes %s arguments, not %d", dir.Name, arity(r), n)
		return
	}
	if err := checkValue(r.value, dir.Arg(0)); err != nil {
		c.add(dir, "nginx.value", SeverityError, err.Error(), "%q does not take %q", dir.Name, clip(dir.Arg(0)))
	}
}

// listen checks the flags behind the address.
func (c *checker) listen(dir *Directive, context byte) {
	for _, flag := range dir.Args[min(1, len(dir.Args)):] {
		name, _, _ := strings.Cut(flag, "=")
		switch name {
		case "default_server", "default", "ssl", "proxy_protocol", "bind", "reuseport", "deferred", "setfib", "fastopen",
			"backlog", "rcvbuf", "sndbuf", "accept_filter", "ipv6only", "so_keepalive":
			continue
		case "udp":
			if context == inStreamS {
				continue
			}
		case "http2":
			if c.target.http2Directive() {
				c.add(dir, "nginx.http2-flag", SeverityInfo, `write "http2 on;" in the server`,
					"the http2 flag of listen is deprecated since nginx 1.25.1")
			}
			continue
		case "quic":
			if c.target.Nginx == "" || atLeast(c.target.Nginx, "1.25.0") {
				continue
			}
		}
		c.add(dir, "nginx.arguments", SeverityError, "end the directive with \";\" before the next one",
			"\"listen\" has no parameter %q here", clip(flag))
	}
}

func checkValue(kind, value string) error {
	if strings.Contains(value, "$") {
		return nil // known at run time only
	}
	switch kind {
	case "flag":
		return checkFlag(value)
	case "size":
		return checkSize(value)
	case "time":
		return checkTime(value)
	case "number":
		if !isDigits(value) && value != "auto" {
			return errors.New("want a number")
		}
	}
	return nil
}

func arity(r rule) string {
	switch {
	case r.max < 0:
		return strconv.Itoa(r.min) + " or more"
	case r.min == r.max:
		return strconv.Itoa(r.min)
	}
	return fmt.Sprintf("%d to %d", r.min, r.max)
}

func contextNames(contexts string) string {
	names := map[rune]string{inMain: "main", inEvents: "events", inHTTP: "http", inServer: "server",
		inLocation: "location", inIf: "if", inUpstream: "upstream", inStream: "stream",
		inStreamS: "a stream server", inStreamU: "a stream upstream", inAnything: "map"}
	var out []string
	for _, c := range contexts {
		out = append(out, names[c])
	}
	return strings.Join(out, ", ")
}
