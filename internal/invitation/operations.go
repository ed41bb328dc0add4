package invitation

import (
	"time"

	"github.com/google/uuid"
)

// DeliveryFilter selects mails; its zero fields select all.
type DeliveryFilter struct {
	OrganizationID string
	UserIDs        []string
	States         []DeliveryState
	// Reason is a part of the provider's reason, in capitals or not.
	Reason string
	// Since and Until bound when mails were queued; the latter is left out.
	Since, Until time.Time
	// Waiting leaves only the latest mails of invitations that nobody redeemed and
	// nobody revoked.
	Waiting bool
	// Before is the id of the last mail seen; uuid.Nil starts anew.
	Before uuid.UUID
	Limit  int
}

// ListedDelivery is a mail in a list.
type ListedDelivery struct {
	Delivery
	OrganizationID, UserID string
	Target                 Target
	// Latest says that the invitation has no later mail.
	Latest bool
}

// MailQueue is how many mails wait.
type MailQueue struct {
	// Due are those whose turn it is, of which the oldest has waited since
	// OldestDueAt; Running are being sent, and PutAside wait for a later time.
	Due, Running, PutAside int64
	OldestDueAt            time.Time
}

// MailRest is why all servers leave the provider alone, and for how long.
type MailRest struct {
	Since, Until time.Time
	// Probes is how often it was tried in vain since then.
	Probes int
	// Reason is the provider's, without any address.
	Reason string
}

// Server is a process of the service that is alive.
type Server struct {
	// Name is of its machine and process, Role what it runs, Version its release.
	Name, Role, Version string
	// Connections are those to the database.
	Connections int
}

// DeliveryPage is a part of a list of mails, newest first.
type DeliveryPage struct {
	Deliveries []ListedDelivery
	// Next is where to go on; uuid.Nil at the end. There may be more behind a page
	// that is short, or empty.
	Next uuid.UUID
	// Now is the database's time.
	Now time.Time
}

// QueuedAt is when the mail was queued: its id begins with that.
func (d ListedDelivery) QueuedAt() time.Time {
	return time.Unix(d.ID.Time().UnixTime()).Truncate(time.Millisecond)
}

// MailPause is that operations has mails wait.
type MailPause struct {
	// OrganizationID may be AllOrganizations; who did it is known only then.
	OrganizationID string
	Since          time.Time
	Actor, Caller  string
}

// SendAgain mails the link of a lost mail once more: one that failed or was
// dropped, and that still is the latest of a pending invitation and for the user's
// address. The invitation's time starts anew, as with Send.
func (u *User) SendAgain(lost uuid.UUID, now time.Time, validity time.Duration) error {
	d := u.Delivery(lost)
	if d == nil {
		return ErrInvitationNotFound
	}
	inv := u.InvitationByID(d.InvitationID)
	if err := u.checkTarget(inv.Target); err != nil {
		return err
	}
	switch {
	case inv.Stored == Revoked:
		return ErrInvitationRevoked
	case inv.DeliveryID != lost:
		return ErrInvitationPending
	case !d.To.Same(u.Email) || !inv.Mailed.Open:
		return ErrEmailChanged
	}
	return u.Send(inv.Target, false, now, validity)
}
