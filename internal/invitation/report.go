package invitation

import (
	"bytes"
	"cmp"
	"time"

	"github.com/google/uuid"
)

// Report is what the provider says became of a mail. Reports come in any order
// and more than once.
type Report struct {
	// EventID is the provider's own id of the report.
	EventID    string
	DeliveryID uuid.UUID
	// To is the address of a bounce that came so late that the provider no longer
	// knew which mail it was: there is no DeliveryID then.
	To    Email
	State DeliveryState
	// Reason is the provider's, without any address.
	Reason string
	// At is when it happened, by the provider's clock.
	At time.Time
	// ForGood says of a bounce that the address gets no mail any more, DropCause
	// why a mail was dropped.
	ForGood   bool
	DropCause DropCause
}

// cause is why the address gets no mail; empty if the report says nothing about
// that.
func (r Report) cause() UndeliverableCause {
	switch {
	case r.State == Bounced && r.ForGood:
		return CauseBounced
	case r.State == Dropped:
		return r.DropCause.undeliverable()
	default:
		return ""
	}
}

// lateBounceWithin is how long after it was taken a mail may still bounce: mail
// servers keep trying for five days at most (RFC 5321, section 4.5.4.1).
const lateBounceWithin = 7 * 24 * time.Hour

// Apply records a report on one of the user's mails. The address to which it went
// is marked if the report says so, unless the user has another one by now, or it
// was proved or vouched for since. A report of none of the user's mails is
// ErrInvitationNotFound.
func (u *User) Apply(r Report, now time.Time) error {
	at := r.At
	if at.IsZero() || at.After(now) {
		at = now
	}
	d := u.Delivery(r.DeliveryID)
	if r.DeliveryID == uuid.Nil {
		d = u.bounced(r.To, at)
	}
	if d == nil {
		return ErrInvitationNotFound
	}
	d.Attempts = max(d.Attempts, 1) // even if a restored backup knows of none
	if u.advance(d, r.State, r.Reason, at); d.State == Dropped && r.State == Dropped {
		d.DropCause = cmp.Or(d.DropCause, r.DropCause)
	}
	if cause := r.cause(); cause != "" && u.Undeliverable == "" && d.To.Known() && d.To.Same(u.Email) && !u.EmailConfirmedAt.After(at) && !u.vouched(at) {
		u.Undeliverable = cause
		u.record(Event{Type: EmailUndeliverable, DeliveryID: d.ID, Reason: r.Reason})
	}
	return nil
}

// bounced returns the mail that a late bounce is taken to be about: the last one
// that was taken for the address before it bounced, if that is still the user's
// address and was not proved since. Mails of which more than a bounce is known
// count too: several bounces may be of one, and come in any order.
func (u *User) bounced(to Email, at time.Time) (latest *Delivery) {
	if !to.Known() || !u.Email.Same(to) || !u.DeactivatedAt.IsZero() || u.EmailConfirmedAt.After(at) {
		return nil
	}
	for _, d := range u.Deliveries {
		taken, known := d.takenAt()
		if known && d.To.Same(to) && !taken.After(at) && at.Sub(taken) < lateBounceWithin &&
			(latest == nil || bytes.Compare(d.ID[:], latest.ID[:]) > 0) {
			latest = d
		}
	}
	return latest
}

// takenAt is the second since when the provider has had the mail, or in which it
// said the last thing that leaves room for a bounce. Of a mail that bounced is
// only known when it was queued.
func (d *Delivery) takenAt() (at time.Time, known bool) {
	switch d.State {
	case Accepted, Deferred, Delivered:
		return d.ChangedAt.Truncate(time.Second), true
	case Bounced, ReportedSpam:
		return d.queuedAt(), true
	default:
		return time.Time{}, false
	}
}

// vouched reports whether an operator has said since that the mailbox works.
func (u *User) vouched(at time.Time) bool {
	for _, d := range u.Deliveries {
		if d.DespiteBounce && d.To.Same(u.Email) && d.queuedAt().After(at) {
			return true
		}
	}
	return false
}
