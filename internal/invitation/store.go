package invitation

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// Store keeps users. It is the one place that decides races. Its errors are
// this package's, or *RetryError around ErrUnavailable when the database is
// away, or a context's.
type Store interface {
	// Update is the one write path: it locks a user, runs the change's rule on
	// it and saves the user, the events and the mails in one transaction, or
	// nothing at all. A change whose request was saved before is not run again.
	Update(ctx context.Context, c Change) (Result, error)
	// Read returns the user that a key names, and the database's time.
	Read(ctx context.Context, k Key) (Result, error)
	// EndOf returns what ended a generation that its channel has moved on from.
	EndOf(ctx context.Context, t Token) (End, error)
	// List returns invitations, newest first.
	List(ctx context.Context, f ListFilter) ([]Listed, time.Time, error)
	// Events returns a part of an organization's trail, oldest first.
	Events(ctx context.Context, f EventFilter) ([]Event, error)
}

// Key names a user by the first of its fields that is set.
type Key struct {
	// UserID with OrganizationID; without the latter, in any organization.
	UserID         string
	OrganizationID string
	InvitationID   uuid.UUID
	// DeliveryID also asks for that mail in User.Deliveries.
	DeliveryID uuid.UUID
}

// Change is one call of the write path.
type Change struct {
	Key Key
	// Create says that the user must not exist yet: the rule gets an empty one
	// with the key's ids.
	Create  bool
	Request Request
	// Mails says that the rule may queue a mail, which then counts against the
	// limits of its organization and of its recipient: MailTo, or the user's
	// address if that is unknown.
	Mails  bool
	MailTo Email
	// Rule changes the user or refuses. It may run more than once, each time on
	// a fresh copy, and must not do anything else.
	Rule func(u *User, now time.Time) error
	// Answer, if set, is run after the rule; what it returns is kept with the
	// request and handed out again when the request is repeated.
	Answer func(u *User, now time.Time) ([]byte, error)
	// Refused, if set, makes an answer of a refusal, which is then kept as one
	// and returned without an error; nil leaves the refusal an error.
	Refused func(refusal error) []byte
}

// Request is who asks, and for what.
type Request struct {
	// ID makes a change safe to repeat; uuid.Nil if the caller gave none.
	ID uuid.UUID
	// Fingerprint is equal for equal requests.
	Fingerprint []byte
	// Cause is what was called, such as "InvitationService/Send".
	Cause string
	// Actor is the person behind the call, Caller the backend; empty if unknown.
	Actor, Caller string
}

// Result is a user as saved or read.
type Result struct {
	User *User
	// Now is the database's time in the transaction.
	Now time.Time
	// Answer is what Change.Answer or Change.Refused returned, for this call or
	// for the one that it repeats. After a refusal there may be no User.
	Answer []byte
}

// ListFilter selects invitations; its zero fields select all.
type ListFilter struct {
	OrganizationID string
	// Target is nil for every one.
	Target   *Target
	State    State
	Delivery DeliveryState
	// Before is the id of the last invitation seen; uuid.Nil starts anew.
	Before uuid.UUID
	Limit  int
}

// Listed is an invitation in a list, and its user with no other invitation.
type Listed struct {
	User       *User
	Invitation *Invitation
}

// EventFilter selects events; its zero fields select all.
type EventFilter struct {
	OrganizationID string
	UserID         string
	InvitationID   uuid.UUID
	// After is the sequence of the last event seen.
	After int64
	Limit int
}
