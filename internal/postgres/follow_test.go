package postgres_test

import (
	"context"
	"errors"
	"runtime"
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

// counted counts the statements that have a text in them.
type counted struct {
	text string
	n    atomic.Int64
}

func (c *counted) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	if strings.Contains(q.SQL, c.text) {
		c.n.Add(1)
	}
	return ctx
}

func (*counted) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// followed is a store whose looks at the trails are counted.
func followed(t *testing.T) (*postgres.Store, *counted) {
	t.Helper()
	looks := &counted{text: "FROM trails WHERE organization_id = ANY"}
	pool := pgtest.Pool(t, newDB(t).dsn, func(c *pgxpool.Config) { c.ConnConfig.Tracer = looks })
	return storetest.New(t, pool), looks
}

// TestIdleStreamsCostNothing: five hundred who follow trails on which nothing
// happens, and trails that do not exist, are one question to the database now and
// then. When one trail goes on, those who follow it hear of it, and nobody else.
func TestIdleStreamsCostNothing(t *testing.T) {
	t.Parallel()
	s, looks := followed(t)
	person(t, s)
	upTo, err := s.Follow(t.Context(), org, 0)
	must(t, err)
	if upTo != 1 {
		t.Fatalf("the trail goes up to %d", upTo)
	}
	const streams = 500
	ctx, hangUp := context.WithCancel(t.Context())
	var heard, gone sync.WaitGroup
	for n := range streams {
		if n%2 == 0 {
			heard.Go(func() {
				if upTo, err := s.Follow(ctx, org, 1); err != nil || upTo != 2 {
					t.Errorf("who follows heard of %d, %v", upTo, err)
				}
			})
			continue
		}
		gone.Go(func() {
			if _, err := s.Follow(ctx, "nobody", 0); !errors.Is(err, context.Canceled) {
				t.Errorf("who follows nothing heard %v", err)
			}
		})
	}
	before := looks.n.Load()
	for looks.n.Load() < before+3 { // seconds, in which nothing happens
		_, err := s.Read(t.Context(), invitation.Key{UserID: "nobody"})
		if !errors.Is(err, invitation.ErrUserNotFound) {
			t.Fatal(err)
		}
	}
	asked := looks.n.Load()
	person(t, s)
	heard.Wait()
	hangUp()
	gone.Wait()
	if n := looks.n.Load(); n > asked+10 || asked > before+10 {
		t.Errorf("%d streams asked the database %d times", streams, n-before)
	}
}

// TestOthersEventsAskNothing: while another organization is busy, of which every
// server is told, who follows a trail on which nothing happens costs a question a
// second and no more.
func TestOthersEventsAskNothing(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	looks := &counted{text: "FROM trails WHERE organization_id = ANY"}
	s := storetest.New(t, pgtest.Pool(t, d.dsn, func(c *pgxpool.Config) { c.ConnConfig.Tracer = looks }))
	told, err := pgx.Connect(t.Context(), d.dsn)
	must(t, err)
	defer func() { must(t, told.Close(context.Background())) }()
	_, err = told.Exec(t.Context(), "LISTEN invitation_events")
	must(t, err)
	ctx, hangUp := context.WithCancel(t.Context())
	var gone sync.WaitGroup
	gone.Go(func() { s.Listen(ctx) })
	gone.Go(func() { _, _ = s.Follow(ctx, "idle", 0) })
	for looks.n.Load() == 0 || d.text(`SELECT count(*)::text FROM pg_stat_activity WHERE query = 'LISTEN invitation_events'`) != "2" {
		runtime.Gosched()
	}
	before, began := looks.n.Load(), time.Now()
	for range 20 {
		person(t, s)
		_, err := told.WaitForNotification(t.Context())
		must(t, err)
	}
	seconds := int64(time.Since(began)/time.Second) + 1
	if n := looks.n.Load() - before; n > seconds+1 {
		t.Errorf("20 events of another organization in %d s made it ask %d times", seconds, n)
	}
	hangUp()
	gone.Wait()
}

// TestFollowingEndsWithAnOutage: who follows hears that the database is away,
// instead of waiting for events that nobody looks for.
func TestFollowingEndsWithAnOutage(t *testing.T) {
	t.Parallel()
	s := storetest.New(t, pgtest.Pool(t, "postgres://nobody@127.0.0.1:1/nothing"))
	if _, err := s.Follow(t.Context(), org, 0); !errors.Is(err, invitation.ErrUnavailable) {
		t.Errorf("who follows heard %v", err)
	}
}
