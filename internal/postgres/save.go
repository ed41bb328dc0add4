package postgres

import (
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// queueSave writes what the rules changed; the organizations last, as their
// locks are everybody's.
func (s *Store) queueSave(b *pgx.Batch, before *snapshot, after *outcome) {
	d, w := diff(before, after), &writes{}
	d.addUsers(w)
	d.addInvitations(w)
	d.addDeliveries(w)
	if len(d.erased) > 0 {
		w.queue(b)
		queueErasures(b, d.erased)
		w = &writes{}
	}
	addRequests(w, before, after.requests)
	addUse(w, before, after.used)
	w.queue(b)
	if ids := d.queued(); len(ids) > 0 {
		s.enqueue(b, ids)
	}
	queueEvents(b, before, after)
}

// difference is what of a group's users has to be written.
type difference struct {
	newUsers, users             []*invitation.User
	newInvitations, invitations []ownedInvitation
	newDeliveries, deliveries   []ownedDelivery
	erased                      []string
}

type ownedInvitation struct {
	*invitation.Invitation
	user *invitation.User
}

type ownedDelivery struct {
	*invitation.Delivery
	user *invitation.User
}

func diff(before *snapshot, after *outcome) *difference {
	d := &difference{}
	for id, u := range after.users {
		old := before.users[id]
		if old == nil {
			d.newUsers = append(d.newUsers, u)
			old = &invitation.User{}
		} else if !samePerson(old, u) {
			d.users = append(d.users, u)
		}
		if old.ErasedAt.IsZero() && !u.ErasedAt.IsZero() {
			d.erased = append(d.erased, u.ID)
		}
		d.compareInvitations(old, u)
		d.compareDeliveries(old, u)
	}
	return d
}

// samePerson compares what stands in the row of a user.
func samePerson(a, b *invitation.User) bool {
	return a.DisplayName == b.DisplayName && a.Email == b.Email && a.EmailConfirmedAt.Equal(b.EmailConfirmedAt) &&
		a.EmailUndeliverable == b.EmailUndeliverable && a.DeactivatedAt.Equal(b.DeactivatedAt) && a.ErasedAt.Equal(b.ErasedAt)
}

func (d *difference) compareInvitations(old, u *invitation.User) {
	for _, target := range invitation.Targets() {
		switch was, is := old.Invitations[target], u.Invitations[target]; {
		case is == nil:
		case was == nil:
			d.newInvitations = append(d.newInvitations, ownedInvitation{is, u})
		case *was != *is:
			d.invitations = append(d.invitations, ownedInvitation{is, u})
		}
	}
}

func (d *difference) compareDeliveries(old, u *invitation.User) {
	for _, is := range u.Deliveries {
		switch was := old.Delivery(is.ID); {
		case was == nil:
			d.newDeliveries = append(d.newDeliveries, ownedDelivery{is, u})
		case *was != *is:
			d.deliveries = append(d.deliveries, ownedDelivery{is, u})
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
