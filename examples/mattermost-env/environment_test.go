package main

import (
	"testing"

	"github.com/gitlab-mattermost/sdk/envmap"
)

// environment200 is a JSON environment of 200 settings that Mattermost 10.11
// honours, each with its own default or another allowed value.
func environment200(t testing.TB) string {
	t.Helper()
	e := envmap.New()
	v := envmap.Version{Major: 10, Minor: 11}
	for s := range envmap.Settings() {
		if e.Len() == 200 {
			break
		}
		def, ok := s.ExistingDefault(v)
		if !ok || s.In(v) != envmap.Present || s.Section() == "FeatureFlags" {
			continue
		}
		if text, ok := s.EncodeValue([]byte(def), v); ok {
			one := envmap.New()
			one.Set(s.Env(), text)
			if r, err := envmap.Check(one, v); err == nil && r.Errors() == 0 {
				e.Set(s.Env(), text)
			}
		}
	}
	if e.Len() != 200 {
		t.Fatalf("only %d settings", e.Len())
	}
	text, err := e.Encode(envmap.FormatJSON)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
