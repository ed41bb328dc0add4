package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

var events = declare("events", "e",
	text("organization_id", func(e *invitation.Event) *string { return &e.OrganizationID }),
	bigNumber("sequence", func(e *invitation.Event) *int64 { return &e.Sequence }, assigned),
	text("type", func(e *invitation.Event) *invitation.EventType { return &e.Type }),
	moment("occurred_at", func(e *invitation.Event) *time.Time { return &e.At }),
	optionalText("user_id", func(e *invitation.Event) *string { return &e.UserID }),
	optionalID("invitation_id", func(e *invitation.Event) *uuid.UUID { return &e.InvitationID }),
	eventTarget("target"),
	text("channel", func(e *invitation.Event) *invitation.Channel { return &e.Channel }),
	optionalID("delivery_id", func(e *invitation.Event) *uuid.UUID { return &e.DeliveryID }),
	text("delivery_state", func(e *invitation.Event) *invitation.DeliveryState { return &e.DeliveryState }),
	text("reason", func(e *invitation.Event) *string { return &e.Reason }),
	optionalNumber("ended_mailed", func(e *invitation.Event) *int { return &e.EndedMailed }),
	optionalNumber("ended_shared", func(e *invitation.Event) *int { return &e.EndedShared }),
	text("actor", func(e *invitation.Event) *string { return &e.Request.Actor }),
	text("caller", func(e *invitation.Event) *string { return &e.Request.Caller }),
	text("cause", func(e *invitation.Event) *string { return &e.Request.Cause }),
	optionalID("request_id", func(e *invitation.Event) *uuid.UUID { return &e.Request.ID }),
)

// eventTarget is NULL in an event about no invitation.
func eventTarget(name string) column[invitation.Event] {
	c := in(name, "text", func(e *invitation.Event) *invitation.Target { return &e.Target }, targetName, readTarget, nil)
	write := func(e *invitation.Event) pgtype.Text {
		return pgtype.Text{String: e.Target.String(), Valid: e.InvitationID != uuid.Nil}
	}
	c.value = func(e *invitation.Event) any { return write(e) }
	c.array = func(rows []*invitation.Event) any { return array(rows, write) }
	return c
}

// The trails are counted up in the order of the organizations' ids, so that
// groups wait for one another and never in a circle.
var insertEvents = `
WITH counted AS (
	INSERT INTO trails (organization_id, last_sequence)
	SELECT * FROM unnest($1::text[], $2::bigint[]) AS c (id) ORDER BY c.id
	ON CONFLICT (organization_id) DO UPDATE SET last_sequence = trails.last_sequence + excluded.last_sequence
	RETURNING organization_id, last_sequence
)
INSERT INTO events (sequence, ` + list(events.written, "%s") + `)
SELECT counted.last_sequence - e.behind, ` + list(events.written, "e.%s") + `
FROM unnest($3::bigint[], ` + parameters(events.written, 4, "[]") + `) AS e (behind, ` + list(events.written, "%s") + `)
JOIN counted ON counted.organization_id = e.organization_id`

// insertEvent is the same for one.
var insertEvent = `
WITH counted AS (
	INSERT INTO trails (organization_id, last_sequence) VALUES ($1, 1)
	ON CONFLICT (organization_id) DO UPDATE SET last_sequence = trails.last_sequence + 1
	RETURNING last_sequence
)
INSERT INTO events (sequence, ` + list(events.written, "%s") + `)
SELECT last_sequence, ` + parameters(events.written, 1, "") + ` FROM counted`

// queueEvents numbers and writes the events of a group.
func queueEvents(b *pgx.Batch, after *outcome) {
	switch len(after.events) {
	case 0:
		return
	case 1:
		b.Queue(insertEvent, values(events.written, after.events[0])...)
		return
	}
	organizations, counts, behind := count(after.events)
	args := append([]any{organizations, counts, behind}, arrays(events.written, after.events)...)
	b.Queue(insertEvents, args...)
}

// count tells how many events each organization gets, and for each event how
// many of its organization's come behind it.
func count(events []*invitation.Event) (organizations []string, counts, behind []int64) {
	total := map[string]int64{}
	behind = make([]int64, len(events))
	for i := len(events) - 1; i >= 0; i-- {
		organization := events[i].OrganizationID
		behind[i] = total[organization]
		total[organization]++
	}
	for organization, n := range total {
		organizations, counts = append(organizations, organization), append(counts, n)
	}
	return organizations, counts, behind
}

const (
	endOfMailed = `SELECT reason FROM events WHERE invitation_id = $1 AND ended_mailed = $2`
	endOfShared = `SELECT reason FROM events WHERE invitation_id = $1 AND ended_shared = $2`
)

// EndOf implements invitation.Store.
func (s *Store) EndOf(ctx context.Context, t invitation.Token) (invitation.End, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	query := endOfShared
	if t.Channel == invitation.Mailed {
		query = endOfMailed
	}
	var end invitation.End
	err := s.pool.QueryRow(ctx, query, t.InvitationID, t.Generation).Scan(&end)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("read what ended a link: %w", translate(err))
	}
	return end, nil
}

var selectEvents = `
SELECT ` + events.selected() + `
FROM events e
WHERE e.organization_id = $1 AND e.sequence > $2
	AND ($3::text IS NULL OR e.user_id = $3)
	AND ($4::uuid IS NULL OR e.invitation_id = $4)
ORDER BY e.sequence LIMIT $5`

// Events implements invitation.Store.
func (s *Store) Events(ctx context.Context, f invitation.EventFilter) ([]invitation.Event, error) {
	ctx, leave, err := s.lists.enter(ctx, s.timeout)
	if err != nil {
		return nil, err
	}
	defer leave()
	rows, err := s.pool.Query(ctx, selectEvents, f.OrganizationID, f.After, nullText(f.UserID), nullID(f.InvitationID), f.Limit)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", translate(err))
	}
	var found []invitation.Event
	r := events.scan()
	_, err = pgx.ForEachRow(rows, r.dests(), func() error {
		found = append(found, *r.into(&invitation.Event{}))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read events: %w", translate(err))
	}
	if f.UpTo == 0 {
		if err := s.barrier.pass(ctx); err != nil {
			return nil, err
		}
		return found, nil
	}
	return slices.DeleteFunc(found, func(e invitation.Event) bool { return e.Sequence > f.UpTo }), nil
}

// Trail implements invitation.Store.
func (s *Store) Trail(ctx context.Context, organizationID string) (invitation.Trail, error) {
	ctx, leave, err := s.lists.enter(ctx, s.timeout)
	if err != nil {
		return invitation.Trail{}, err
	}
	defer leave()
	var t invitation.Trail
	err = s.pool.QueryRow(ctx, `
SELECT epoch, coalesce((SELECT min(sequence) FROM events WHERE organization_id = $1), 0),
	coalesce((SELECT last_sequence FROM trails WHERE organization_id = $1), 0)
FROM installation`, organizationID).Scan(&t.Epoch, &t.First, &t.Last)
	if err != nil {
		return invitation.Trail{}, fmt.Errorf("read where a trail stands: %w", translate(err))
	}
	return t, nil
}
