package pgserver

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"math"
	"os/exec"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// process is one run of a server.
type process struct {
	cmd  *exec.Cmd
	name string // tells this run from any other server

	done chan struct{}
	err  error // how it ended, once done is closed

	log      string // file; "" when Config.Log takes the log
	logStart int64  // where this run's part of it begins
}

// launch starts the server and does not wait until it is ready.
func (h *home) launch(c Config, port int) (*process, error) {
	p := &process{name: "kiwi-" + rand.Text()[:8], done: make(chan struct{})}
	cmd, cluster, err := h.command(context.Background(), "postgres", h.cluster())
	if err != nil {
		return nil, err
	}
	defer closeInherited(cmd)
	p.cmd = cmd
	cmd.Args = append(cmd.Args, "-D", cluster)
	settings := settings(c, port, p.name)
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		cmd.Args = append(cmd.Args, "-c", name+"="+settings[name])
	}
	closeLog, err := p.openLog(c.Log, h.dir)
	if err != nil {
		return nil, err
	}
	defer closeLog()
	if err := startChild(cmd); err != nil {
		return nil, err
	}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

func settings(c Config, port int, name string) map[string]string {
	all := map[string]string{"timezone": "UTC", "log_timezone": "UTC"}
	if !c.Durable {
		maps.Copy(all, map[string]string{
			"fsync":            "off",
			"full_page_writes": "off",
			// In the cluster, and so gone with it, unlike /dev/shm.
			"dynamic_shared_memory_type": "mmap",
			// synchronous_commit stays on: a commit must survive the server.
		})
	}
	maps.Copy(all, c.Settings)
	maps.Copy(all, map[string]string{
		"listen_addresses":        address,
		"port":                    strconv.Itoa(port),
		"unix_socket_directories": "",
		"logging_collector":       "off",
		"cluster_name":            name,
	})
	return all
}

// awaitReady returns when this server, and no other that took its port, lets
// us in.
func (p *process) awaitReady(ctx context.Context, dsn string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ready := make(chan error, 1)
	go func() {
		ready <- eventually(ctx, math.MaxInt64, func() error { return p.ping(ctx, dsn) })
	}()
	select {
	case err := <-ready:
		if ctx.Err() != nil {
			return fmt.Errorf("%w; last attempt: %w", ctx.Err(), err)
		}
		return err
	case <-p.done:
		return fmt.Errorf("the server ended at its start (%w)%s", p.err, p.lastWords())
	}
}

// ping fails on a server that is not p, and in time on one that says nothing.
func (p *process) ping(ctx context.Context, dsn string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgconn.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	results, err := conn.Exec(ctx, "SHOW cluster_name").ReadAll()
	if err != nil {
		return err
	}
	if name := string(results[0].Rows[0][0]); name != p.name {
		return fmt.Errorf("another server, %q, answers on this port", name)
	}
	return nil
}

// stop interrupts the server, then gets rougher. SIGCONT lets a frozen
// postmaster see the signal.
func (p *process) stop() error {
	for i, step := range []struct {
		signal   syscall.Signal
		patience time.Duration
	}{
		{syscall.SIGINT, 30 * time.Second}, // end sessions, write a checkpoint
		{syscall.SIGQUIT, 10 * time.Second},
		{syscall.SIGKILL, 10 * time.Second},
	} {
		select {
		case <-p.done:
			return nil // it had ended before
		default:
		}
		_ = p.cmd.Process.Signal(step.signal)
		_ = p.cmd.Process.Signal(syscall.SIGCONT)
		select {
		case <-p.done:
			if i > 0 {
				return fmt.Errorf("it took %v: %w", step.signal, p.err)
			}
			return p.err
		case <-time.After(step.patience):
		}
	}
	return fmt.Errorf("process %d does not end", p.cmd.Process.Pid)
}
