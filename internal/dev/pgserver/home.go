package pgserver

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// home is a data directory while this process holds its lock.
type home struct {
	dir     string // absolute
	lock    *os.File
	account *syscall.Credential // that the server runs as; nil for our own
	bin     string              // where initdb and postgres are, after prepare
}

func (h *home) cluster() string { return filepath.Join(h.dir, "cluster") }

// openHome makes the directory when it is not there.
func openHome(ctx context.Context, dir string) (*home, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	h := &home{dir: dir}
	if h.lock, err = lock(ctx, dir); err != nil {
		return nil, err
	}
	if h.account, err = serverAccount(h.cluster()); err != nil {
		h.close()
		return nil, err
	}
	return h, nil
}

// close gives up this process's hold of the lock, not that of a server.
func (h *home) close() { _ = h.lock.Close() }

// prepare makes the cluster unless it is there, and returns its password.
func (h *home) prepare(ctx context.Context, c Config) (string, error) {
	major, err := clusterVersion(h.cluster())
	if err != nil {
		return "", err
	}
	if h.bin, err = findBinaries(ctx, major); err != nil {
		return "", err
	}
	if major == 0 {
		if err := h.newCluster(ctx, c); err != nil {
			return "", err
		}
	}
	// The lock says that nothing of ours runs here. Something started by hand
	// may, and then this file must stay.
	if pid, ok := runningPostmaster(h.cluster()); ok {
		return "", fmt.Errorf("%w: process %d", ErrRunning, pid)
	}
	if err := os.Remove(pidFile(h.cluster())); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	return h.password()
}

// clusterVersion is the major version that wrote the cluster, 0 for none.
func clusterVersion(cluster string) (int, error) {
	text, err := os.ReadFile(filepath.Join(cluster, "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

// newCluster works beside the cluster's place and moves the result there, so that
// a cluster is there whole or not at all.
func (h *home) newCluster(ctx context.Context, c Config) error {
	unfinished := h.cluster() + ".new"
	if err := os.RemoveAll(unfinished); err != nil {
		return err
	}
	if err := os.Mkdir(unfinished, 0o700); err != nil {
		return err
	}
	password, program, args := newPassword(), "initdb", h.initdb
	if c.Follows != "" {
		u, err := url.Parse(c.Follows)
		if err != nil {
			return errNoDSN
		}
		password, _ = u.User.Password()
		program, args = "pg_basebackup", h.copy
	}
	if err := h.keep(password); err != nil {
		return err
	}
	for _, path := range []string{unfinished, h.passwordFile()} {
		if err := h.give(path); err != nil {
			return err
		}
	}
	if err := h.make(ctx, program, unfinished, c, args); err != nil {
		return err
	}
	return os.Rename(unfinished, h.cluster())
}

// make runs the program that makes a cluster.
func (h *home) make(ctx context.Context, program, dir string, c Config, args func(*exec.Cmd, Config) ([]string, error)) error {
	cmd, reached, err := h.command(ctx, program, dir)
	if err != nil {
		return err
	}
	defer closeInherited(cmd)
	more, err := args(cmd, c)
	if err != nil {
		return err
	}
	cmd.Args = append(append(cmd.Args, "--pgdata="+reached), more...)
	if !c.Durable {
		cmd.Args = append(cmd.Args, "--no-sync")
	}
	if output, err := runChild(cmd); err != nil {
		return fmt.Errorf("%s: %w: %s", program, errors.Join(ctx.Err(), err), output)
	}
	return nil
}

// initdb is what makes an empty cluster.
func (h *home) initdb(cmd *exec.Cmd, _ Config) ([]string, error) {
	passwordFile, err := h.reach(cmd, h.passwordFile())
	return []string{
		"--username=" + role,
		"--pwfile=" + passwordFile,
		"--auth=scram-sha-256",
		"--encoding=UTF8",
		"--locale=" + locale(),
		"--lc-messages=C",
		"--data-checksums",
	}, err
}

// copy is what makes a standby's cluster. Everybody on the machine can read a
// program's arguments, so that the password is not among them.
func (h *home) copy(cmd *exec.Cmd, c Config) ([]string, error) {
	primary, err := url.Parse(c.Follows)
	if err != nil {
		return nil, errNoDSN
	}
	password, _ := primary.User.Password()
	cmd.Env = append(cmd.Env, "PGPASSWORD="+password)
	primary.User = url.User(primary.User.Username())
	return []string{"--dbname=" + primary.String(), "--write-recovery-conf", "--checkpoint=fast", "--wal-method=stream"}, nil
}

var errNoDSN = errors.New("what to follow is no DSN")

// locale sorts by code point everywhere. Only Linux is sure to have the variant
// whose upper and lower go beyond ASCII.
func locale() string {
	if runtime.GOOS == "linux" {
		return "C.UTF-8"
	}
	return "C"
}

func (h *home) passwordFile() string { return filepath.Join(h.dir, "password") }

func newPassword() string {
	secret := make([]byte, 24)
	_, _ = rand.Read(secret) // never fails
	return hex.EncodeToString(secret)
}

// keep writes the password to its file.
func (h *home) keep(password string) error {
	if err := os.Remove(h.passwordFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(h.passwordFile(), []byte(password+"\n"), 0o600)
}

func (h *home) password() (string, error) {
	text, err := os.ReadFile(h.passwordFile())
	if err != nil {
		return "", fmt.Errorf("the cluster's password is lost: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}
