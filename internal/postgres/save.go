package postgres

import (
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// queueSave writes what the rules changed; the trails last, as their locks are
// everybody's.
func (s *Store) queueSave(b *pgx.Batch, before *snapshot, after *outcome) {
	d, w := diff(before, after), &writes{lone: after.lone}
	if len(after.yielded) > 0 {
		b.Queue(yieldEmails, after.yielded)
	}
	add(w, insertUsers, d.newUsers)
	add(w, updateUsers, d.users)
	add(w, insertInvitations, d.newInvitations)
	add(w, updateInvitations, d.invitations)
	add(w, insertDeliveries, d.newDeliveries)
	add(w, updateDeliveries, d.deliveries)
	add(w, updateOrganizations, d.organizations)
	if len(d.erased) > 0 {
		w.queue(b)
		queueErasures(b, d.erased)
		w = &writes{lone: after.lone}
	}
	add(w, insertRequests, after.requests)
	add(w, insertUse, after.used.rows(before.now))
	w.queue(b)
	if ids := d.queued(); len(ids) > 0 {
		s.enqueue(b, ids, after.traces)
	}
	queueEvents(b, after)
}

// Who gives an address up does so before somebody else gets it: the unique index
// is looked at row by row.
const yieldEmails = `
UPDATE users SET email = NULL, email_key = NULL, email_confirmed_at = NULL, undeliverable = '' WHERE id = ANY ($1::text[])`

// queueErasures forgets what rules don't see: the addresses of older mails, and
// answers that were kept for repeated requests.
func queueErasures(b *pgx.Batch, erased []string) {
	b.Queue(`UPDATE deliveries SET email = NULL, email_key = NULL WHERE user_id = ANY ($1::text[])`, erased)
	b.Queue(`DELETE FROM requests WHERE user_id = ANY ($1::text[])`, erased)
}

// difference is what has to be written. Users were locked before, so no two
// transactions write the rows of one at once.
type difference struct {
	newUsers, users             []*invitation.User
	newInvitations, invitations []*invitationRow
	newDeliveries, deliveries   []*deliveryRow
	organizations               []*invitation.Organization
	erased                      []string
}

func diff(before *snapshot, after *outcome) *difference {
	d := &difference{}
	for id, u := range after.users {
		old := before.users[id]
		if old == nil {
			d.newUsers = append(d.newUsers, u)
			old = &invitation.User{}
		} else if users.changed(old, u) {
			d.users = append(d.users, u)
		}
		if old.ErasedAt.IsZero() && !u.ErasedAt.IsZero() {
			d.erased = append(d.erased, u.ID)
		}
		d.compareInvitations(old, u)
		d.compareDeliveries(old, u)
	}
	for id, o := range after.organizations {
		if organizations.changed(before.organizations[id], o) {
			d.organizations = append(d.organizations, o)
		}
	}
	return d
}

func (d *difference) compareInvitations(old, u *invitation.User) {
	for _, target := range invitation.Targets() {
		was, is := old.Invitations[target], u.Invitations[target]
		if is == nil {
			continue
		}
		switch row := (&invitationRow{*is, u}); {
		case was == nil:
			d.newInvitations = append(d.newInvitations, row)
		case invitations.changed(&invitationRow{Invitation: *was}, row):
			d.invitations = append(d.invitations, row)
		}
	}
}

func (d *difference) compareDeliveries(old, u *invitation.User) {
	for _, is := range u.Deliveries {
		was := old.Delivery(is.ID)
		switch row := (&deliveryRow{*is, u}); {
		case was == nil:
			d.newDeliveries = append(d.newDeliveries, row)
		case deliveries.changed(&deliveryRow{Delivery: *was}, row):
			d.deliveries = append(d.deliveries, row)
		}
	}
}

// queued are the new mails that are to be sent. One that a later call of the
// same group cancelled needs no job.
func (d *difference) queued() []uuid.UUID {
	var ids []uuid.UUID
	for _, m := range d.newDeliveries {
		if m.State == invitation.Queued {
			ids = append(ids, m.ID)
		}
	}
	return ids
}
