package postgres_test

import (
	"context"
	"errors"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kiwi-ki/invitations/internal/dev/pgserver"
	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
	"github.com/kiwi-ki/invitations/internal/dev/storetest"
	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/postgres"
)

// quick gives a transaction less time than any caller has.
func quick(c *postgres.Config) { c.Timeout = 2 * time.Second }

// outage checks what callers hear while the database is away: before their own
// time is up, when to come back.
func outage(t *testing.T, s *postgres.Store, id string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for range 2 {
		var calls sync.WaitGroup
		for _, call := range []func() error{
			update(s, identified(share(id), newRequest())),
			func() error { return s.Ping(ctx) },
			func() error { _, err := s.Read(ctx, invitation.Key{UserID: id}); return err },
			func() error { _, err := s.EndOf(ctx, invitation.Token{Channel: invitation.Mailed}); return err },
			func() error {
				_, _, err := s.List(ctx, invitation.ListFilter{OrganizationID: org, Limit: 1})
				return err
			},
			func() error {
				_, err := s.Events(ctx, invitation.EventFilter{OrganizationID: org, Limit: 1})
				return err
			},
		} {
			calls.Go(func() { isUnavailable(t, call()) })
		}
		calls.Wait()
	}
	if ctx.Err() != nil {
		t.Error("the answers came when nobody waited any more")
	}
}

// recovered repeats a call, as a client does, until it is answered.
func recovered(t *testing.T, s *postgres.Store, c invitation.Change) invitation.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		res, err := s.Update(ctx, c)
		switch {
		case err == nil:
			return res
		case !errors.Is(err, invitation.ErrUnavailable) || ctx.Err() != nil:
			t.Errorf("after the outage: %v", err)
			return res
		}
	}
}

// TestOutage: the server freezes, its processes are killed, it is shut down, it
// is unreachable from the start; each time callers are told so, and the store
// comes back without help.
func TestOutage(t *testing.T) {
	t.Parallel()
	var frozen pgtest.Processes
	for name, c := range map[string]struct {
		fail, recover func(t *testing.T, s *pgserver.Server)
	}{
		"frozen": {
			func(t *testing.T, s *pgserver.Server) { frozen = pgtest.Freeze(t, s) },
			func(t *testing.T, _ *pgserver.Server) { frozen.Signal(t, syscall.SIGCONT) },
		},
		// All at once: what only lost its postmaster still answers for a moment.
		"killed": {
			func(t *testing.T, s *pgserver.Server) { pgtest.Freeze(t, s).Signal(t, syscall.SIGKILL); <-s.Done() },
			func(t *testing.T, s *pgserver.Server) { must(t, s.Restart(t.Context())) },
		},
		"stopped": {
			func(t *testing.T, s *pgserver.Server) { must(t, s.Stop()) },
			func(t *testing.T, s *pgserver.Server) { must(t, s.Restart(t.Context())) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := pgtest.NewServer(t)
			d := openDB(t, server.DSN("postgres"))
			id := person(t, d.server())
			s := d.server(quick)
			c.fail(t, server)
			outage(t, s, id)
			unmet := d.server(quick) // it starts during the outage
			outage(t, unmet, id)
			c.recover(t, server)
			mailed := recovered(t, s, identified(renewOrSend(id), newRequest()))
			recovered(t, unmet, revoke(id))
			if mailed.User.Invitations[app].State(mailed.Now) != invitation.Pending {
				t.Error("the invitation is not pending")
			}
			d.pool.Reset()
			d.checkAlways()
		})
	}
}

// renewOrSend mails whatever the state is: of a share during an outage nobody
// knows whether it was carried out.
func renewOrSend(id string) invitation.Change {
	return on(id, "mail", func(u *invitation.User, now time.Time) error {
		if u.Invitations[app] != nil {
			return u.Renew(app, false, now, validity)
		}
		return u.Send(app, false, now, validity)
	})
}

// TestStandby: a server that takes no writes is as good as none.
func TestStandby(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	id := person(t, d.server())
	readOnly := storetest.New(t, pgtest.Pool(t, d.dsn, func(c *pgxpool.Config) {
		c.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
	}), quick)
	_, err := readOnly.Update(t.Context(), share(id))
	isUnavailable(t, err)
	if _, err := readOnly.Read(t.Context(), invitation.Key{UserID: id}); err != nil {
		t.Errorf("reading there: %v", err)
	}
}
