package main

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kiwi-ki/invitations/internal/dev/pgserver"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// result is a line of the table.
type result struct {
	fault                string
	outage               time.Duration
	answered             int
	errors               string
	lost, double, misled int
	odd                  error
}

// broken reports whether callers were told what they should not be.
func (r result) broken() bool { return r.lost+r.double+r.misled > 0 || r.odd != nil }

// truth is what the primary has in the end.
type truth struct {
	users, redeemed, reports map[string]bool
	trail                    []event
}

type event struct {
	Sequence   int64
	Kind, User string
	Occurred   time.Time
}

// judge holds the ledger against the primary.
func (l *ledger) judge(ctx context.Context, fault string, primary *pgserver.Server) (result, error) {
	t, err := readTruth(ctx, primary)
	if err != nil {
		return result{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	r := result{fault: fault, outage: l.outage, answered: l.answered, errors: l.heard(), odd: errors.Join(l.odd...)}
	for _, p := range l.people {
		if !t.users[p.id] || p.redeemed > 0 && !t.redeemed[p.id] {
			r.lost++
		}
		if p.redeemed > 1 {
			r.double++
		}
	}
	for _, id := range l.reports {
		if !t.reports[id] {
			r.misled++
		}
	}
	for _, c := range l.consumers {
		r.misled += c.differs(t.trail)
	}
	return r, nil
}

// differs counts the events that a consumer was told of and the trail does not have,
// and those of the trail that it was never told of.
func (c *consumer) differs(trail []event) (n int) {
	for i := range max(len(c.events), len(trail)) {
		if i >= len(c.events) || i >= len(trail) || !trail[i].is(c.events[i]) {
			n++
		}
	}
	return n
}

func (e event) is(told *pb.Event) bool {
	return e.Sequence == told.GetSequence() && e.User == told.GetUserId() && "EVENT_TYPE_"+e.Kind == told.GetType().String() &&
		e.Occurred.Equal(told.GetOccurredAt().AsTime())
}

func readTruth(ctx context.Context, primary *pgserver.Server) (t truth, err error) {
	conn, err := pgx.Connect(ctx, primary.DSN("postgres"))
	if err != nil {
		return t, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for sql, into := range map[string]*map[string]bool{
		`SELECT id FROM users`: &t.users,
		`SELECT user_id FROM invitations WHERE state = 'REDEEMED'`: &t.redeemed,
		`SELECT event_id FROM reports`:                             &t.reports,
	} {
		rows, _ := conn.Query(ctx, sql) // its error is that of the rows
		ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return t, err
		}
		*into = make(map[string]bool, len(ids))
		for _, id := range ids {
			(*into)[id] = true
		}
	}
	rows, _ := conn.Query(ctx, `SELECT sequence, type, user_id, occurred_at FROM events WHERE organization_id = $1 ORDER BY sequence`, organization)
	t.trail, err = pgx.CollectRows(rows, pgx.RowToStructByPos[event])
	return t, err
}
