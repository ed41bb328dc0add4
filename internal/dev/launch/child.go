package launch

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"google.golang.org/grpc"

	"github.com/kiwi-ki/invitations/internal/dev/serving"
)

// Patience is how long a child may take to end when it is told to.
const Patience = 30 * time.Second

// Child is a process that runs beside this one.
type Child struct {
	cmd *exec.Cmd
	// Ended is closed when it is gone, and Err is how then.
	Ended chan struct{}
	Err   error
}

// Start runs a program until Stop. It must be called on the main
// goroutine. What the program says goes to log; files reach it from descriptor
// 3 on.
func Start(ctx context.Context, log *os.File, environ []string, files []*os.File, program string, args ...string) (*Child, error) {
	c := &Child{cmd: exec.CommandContext(ctx, program, args...), Ended: make(chan struct{})}
	c.cmd.Env, c.cmd.Stdout, c.cmd.Stderr, c.cmd.ExtraFiles = environ, log, log, files
	c.cmd.SysProcAttr = childAttributes()
	c.cmd.Cancel = func() error { return c.cmd.Process.Signal(syscall.SIGTERM) }
	c.cmd.WaitDelay = Patience
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	go func() {
		c.Err = c.cmd.Wait()
		close(c.Ended)
	}()
	return c, nil
}

// Pid is the process's id.
func (c *Child) Pid() int { return c.cmd.Process.Pid }

// Stop lets the program drain. A child that is gone is left alone.
func (c *Child) Stop() {
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.Ended:
	case <-time.After(Patience):
		_ = c.cmd.Process.Kill()
		<-c.Ended
	}
}

// AwaitServing returns once the service says that it serves, or has ended.
func (c *Child) AwaitServing(ctx context.Context, conn *grpc.ClientConn) error {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	go func() {
		select {
		case <-ctx.Done():
		case <-c.Ended:
			cancel()
		}
	}()
	return serving.Await(ctx, conn)
}
