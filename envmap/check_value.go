package envmap

import (
	"encoding/json"
	"fmt"
	"strings"
)

// read judges the text of a variable whose setting exists.
func (c *checker) read(v *Verdict, text string) {
	s := v.setting
	v.Locked = lockable(s)
	value, out := readValue(s, text, c.version)
	switch out {
	case applied:
		v.Honoured = true
	case unset:
		v.Locked = false
		c.fail("env.empty", v.Name, "up to 5.4 an empty variable counts as not set", "give the value in config.json")
		return
	case crashes:
		c.fail("env.crashes-server", v.Name, "Mattermost dies at its start when this variable is set", "remove it and set "+s.Path+" in config.json")
		return
	case stops:
		c.fail("env.stops-server", v.Name, c.wrong(s, text)+": the server does not start", right(s))
		return
	case ignored:
		locked := ""
		if v.Locked {
			locked = ", and the System Console shows the setting as locked"
		}
		id := "env.type"
		switch {
		case text == "":
			id = "env.empty"
		case s.Kind == KindMap:
			id = "env.map-json"
		}
		c.fail(id, v.Name, c.wrong(s, text)+": the server silently keeps the value of config.json"+locked, right(s))
		return
	}
	if !v.Locked && s.Section() != "FeatureFlags" {
		c.note("env.not-locked", v.Name, "the value acts, but the System Console does not show that it comes from the environment, and the next save writes it to config.json", "")
	}
	c.shape(v, text)
	c.allowed(v, value)
	c.licence(v, value)
}

// lockable tells whether the console can show a setting as overridden: its map
// of overrides does not go into nested objects.
func lockable(s Setting) bool {
	section, field, ok := strings.Cut(s.Path, ".")
	return ok && strings.IndexByte(field, '.') < 0 && section != "FeatureFlags"
}

func (c *checker) wrong(s Setting, text string) string {
	switch {
	case text == "":
		return "an empty value cannot be read as " + article(s.Kind)
	case s.Kind == KindMap && c.era == eraWalk && before(c.version, Version{Major: 7, Minor: 5}):
		return "maps can be given by variable from 7.5 on only"
	case s.Kind == KindMap && json.Valid([]byte(text)):
		return "the JSON has not the shape of " + s.Path
	}
	return "the value cannot be read as " + article(s.Kind)
}

func article(k Kind) string {
	if k == KindInt {
		return "an integer"
	}
	return "a " + k.String()
}

func right(s Setting) string {
	switch s.Kind {
	case KindBool:
		return "write true or false"
	case KindInt:
		return "write decimal digits only, without blanks or units"
	case KindMap:
		return "write the whole map as one JSON object, or set it in config.json"
	}
	return "set it in config.json"
}

// shape finds values that are read, but not as they were meant.
func (c *checker) shape(v *Verdict, text string) {
	switch v.setting.Kind {
	case KindList:
		c.list(v, text)
	case KindJSON:
		if !json.Valid([]byte(text)) {
			c.fail("env.raw-json", v.Name, "the text is kept although it is no JSON; from then on every save of the configuration fails", "write JSON, {} for nothing")
		}
	case KindString:
		c.text(v, text)
	}
}

func (c *checker) list(v *Verdict, text string) {
	const id = "env.list-separator"
	replicas := strings.HasPrefix(v.Path, "SqlSettings.DataSource")
	if c.era != eraWalk {
		if strings.Contains(text, " ") && !strings.Contains(text, ",") && !replicas {
			c.fail(id, v.Name, "before 5.29 lists are separated by commas; this is read as one element", "separate the elements by commas")
		}
		return
	}
	switch {
	case text == "" && replicas:
		c.fail("env.empty", v.Name, "an empty value is read as one replica without an address, and the server never starts", "remove the variable")
	case text == "":
		c.warn("env.empty", v.Name, "an empty value is read as a list of one empty string, not as an empty list", "remove the variable, or set an empty list in config.json")
	case replicas && strings.Contains(text, " ") && !strings.Contains(text, "://"):
		c.fail(id, v.Name, "lists are separated by blanks, so the parts of user=… host=… become addresses of their own", "write each replica as a URL, blanks in it as %20")
	case strings.HasPrefix(text, "["):
		c.fail(id, v.Name, "a JSON list is not understood; it is read as text", "separate the elements by one blank, without brackets and quotes")
	case strings.Contains(text, ",") && !replicas:
		c.fail(id, v.Name, "from 5.29 on lists are separated by one blank; what the commas separate is read as one element", "separate the elements by one blank")
	case strings.Contains(text, "  ") || strings.HasPrefix(text, " ") || strings.HasSuffix(text, " "):
		c.warn(id, v.Name, "every blank separates, so two in a row, or one at an end, make an empty element", "separate the elements by exactly one blank")
	}
}

// text looks at single settings whose text is known to go wrong.
func (c *checker) text(v *Verdict, text string) {
	switch v.Path {
	case "ServiceSettings.SiteURL":
		if text == "" {
			c.warn("env.site-url-empty", v.Name, "without a site URL the login's redirect follows each request's Host header, and e-mails have no links", "give the URL that users open")
		} else if strings.HasSuffix(text, "/") {
			c.note("env.site-url-slash", v.Name, "Mattermost drops the slash at the end; an OAuth redirect URI that was registered with it does not match", "remove the slash here and in GitLab's application")
		}
	case "SqlSettings.DataSource":
		if strings.Contains(text, "sslmode=required") {
			c.fail("env.sslmode", v.Name, "the word is sslmode=require; with required the server waits for its database for ever", "write sslmode=require")
		}
	case "GitLabSettings.Scope":
		if strings.Contains(text, "openid") {
			c.fail("env.scope-openid", v.Name, "a scope with openid takes another login path, which needs a licence", "write read_user")
		} else if text == "" {
			c.note("env.scope-empty", v.Name, "without a scope GitLab asks for the application's default, which can be api", "write read_user, and give the application that scope")
		}
	}
}

// allowed applies the server's own validation.
func (c *checker) allowed(v *Verdict, value any) {
	r, ok := rules(v.setting, c.version)
	if !ok || v.setting.at(c.place) == Maybe && before(c.version, r.since) {
		return
	}
	why := r.breaks(value)
	switch {
	case why == "":
	case before(c.version, r.since):
		c.warn("env.not-allowed", v.Name, fmt.Sprintf("the value %s from %v on; %v was not checked", why, r.since, c.version), "give an allowed value")
	default:
		c.fail("env.not-allowed", v.Name, "the value "+why+": the server does not start", "give an allowed value")
	}
}

// together checks conditions over several settings, as far as the environment
// alone decides them.
func (c *checker) together() {
	on := func(path string) bool { return c.value(path) == true }
	off := func(path string) bool { return c.value(path) == false }
	if on("EmailSettings.EnableEmailBatching") {
		if c.value("ServiceSettings.SiteURL") == "" {
			c.fail("env.batching-site-url", "MM_EMAILSETTINGS_ENABLEEMAILBATCHING", "e-mail batching needs a site URL: the server does not start", "set MM_SERVICESETTINGS_SITEURL")
		}
		if on("ClusterSettings.Enable") {
			c.fail("env.batching-cluster", "MM_EMAILSETTINGS_ENABLEEMAILBATCHING", "e-mail batching does not go with a cluster: the server does not start", "switch one of them off")
		}
	}
	if on("ServiceSettings.AllowCookiesForSubdomains") && c.value("ServiceSettings.SiteURL") == "" {
		c.fail("env.cookies-site-url", "MM_SERVICESETTINGS_ALLOWCOOKIESFORSUBDOMAINS", "cookies for sub-domains need a site URL: the server does not start", "set MM_SERVICESETTINGS_SITEURL")
	}
	if threads, ok := c.value("ServiceSettings.CollapsedThreads").(string); ok && threads != "disabled" && off("ServiceSettings.ThreadAutoFollow") {
		c.fail("env.collapsed-threads", "MM_SERVICESETTINGS_COLLAPSEDTHREADS", "collapsed threads need ThreadAutoFollow: the server does not start", "set MM_SERVICESETTINGS_THREADAUTOFOLLOW to true")
	}
	locked := 0
	for _, v := range c.report.Verdicts {
		if v.Locked && v.Honoured {
			locked++
		}
	}
	message := fmt.Sprintf("%d settings come from the environment: the console shows them locked, changes to them have no effect", locked)
	if locked == 1 {
		message = "1 setting comes from the environment: the console shows it locked, a change to it has no effect"
	}
	if locked > 0 {
		c.note("env.locked", "System Console", message, "remove a variable and restart to change its setting in the console")
	}
}

// value is what the environment sets a setting to; nil: it does not.
func (c *checker) value(path string) any {
	var last any
	for i := range c.report.Verdicts {
		if c.report.Verdicts[i].Path == path && c.report.Verdicts[i].Honoured {
			last = c.report.Verdicts[i].Value()
		}
	}
	return last
}
