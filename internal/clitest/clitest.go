// Package clitest holds the commands that the scripts of all example commands
// share. Params makes a testscript.Params with them.
package clitest

import (
	"errors"
	"os/exec"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
)

// Params runs the scripts in a directory with one more command:
//
//	exit STATUS PROGRAM [ARGUMENTS]
//
// runs a program that must end with that very status; stdout and stderr look
// at its output afterwards, as behind exec.
func Params(dir string) testscript.Params {
	return testscript.Params{
		Dir:  dir,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"exit": exit},
	}
}

func exit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exit STATUS PROGRAM [ARGUMENTS]")
	}
	status, err := 0, ts.Exec(args[1], args[2:]...)
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		status = failed.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got := strconv.Itoa(status); got != args[0] {
		ts.Fatalf("exit status %s, want %s", got, args[0])
	}
}
