package nginx

import (
	"fmt"
	"slices"
	"strings"
)

// Kinds of Change.
const (
	ChangeAdded   = "added"   // only the second file has it
	ChangeRemoved = "removed" // only the first file has it
	ChangeValue   = "changed" // both have it, with other arguments
	ChangeOrder   = "order"   // both have the same, in an order that means something else
)

// Change is one difference between two configurations that nginx would notice.
type Change struct {
	Kind string `json:"kind"`
	// Path is where: "server chat.example.com:443 > location /".
	Path string `json:"path"`
	Old  string `json:"old,omitempty"` // the directive in the first file
	New  string `json:"new,omitempty"` // the directive in the second
	Line int    `json:"line"`          // in the first file, in the second for "added"
}

// String tells the change on one line.
func (c Change) String() string {
	path := c.Path
	if path == "" {
		path = "top level"
	}
	switch c.Kind {
	case ChangeAdded:
		return fmt.Sprintf("+ %s: %s", path, c.New)
	case ChangeRemoved:
		return fmt.Sprintf("- %s: %s", path, c.Old)
	case ChangeOrder:
		return fmt.Sprintf("~ %s: order of %s is %s", path, c.Old, c.New)
	}
	return fmt.Sprintf("~ %s: %s becomes %s", path, c.Old, c.New)
}

// Diff compares two configurations by meaning. Comments, layout, quoting, the
// spelling of times, sizes and switches, the order of most directives and of
// arguments that are sets do not count. The order does count where nginx goes
// by it: among regular-expression locations and map entries, among allow and
// deny, and among return, rewrite, set, if and break.
//
// Changes come in the order of the first file, then of the second.
func Diff(first, second []*Directive) []Change {
	var d differ
	d.block("", expandRaw(first), expandRaw(second))
	return d.changes
}

// expandRaw reads the user's own text inside a built tree, where it can be.
func expandRaw(list []*Directive) []*Directive {
	out := make([]*Directive, 0, len(list))
	for _, c := range list {
		if c.Raw != "" {
			if inner, err := Parse("", []byte(c.Raw)); err == nil {
				out = append(out, inner...)
				continue
			}
		}
		if c.HasBlock {
			n := *c
			n.Block = expandRaw(c.Block)
			c = &n
		}
		if !c.isLayout() || c.Raw != "" {
			out = append(out, c)
		}
	}
	return out
}

type differ struct{ changes []Change }

// keyed gives every directive of a block an identity; the n-th of the same
// identity is told from the first.
func keyed(list []*Directive) ([]string, map[string]*Directive) {
	keys := make([]string, 0, len(list))
	by := make(map[string]*Directive, len(list))
	for _, c := range list {
		key := identity(c)
		for n := 2; by[key] != nil; n++ {
			key = fmt.Sprintf("%s #%d", identity(c), n)
		}
		keys = append(keys, key)
		by[key] = c
	}
	return keys, by
}

// identity is what makes two directives "the same one with another value".
func identity(c *Directive) string {
	switch c.Name {
	case "server":
		if c.HasBlock {
			return "server " + serverName(c)
		}
		return "server " + c.Arg(0)
	case "location":
		l := locationsOf(&Directive{Block: []*Directive{c}})[0]
		return "location " + strings.TrimSpace(l.kind+" "+l.path)
	case "proxy_set_header", "add_header", "proxy_hide_header":
		return c.Name + " " + strings.ToLower(c.Arg(0))
	case "upstream", "log_format", "limit_req_zone", "set":
		return c.Name + " " + c.Arg(0)
	case "map", "geo":
		return c.Name + " " + strings.Join(c.Args, " ")
	case "listen":
		return "listen " + listenAddress(c.Arg(0)) + quicMark(c)
	case "set_real_ip_from", "ssl_conf_command", "include", "allow", "deny", "rewrite", "if", "error_page", "proxy_cache_valid":
		return c.Name + " " + strings.Join(c.Args, " ")
	}
	return c.Name
}

// quicMark: one address listens on TCP and on UDP.
func quicMark(c *Directive) string {
	if slices.Contains(c.Args, "quic") {
		return " quic"
	}
	return ""
}

// listenAddress spells an address in one way: "*:80" and "80" are the same.
func listenAddress(at string) string {
	at = strings.TrimPrefix(strings.TrimPrefix(at, "*:"), "0.0.0.0:")
	if at == "*" || at == "0.0.0.0" {
		return "80"
	}
	if strings.HasSuffix(at, "]") || at != "" && !isDigits(at) && !strings.Contains(at, ":") {
		return at + ":80"
	}
	return at
}

// serverName names a server by its first name and port.
func serverName(c *Directive) string {
	name, port := "", "80"
	if n := c.Find("server_name"); len(n) > 0 {
		name = n[0].Arg(0)
	}
	if l := c.Find("listen"); len(l) > 0 {
		at := listenAddress(l[0].Arg(0))
		port = at[lastColon(at)+1:]
	}
	return name + ":" + port
}

func (d *differ) block(path string, first, second []*Directive) {
	keys, a := keyed(first)
	newKeys, b := keyed(second)
	for _, key := range keys {
		old, now := a[key], b[key]
		switch {
		case now == nil:
			d.changes = append(d.changes, Change{Kind: ChangeRemoved, Path: path, Old: short(old), Line: old.Line})
		case old.HasBlock && now.HasBlock:
			d.arguments(path, old, now)
			d.block(join(path, key), old.Block, now.Block)
		default:
			d.arguments(path, old, now)
		}
	}
	for _, key := range newKeys {
		if a[key] == nil {
			d.changes = append(d.changes, Change{Kind: ChangeAdded, Path: path, New: short(b[key]), Line: b[key].Line})
		}
	}
	d.order(path, keys, newKeys, a, b)
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + " > " + key
}

// short is a directive in one line.
func short(c *Directive) string {
	if c.Raw != "" {
		return clip(strings.TrimSpace(c.Raw))
	}
	text := c.head()
	if c.HasBlock {
		text += " { … }"
	}
	return text
}

func (d *differ) arguments(path string, old, now *Directive) {
	if old.HasBlock == now.HasBlock && slices.Equal(normal(old), normal(now)) {
		return
	}
	d.changes = append(d.changes, Change{Kind: ChangeValue, Path: path, Old: short(old), New: short(now), Line: old.Line})
}

// normal brings arguments into one spelling.
func normal(c *Directive) []string {
	args := slices.Clone(c.Args)
	for i, a := range args {
		if n, ok := timeSeconds(a); ok && strings.HasSuffix(c.Name, "timeout") {
			args[i] = itoa(n)
		} else if n, ok := sizeBytes(a); ok && (strings.HasSuffix(c.Name, "_size") || strings.HasSuffix(c.Name, "buffers")) {
			args[i] = itoa(n)
		} else if strings.EqualFold(a, "on") || strings.EqualFold(a, "off") {
			args[i] = strings.ToLower(a)
		}
	}
	switch c.Name {
	case "server":
		if c.HasBlock {
			return nil
		}
	case "location":
		return nil // the identity has it all
	case "listen":
		if len(args) > 0 {
			args[0] = listenAddress(args[0])
			slices.Sort(args[1:])
		}
	case "server_name":
		if len(args) > 1 { // the first one is the name that redirects show
			slices.Sort(args[1:])
		}
	case "ssl_protocols", "ssl_session_cache", "gzip_types", "proxy_cache_use_stale", "proxy_next_upstream", "proxy_ignore_headers":
		slices.Sort(args)
	case "proxy_set_header", "add_header":
		if len(args) > 0 {
			args[0] = strings.ToLower(args[0])
		}
	}
	return args
}

// ordered tells the group within which a directive's place matters.
func ordered(c *Directive) string {
	switch c.Name {
	case "location":
		if l := locationsOf(&Directive{Block: []*Directive{c}})[0]; strings.HasPrefix(l.kind, "~") {
			return "regular-expression locations"
		}
	case "allow", "deny":
		return "access rules"
	case "return", "rewrite", "set", "if", "break":
		return "rewrite rules"
	}
	if strings.HasPrefix(c.Name, "~") { // an entry of a map
		return "regular expressions of the map"
	}
	return ""
}

func (d *differ) order(path string, keys, newKeys []string, a, b map[string]*Directive) {
	groups := map[string][2][]string{}
	var names []string
	for i, side := range [2][]string{keys, newKeys} {
		for _, key := range side {
			if a[key] == nil || b[key] == nil {
				continue
			}
			group := ordered(a[key])
			if group == "" {
				continue
			}
			g, known := groups[group]
			if !known {
				names = append(names, group)
			}
			g[i] = append(g[i], key)
			groups[group] = g
		}
	}
	for _, name := range names {
		if g := groups[name]; !slices.Equal(g[0], g[1]) {
			d.changes = append(d.changes, Change{Kind: ChangeOrder, Path: path, Old: name,
				New: strings.Join(g[1], ", then "), Line: a[g[0][0]].Line})
		}
	}
}
