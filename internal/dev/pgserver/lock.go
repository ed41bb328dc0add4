package pgserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// lockPatience is for the previous server to finish, say after its owner was
// killed a moment ago.
const lockPatience = 5 * time.Second

// lock waits a little for the lock of dir. Closing the file gives it up, unless
// a child has inherited the file.
func lock(ctx context.Context, dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = eventually(ctx, lockPatience, func() error {
		return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	})
	if err == nil {
		return f, nil
	}
	_ = f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("%w: %s", ErrRunning, describe(filepath.Join(dir, "cluster")))
	}
	return nil, fmt.Errorf("lock: %w", err)
}

// awaitUnlocked returns when no process of a stopped server is left. Backends
// outlive a postmaster that was killed.
func awaitUnlocked(dir string) error {
	f, err := lock(context.Background(), dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil // the directory was deleted
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// eventually calls try, ever less often, until it succeeds, and returns its
// last error when patience or ctx ends.
func eventually(ctx context.Context, patience time.Duration, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, 200*time.Millisecond) {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

func pidFile(cluster string) string { return filepath.Join(cluster, "postmaster.pid") }

// readPidFile returns the lines of postmaster.pid: process id, data directory,
// start, port, socket directory, address, shared memory, status. There may be
// fewer of them.
func readPidFile(cluster string) (pid int, lines []string) {
	text, err := os.ReadFile(pidFile(cluster))
	if err != nil {
		return 0, nil
	}
	lines = strings.Split(string(text), "\n")
	pid, _ = strconv.Atoi(strings.TrimSpace(lines[0]))
	return pid, lines
}

// describe names the server of a cluster for people.
func describe(cluster string) string {
	pid, lines := readPidFile(cluster)
	if pid == 0 || len(lines) < 4 || lines[3] == "" {
		return "it is starting or stopping"
	}
	return fmt.Sprintf("process %d, port %s", pid, lines[3])
}
