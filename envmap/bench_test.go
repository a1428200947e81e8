package envmap_test

import (
	"testing"

	"github.com/gitlab-mattermost/sdk/envmap"
)

func BenchmarkEffective(b *testing.B) {
	file := []byte(`{"ServiceSettings":{"SiteURL":""},"TeamSettings":{"SiteName":"Ours"},"SqlSettings":{"DataSource":"x"}}`)
	e := typical(22)
	v := envmap.Version{Major: 10, Minor: 11}
	b.ReportAllocs()
	for b.Loop() {
		c, err := envmap.Effective(file, e, v)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := c.JSON(); err != nil {
			b.Fatal(err)
		}
	}
}
