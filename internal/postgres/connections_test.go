package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
	"github.com/kiwi-ki/invitations/internal/dev/storetest"
	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/postgres"
)

// TestRoleOfFourConnections: a role that may have four connections serves a pool of
// sixteen. Nobody hears of it, calls share transactions as ever, and nobody tries
// again and again to get a fifth connection.
func TestRoleOfFourConnections(t *testing.T) {
	t.Parallel()
	const callers, calls = 64, 12
	d := newDB(t)
	tried, pool := d.limitedPool(4)
	s := storetest.New(d, pool)
	ids := make([]string, callers)
	for i := range ids {
		ids[i] = person(t, s)
	}
	before := tried.Load()
	var crowd sync.WaitGroup
	for _, id := range ids {
		crowd.Go(func() {
			for range calls {
				_, err := s.Update(t.Context(), share(id))
				_, readErr := s.Read(t.Context(), invitation.Key{UserID: id})
				_, _, listErr := s.List(t.Context(), invitation.ListFilter{OrganizationID: org, Limit: 5})
				if err := errors.Join(err, readErr, listErr); err != nil {
					t.Errorf("a caller hears %v", err)
				}
			}
		})
	}
	crowd.Wait()
	must(t, s.Ping(t.Context()))
	transactions := d.count(`SELECT count(DISTINCT xmin::text) FROM events WHERE type = 'INVITATION_SHARED' OR type = 'INVITATION_ISSUED'`)
	if transactions > callers*calls/2 {
		t.Errorf("%d calls took %d transactions", callers*calls, transactions)
	}
	if n := tried.Load() - before; n > callers*calls/8 {
		t.Errorf("%d calls tried %d times to connect", callers*calls, n)
	}
	if n := pool.Stat().TotalConns(); n > 4 {
		t.Errorf("the pool has %d connections", n)
	}
}

// TestNoConnectionAtAll: who waits in vain hears when to come back.
func TestNoConnectionAtAll(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	_, pool := d.limitedPool(1)
	held, err := pool.Acquire(t.Context())
	must(t, err)
	s := storetest.New(d, pool, func(c *postgres.Config) { c.Timeout = 100 * time.Millisecond })
	outage(t, s, "nobody")
	held.Release()
	recovered(t, s, create(newID(), email("late@example.com")))
}

// limitedPool has sixteen connections, of a role that may have fewer. It counts how
// often somebody tried to connect.
func (d *db) limitedPool(most int) (tried *atomic.Int64, pool *pgxpool.Pool) {
	d.Helper()
	role := strings.ReplaceAll(newID(), "-", "_")
	d.exec(fmt.Sprintf(`CREATE ROLE %[1]s LOGIN PASSWORD 'secret' CONNECTION LIMIT %[2]d;
		GRANT ALL ON ALL TABLES IN SCHEMA public TO %[1]s; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO %[1]s`, role, most))
	d.Cleanup(func() { d.exec(fmt.Sprintf(`DROP OWNED BY %[1]s; DROP ROLE %[1]s`, role)) })
	tried = new(atomic.Int64)
	return tried, pgtest.Pool(d, d.dsn, func(c *pgxpool.Config) {
		c.MaxConns = 16
		c.ConnConfig.User, c.ConnConfig.Password = role, "secret"
		c.BeforeConnect = func(context.Context, *pgx.ConnConfig) error { tried.Add(1); return nil }
	})
}

// TestRoomForEach: where lists and reports have taken all of their places, one more
// hears when to come back, and changes and single reads go on.
func TestRoomForEach(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	id := person(t, d.server())
	s := d.server(func(c *postgres.Config) { c.Timeout = 300 * time.Millisecond })
	s.Crowd()
	ctx := t.Context()
	_, _, list := s.List(ctx, invitation.ListFilter{OrganizationID: org, Limit: 1})
	_, _, users := s.ListUsers(ctx, invitation.UserFilter{OrganizationID: org, Limit: 1})
	_, events := s.Events(ctx, invitation.EventFilter{OrganizationID: org, Limit: 1})
	_, report := s.Report(ctx, []invitation.Report{{EventID: "one", State: invitation.Delivered}})
	for _, err := range []error{list, users, events, report} {
		isUnavailable(t, err)
	}
	recovered(t, s, share(id))
	if _, err := s.Read(ctx, invitation.Key{UserID: id}); err != nil && !errors.Is(err, invitation.ErrUnavailable) {
		t.Errorf("a single read: %v", err)
	}
}
