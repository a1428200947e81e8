// Command gencatalogue turns config/catalogue.tsv into Go source, so that the
// catalogue costs no start-up time.
//
// Run it with "go generate ./config".
package main

import (
	"fmt"
	"os"

	"github.com/gitlab-mattermost/sdk/config/internal/gencatalogue/gen"
)

func main() {
	if err := run("catalogue.tsv", "catalogue_data.go"); err != nil {
		fmt.Fprintln(os.Stderr, "gencatalogue:", err)
		os.Exit(1)
	}
}

func run(in, out string) error {
	data, err := os.ReadFile(in)
	if err != nil {
		return err
	}
	source, err := gen.Source(string(data))
	if err != nil {
		return fmt.Errorf("%s: %w", in, err)
	}
	return os.WriteFile(out, source, 0o644)
}
