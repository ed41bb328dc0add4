package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/postgres"
)

// repeated are calls that change nothing and are answered with OK. Each first
// prepares what it then finds done.
var repeated = map[string]func(t *testing.T, s *postgres.Store, id string) invitation.Change{
	"send": func(t *testing.T, s *postgres.Store, id string) invitation.Change {
		return first(t, s, identified(send(id), newRequest()))
	},
	"redeem": func(t *testing.T, s *postgres.Store, id string) invitation.Change {
		link := token(do(t, s, share(id)).User, invitation.Shared)
		return first(t, s, identified(redeem(link), newRequest()))
	},
	"deactivate": func(t *testing.T, s *postgres.Store, id string) invitation.Change {
		return first(t, s, identified(deactivate(id), newRequest()))
	},
	"create": func(t *testing.T, s *postgres.Store, _ string) invitation.Change {
		id := newID()
		return first(t, s, identified(create(id, emailOf(id)), newRequest()))
	},
	"erase": func(t *testing.T, s *postgres.Store, id string) invitation.Change {
		return first(t, s, identified(erase(id), newRequest()))
	},
	"revoking what is revoked": func(t *testing.T, s *postgres.Store, id string) invitation.Change {
		do(t, s, share(id))
		return first(t, s, revoke(id))
	},
	"deactivating who is deactivated": func(t *testing.T, s *postgres.Store, id string) invitation.Change {
		return first(t, s, deactivate(id))
	},
}

func first(t *testing.T, s *postgres.Store, c invitation.Change) invitation.Change {
	t.Helper()
	do(t, s, c)
	return c
}

// TestRepeatedRequest: a request that comes again does nothing, whatever
// happened in between, and answers OK.
func TestRepeatedRequest(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	a, b := d.server(), d.server()
	for name, prepare := range repeated {
		t.Run(name, func(t *testing.T) {
			id := person(t, a)
			c := prepare(t, a, id)
			before := d.traces(id) + d.text(`SELECT count(*)::text FROM events`)
			for _, s := range []*postgres.Store{b, a} {
				do(t, s, c)
			}
			if after := d.traces(id) + d.text(`SELECT count(*)::text FROM events`); after != before {
				t.Errorf("repeated, it changed\n%s\nto\n%s", before, after)
			}
			if c.Request.ID == (invitation.Request{}).ID {
				return
			}
			if n := d.count(`SELECT uses FROM requests WHERE id = $1`, c.Request.ID); n != 3 {
				t.Errorf("the request counts %d uses", n)
			}
			other := c
			other.Request.Fingerprint = []byte("something else")
			if _, err := a.Update(t.Context(), other); as(err) != as(invitation.ErrRequestIDReused) {
				t.Errorf("another request with this id: %v", err)
			}
		})
	}
}

// TestFirstAnswer: a repeated redemption gets what the first one got, although
// the user has changed since.
func TestFirstAnswer(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	s := d.server()
	id := person(t, s)
	c := identified(redeem(token(do(t, s, send(id)).User, invitation.Mailed)), newRequest())
	was := do(t, s, c).Answer
	do(t, s, on(id, "confirm", func(u *invitation.User, now time.Time) error { return u.ConfirmEmail(email("later@example.com"), now) }))
	do(t, s, deactivate(id))
	if again := do(t, s, c).Answer; string(again) != string(was) || len(was) == 0 {
		t.Errorf("first %q, then %q", was, again)
	}
}

// TestEveryAnswerIsReplicated: where a commit has to wait for a standby, no call
// is answered with OK before one has it, not even a repeated one that changes
// nothing: else a fail-over can lose what was acknowledged (finding B). The
// standby here is one that never comes.
func TestEveryAnswerIsReplicated(t *testing.T) {
	t.Parallel()
	server := pgtest.NewServer(t)
	d := openDB(t, server.DSN("postgres"))
	s := d.server(func(c *postgres.Config) { c.Timeout = 400 * time.Millisecond })
	patient := d.server()
	calls := map[string]invitation.Change{}
	for name, prepare := range repeated {
		calls[name] = prepare(t, patient, person(t, patient))
	}
	reads := person(t, patient)

	d.exec(`ALTER SYSTEM SET synchronous_standby_names = 'nobody'`)
	d.reload(t, server.DSN("postgres"), "nobody")
	for name, c := range calls {
		_, err := s.Update(t.Context(), c)
		if err == nil {
			t.Errorf("%s is answered and not replicated", name)
			continue
		}
		isUnavailable(t, err)
	}
	// The naive replay, which only looks, is what must not be.
	if _, err := patient.Read(t.Context(), invitation.Key{UserID: reads}); err != nil {
		t.Errorf("reading waits too, so that this test shows nothing: %v", err)
	}
	d.exec(`ALTER SYSTEM RESET synchronous_standby_names`)
	d.reload(t, server.DSN("postgres"), "")
	for name, c := range calls {
		if _, err := patient.Update(t.Context(), c); err != nil {
			t.Errorf("%s, with the standby back: %v", name, err)
		}
	}
}

// reload has the server read its configuration, and waits until a new session
// sees the setting.
func (d *db) reload(t *testing.T, dsn, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	d.exec(`SELECT pg_reload_conf()`)
	for got := "?"; got != want; {
		conn, err := pgx.Connect(ctx, dsn)
		must(t, err)
		must(t, conn.QueryRow(ctx, `SHOW synchronous_standby_names`).Scan(&got))
		must(t, conn.Close(ctx))
	}
	// It is the checkpointer who tells sessions to wait: let it have read it too.
	d.exec(`CHECKPOINT`)
}
