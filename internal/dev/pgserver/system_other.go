//go:build !linux

package pgserver

import "syscall"

func sysProcAttr(account *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Credential: account}
}

// runningPostmaster cannot tell a reused process id here, and leaves it to the
// lock.
func runningPostmaster(string) (pid int, ok bool) { return 0, false }

func removeSharedMemory(string) {}
