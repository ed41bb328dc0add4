package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/kiwi-ki/invitations/internal/dev/serving"
)

// runService migrates and runs the real binary, which lies beside this one,
// until the context ends; ready is called once it serves, and ends with the context that it gets.
func runService(ctx context.Context, env settings, ready func(context.Context)) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find invitationd: %w", err)
	}
	binary := filepath.Join(filepath.Dir(self), "invitationd")
	migrate := command(ctx, env, os.Stderr, binary, "migrate")
	if err := migrate.Run(); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	logFile, logged, err := openLog()
	if err != nil {
		return fmt.Errorf("open the log: %w", err)
	}
	defer func() { _ = logFile.Close() }()
	service := command(ctx, env, logFile, binary, "serve")
	if err := service.Start(); err != nil {
		return fmt.Errorf("start invitationd: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- service.Wait() }()
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		if awaitServing(ctx, env.get("INVITATION_GRPC_ADDR")) == nil {
			ready(ctx)
		}
	})
	defer watching.Wait()
	defer cancel()
	err = <-ended
	if err != nil && ctx.Err() == nil {
		said, _ := io.ReadAll(io.NewSectionReader(logFile, logged, math.MaxInt64-logged))
		return fmt.Errorf("invitationd ended: %w\n%s", err, said)
	}
	return nil
}

// openLog goes on with the log of earlier runs, and returns how long that is.
func openLog() (f *os.File, logged int64, err error) {
	f, err = os.OpenFile(filepath.Join(dataDir, "invitationd.log"), os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, 0, err
	}
	logged, err = f.Seek(0, io.SeekEnd)
	return f, logged, err
}

// command runs in a group of its own, so that Ctrl-C reaches this process only,
// which then asks it to drain.
func command(ctx context.Context, env settings, out io.Writer, binary string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, binary, args...)
	c.Env, c.Stdout, c.Stderr = env.environ(), out, out
	c.SysProcAttr = childAttributes()
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = 30 * time.Second
	return c
}

// operator are the credentials of somebody in operations.
func operator() (credentials.TransportCredentials, error) {
	dir := os.Getenv("INVITATION_DEV_CERTS")
	if dir == "" {
		return insecure.NewCredentials(), nil
	}
	own, err := tls.LoadX509KeyPair(filepath.Join(dir, "ops.pem"), filepath.Join(dir, "ops-key.pem"))
	if err != nil {
		return nil, fmt.Errorf("read the operator's certificate: %w", err)
	}
	ca, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	if err != nil {
		return nil, fmt.Errorf("read the CA's certificate: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	return credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{own}, RootCAs: roots, MinVersion: tls.VersionTLS13}), nil
}

// awaitServing returns once the service says that it serves.
func awaitServing(ctx context.Context, addr string) error {
	creds, err := operator()
	if err != nil {
		return err
	}
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(creds))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	return serving.Await(ctx, conn)
}
