package invitation

import (
	"time"

	"github.com/google/uuid"
)

// Report is what the provider says became of a mail. Reports come in any order
// and more than once.
type Report struct {
	// EventID is the provider's own id of the report.
	EventID    string
	DeliveryID uuid.UUID
	State      DeliveryState
	// Reason is the provider's, without any address.
	Reason string
	// At is when it happened, by the provider's clock.
	At time.Time
	// Cause is why the address gets no mail; empty if the report says nothing
	// about that.
	Cause UndeliverableCause
}

// Apply records a report on one of the user's mails. The address to which it went
// is marked if the report says so, unless the user has another one by now or has
// proved it since.
func (u *User) Apply(r Report, now time.Time) error {
	d := u.Delivery(r.DeliveryID)
	if d == nil {
		return ErrInvitationNotFound
	}
	at := r.At
	if at.IsZero() || at.After(now) {
		at = now
	}
	d.Attempts = max(d.Attempts, 1) // even if a restored backup knows of none
	u.advance(d, r.State, r.Reason, at)
	if r.Cause != "" && u.Undeliverable == "" && d.To.Known() && d.To.Same(u.Email) && !u.EmailConfirmedAt.After(at) {
		u.Undeliverable = r.Cause
		u.record(Event{Type: EmailUndeliverable, DeliveryID: d.ID, Reason: r.Reason})
	}
	return nil
}
