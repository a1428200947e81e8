package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheEmbeddedTablesAreWhatTheGeneratorWrites(t *testing.T) {
	for name, build := range tables {
		want, err := build("testdata")
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join("..", "..", name))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s differs from its source: run go generate ./envmap", name)
		}
	}
}

func TestTheTablesStayUnder300KB(t *testing.T) {
	total := 0
	for name := range tables {
		info, err := os.Stat(filepath.Join("..", "..", name))
		if err != nil {
			t.Fatal(err)
		}
		total += int(info.Size())
	}
	t.Logf("%d bytes", total)
	if total >= 300_000 {
		t.Errorf("%d bytes of tables in every program, want under 300000", total)
	}
}

func TestABrokenRowIsAnErrorThatNamesIt(t *testing.T) {
	for reason, row := range map[string]string{
		"a type that nobody knows":   "S\tF\t4.0.5\t-\t4.0.5=*float64\t\t",
		"a sample that nobody knows": "S\tF\t4.0.6\t-\t4.0.5=*int\t\t",
		"a missing column":           "S\tF\t4.0.5\t-\t4.0.5=*int\t",
		"a default without a sample": "S\tF\t4.0.5\t-\t4.0.5=*int\t7\t",
	} {
		dir := t.TempDir()
		text := "# samples 4.0.5 5.4.0\nheader\tb\tc\td\te\tf\tg\n" + row + "\n"
		if err := os.WriteFile(filepath.Join(dir, "settings.tsv"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := schema(dir); err == nil || !strings.Contains(err.Error(), "S.F") && !strings.Contains(err.Error(), ":3:") {
			t.Errorf("%s: error %v, want the row named", reason, err)
		}
	}
}
