package pgserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

const (
	role    = "kiwi" // owns the cluster and everything in it
	address = "127.0.0.1"
)

var (
	// ErrNotInstalled means that no usable PostgreSQL was found.
	ErrNotInstalled = errors.New("PostgreSQL 14 or newer is not installed: " +
		"run `deploy/dev/install-debian.sh postgresql:initdb` as root on Debian, " +
		"`brew install postgresql@17` on macOS, " +
		"or set PG_BIN to the directory that holds initdb and postgres")

	// ErrRunning means that another server runs in the same data directory.
	ErrRunning = errors.New("another server is running here")
)

// Config describes a server.
type Config struct {
	// DataDir is made, with a fresh cluster in it, when it is not there.
	DataDir string

	// Durable makes commits survive a power failure. Without it they survive
	// only the death of the server, which is all that a throw-away needs.
	Durable bool

	// Follows is the DSN of a running server, of which this one becomes a standby:
	// its cluster, when it is not there, is copied from that one.
	Follows string

	// Port is on 127.0.0.1; 0 picks a free one.
	Port int

	// Settings are added to the server's configuration, and win over the
	// defaults of this package except for where it listens.
	Settings map[string]string

	// Log takes the server's log; nil appends to server.log in DataDir.
	Log io.Writer
}

// Server is a running server. Its methods may be called concurrently.
type Server struct {
	config   Config // Port is the one in use
	password string

	change  sync.Mutex // held while the server is being stopped or started
	process atomic.Pointer[process]
}

// Start returns when the server takes connections. When ctx ends first it
// leaves nothing running and returns the context's error.
//
// Start also removes libpq's PG… variables from the environment of this
// process. pgx reads them beneath any connection string, and no string shuts
// all of them out: PGSERVICE, for one, makes every connection fail.
//
// Errors: [ErrNotInstalled], [ErrRunning].
func Start(ctx context.Context, c Config) (*Server, error) {
	clearEnvironment()
	s := &Server{config: c}
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// clearEnvironment leaves alone what merely begins like libpq's variables, such
// as PG_BIN.
func clearEnvironment() {
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if name == "PGCONNECT_TIMEOUT" || strings.HasPrefix(name, "PG") && !strings.Contains(name, "_") {
			_ = os.Unsetenv(name)
		}
	}
}

// DSN is the URL of a database on the server, which need not exist yet;
// "postgres" always does.
func (s *Server) DSN(database string) string {
	return dsn(s.config.Port, s.password, database)
}

func dsn(port int, password, database string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(role, password),
		Host:     net.JoinHostPort(address, strconv.Itoa(port)),
		Path:     "/" + database,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Pid is the process id of the postmaster, or of the last one once it is gone.
func (s *Server) Pid() int {
	return s.process.Load().cmd.Process.Pid
}

// Done is closed when the server is gone, by itself or by Stop. After Restart
// it is another channel.
func (s *Server) Done() <-chan struct{} {
	return s.process.Load().done
}

// Stop ends all sessions, shuts down, and returns when no process of the server
// is left. Stopping a server that is gone does nothing. A server that had to be
// killed is an error.
func (s *Server) Stop() error {
	s.change.Lock()
	defer s.change.Unlock()
	return s.stop()
}

// Restart starts the server again on the same port with the same data, after
// stopping it in case it runs. After an error it is stopped.
func (s *Server) Restart(ctx context.Context) error {
	s.change.Lock()
	defer s.change.Unlock()
	if err := s.stop(); err != nil {
		return err
	}
	return s.start(ctx)
}

func (s *Server) stop() error {
	err := s.process.Load().stop()
	if err == nil {
		err = awaitUnlocked(s.config.DataDir)
	}
	if err != nil {
		return fmt.Errorf("stop postgres in %s: %w", s.config.DataDir, err)
	}
	return nil
}

func (s *Server) start(ctx context.Context) error {
	h, err := openHome(ctx, s.config.DataDir)
	if err == nil {
		defer h.close()
		err = s.startIn(ctx, h)
	}
	if errors.Is(err, fs.ErrPermission) {
		err = fmt.Errorf("%w (was it made by another user?)", err)
	}
	if err != nil {
		return fmt.Errorf("start postgres in %s: %w", s.config.DataDir, err)
	}
	return nil
}

// startIn sets the port and the password once, and only reads them when the
// server is restarted.
func (s *Server) startIn(ctx context.Context, h *home) error {
	password, err := h.prepare(ctx, s.config)
	if err != nil {
		return err
	}
	if s.password == "" {
		s.password = password
	}
	if s.config.Port != 0 {
		return s.startOn(ctx, h, s.config.Port)
	}
	for range 5 {
		port, err := freePort()
		if err != nil {
			return err
		}
		if err = s.startOn(ctx, h, port); !errors.Is(err, errPortTaken) {
			return err
		}
	}
	return errPortTaken
}

func (s *Server) startOn(ctx context.Context, h *home, port int) error {
	p, err := h.launch(s.config, port)
	if err != nil {
		return err
	}
	if err := p.awaitReady(ctx, dsn(port, s.password, "postgres")); err != nil {
		err = errors.Join(err, p.stop())
		if !portFree(port) {
			err = fmt.Errorf("%w: %d: %w", errPortTaken, port, err)
		}
		return err
	}
	if s.config.Port == 0 {
		s.config.Port = port
	}
	s.process.Store(p)
	return nil
}
