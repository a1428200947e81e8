package config

import (
	"fmt"

	"github.com/gitlab-mattermost/sdk/internal/version"
)

// removedMessage is what 18.11.7 and newer print about mattermost[...].
const removedMessage = "* mattermost has been deprecated since 19.0 and was removed in 19.0. " +
	"Bundled Mattermost has been removed from the Linux package in 19.0; `mattermost[...]` keys are no longer supported. " +
	"Deploy Mattermost separately and point GitLab at it with `gitlab_rails['mattermost_host']`. " +
	"See https://docs.gitlab.com/integration/mattermost/#running-gitlab-mattermost-on-its-own-server for setup instructions."

// removedURLMessage is the same about mattermost_external_url, for 20.0.
const removedURLMessage = "* mattermost_external_url has been deprecated since 19.0 and was removed in 20.0. " +
	"`mattermost_external_url` is deprecated. Use `gitlab_rails['mattermost_host']` instead. " +
	"See https://docs.gitlab.com/integration/mattermost/#running-gitlab-mattermost-on-its-own-server."

// Outcomes of CheckConfig.
const (
	CheckBlocks = "blocks"                     // gitlab-ctl check-config refuses the upgrade
	CheckPasses = "passes"                     // the upgrade goes through
	CheckBreaks = "passes, reconfigure breaks" // the package is installed and its reconfigure aborts
)

// CheckConfigInput is what CheckConfig needs to know.
type CheckConfigInput struct {
	Running string // GitLab version whose gitlab-ctl runs the check, with patch
	Target  string // version to upgrade to
	// Installation is what the running version made of gitlab.rb and secrets;
	// the real check reads the node file of its last reconfigure.
	Installation *Installation
	// HasSecrets: gitlab-secrets.json has a mattermost section, as it has on
	// every machine that was ever reconfigured before 19.0.
	HasSecrets bool
}

// CheckConfigResult is the answer.
type CheckConfigResult struct {
	Running  string   `json:"running"`
	Target   string   `json:"target"`
	Outcome  string   `json:"outcome"`  // one of the Check constants
	Messages []string `json:"messages"` // what check-config or reconfigure prints about Mattermost
	Why      string   `json:"why"`      // in a sentence
	Enables  bool     `json:"enables"`  // the check itself may switch Mattermost on (18.11.8)
	Fix      string   `json:"fix"`
}

// CheckConfig says what "gitlab-ctl check-config --version TARGET" makes of the
// Mattermost settings, with the bugs of the running version: 18.11.6 and older
// are silent, 18.11.7 always blocks, 18.11.8 may switch Mattermost on,
// 18.11.9 is right, 19.0 to 19.2 object to any setting, 19.3 only to
// mattermost['enable'] = true. 10.8 and 11.0 to 12.2 check the keys that 11.0
// dropped. And it says whether the target's reconfigure then aborts.
//
// Settings of other services may block as well; they are not looked at.
func CheckConfig(in CheckConfigInput) (CheckConfigResult, error) {
	running, err := version.Parse(in.Running)
	if err != nil {
		return CheckConfigResult{}, fmt.Errorf("running GitLab %w", err)
	}
	target, err := version.Parse(in.Target)
	if err != nil {
		return CheckConfigResult{}, fmt.Errorf("target GitLab %w", err)
	}
	c := checker{CheckConfigInput: in, from: releaseOf(running), to: releaseOf(target)}
	c.out = CheckConfigResult{Running: running.String(), Target: target.String(), Outcome: CheckPasses, Messages: []string{}, Why: "nothing about Mattermost stands in the way"}
	if in.Installation == nil {
		c.Installation = &Installation{Mattermost: &Attributes{}}
	}
	c.check()
	if c.out.Outcome == CheckPasses {
		c.reconfigure()
	}
	return c.out, nil
}

type checker struct {
	CheckConfigInput
	from, to release
	out      CheckConfigResult
}

// nodeHas tells whether the node file holds any mattermost setting: the
// generated salts always make it so.
func (c *checker) nodeHas() bool { return c.HasSecrets || len(c.Installation.Mattermost.given()) > 0 }

func (c *checker) enabled() bool {
	return c.Installation.Mattermost.Get("enable").Value == true
}

func (c *checker) block(why, fix string, messages ...string) {
	c.out.Outcome, c.out.Why, c.out.Fix, c.out.Messages = CheckBlocks, why, fix, messages
}

func (c *checker) check() {
	const move = "move Mattermost out of the package, save its secrets, then remove every mattermost[...] line and the mattermost section of gitlab-secrets.json, and reconfigure"
	if c.from >= rel(10, 8, 0) && c.from < rel(12, 3, 0) && c.to >= rel(11, 0, 0) {
		if m := c.droppedKeys(c.from); len(m) > 0 {
			c.block("keys that 11.0 dropped are set", "move them to mattermost['env'], the System Console or config.json", m...)
			return
		}
	}
	if c.from >= rel(18, 11, 7) && c.Installation.MattermostURL != "" && c.to >= rel(20, 0, 0) {
		c.block("mattermost_external_url is gone in 20.0", "use gitlab_rails['mattermost_host']", removedURLMessage)
	}
	if c.to < rel(19, 0, 0) {
		return
	}
	var messages []string
	why, fix := "", move
	switch {
	case c.from < rel(18, 11, 7):
		return
	case c.from < rel(18, 11, 8) && c.nodeHas():
		why = "18.11.7 objects to any mattermost setting, and the secrets that every reconfigure generates are enough"
		if !c.enabled() {
			fix = "upgrade to 18.11.9 or newer first, or create /etc/gitlab/skip-fail-config-check for the upgrade"
		}
	case c.from < rel(18, 11, 9) && c.from >= rel(18, 11, 8):
		if _, set := c.enableKey(); !set {
			c.out.Enables = true
			c.out.Why = "18.11.8 passes, but its check makes mattermost['enable'] an empty hash, which counts as true: Mattermost may be switched on"
			c.out.Fix = "use 18.11.9 or newer, or set mattermost['enable'] = false"
		}
		if c.enabled() {
			why = "Mattermost is enabled"
		}
	case c.from >= rel(19, 0, 0) && c.from < rel(19, 3, 0) && c.nodeHas():
		why = "19.0 to 19.2 object to any mattermost setting that the node file still holds"
	case c.enabled():
		why = "Mattermost is enabled"
	}
	if why == "" {
		return
	}
	messages = append(messages, removedMessage)
	if c.out.Outcome == CheckBlocks {
		messages = append(messages, c.out.Messages...)
	}
	c.block(why, fix, messages...)
}

// reconfigure looks at what the target's own reconfigure does.
func (c *checker) reconfigure() {
	breaks := func(why, fix string, messages ...string) {
		c.out.Outcome, c.out.Why, c.out.Fix, c.out.Messages = CheckBreaks, why, fix, messages
	}
	switch {
	case c.to >= rel(11, 0, 0) && c.to < rel(12, 3, 0):
		if m := c.droppedKeys(c.to); len(m) > 0 {
			breaks("reconfigure refuses the keys that 11.0 dropped", "move them to mattermost['env'], the System Console or config.json", m...)
		}
	case c.to >= rel(19, 0, 0) && c.to < rel(19, 3, 0) && len(c.Installation.Mattermost.given()) > 0:
		breaks("19.0 to 19.2 abort reconfigure on any mattermost setting", "remove every mattermost[...] line, after moving Mattermost out of the package", removedMessage)
	case c.to >= rel(19, 0, 0) && c.to < rel(19, 3, 0) && c.HasSecrets:
		breaks("the first reconfigure of 19.0 to 19.2 aborts on the secrets that are left in gitlab-secrets.json, after it has dropped them; the second one passes", "save the mattermost section, then upgrade to 19.3 or newer, or run reconfigure twice", removedMessage)
	case c.to >= rel(19, 3, 0) && c.enabled():
		breaks("reconfigure aborts while mattermost['enable'] is true", "remove mattermost['enable'] and mattermost_external_url's switch by setting mattermost['enable'] = false, after moving Mattermost out of the package", removedMessage)
	}
}

// droppedKeys are the messages of the bulk check.
func (c *checker) droppedKeys(at release) []string {
	var out []string
	for _, key := range c.Installation.Mattermost.given() {
		if !bulkCheck(at, key) {
			continue
		}
		words := "and was removed in 11.0."
		if at < rel(11, 0, 0) {
			words = "and removed in 11.0."
		}
		out = append(out, "* mattermost['"+key+"'] has been deprecated since 10.2 "+words)
	}
	return out
}

func (c *checker) enableKey() (any, bool) {
	a := c.Installation.Mattermost.Get("enable")
	return a.Value, a.Value != nil && a.Origin.Kind != OriginDefault
}

// given lists the keys that are not mere defaults.
func (a *Attributes) given() []string {
	var out []string
	for k, v := range a.All() {
		if v.Value != nil && v.Origin.Kind == OriginGitLabRB {
			out = append(out, k)
		}
	}
	return out
}
