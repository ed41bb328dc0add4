//go:build !fast

package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
	"github.com/kiwi-ki/invitations/internal/dev/storetest"
	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/postgres"
)

// pooler starts PgBouncer in transaction mode before a database, with fewer
// connections than its clients have, and returns the URL to it.
func pooler(t *testing.T, dsn string, connections int) string {
	t.Helper()
	binary, err := exec.LookPath("pgbouncer")
	if err != nil {
		binary = "/usr/sbin/pgbouncer" // not in the PATH of ordinary users
		if _, err := os.Stat(binary); err != nil {
			t.Fatal("PgBouncer is not installed: run `sudo apt-get install pgbouncer`")
		}
	}
	server, err := pgconn.ParseConfig(dsn)
	must(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	port := listener.Addr().(*net.TCPAddr).Port
	must(t, listener.Close())
	ini := filepath.Join(t.TempDir(), "pgbouncer.ini")
	must(t, os.WriteFile(ini, fmt.Appendf(nil, `[databases]
%s = host=%s port=%d user=%s password=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = %d
max_client_conn = 200
`, server.Database, server.Host, server.Port, server.User, server.Password, port, connections), 0o600))
	cmd := exec.CommandContext(t.Context(), binary, ini)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	log := &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = log, log
	giveAway(t, cmd, ini)
	must(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		if t.Context().Err() == nil {
			t.Error("the pooler outlives the test")
		}
		_ = <-ended //nolint:staticcheck // its end is all that matters
	})
	pooled := fmt.Sprintf("postgres://%s@127.0.0.1:%d/%s?sslmode=disable", server.User, port, server.Database)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, pooled)
		if err == nil {
			must(t, conn.Close(ctx))
			return pooled
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("PgBouncer ended: %v: %s", err, log)
		case <-ctx.Done():
			t.Fatalf("PgBouncer does not answer: %v", err)
		default:
		}
	}
}

// giveAway has root run PgBouncer as somebody else, which it insists on.
func giveAway(t *testing.T, cmd *exec.Cmd, ini string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		account, err = user.Lookup("nobody")
	}
	must(t, err)
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	must(t, err)
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	must(t, err)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	// Its configuration is read by the descriptor: the directories above are ours.
	file, err := os.Open(ini)
	must(t, err)
	t.Cleanup(func() { _ = file.Close() })
	must(t, os.Chown(ini, int(uid), int(gid)))
	cmd.ExtraFiles = []*os.File{file}
	cmd.Args[len(cmd.Args)-1] = "/proc/self/fd/3"
	cmd.Dir = "/"
}

// TestThroughAPooler: the store works behind PgBouncer in transaction mode with
// the settings that cmd/invitationd then chooses, although neither statements
// nor sessions last there.
func TestThroughAPooler(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	pooled := pooler(t, d.dsn, 3)
	behind := func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe }
	stores := []*postgres.Store{storetest.New(t, pgtest.Pool(t, pooled, behind)), storetest.New(t, pgtest.Pool(t, pooled, behind))}
	follower := follower{store: stores[0], organization: org}
	var users sync.WaitGroup
	for n := range 24 {
		users.Go(func() {
			s := stores[n%2]
			for range 4 {
				id := newID()
				var mailed invitation.Token
				for _, c := range []invitation.Change{create(id, emailOf(id)), send(id), identified(renew(id), newRequest()), revoke(id), share(id)} {
					_, err := s.Update(t.Context(), c)
					res, e := stores[(n+1)%2].Read(t.Context(), invitation.Key{UserID: id})
					if err := errors.Join(err, e); err != nil || res.User == nil {
						t.Errorf("%s: %v", c.Request.Cause, err)
					}
					if c.Request.Cause == "send" {
						mailed = token(res.User, invitation.Mailed)
					}
				}
				end, err := s.EndOf(t.Context(), mailed)
				if _, _, e := s.List(t.Context(), invitation.ListFilter{OrganizationID: org, Limit: 5}); errors.Join(err, e) != nil || end != invitation.EndSuperseded {
					t.Errorf("the link ended with %q, %v, %v", end, err, e)
				}
			}
		})
	}
	users.Wait()
	must(t, follower.poll(t.Context()))
	must(t, stores[0].Ping(t.Context()))
	d.checkAlways()
}

// TestPoolerNeedsTheSetting: without it, two clients that share a session meet
// in the names of their statements; this is what the test above would find.
func TestPoolerNeedsTheSetting(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	pooled := pooler(t, d.dsn, 1)
	var errs []error
	for range 2 {
		conn, err := pgx.Connect(t.Context(), pooled)
		must(t, err)
		t.Cleanup(func() { _ = conn.Close(context.Background()) })
		_, err = conn.Exec(t.Context(), `SELECT $1::int`, 1)
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err == nil {
		t.Error("PgBouncer gives each client a session of its own")
	}
}
