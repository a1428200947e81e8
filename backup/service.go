package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"

	"github.com/gitlab-mattermost/sdk/internal/childproc"
)

// Service stops and starts Mattermost around a swap. Both calls must accept a
// service that is already in the wanted state.
type Service interface {
	Stop(ctx context.Context) error
	Start(ctx context.Context) error
	String() string // for plans: what is run
}

// NoService is for a Mattermost that is not running, or whose operator stops
// it.
type NoService struct{}

// Stop does nothing.
func (NoService) Stop(context.Context) error { return nil }

// Start does nothing.
func (NoService) Start(context.Context) error { return nil }

// String says that no service is managed.
func (NoService) String() string { return "nothing: no service is managed" }

// CommandService runs one program to stop and one to start.
type CommandService struct {
	StopCommand, StartCommand []string
}

// Systemctl manages a systemd unit.
func Systemctl(unit string) CommandService {
	return CommandService{StopCommand: []string{"systemctl", "stop", unit}, StartCommand: []string{"systemctl", "start", unit}}
}

// GitlabCtl manages a service of the GitLab Linux package.
func GitlabCtl(service string) CommandService {
	return CommandService{StopCommand: []string{"gitlab-ctl", "stop", service}, StartCommand: []string{"gitlab-ctl", "start", service}}
}

// Stop runs StopCommand.
func (s CommandService) Stop(ctx context.Context) error { return runCommand(ctx, s.StopCommand) }

// Start runs StartCommand.
func (s CommandService) Start(ctx context.Context) error { return runCommand(ctx, s.StartCommand) }

// String is both command lines, for plans and messages.
func (s CommandService) String() string {
	return strings.Join(s.StopCommand, " ") + "; " + strings.Join(s.StartCommand, " ")
}

func runCommand(ctx context.Context, argv []string) error {
	if len(argv) == 0 {
		return errors.New("service: empty command")
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout = io.Discard
	if cmd.Err != nil {
		return fmt.Errorf("service: %w", cmd.Err)
	}
	if err := childproc.Run(ctx, cmd); err != nil {
		return fmt.Errorf("service: %w", err)
	}
	return nil
}
