package config

import (
	"testing"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
)

// BenchmarkResolve resolves an evaluated gitlab.rb with both URLs.
func BenchmarkResolve(b *testing.B) {
	host := Facts{Hostname: "gl01"}.Host()
	result, err := gitlabrb.Evaluate("gitlab.rb", []byte("external_url 'https://gl.example.com'\nmattermost_external_url 'https://mm.example.com'\nmattermost['env'] = { 'A' => '1' }\n"), gitlabrb.Options{Lookups: host.Lookups})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Resolve(Input{GitLabRB: result, Host: host}); err != nil {
			b.Fatal(err)
		}
	}
}
