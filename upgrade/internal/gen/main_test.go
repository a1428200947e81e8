package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

func TestTheGeneratedTableIsUpToDate(t *testing.T) {
	f, err := os.Open("testdata/gitlab_releases.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want, err := Generate(f)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../table_gen.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("upgrade/table_gen.go differs from what the generator makes of the data file: run go generate ./upgrade")
	}
}

func TestGenerateRefusesDamagedDataAndNamesTheLine(t *testing.T) {
	for name, tc := range map[string][2]string{
		"a column is missing":  {"17.6.1\t10.1.2\t16.4", "line 1: 3 columns"},
		"no version":           {"# x\nlatest\t10.1.2\t16.4\t2024-11-21", `line 2: version "latest"`},
		"a line, no release":   {"17.6\t10.1.2\t16.4\t2024-11-21", "line 1: 17.6 does not fit"},
		"a number over a byte": {"17.6.300\t-\t-\t2024-11-21", "line 1: 17.6.300 does not fit"},
		"no date":              {"17.6.1\t10.1.2\t16.4\tyesterday", "line 1: parsing time"},
		"a release twice":      {"17.6.1\t1.2.3\t-\t2024-11-21\n17.6.1\t-\t-\t2024-11-22", "GitLab 17.6.1 stands twice"},
		"empty":                {"# nothing", "no releases"},
		"no end of the bundle": {"17.6.1\t10.1.2\t16.4\t2024-11-21", "the first without is row -1"},
		"no PostgreSQL":        {"17.6.1\t-\tsixteen\t2024-11-21", `line 1: version "sixteen"`},
	} {
		if _, err := Generate(strings.NewReader(tc[0])); err == nil || !strings.Contains(err.Error(), tc[1]) {
			t.Errorf("%s: %v, want %q", name, err, tc[1])
		}
	}
}
