package config

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/config/internal/gencatalogue/gen"
)

func TestCatalogueSourceIsGeneratedFromTheData(t *testing.T) {
	data, err := os.ReadFile("catalogue.tsv")
	if err != nil {
		t.Fatal(err)
	}
	want, err := gen.Source(string(data))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("catalogue_data.go")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Error("catalogue_data.go is not what catalogue.tsv gives; run go generate ./config")
	}
}

func TestEveryCatalogueRowIsSound(t *testing.T) {
	kinds := []string{"bool", "int", "string", "list", "object", "string-part", "string-array", "raw-array", "json-object"}
	seen := map[string][]catalogueRow{}
	for _, row := range catalogueRows {
		id := row.hash + "." + row.key
		if row.from > row.to || row.from < rel(7, 14, 0) || row.to > bundled {
			t.Errorf("%s: range %s to %s", id, row.from, row.to)
		}
		if !slices.Contains(kinds, row.kind) {
			t.Errorf("%s: unknown type %q", id, row.kind)
		}
		if row.def != "-" && !json.Valid([]byte(row.def)) {
			t.Errorf("%s: default %s is not JSON", id, row.def)
		}
		// oauth and aws of 7.14 and 8.0 are whole sections.
		if section, field, ok := strings.Cut(row.field, "."); row.field != "" && (section == "" || ok == (field == "")) {
			t.Errorf("%s: field %q", id, row.field)
		}
		if row.variable != "" && !strings.HasPrefix(row.variable, "MM_") {
			t.Errorf("%s: variable %q", id, row.variable)
		}
		for _, other := range seen[id] {
			// The same key may feed two fields at once, never one field twice.
			if other.field == row.field && row.from <= other.to && other.from <= row.to {
				t.Errorf("%s: rows %s-%s and %s-%s overlap", id, other.from, other.to, row.from, row.to)
			}
		}
		seen[id] = append(seen[id], row)
	}
	if len(catalogueRows) < 330 {
		t.Errorf("only %d rows", len(catalogueRows))
	}
}
