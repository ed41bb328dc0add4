package invitation

import (
	"encoding/binary"
	"time"

	"github.com/google/uuid"
)

// DeliveryState is where a mail stands.
type DeliveryState string

// The delivery states. Queued is where each begins; the others are told by the
// worker and by the provider.
const (
	Queued       DeliveryState = "QUEUED"
	Cancelled    DeliveryState = "CANCELLED"
	Failed       DeliveryState = "FAILED"
	Accepted     DeliveryState = "ACCEPTED"
	Deferred     DeliveryState = "DEFERRED"
	Delivered    DeliveryState = "DELIVERED"
	Dropped      DeliveryState = "DROPPED"
	Bounced      DeliveryState = "BOUNCED"
	ReportedSpam DeliveryState = "REPORTED_SPAM"
)

// DeliveryStates lists every delivery state.
func DeliveryStates() []DeliveryState {
	return []DeliveryState{Queued, Cancelled, Failed, Accepted, Deferred, Delivered, Dropped, Bounced, ReportedSpam}
}

// rank orders the states by what is known: a mail only ever moves up, so that
// reports may come in any order and more than once, and end in the same state.
// A mail that was cancelled while its worker was already sending it counts as
// sent: that is the truth.
var rank = map[DeliveryState]int{
	Queued: 0, Cancelled: 1, Failed: 2, Accepted: 3, Deferred: 4,
	Delivered: 5, Dropped: 6, Bounced: 7, ReportedSpam: 8,
}

// Delivery is one mail of an invitation.
type Delivery struct {
	ID           uuid.UUID
	InvitationID uuid.UUID
	// Reminder says that the mail repeats the link of an earlier one.
	Reminder bool
	// DespiteBounce says that it goes out even to a mailbox that the provider
	// has on its list of those that bounced.
	DespiteBounce bool
	// Generation is that of the mailed channel whose link the mail carries.
	Generation int
	// To is the address when the mail was queued; unknown once erased.
	To        Email
	State     DeliveryState
	ChangedAt time.Time
	// Attempts counts how often the provider was asked.
	Attempts int
	// Reason is the provider's for the state, without any address.
	Reason string
	// DropCause is why a mail was DROPPED; empty in any other state.
	DropCause DropCause
}

// queuedAt is the second in which the mail was queued: its id begins with that.
func (d *Delivery) queuedAt() time.Time {
	seconds, _ := d.ID.Time().UnixTime()
	return time.Unix(seconds, 0)
}

// Delivery returns a mail that the user was loaded with, or nil.
func (u *User) Delivery(id uuid.UUID) *Delivery {
	for _, d := range u.Deliveries {
		if d.ID == id {
			return d
		}
	}
	return nil
}

// LatestDelivery returns the latest mail of an invitation, or nil.
func (u *User) LatestDelivery(inv *Invitation) *Delivery {
	if inv == nil || inv.DeliveryID == uuid.Nil {
		return nil
	}
	return u.Delivery(inv.DeliveryID)
}

// mail hands the invitation's current mailed link to delivery. Whoever calls it
// has checked that there is an address, and that no other mail is queued. The provider never forgets what bounced:
// once an operator said that a mailbox works, later mails there say so too.
func (u *User) mail(inv *Invitation, despiteBounce bool, e *Event, now time.Time) {
	before := u.LatestDelivery(inv)
	inv.Mailed.open()
	d := &Delivery{
		ID: newID(now), InvitationID: inv.ID, Generation: inv.Mailed.Generation,
		DespiteBounce: despiteBounce || before != nil && before.DespiteBounce && before.To.Same(u.Email),
		To:            u.Email, State: Queued, ChangedAt: now,
	}
	u.Deliveries = append(u.Deliveries, d)
	inv.DeliveryID, inv.Reminded = d.ID, false
	e.Channel, e.DeliveryID = Mailed, d.ID
}

// cancelMail keeps the latest mail from being sent, if it was not yet.
func (u *User) cancelMail(inv *Invitation, now time.Time) {
	if d := u.LatestDelivery(inv); d != nil && d.State == Queued {
		u.advance(d, Cancelled, "", now)
	}
}

// advance moves a mail to a state if more is known in it. Who drops one says why.
func (u *User) advance(d *Delivery, to DeliveryState, reason string, now time.Time) {
	if rank[to] <= rank[d.State] {
		return
	}
	d.State, d.Reason, d.DropCause, d.ChangedAt = to, reason, "", now
	e := Event{Type: DeliveryStateChanged, InvitationID: d.InvitationID, DeliveryID: d.ID, DeliveryState: to, Reason: reason, Channel: Mailed}
	if inv := u.InvitationByID(d.InvitationID); inv != nil {
		e.Target = inv.Target
	}
	u.record(e)
}

// Claim is what a worker does right before it sends: it looks again, cancels
// what no longer should go out, and else counts the attempt. It reports whether
// the mail is to be sent.
func (u *User) Claim(id uuid.UUID, now time.Time) bool {
	d := u.Delivery(id)
	if d == nil || d.State != Queued {
		return false
	}
	inv := u.InvitationByID(d.InvitationID)
	current := inv.DeliveryID == d.ID && inv.Mailed == ChannelState{Generation: d.Generation, Open: true} && d.To.Same(u.Email)
	switch state := inv.State(now); {
	case state == Expired && current:
		u.advance(d, Failed, "the invitation expired before the mail could be sent", now)
		return false
	case state != Pending || !current || u.checkMail() != nil:
		u.advance(d, Cancelled, "", now)
		return false
	}
	d.Attempts++
	return true
}

// Sent records that the provider took the mail.
func (u *User) Sent(id uuid.UUID, now time.Time) {
	if d := u.Delivery(id); d != nil {
		u.advance(d, Accepted, "", now)
	}
}

// Unsent records that the provider did not take the mail. If it refused for good
// the delivery has failed, else it stays queued for another attempt.
func (u *User) Unsent(id uuid.UUID, permanent bool, reason string, now time.Time) {
	d := u.Delivery(id)
	switch {
	case d == nil:
	case permanent:
		u.advance(d, Failed, reason, now)
	case d.State == Queued:
		d.Reason = reason
	}
}

// newID returns a UUIDv7 of the database's time: ids that sort by age keep indexes
// compact and give lists their order.
func newID(now time.Time) uuid.UUID {
	id := uuid.Must(uuid.NewV7())
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(now.UnixMilli())<<16)
	copy(id[:6], ms[:])
	return id
}
