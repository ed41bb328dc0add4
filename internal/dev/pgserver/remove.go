package pgserver

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// Remove deletes a data directory together with what a killed server left in
// the system. A server that still runs there is shut down first: call it on the
// directory of a stopped server, or of an owner that is dead.
func Remove(dir string) error {
	cluster := filepath.Join(dir, "cluster")
	if pid, ok := runningPostmaster(cluster); ok {
		_ = syscall.Kill(pid, syscall.SIGINT)
		_ = syscall.Kill(pid, syscall.SIGCONT) // its owner may have frozen it
	}
	f, err := lock(context.Background(), dir)
	if errors.Is(err, os.ErrNotExist) {
		return os.RemoveAll(dir)
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	removeSharedMemory(cluster)
	return os.RemoveAll(dir)
}
