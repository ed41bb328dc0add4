package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// errDemoGone: what it said of it stands above.
var errDemoGone = errors.New("the example portal and app ended by themselves")

// runDemo runs the example portal and app, which lie beside this binary, until the
// context ends; ready is called once their pages are there.
func runDemo(ctx context.Context, env settings, inbox string, ready func()) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find demo: %w", err)
	}
	demo := command(ctx, env, os.Stderr, filepath.Join(filepath.Dir(self), "demo"),
		"-service", env.get("INVITATION_GRPC_ADDR"), "-certs", os.Getenv("INVITATION_DEV_CERTS"),
		"-portal", portalAddr(), "-app", appAddr(), "-inbox", inbox)
	demo.Stdout = nil
	says, err := demo.StdoutPipe()
	if err != nil {
		return fmt.Errorf("listen to demo: %w", err)
	}
	if err := demo.Start(); err != nil {
		return fmt.Errorf("start demo: %w", err)
	}
	if bufio.NewScanner(says).Scan() {
		ready()
	}
	if err := demo.Wait(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("%w: %w", errDemoGone, err)
	}
	return nil
}
