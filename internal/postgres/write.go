package postgres

import (
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// Every part here writes any number of rows: each parameter is an array that
// holds one column. Users were locked before, so no two transactions
// write the rows of one user at once.

var insertUsers = newPart("new_users", `
INSERT INTO users (id, display_name, email, email_key, email_confirmed_at, email_undeliverable, deactivated_at, erased_at,
	organization_id, type, locale, created_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::bool[], $7::timestamptz[],
	$8::timestamptz[], $9::text[], $10::text[], $11::text[], $12::timestamptz[]) AS r (id)
ORDER BY r.id`)

var updateUsers = newPart("changed_users", `
UPDATE users SET display_name = r.display_name, email = r.email, email_key = r.email_key, email_confirmed_at = r.confirmed,
	email_undeliverable = r.undeliverable, deactivated_at = r.deactivated, erased_at = r.erased
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::bool[], $7::timestamptz[], $8::timestamptz[])
	AS r (id, display_name, email, email_key, confirmed, undeliverable, deactivated, erased)
WHERE users.id = r.id`)

func (d *difference) addUsers(w *writes) {
	if rows := d.newUsers; len(rows) > 0 {
		w.add(insertUsers, append(personColumns(rows),
			column(rows, func(u *invitation.User) string { return u.OrganizationID }),
			column(rows, func(u *invitation.User) string { return string(u.Type) }),
			column(rows, func(u *invitation.User) string { return string(u.Locale) }),
			column(rows, func(u *invitation.User) pgtype.Timestamptz { return nullTime(u.CreatedAt) }))...)
	}
	if rows := d.users; len(rows) > 0 {
		w.add(updateUsers, personColumns(rows)...)
	}
}

// personColumns are the columns of users that may change, behind the id.
func personColumns(rows []*invitation.User) []any {
	return []any{
		column(rows, func(u *invitation.User) string { return u.ID }),
		column(rows, func(u *invitation.User) string { return u.DisplayName }),
		column(rows, func(u *invitation.User) pgtype.Text { return nullText(u.Email.Address()) }),
		column(rows, func(u *invitation.User) pgtype.Text { return nullText(u.Email.Key()) }),
		column(rows, func(u *invitation.User) pgtype.Timestamptz { return nullTime(u.EmailConfirmedAt) }),
		column(rows, func(u *invitation.User) bool { return u.EmailUndeliverable }),
		column(rows, func(u *invitation.User) pgtype.Timestamptz { return nullTime(u.DeactivatedAt) }),
		column(rows, func(u *invitation.User) pgtype.Timestamptz { return nullTime(u.ErasedAt) }),
	}
}

var insertInvitations = newPart("new_invitations", `
INSERT INTO invitations (id, state, issued_at, expires_at, redeemed_at, revoked_at, revoked_for, mailed_generation, mailed_open,
	shared_generation, shared_open, delivery_id, reminded, expiry_noted, user_id, organization_id, user_type, target)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[],
	$7::text[], $8::int[], $9::bool[], $10::int[], $11::bool[], $12::uuid[], $13::bool[], $14::bool[],
	$15::text[], $16::text[], $17::text[], $18::text[])`)

var updateInvitations = newPart("changed_invitations", `
UPDATE invitations SET state = r.state, issued_at = r.issued, expires_at = r.expires, redeemed_at = r.redeemed,
	revoked_at = r.revoked, revoked_for = r.revoked_for, mailed_generation = r.mailed, mailed_open = r.mailed_open,
	shared_generation = r.shared, shared_open = r.shared_open, delivery_id = r.delivery,
	reminded = r.reminded, expiry_noted = r.expiry_noted
FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[],
	$7::text[], $8::int[], $9::bool[], $10::int[], $11::bool[], $12::uuid[], $13::bool[], $14::bool[])
	AS r (id, state, issued, expires, redeemed, revoked, revoked_for, mailed, mailed_open, shared, shared_open, delivery,
		reminded, expiry_noted)
WHERE invitations.id = r.id`)

func (d *difference) addInvitations(w *writes) {
	if rows := d.newInvitations; len(rows) > 0 {
		w.add(insertInvitations, append(invitationValues(rows),
			column(rows, func(i ownedInvitation) string { return i.user.ID }),
			column(rows, func(i ownedInvitation) string { return i.user.OrganizationID }),
			column(rows, func(i ownedInvitation) string { return string(i.user.Type) }),
			column(rows, func(i ownedInvitation) string { return i.Target.String() }))...)
	}
	if rows := d.invitations; len(rows) > 0 {
		w.add(updateInvitations, invitationValues(rows)...)
	}
}

// invitationValues are the columns of invitations that may change, behind the id.
func invitationValues(rows []ownedInvitation) []any {
	return []any{
		column(rows, func(i ownedInvitation) pgtype.UUID { return some(i.ID) }),
		column(rows, func(i ownedInvitation) string { return string(i.Stored) }),
		column(rows, func(i ownedInvitation) pgtype.Timestamptz { return nullTime(i.IssuedAt) }),
		column(rows, func(i ownedInvitation) pgtype.Timestamptz { return nullTime(i.ExpiresAt) }),
		column(rows, func(i ownedInvitation) pgtype.Timestamptz { return nullTime(i.RedeemedAt) }),
		column(rows, func(i ownedInvitation) pgtype.Timestamptz { return nullTime(i.RevokedAt) }),
		column(rows, func(i ownedInvitation) pgtype.Text { return nullText(i.RevokedFor) }),
		column(rows, func(i ownedInvitation) int { return i.Mailed.Generation }),
		column(rows, func(i ownedInvitation) bool { return i.Mailed.Open }),
		column(rows, func(i ownedInvitation) int { return i.Shared.Generation }),
		column(rows, func(i ownedInvitation) bool { return i.Shared.Open }),
		column(rows, func(i ownedInvitation) pgtype.UUID { return nullID(i.DeliveryID) }),
		column(rows, func(i ownedInvitation) bool { return i.Reminded }),
		column(rows, func(i ownedInvitation) bool { return i.ExpiryNoted }),
	}
}

var insertDeliveries = newPart("new_deliveries", `
INSERT INTO deliveries (id, state, changed_at, attempts, reason, invitation_id, user_id, generation, email, email_key, reminder)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::int[], $5::text[],
	$6::uuid[], $7::text[], $8::int[], $9::text[], $10::text[], $11::bool[])`)

var updateDeliveries = newPart("changed_deliveries", `
UPDATE deliveries SET state = r.state, changed_at = r.changed, attempts = r.attempts, reason = r.reason
FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::int[], $5::text[]) AS r (id, state, changed, attempts, reason)
WHERE deliveries.id = r.id`)

func (d *difference) addDeliveries(w *writes) {
	if rows := d.newDeliveries; len(rows) > 0 {
		w.add(insertDeliveries, append(deliveryValues(rows),
			column(rows, func(m ownedDelivery) pgtype.UUID { return some(m.InvitationID) }),
			column(rows, func(m ownedDelivery) string { return m.user.ID }),
			column(rows, func(m ownedDelivery) int { return m.Generation }),
			column(rows, func(m ownedDelivery) pgtype.Text { return nullText(m.To.Address()) }),
			column(rows, func(m ownedDelivery) pgtype.Text { return nullText(m.To.Key()) }),
			column(rows, func(m ownedDelivery) bool { return m.Reminder }))...)
	}
	if rows := d.deliveries; len(rows) > 0 {
		w.add(updateDeliveries, deliveryValues(rows)...)
	}
}

// deliveryValues are the columns of deliveries that may change, behind the id.
func deliveryValues(rows []ownedDelivery) []any {
	return []any{
		column(rows, func(m ownedDelivery) pgtype.UUID { return some(m.ID) }),
		column(rows, func(m ownedDelivery) string { return string(m.State) }),
		column(rows, func(m ownedDelivery) pgtype.Timestamptz { return nullTime(m.ChangedAt) }),
		column(rows, func(m ownedDelivery) int { return m.Attempts }),
		column(rows, func(m ownedDelivery) string { return m.Reason }),
	}
}

// queueErasures forgets what rules don't see: the addresses of older mails, and
// answers that were kept for repeated requests.
func queueErasures(b *pgx.Batch, users []string) {
	b.Queue(`UPDATE deliveries SET email = NULL, email_key = NULL WHERE user_id = ANY ($1::text[])`, users)
	b.Queue(`DELETE FROM requests WHERE user_id = ANY ($1::text[])`, users)
}

var insertRequests = newPart("new_requests", `
INSERT INTO requests (id, fingerprint, user_id, answer, created_at)
SELECT r.*, $5::timestamptz FROM unnest($1::uuid[], $2::bytea[], $3::text[], $4::bytea[]) AS r`)

func addRequests(w *writes, before *snapshot, rows []savedRequest) {
	if len(rows) > 0 {
		w.add(insertRequests,
			column(rows, func(r savedRequest) pgtype.UUID { return some(r.id) }),
			column(rows, func(r savedRequest) []byte { return r.request.fingerprint }),
			column(rows, func(r savedRequest) string { return r.request.userID }),
			column(rows, func(r savedRequest) []byte { return r.request.answer }),
			before.now)
	}
}

// The organizations are counted up in the order of their ids, so that groups
// wait for one another and never in a circle.
const insertEvents = `
WITH counted AS (
	INSERT INTO organizations (id, name, last_sequence)
	SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[]) AS c (id) ORDER BY c.id
	ON CONFLICT (id) DO UPDATE SET last_sequence = organizations.last_sequence + excluded.last_sequence,
		name = CASE WHEN excluded.name = '' THEN organizations.name ELSE excluded.name END
	RETURNING id, last_sequence
)
INSERT INTO events (sequence, organization_id, type, occurred_at, user_id, invitation_id, target, channel, delivery_id,
	delivery_state, reason, ended_mailed, ended_shared, actor, caller, cause, request_id)
SELECT counted.last_sequence - e.behind, e.organization_id, e.type, e.at, e.user_id, e.invitation_id, e.target, e.channel,
	e.delivery_id, e.delivery_state, e.reason, e.ended_mailed, e.ended_shared, e.actor, e.caller, e.cause, e.request_id
FROM unnest($4::bigint[], $5::text[], $6::text[], $7::timestamptz[], $8::text[], $9::uuid[], $10::text[], $11::text[],
	$12::uuid[], $13::text[], $14::text[], $15::int[], $16::int[], $17::text[], $18::text[], $19::text[], $20::uuid[])
	AS e (behind, organization_id, type, at, user_id, invitation_id, target, channel, delivery_id, delivery_state, reason,
		ended_mailed, ended_shared, actor, caller, cause, request_id)
JOIN counted ON counted.id = e.organization_id`

// queueEvents numbers and writes the events of a group.
func queueEvents(b *pgx.Batch, before *snapshot, after *outcome) {
	rows := after.events
	if len(rows) == 0 {
		return
	}
	organizations, counts, behind := count(rows)
	names := renamed(before, after)
	b.Queue(insertEvents, organizations,
		column(organizations, func(id string) string { return names[id] }), counts, behind,
		column(rows, func(e invitation.Event) string { return e.OrganizationID }),
		column(rows, func(e invitation.Event) string { return string(e.Type) }),
		column(rows, func(e invitation.Event) pgtype.Timestamptz { return nullTime(e.At) }),
		column(rows, func(e invitation.Event) string { return e.UserID }),
		column(rows, func(e invitation.Event) pgtype.UUID { return nullID(e.InvitationID) }),
		column(rows, eventTarget),
		column(rows, func(e invitation.Event) string { return string(e.Channel) }),
		column(rows, func(e invitation.Event) pgtype.UUID { return nullID(e.DeliveryID) }),
		column(rows, func(e invitation.Event) string { return string(e.DeliveryState) }),
		column(rows, func(e invitation.Event) string { return e.Reason }),
		column(rows, func(e invitation.Event) pgtype.Int4 { return nullInt(e.EndedMailed) }),
		column(rows, func(e invitation.Event) pgtype.Int4 { return nullInt(e.EndedShared) }),
		column(rows, func(e invitation.Event) string { return e.Request.Actor }),
		column(rows, func(e invitation.Event) string { return e.Request.Caller }),
		column(rows, func(e invitation.Event) string { return e.Request.Cause }),
		column(rows, func(e invitation.Event) pgtype.UUID { return nullID(e.Request.ID) }))
}

// count tells how many events each organization gets, and for each event how
// many of its organization's come behind it.
func count(events []invitation.Event) (organizations []string, counts, behind []int64) {
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

// renamed are the organizations whose name a rule has set.
func renamed(before *snapshot, after *outcome) map[string]string {
	names := map[string]string{}
	for id, u := range after.users {
		if old := before.users[id]; old == nil || old.OrganizationName != u.OrganizationName {
			names[u.OrganizationID] = u.OrganizationName
		}
	}
	return names
}

func eventTarget(e invitation.Event) pgtype.Text {
	return pgtype.Text{String: e.Target.String(), Valid: e.InvitationID != uuid.Nil}
}
