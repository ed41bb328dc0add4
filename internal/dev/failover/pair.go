package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kiwi-ki/invitations/internal/delivery"
	"github.com/kiwi-ki/invitations/internal/dev/pgserver"
	"github.com/kiwi-ki/invitations/internal/postgres"
)

// pair is a primary, and the standby without which it acknowledges nothing.
type pair struct {
	primary, standby *pgserver.Server
	work             string
}

func startPair(ctx context.Context, work string) (_ *pair, err error) {
	p := &pair{work: work}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.end())
		}
	}()
	p.primary, err = pgserver.Start(ctx, pgserver.Config{
		DataDir: p.dir("primary"), Settings: map[string]string{"synchronous_standby_names": "*"},
	})
	if err != nil {
		return nil, err
	}
	p.standby, err = pgserver.Start(ctx, pgserver.Config{DataDir: p.dir("standby"), Follows: p.primary.DSN("postgres")})
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.New(ctx, p.primary.DSN("postgres"))
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	if err := postgres.Migrate(ctx, pool); err != nil {
		return nil, err
	}
	return p, delivery.Migrate(ctx, pool)
}

func (p *pair) dir(name string) string { return filepath.Join(p.work, name) }

func (p *pair) end() error {
	for _, s := range []*pgserver.Server{p.standby, p.primary} {
		if s != nil {
			_ = s.Stop() // it may have been killed, or stand still
		}
	}
	return clear(p.dir("standby"), p.dir("primary"))
}

// clear removes directories with what a killed server left in the system.
func clear(dirs ...string) error {
	var errs []error
	for _, dir := range dirs {
		for _, cluster := range []string{filepath.Join(dir, "standby"), filepath.Join(dir, "primary"), dir} {
			errs = append(errs, pgserver.Remove(cluster))
		}
	}
	return errors.Join(errs...)
}

// dsn is that of whichever of the two takes writes.
func (p *pair) dsn() (string, error) {
	first, err := url.Parse(p.primary.DSN("postgres"))
	if err != nil {
		return "", err
	}
	second, err := url.Parse(p.standby.DSN("postgres"))
	first.Host += "," + second.Host
	first.RawQuery += "&target_session_attrs=read-write&connect_timeout=2"
	return first.String(), err
}

// fault is one way in which a database goes away. strike returns the server that
// takes writes from then on.
type fault struct {
	number int
	name   string
	strike func(ctx context.Context, p *pair) (*pgserver.Server, error)
}

// A while is longer than any call to the database may take.
const while = 6 * time.Second

var faults = []fault{
	{1, "switchover", func(ctx context.Context, p *pair) (*pgserver.Server, error) {
		if err := p.primary.Stop(); err != nil {
			return nil, err
		}
		return p.promote(ctx)
	}},
	{2, "primary killed, starts again", func(ctx context.Context, p *pair) (*pgserver.Server, error) {
		if err := syscall.Kill(p.primary.Pid(), syscall.SIGKILL); err != nil {
			return nil, err
		}
		<-p.primary.Done()
		return p.primary, p.primary.Restart(ctx)
	}},
	{3, "primary's machine dies", func(ctx context.Context, p *pair) (*pgserver.Server, error) {
		if err := p.kill(); err != nil {
			return nil, err
		}
		return p.promote(ctx)
	}},
	{4, "primary freezes, and wakes beside the new one", func(ctx context.Context, p *pair) (*pgserver.Server, error) {
		if err := signalAll(p.primary, syscall.SIGSTOP); err != nil {
			return nil, err
		}
		pause(ctx, while)
		primary, err := p.promote(ctx)
		if err != nil {
			return nil, err
		}
		pause(ctx, while)
		if err := signalAll(p.primary, syscall.SIGCONT); err != nil {
			return nil, err
		}
		pause(ctx, while)
		return primary, p.kill()
	}},
	{5, "replication cut, then primary's machine dies", func(ctx context.Context, p *pair) (*pgserver.Server, error) {
		if err := p.cut(ctx); err != nil {
			return nil, err
		}
		pause(ctx, 2*while)
		if err := p.kill(); err != nil {
			return nil, err
		}
		return p.promote(ctx)
	}},
}

func (p *pair) promote(ctx context.Context) (*pgserver.Server, error) {
	return p.standby, ask(ctx, p.standby, `SELECT pg_promote()`)
}

// cut has the standby hear no more of the primary.
func (p *pair) cut(ctx context.Context) error {
	return ask(ctx, p.standby, `ALTER SYSTEM SET primary_conninfo = ''`, `SELECT pg_reload_conf()`)
}

// kill ends all processes of the primary at once: those that only lost their
// postmaster still answer for a moment.
func (p *pair) kill() error {
	err := errors.Join(signalAll(p.primary, syscall.SIGSTOP), signalAll(p.primary, syscall.SIGKILL))
	<-p.primary.Done()
	return err
}

// signalAll reaches the postmaster first, so that it makes no more processes.
func signalAll(s *pgserver.Server, signal syscall.Signal) error {
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", s.Pid(), s.Pid()))
	if err != nil {
		return fmt.Errorf("look for Postgres's processes: %w", err)
	}
	for _, field := range append([]string{strconv.Itoa(s.Pid())}, strings.Fields(string(children))...) {
		pid, err := strconv.Atoi(field)
		if err != nil {
			return err
		}
		if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("signal Postgres's process %d: %w", pid, err)
		}
	}
	return nil
}

func ask(ctx context.Context, s *pgserver.Server, statements ...string) error {
	conn, err := pgx.Connect(ctx, s.DSN("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for _, sql := range statements {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
