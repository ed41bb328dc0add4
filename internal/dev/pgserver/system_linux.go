package pgserver

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// sysProcAttr makes the kernel send SIGINT, a fast shutdown, when we die.
func sysProcAttr(account *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Credential: account, Pdeathsig: syscall.SIGINT}
}

// runningPostmaster finds the process by its working directory, because the id
// in a stale file may belong to another process by now.
func runningPostmaster(cluster string) (pid int, ok bool) {
	pid, _ = readPidFile(cluster)
	theirs, err := os.Stat(fmt.Sprintf("/proc/%d/cwd", pid))
	if err != nil {
		return 0, false
	}
	ours, err := os.Stat(cluster)
	if err != nil || !os.SameFile(theirs, ours) {
		return 0, false
	}
	return pid, true
}

// removeSharedMemory deletes the System V segment that a killed postmaster left
// behind and that only a restart on the same cluster would take up again. The
// kernel holds no more than 4096 of them. One that is in use, or whose id was
// given to somebody else, is left alone.
func removeSharedMemory(cluster string) {
	_, lines := readPidFile(cluster)
	if len(lines) < 7 {
		return
	}
	fields := strings.Fields(lines[6])
	if len(fields) != 2 {
		return
	}
	key, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		return
	}
	id, err := strconv.Atoi(fields[1])
	if err != nil {
		return
	}
	var segment unix.SysvShmDesc
	if _, err := unix.SysvShmCtl(id, unix.IPC_STAT, &segment); err != nil {
		return
	}
	if segment.Perm.Key == int32(key) && segment.Nattch == 0 {
		_, _ = unix.SysvShmCtl(id, unix.IPC_RMID, nil)
	}
}
