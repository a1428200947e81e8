package gitlabrb

import (
	"bufio"
	"encoding/json"
	"errors"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A program that loops for ever and rescues what should end it must not go on
// when the test is gone. The shell stands for a test that is killed; standard
// input stays open, so that only the change of the parent tells.
func TestRubyEndsWhenItsParentIsKilled(t *testing.T) {
	// A shell gives a child in the background no standard input of its own.
	cmd := exec.Command("sh", "-c", "exec 3<&0; ruby testdata/settings.rb <&3 >/dev/null & echo $!; wait")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	program, err := json.Marshal([]string{"begin\nwhile true\nend\nrescue Exception\nretry\nend\n"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := in.Write(append(program, '\n')); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Second) // Ruby starts and runs the program
	if err := syscall.Kill(pid, 0); err != nil {
		t.Fatalf("ruby ended before its parent: %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for range 200 {
		if gone(pid) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Error("ruby still runs 20 s after its parent was killed")
}

// gone reports whether a process has ended; one that nobody waits for yet has.
func gone(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return true
	}
	state, err := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	return err != nil || strings.HasPrefix(strings.TrimSpace(string(state)), "Z")
}
