package pgserver

import (
	"bytes"
	"os/exec"
	"runtime"
	"sync"
)

// launcher runs functions on a thread that lives as long as this process. The
// kernel counts the death of the thread that forked as the death of the parent.
var launcher = sync.OnceValue(func() chan<- func() {
	calls := make(chan func())
	go func() {
		runtime.LockOSThread()
		for call := range calls {
			call()
		}
	}()
	return calls
})

func startChild(cmd *exec.Cmd) error {
	started := make(chan error)
	launcher() <- func() { started <- cmd.Start() }
	return <-started
}

func runChild(cmd *exec.Cmd) (output string, err error) {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := startChild(cmd); err != nil {
		return "", err
	}
	err = cmd.Wait()
	return string(bytes.TrimSpace(out.Bytes())), err
}
