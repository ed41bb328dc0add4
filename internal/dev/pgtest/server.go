package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/kiwi-ki/invitations/internal/dev/harness"
	"github.com/kiwi-ki/invitations/internal/dev/pgserver"
)

// NewServer starts a server for a test that stops, kills or freezes it. Its
// database "postgres" is migrated like the template. Starting takes about a
// second, so a test that only needs data takes [Database]. The server may be in
// any state when the test ends.
func NewServer(t testing.TB) *pgserver.Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), harness.Patience)
	defer cancel()
	server, cleanUp, err := startServer(ctx, "")
	harness.Must(t, err)
	t.Cleanup(cleanUp)
	harness.Must(t, migrate(ctx, server.DSN("postgres")))
	return server
}

// NewStandby starts a server that follows another one.
func NewStandby(t testing.TB, primary string) *pgserver.Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), harness.Patience)
	defer cancel()
	server, cleanUp, err := startServer(ctx, primary)
	harness.Must(t, err)
	t.Cleanup(cleanUp)
	return server
}

func startServer(ctx context.Context, follows string) (server *pgserver.Server, cleanUp func(), err error) {
	dir, err := os.MkdirTemp(tempDir(), fmt.Sprintf("%s%d-", dirPrefix, os.Getpid()))
	if err != nil {
		return nil, nil, err
	}
	server, err = pgserver.Start(ctx, pgserver.Config{
		DataDir: dir, Follows: follows,
		Settings: map[string]string{
			"max_connections": "400",
			"max_wal_size":    "256MB", // it may lie in memory
		},
	})
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	return server, func() {
		if err := errors.Join(server.Stop(), pgserver.Remove(dir)); err != nil {
			fmt.Fprintln(os.Stderr, "pgtest:", err)
		}
	}, nil
}

const memory = "/dev/shm"

// tempDir keeps data in memory where there is plenty. Every database is some
// 300 files, and the disk can be slow to make and delete them: up to 0.3 s
// instead of 0.02 s on ext4 without a journal. $TMPDIR wins.
func tempDir() string {
	const plenty = 4 << 30
	var fs syscall.Statfs_t
	if os.Getenv("TMPDIR") == "" && syscall.Statfs(memory, &fs) == nil &&
		fs.Bavail*uint64(fs.Bsize) >= plenty && unix.Access(memory, unix.W_OK|unix.X_OK) == nil {
		return memory
	}
	return os.TempDir()
}

// dirPrefix is followed by the process id of the owner.
const dirPrefix = "kiwi-pgtest-"

// sweep removes the data directories of our user's runs that were killed. A
// directory in use is safe even if its owner's id means nothing to us, as
// between containers that share the temporary directory: Remove cannot lock it.
func sweep(temp string) {
	dirs, _ := filepath.Glob(filepath.Join(temp, dirPrefix+"*")) // fails on a bad pattern only
	for _, dir := range dirs {
		if isOurs(dir) && ownerIsDead(dir) {
			_ = pgserver.Remove(dir) // another run may be removing it too
		}
	}
}

func isOurs(dir string) bool {
	info, err := os.Lstat(dir)
	return err == nil && info.IsDir() && int(info.Sys().(*syscall.Stat_t).Uid) == os.Geteuid()
}

func ownerIsDead(dir string) bool {
	var pid int
	_, err := fmt.Sscanf(strings.TrimPrefix(filepath.Base(dir), dirPrefix), "%d-", &pid)
	return err == nil && pid > 0 && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}
