package postgres

import (
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// The columns of a row, in the order in which it is scanned.
const (
	userColumns = `u.id, u.organization_id, coalesce(o.name, ''), u.type, u.display_name, u.locale, u.email, u.email_key,
	u.email_confirmed_at, u.email_undeliverable, u.created_at, u.deactivated_at, u.erased_at`
	invitationColumns = `i.id, i.target, i.state, i.issued_at, i.expires_at, i.redeemed_at, i.revoked_at, i.revoked_for,
	i.mailed_generation, i.mailed_open, i.shared_generation, i.shared_open, i.delivery_id, i.reminded, i.expiry_noted`
	deliveryColumns = `d.id, d.invitation_id, d.generation, d.email, d.email_key, d.state, d.changed_at, d.attempts, d.reason, d.reminder`
)

// scanUser reads a user and an invitation of theirs, which is nil where a left
// join found none.
func scanUser(row pgx.Row, more ...any) (*invitation.User, *invitation.Invitation, error) {
	u := &invitation.User{}
	var r invitationRow
	var email, key *string
	var confirmed, deactivated, erased *time.Time
	fields := append([]any{
		&u.ID, &u.OrganizationID, &u.OrganizationName, &u.Type, &u.DisplayName, &u.Locale, &email, &key,
		&confirmed, &u.EmailUndeliverable, &u.CreatedAt, &deactivated, &erased,
		&r.id, &r.target, &r.state, &r.issued, &r.expires, &r.redeemed, &r.revoked, &r.revokedFor,
		&r.mailed, &r.mailedOpen, &r.shared, &r.sharedOpen, &r.delivery, &r.reminded, &r.expiryNoted,
	}, more...)
	if err := row.Scan(fields...); err != nil {
		return nil, nil, fmt.Errorf("scan a user: %w", err)
	}
	u.Email = invitation.NewEmail(value(email), value(key))
	u.EmailConfirmedAt, u.DeactivatedAt, u.ErasedAt = value(confirmed), value(deactivated), value(erased)
	return u, r.invitation(), nil
}

// invitationRow is an invitation of a left join.
type invitationRow struct {
	id, delivery                       *uuid.UUID
	target                             *string
	state, revokedFor                  *string
	issued, expires, redeemed, revoked *time.Time
	mailed, shared                     *int
	mailedOpen, sharedOpen             *bool
	reminded, expiryNoted              *bool
}

func (r *invitationRow) invitation() *invitation.Invitation {
	if r.id == nil {
		return nil
	}
	return &invitation.Invitation{
		ID: *r.id, Target: targetNamed(*r.target), Stored: invitation.State(*r.state),
		IssuedAt: *r.issued, ExpiresAt: *r.expires, RedeemedAt: value(r.redeemed), RevokedAt: value(r.revoked),
		RevokedFor: invitation.End(value(r.revokedFor)),
		Mailed:     invitation.Channel{Generation: *r.mailed, Open: *r.mailedOpen},
		Shared:     invitation.Channel{Generation: *r.shared, Open: *r.sharedOpen},
		DeliveryID: value(r.delivery), Reminded: *r.reminded, ExpiryNoted: *r.expiryNoted,
	}
}

// deliveryRow is a delivery of a left join.
type deliveryRow struct {
	userID, email, key, state, reason *string
	id, invitation                    *uuid.UUID
	generation, attempts              *int
	changed                           *time.Time
	reminder                          *bool
}

func (r *deliveryRow) fields() []any {
	return []any{&r.userID, &r.id, &r.invitation, &r.generation, &r.email, &r.key, &r.state, &r.changed, &r.attempts, &r.reason, &r.reminder}
}

func (r *deliveryRow) delivery() *invitation.Delivery {
	if r.id == nil {
		return nil
	}
	return &invitation.Delivery{
		ID: *r.id, InvitationID: *r.invitation, Generation: *r.generation,
		To:    invitation.NewEmail(value(r.email), value(r.key)),
		State: invitation.DeliveryState(*r.state), ChangedAt: *r.changed, Attempts: *r.attempts, Reason: *r.reason, Reminder: *r.reminder,
	}
}

// value is what a nullable column holds, and its zero value for NULL.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// null is NULL for a zero value, which no column that takes it may hold.
func null[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// column takes one column out of rows, to be passed as an array.
func column[R, T any](rows []R, field func(R) T) []T {
	values := make([]T, len(rows))
	for i, r := range rows {
		values[i] = field(r)
	}
	return values
}
