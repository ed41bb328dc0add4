package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/kiwi-ki/invitations/internal/dev/launch"
	"github.com/kiwi-ki/invitations/internal/dev/pgserver"
	"github.com/kiwi-ki/invitations/internal/invitation"
)

const (
	linkBase = "https://app.kiwi.example/i/"
	// maxClients is how many callers there can be: Postgres has some
	// connections more.
	maxClients = 350
)

// postgresSettings are the server's for both sides. Commits reach the disk
// before they are answered. No checkpoint falls into a run, as it would hit one
// side and not the other.
var postgresSettings = map[string]string{
	"fsync":              "on",
	"synchronous_commit": "on",
	"full_page_writes":   "on",
	"shared_buffers":     "1GB",
	"max_connections":    "400",
	"max_wal_size":       "16GB",
	"checkpoint_timeout": "1h",
}

// lab is what all measurements share.
type lab struct {
	options
	progress io.Writer
	start    time.Time

	root    string // of the checkout
	work    string // holds nothing that outlives the lab but the results
	binary  string // invitationd as it is released
	pg      *pgserver.Server
	pgbench string
	keys    string // file
	ring    *invitation.KeyRing
	before  *report // to compare with; nil for none
}

// openLab builds the service and starts Postgres. The lab has to be closed.
func openLab(ctx context.Context, o options, progress io.Writer) (*lab, error) {
	root, err := launch.Root(ctx)
	if err != nil {
		return nil, err
	}
	l := &lab{options: o, progress: progress, start: time.Now(), root: root, work: filepath.Join(root, ".data", "bench", "work")}
	if l.out == "" {
		l.out = filepath.Join(root, ".data", "bench", "results")
	}
	for _, dir := range []string{l.work, filepath.Join(l.out, keptDir)} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
	}
	if l.compare {
		if l.before, err = last(l.out); err != nil {
			return nil, err
		}
		if l.before == nil {
			return nil, errNothingKept
		}
	}
	l.say("building the service")
	l.binary = filepath.Join(l.work, "invitationd")
	if err := launch.Build(ctx, l.root, l.binary); err != nil {
		return nil, err
	}
	l.keys = filepath.Join(l.work, "keys")
	if l.ring, err = launch.Keys(l.keys); err != nil {
		return nil, err
	}
	l.say("starting Postgres")
	if err := l.startPostgres(ctx); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *lab) close() {
	_ = l.pg.Stop()
	if err := pgserver.Remove(l.dataDir()); err != nil {
		l.say("clean up: %v", err)
	}
	_ = os.RemoveAll(l.work)
}

func (l *lab) say(format string, args ...any) { fmt.Fprintf(l.progress, format+"\n", args...) }

// dataDir is on the checkout's disk: a temporary directory may lie in memory,
// where writing to the disk costs nothing.
func (l *lab) dataDir() string { return filepath.Join(l.root, ".data", "bench", "postgres") }

func (l *lab) startPostgres(ctx context.Context) error {
	// A run that was killed leaves its data behind.
	if err := pgserver.Remove(l.dataDir()); err != nil {
		return fmt.Errorf("remove an earlier run's data: %w", err)
	}
	settings := maps.Clone(postgresSettings)
	if quarter := memory() / 4 >> 20; l.growth && quarter > 1024 {
		// As Postgres's manual has it: the large database does not fit into the
		// cache that is enough for all else here.
		settings["shared_buffers"] = fmt.Sprintf("%dMB", quarter)
	}
	pg, err := pgserver.Start(ctx, pgserver.Config{DataDir: l.dataDir(), Durable: true, Settings: settings})
	if err != nil {
		return err
	}
	l.pg = pg
	if l.pgbench, err = findPgbench(pg.Pid()); err != nil {
		l.close()
		return err
	}
	return nil
}

// findPgbench looks beside the server's program, so that both have one version.
func findPgbench(server int) (string, error) {
	program, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", server))
	if err == nil {
		beside := filepath.Join(filepath.Dir(program), "pgbench")
		if _, err := os.Stat(beside); err == nil {
			return beside, nil
		}
	}
	path, err := exec.LookPath("pgbench")
	if err != nil {
		return "", errors.New("pgbench is neither beside postgres nor in PATH")
	}
	return path, nil
}
