package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

const (
	endOfMailed = `SELECT reason FROM events WHERE invitation_id = $1 AND ended_mailed = $2`
	endOfShared = `SELECT reason FROM events WHERE invitation_id = $1 AND ended_shared = $2`
)

// EndOf implements invitation.Store. What is no longer on record counts as
// superseded.
func (s *Store) EndOf(ctx context.Context, t invitation.Token) (invitation.End, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	query := endOfShared
	if t.Channel == invitation.Mailed {
		query = endOfMailed
	}
	var end invitation.End
	err := s.pool.QueryRow(ctx, query, t.InvitationID, t.Generation).Scan(&end)
	if errors.Is(err, pgx.ErrNoRows) {
		return invitation.EndSuperseded, nil
	}
	if err != nil {
		return "", fmt.Errorf("read what ended a link: %w", translate(err))
	}
	return end, nil
}

// A filter that is NULL selects all. The states are those of Invitation.State.
const listInvitations = `
SELECT ` + userColumns + `, ` + invitationColumns + `, ` + deliveryColumns + `, now()
FROM invitations i
JOIN users u ON u.id = i.user_id
LEFT JOIN organizations o ON o.id = u.organization_id
LEFT JOIN deliveries d ON d.id = i.delivery_id
WHERE i.organization_id = $1 AND i.id < $2
	AND ($3::text IS NULL OR i.target = $3)
	AND ($4::text IS NULL OR i.state = $4)
	AND ($5::bool IS NULL OR (i.expires_at <= now()) = $5)
	AND ($6::text IS NULL OR d.state = $6)
	AND u.erased_at IS NULL
ORDER BY i.id DESC LIMIT $7`

// List implements invitation.Store.
func (s *Store) List(ctx context.Context, f invitation.ListFilter) ([]invitation.Listed, time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	var target pgtype.Text
	if f.Target != nil {
		target = nullText(f.Target.String())
	}
	before := f.Before
	if before == uuid.Nil {
		before = uuid.Max
	}
	stored, expired := storedState(f.State)
	rows, err := s.pool.Query(ctx, listInvitations, f.OrganizationID, some(before), target, stored, expired, nullText(f.Delivery), f.Limit)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("list invitations: %w", translate(err))
	}
	var listed []invitation.Listed
	var r listedRow
	_, err = pgx.ForEachRow(rows, r.fields(), func() error {
		u, inv := r.user.user(), r.invitation.invitation()
		u.Invitations[inv.Target] = inv
		if mail := r.delivery.delivery(); mail != nil {
			u.Deliveries = []*invitation.Delivery{mail}
		}
		listed = append(listed, invitation.Listed{User: u, Invitation: inv})
		return nil
	})
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("list invitations: %w", translate(err))
	}
	return listed, r.now, nil
}

// storedState says how a state is stored, and whether its time must be over.
func storedState(state invitation.State) (stored pgtype.Text, expired pgtype.Bool) {
	switch state {
	case invitation.Pending, invitation.Expired:
		return nullText(invitation.Pending), pgtype.Bool{Bool: state == invitation.Expired, Valid: true}
	default:
		return nullText(state), pgtype.Bool{}
	}
}

const selectEvents = `
SELECT sequence, organization_id, type, occurred_at, user_id, invitation_id, coalesce(target, ''), channel, delivery_id,
	delivery_state, reason, actor, caller, cause, request_id
FROM events
WHERE organization_id = $1 AND sequence > $2
	AND ($3::text IS NULL OR user_id = $3)
	AND ($4::uuid IS NULL OR invitation_id = $4)
ORDER BY sequence LIMIT $5`

// Events implements invitation.Store.
func (s *Store) Events(ctx context.Context, f invitation.EventFilter) ([]invitation.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	rows, err := s.pool.Query(ctx, selectEvents, f.OrganizationID, f.After, nullText(f.UserID), nullID(f.InvitationID), f.Limit)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", translate(err))
	}
	events, err := pgx.CollectRows(rows, scanEvent)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", translate(err))
	}
	return events, nil
}

func scanEvent(row pgx.CollectableRow) (invitation.Event, error) {
	var e invitation.Event
	var inv, mail, request pgtype.UUID
	var target string
	err := row.Scan(&e.Sequence, &e.OrganizationID, &e.Type, &e.At, &e.UserID, &inv, &target, &e.Channel, &mail,
		&e.DeliveryState, &e.Reason, &e.Request.Actor, &e.Request.Caller, &e.Request.Cause, &request)
	e.InvitationID, e.DeliveryID, e.Request.ID = inv.Bytes, mail.Bytes, request.Bytes
	e.Target = targetNamed(target)
	return e, err
}

func targetNamed(name string) invitation.Target {
	if name == invitation.TargetPortal.String() {
		return invitation.TargetPortal
	}
	return invitation.TargetApp
}
