package postgres

import (
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// The columns of a row, in the order in which it is scanned. Rows are scanned
// into pgtype's values, and columns written from them: others, uuid.UUID above
// all, take the way through database/sql's interfaces, which costs garbage.
const (
	userColumns = `u.id, u.organization_id, coalesce(o.name, ''), u.type, u.display_name, u.locale, u.email, u.email_key,
	u.email_confirmed_at, u.email_undeliverable, u.created_at, u.deactivated_at, u.erased_at`
	invitationColumns = `i.id, i.target, i.state, i.issued_at, i.expires_at, i.redeemed_at, i.revoked_at, i.revoked_for,
	i.mailed_generation, i.mailed_open, i.shared_generation, i.shared_open, i.delivery_id, i.reminded, i.expiry_noted`
	deliveryColumns = `d.id, d.invitation_id, d.generation, d.email, d.email_key, d.state, d.changed_at, d.attempts, d.reason, d.reminder`
)

type userRow struct {
	id, organization, name, kind, displayName, locale string
	email, key                                        pgtype.Text
	undeliverable                                     bool
	created, confirmed, deactivated, erased           pgtype.Timestamptz
}

func (r *userRow) fields() []any {
	return []any{
		&r.id, &r.organization, &r.name, &r.kind, &r.displayName, &r.locale, &r.email, &r.key,
		&r.confirmed, &r.undeliverable, &r.created, &r.deactivated, &r.erased,
	}
}

func (r *userRow) user() *invitation.User {
	return &invitation.User{
		ID: r.id, OrganizationID: r.organization, OrganizationName: r.name, Type: invitation.UserType(r.kind),
		DisplayName: r.displayName, Locale: invitation.Locale(r.locale), Email: invitation.NewEmail(r.email.String, r.key.String),
		EmailConfirmedAt: r.confirmed.Time, EmailUndeliverable: r.undeliverable, CreatedAt: r.created.Time,
		DeactivatedAt: r.deactivated.Time, ErasedAt: r.erased.Time,
	}
}

// invitationRow is an invitation of a left join.
type invitationRow struct {
	id, delivery                                  pgtype.UUID
	target, state, revokedFor                     pgtype.Text
	issued, expires, redeemed, revoked            pgtype.Timestamptz
	mailed, shared                                pgtype.Int4
	mailedOpen, sharedOpen, reminded, expiryNoted pgtype.Bool
}

func (r *invitationRow) fields() []any {
	return []any{
		&r.id, &r.target, &r.state, &r.issued, &r.expires, &r.redeemed, &r.revoked, &r.revokedFor,
		&r.mailed, &r.mailedOpen, &r.shared, &r.sharedOpen, &r.delivery, &r.reminded, &r.expiryNoted,
	}
}

// invitation returns nil where the join found none.
func (r *invitationRow) invitation() *invitation.Invitation {
	if !r.id.Valid {
		return nil
	}
	return &invitation.Invitation{
		ID: r.id.Bytes, Target: targetNamed(r.target.String), Stored: invitation.State(r.state.String),
		IssuedAt: r.issued.Time, ExpiresAt: r.expires.Time, RedeemedAt: r.redeemed.Time, RevokedAt: r.revoked.Time,
		RevokedFor: invitation.End(r.revokedFor.String),
		Mailed:     invitation.ChannelState{Generation: int(r.mailed.Int32), Open: r.mailedOpen.Bool},
		Shared:     invitation.ChannelState{Generation: int(r.shared.Int32), Open: r.sharedOpen.Bool},
		DeliveryID: r.delivery.Bytes, Reminded: r.reminded.Bool, ExpiryNoted: r.expiryNoted.Bool,
	}
}

// deliveryRow is a delivery of a left join.
type deliveryRow struct {
	id, invitation            pgtype.UUID
	email, key, state, reason pgtype.Text
	generation, attempts      pgtype.Int4
	changed                   pgtype.Timestamptz
	reminder                  pgtype.Bool
}

func (r *deliveryRow) fields() []any {
	return []any{&r.id, &r.invitation, &r.generation, &r.email, &r.key, &r.state, &r.changed, &r.attempts, &r.reason, &r.reminder}
}

// delivery returns nil where the join found none.
func (r *deliveryRow) delivery() *invitation.Delivery {
	if !r.id.Valid {
		return nil
	}
	return &invitation.Delivery{
		ID: r.id.Bytes, InvitationID: r.invitation.Bytes, Generation: int(r.generation.Int32),
		To:    invitation.NewEmail(r.email.String, r.key.String),
		State: invitation.DeliveryState(r.state.String), ChangedAt: r.changed.Time, Attempts: int(r.attempts.Int32),
		Reason: r.reason.String, Reminder: r.reminder.Bool,
	}
}

// listedRow is a user with one invitation and its latest mail, and the time.
type listedRow struct {
	user       userRow
	invitation invitationRow
	delivery   deliveryRow
	now        time.Time
}

func (r *listedRow) fields() []any {
	return append(append(append(r.user.fields(), r.invitation.fields()...), r.delivery.fields()...), &r.now)
}

// column takes one column out of rows, to be passed as an array.
func column[R, T any](rows []R, field func(R) T) pgtype.FlatArray[T] {
	values := make(pgtype.FlatArray[T], len(rows))
	for i, r := range rows {
		values[i] = field(r)
	}
	return values
}

func some(id uuid.UUID) pgtype.UUID { return pgtype.UUID{Bytes: id, Valid: true} }

// A zero value, which no column that takes one of these may hold, is NULL.

func nullID(id uuid.UUID) pgtype.UUID { return pgtype.UUID{Bytes: id, Valid: id != uuid.Nil} }

func nullText[S ~string](s S) pgtype.Text { return pgtype.Text{String: string(s), Valid: s != ""} }

func nullTime(t time.Time) pgtype.Timestamptz { return pgtype.Timestamptz{Time: t, Valid: !t.IsZero()} }

func nullInt(n int) pgtype.Int4 { return pgtype.Int4{Int32: int32(n), Valid: n != 0} }
