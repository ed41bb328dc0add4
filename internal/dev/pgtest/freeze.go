package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/kiwi-ki/invitations/internal/dev/harness"
	"github.com/kiwi-ki/invitations/internal/dev/pgserver"
)

// Processes are a server's, the postmaster first.
type Processes []int

// Freeze stops all of a server's processes, which then neither answer nor fail:
// the postmaster first, so that it makes no more of them.
func Freeze(t testing.TB, s *pgserver.Server) Processes {
	t.Helper()
	freeze(t, s.Pid())
	all := Processes{s.Pid()}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", s.Pid(), s.Pid()))
	harness.Must(t, err)
	for _, field := range strings.Fields(string(children)) {
		pid, err := strconv.Atoi(field)
		harness.Must(t, err)
		freeze(t, pid)
		all = append(all, pid)
	}
	if len(all) == 1 {
		t.Fatal("the server has no processes")
	}
	return all
}

// freeze stops a process and waits until it stands still: until then it answers
// and forks.
func freeze(t testing.TB, pid int) {
	t.Helper()
	Processes{pid}.Signal(t, syscall.SIGSTOP)
	ctx, cancel := context.WithTimeout(t.Context(), harness.Patience)
	defer cancel()
	for state := ""; state != "T"; {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return // it is gone
		}
		_, _ = fmt.Sscan(string(stat[strings.LastIndexByte(string(stat), ')')+1:]), &state)
		if state == "Z" {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("process %d is in state %s", pid, state)
		}
	}
}

// Signal passes over processes that are gone.
func (p Processes) Signal(t testing.TB, signal syscall.Signal) {
	t.Helper()
	for _, pid := range p {
		if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			t.Fatal(err)
		}
	}
}
