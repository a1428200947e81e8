package config

import (
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
)

func TestCheckConfigAnswersLikeTheRunningVersion(t *testing.T) {
	const (
		none    = ""
		on      = "mattermost_external_url 'https://mm.example.com'\n"
		off     = "mattermost['enable'] = false\n"
		legacy  = "mattermost['email_smtp_server'] = 'smtp'\n"
		envDir  = "mattermost['env_directory'] = '/srv/env'\n"
		stored  = true
		without = false
	)
	for _, c := range []struct {
		why, running, target, rb string
		secrets                  bool
		outcome                  string
		enables                  bool
		message                  string // part of the first message
	}{
		{"an upgrade inside 18 says nothing", "18.11.9", "18.11.11", on, stored, CheckPasses, false, ""},
		{"18.11.0 to 18.11.6 are silent; 19.0 then aborts", "18.11.6", "19.0.0", on, stored, CheckBreaks, false, "mattermost has been deprecated since 19.0"},
		{"also without any setting: the stored salts are enough for 19.0", "18.11.6", "19.0.0", none, stored, CheckBreaks, false, "mattermost has been deprecated"},
		{"18.11.6 to 19.3, Mattermost on", "18.11.6", "19.3.0", on, stored, CheckBreaks, false, "was removed in 19.0"},
		{"18.11.6 to 19.3, Mattermost not used", "18.11.6", "19.3.0", none, stored, CheckPasses, false, ""},
		{"18.11.7 blocks everybody", "18.11.7", "19.3.0", none, stored, CheckBlocks, false, "mattermost has been deprecated"},
		{"18.11.7 with a machine that has nothing at all", "18.11.7", "19.3.0", none, without, CheckPasses, false, ""},
		{"18.11.8 passes and may switch Mattermost on", "18.11.8", "19.3.0", none, stored, CheckPasses, true, ""},
		{"18.11.8 with an explicit false is safe", "18.11.8", "19.3.0", off, stored, CheckPasses, false, ""},
		{"18.11.8 blocks when it is on", "18.11.8", "19.3.0", on, stored, CheckBlocks, false, "mattermost has been deprecated"},
		{"18.11.9 is right: on", "18.11.9", "19.3.0", on, stored, CheckBlocks, false, "mattermost has been deprecated"},
		{"18.11.9 is right: off", "18.11.9", "19.3.0", off, stored, CheckPasses, false, ""},
		{"18.11.9 passes, 19.0 aborts on what is left", "18.11.9", "19.0.0", off, stored, CheckBreaks, false, "mattermost has been deprecated"},
		{"18.11.9 passes, 19.2 aborts once on the salts", "18.11.11", "19.2.4", none, stored, CheckBreaks, false, "mattermost has been deprecated"},
		{"19.0 to 19.2 check broadly", "19.0.8", "19.3.0", off, without, CheckBlocks, false, "mattermost has been deprecated"},
		{"19.3 checks narrowly", "19.3.0", "19.4.0", "mattermost['home'] = '/x'\n", without, CheckPasses, false, ""},
		{"the URL is only deprecated up to 20.0", "19.3.0", "20.0.0", on, without, CheckBlocks, false, "mattermost_external_url has been deprecated since 19.0 and was removed in 20.0"},
		{"10.8 checks the keys that 11.0 drops", "10.8.7", "11.0.0", legacy, without, CheckBlocks, false, "* mattermost['email_smtp_server'] has been deprecated since 10.2 and removed in 11.0."},
		{"10.8 inside 10", "10.8.0", "10.8.7", legacy, without, CheckPasses, false, ""},
		{"10.7 does not check, 11.0 aborts", "10.7.7", "11.0.0", legacy, without, CheckBreaks, false, "* mattermost['email_smtp_server'] has been deprecated since 10.2 and was removed in 11.0."},
		{"env_directory aborts 11.6 to 12.2", "11.5.0", "11.6.0", envDir, without, CheckBlocks, false, "* mattermost['env_directory']"},
		{"12.3 no longer cares", "12.3.0", "12.4.0", legacy, without, CheckPasses, false, ""},
	} {
		result, err := gitlabrb.Evaluate("gitlab.rb", []byte(c.rb), gitlabrb.Options{GitLabVersion: c.running})
		if err != nil {
			t.Fatalf("%s: %v", c.why, err)
		}
		i, err := Resolve(Input{GitLabRB: result, GitLabVersion: c.running, Rand: new(counter)})
		if err != nil {
			t.Fatalf("%s: %v", c.why, err)
		}
		got, err := CheckConfig(CheckConfigInput{Running: c.running, Target: c.target, Installation: i, HasSecrets: c.secrets})
		if err != nil {
			t.Fatalf("%s: %v", c.why, err)
		}
		if got.Outcome != c.outcome || got.Enables != c.enables || got.Why == "" {
			t.Errorf("%s: got %+v, want %s, enables %v", c.why, got, c.outcome, c.enables)
		}
		if first := strings.Join(got.Messages, "\n"); !strings.Contains(first, c.message) || c.message == "" && first != "" {
			t.Errorf("%s: messages %q, want %q", c.why, first, c.message)
		}
		if got.Outcome != CheckPasses && got.Fix == "" {
			t.Errorf("%s: no fix", c.why)
		}
	}
	if _, err := CheckConfig(CheckConfigInput{Running: "x", Target: "19.0"}); err == nil {
		t.Error("a running version that is none was accepted")
	}
	if _, err := CheckConfig(CheckConfigInput{Running: "18.11", Target: ""}); err == nil {
		t.Error("a missing target was accepted")
	}
}
