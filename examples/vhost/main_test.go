package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gitlab-mattermost/sdk/internal/clitest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"vhost": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, clitest.Params("testdata/script"))
}
