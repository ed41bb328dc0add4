//go:build !fast

package main_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/kiwi-ki/invitations/internal/dev/harness"
)

// here is what `make run` runs, for all tests: each makes users of its own.
var here struct {
	home, portal, app, inbox string
	chromium                 context.Context
	axe                      string // the script that finds what keeps people out
	log                      harness.Log
}

func chromium() context.Context { return here.chromium }

func TestMain(m *testing.M) {
	status, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

func run(m *testing.M) (status int, err error) {
	home, err := os.MkdirTemp("", "demo")
	if err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(home) }()
	// Postgres walks there as another user when we are root.
	if err := os.Chmod(home, 0o755); err != nil { //nolint:gosec // see above
		return 1, err
	}
	here.home = home
	stop, err := start(home)
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if here.axe, err = fetchAxe(); err != nil {
		return 1, err
	}
	allocator, end := chromedp.NewExecAllocator(context.Background(),
		append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"))...)
	defer end()
	var quit context.CancelFunc
	here.chromium, quit = chromedp.NewContext(allocator)
	defer quit()
	if err := chromedp.Do(here.chromium, chromedp.Navigate("about:blank")); err != nil {
		return 1, fmt.Errorf("start chromium (the Debian package): %w", err)
	}
	return m.Run(), nil
}

// start runs what `make run` runs, and returns when it says that it is there.
func start(home string) (stop func() error, err error) {
	build := exec.Command("go", "build", "-o", filepath.Join(home, "bin")+"/", ".", "../invitationd", "../../internal/dev/devserver")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, out)
	}
	server := exec.Command(filepath.Join(home, "bin", "devserver"))
	server.Dir, server.Stderr, server.Env = home, &here.log, os.Environ()
	for key, url := range map[string]*string{
		"PORTAL": &here.portal, "APP": &here.app, "INBOX": &here.inbox, "GRPC": new(string), "WEBHOOK": new(string),
	} {
		addr, err := freeAddr()
		if err != nil {
			return nil, err
		}
		*url = "http://" + addr
		server.Env = append(server.Env, "INVITATION_"+key+"_ADDR="+addr)
	}
	says, err := server.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := server.Start(); err != nil {
		return nil, err
	}
	var said bytes.Buffer
	for chunk := make([]byte, 4096); !strings.Contains(said.String(), here.portal); {
		n, err := says.Read(chunk)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("devserver said %q: %w", said.String(), err), server.Wait())
		}
		said.Write(chunk[:n])
	}
	return func() error {
		err := errors.Join(server.Process.Signal(os.Interrupt), server.Wait())
		if said := here.log.Take(); err != nil || strings.Contains(said, "/i/") || strings.Contains(said, "@") {
			return fmt.Errorf("the examples ended with %v, after they had logged:\n%s", err, said)
		}
		return nil
	}, nil
}

// fetchAxe installs axe-core among what `make clean` removes.
func fetchAxe() (script string, err error) {
	home, err := filepath.Abs(filepath.Join("..", "..", ".cache", "axe"))
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(home, 0o755); err != nil { //nolint:gosec // as the rest of .cache
		return "", err
	}
	install := exec.Command("npm", "install", "--no-fund", "--no-audit", "--no-save", "--loglevel=error", "--prefix", home, "axe-core@4.14.1")
	if out, err := install.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm: %w\n%s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(home, "node_modules", "axe-core", "axe.min.js"))
	return string(text), err
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
