package pgserver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
)

// serverAccount is nil unless we are root.
func serverAccount(cluster string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	info, err := os.Stat(cluster)
	if err == nil {
		if owner := info.Sys().(*syscall.Stat_t); owner.Uid != 0 {
			return &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid}, nil
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, name := range []string{"postgres", "nobody"} {
		if account, err := lookup(name); err == nil {
			return account, nil
		}
	}
	return nil, errors.New("PostgreSQL refuses to run as root, and there is no user postgres or nobody")
}

func lookup(name string) (*syscall.Credential, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// give makes the server's account the owner of path.
func (h *home) give(path string) error {
	if h.account == nil {
		return nil
	}
	return os.Lchown(path, int(h.account.Uid), int(h.account.Gid))
}

// command prepares a program of PostgreSQL that works in the directory dir. The
// program holds our lock too, and knows dir as reached. The caller adds the
// arguments, and calls closeInherited when the program has started or will not.
func (h *home) command(ctx context.Context, program, dir string) (cmd *exec.Cmd, reached string, err error) {
	cmd = exec.CommandContext(ctx, filepath.Join(h.bin, program))
	cmd.Dir = "/"
	cmd.Env = childEnvironment
	cmd.SysProcAttr = sysProcAttr(h.account)
	// Politely and to the children too, or their shared memory would stay.
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = lockPatience
	cmd.ExtraFiles = []*os.File{h.lock}
	if reached, err = h.reach(cmd, dir); err != nil {
		closeInherited(cmd)
		return nil, "", err
	}
	return cmd, reached, nil
}

// childEnvironment lets nothing of ours through, least of all PG….
var childEnvironment = []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}

// reach is the name by which cmd can open path, whose parents may be closed to
// the account that cmd runs as.
func (h *home) reach(cmd *exec.Cmd, path string) (string, error) {
	if h.account == nil || runtime.GOOS != "linux" {
		return path, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	cmd.ExtraFiles = append(cmd.ExtraFiles, f)
	return fmt.Sprintf("/proc/self/fd/%d", 2+len(cmd.ExtraFiles)), nil
}

// closeInherited closes our copies of what reach opened.
func closeInherited(cmd *exec.Cmd) {
	for _, f := range cmd.ExtraFiles[1:] {
		_ = f.Close()
	}
}
