package invitation

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// Store keeps users and organizations. It is the one place that decides races.
// Its errors are this package's, or *RetryError around ErrUnavailable when the
// database is away, or a context's.
type Store interface {
	// Update is the one write path of users: it locks a user, runs the change's
	// rule on it and saves the user, the events and the mails in one transaction,
	// or nothing at all. A change whose request was saved before is not run again.
	Update(ctx context.Context, c Change) (Result, error)
	// UpdateOrganization is Update for an organization's details.
	UpdateOrganization(ctx context.Context, c OrganizationChange) (Organization, error)
	// Read returns the user that a key names, and the database's time.
	Read(ctx context.Context, k Key) (Result, error)
	// Organization returns an organization; one that was never named has only
	// its id.
	Organization(ctx context.Context, id string) (Organization, error)
	// EndOf returns what ended a generation that its channel has moved on from;
	// empty if that is not known.
	EndOf(ctx context.Context, t Token) (End, error)
	// List returns invitations, newest first.
	List(ctx context.Context, f ListFilter) ([]Listed, time.Time, error)
	// ListUsers returns users in the order of their ids, and the database's time.
	ListUsers(ctx context.Context, f UserFilter) ([]*User, time.Time, error)
	// Events returns a part of an organization's trail, oldest first. No single
	// failure can take back what it returns.
	Events(ctx context.Context, f EventFilter) ([]Event, error)
	// Follow waits until an organization's trail goes beyond a sequence that was
	// handed out, and returns how far it can be handed out by now.
	Follow(ctx context.Context, organizationID string, after int64) (upTo int64, err error)
	// Trail tells where an organization's trail begins and ends.
	Trail(ctx context.Context, organizationID string) (Trail, error)
}

// Key names a user by the first of its fields that is set.
type Key struct {
	// UserID with OrganizationID; without the latter, in any organization.
	UserID         string
	OrganizationID string
	InvitationID   uuid.UUID
	// DeliveryID also asks for that mail in User.Deliveries.
	DeliveryID uuid.UUID
	// Email is the address of an active user, and also asks for all mails to it.
	Email Email
}

// Change is one call of the write path. One without a Rule saves its Request,
// with its Answer if it has one, and nothing else: a batch takes its id that way.
type Change struct {
	Key Key
	// Create says that the user must not exist yet: the rule gets an empty one
	// with the key's ids.
	Create  bool
	Request Request
	// Mails says that the rule may queue a mail, which then counts against the
	// limits of its organization and of its recipient: Claim, or the user's
	// address if that is unknown.
	Mails bool
	// Claim is the address that the rule may give to the user. If another active
	// user has it, the change is ErrEmailInUse and saves nothing: after the rule,
	// whose refusals come first.
	Claim Email
	// Reclaim says that the rule may make a deactivated user active again, who then
	// claims the address that they have.
	Reclaim bool
	// Yield has the other user give the claimed address up instead, by
	// User.Yield; both users are saved together.
	Yield bool
	// Rule changes the user or refuses. It may run more than once, each time on
	// a fresh copy, and must not do anything else.
	Rule func(u *User, now time.Time) error
	// Again, if set, is asked instead of the rule when the request is repeated,
	// and may refuse to answer it as before. It changes nothing.
	Again func(u *User, now time.Time) error
	// Answer, if set, is run after the rule; what it returns is kept with the
	// request and handed out again when the request is repeated.
	Answer func(u *User, now time.Time) ([]byte, error)
}

// Request is who asks, and for what. A refusal is not remembered: the same
// request may be tried again.
type Request struct {
	// ID makes a change safe to repeat; uuid.Nil if the caller gave none.
	ID uuid.UUID
	// Part names one of several changes that are made for one request, such as a
	// user of a batch. Each is safe to repeat by itself; their events carry ID.
	Part string
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
	// Answer is what Change.Answer returned, for this call or for the one that
	// it repeats.
	Answer []byte
}

// OrganizationChange is Change for an organization. The rule gets one with only
// an id if it was never named.
type OrganizationChange struct {
	ID      string
	Request Request
	Rule    func(o *Organization, now time.Time) error
}

// Trail is what is kept of an organization's events.
type Trail struct {
	// Epoch changes when the database is set back to an earlier time: places in
	// the trail of another epoch mean nothing.
	Epoch uuid.UUID
	// First and Last are the sequences of the oldest event kept and the latest
	// one ever; without any event both are zero.
	First, Last int64
}

// UserFilter selects users; its zero fields select all.
type UserFilter struct {
	// OrganizationID may be left out where IDs or Email are given.
	OrganizationID string
	IDs            []string
	// Email selects by mailbox, in whatever spelling.
	Email       Email
	Status      AccountStatus
	Deactivated *bool
	// After is the id of the last user seen.
	After string
	Limit int
}

// ListFilter selects invitations; its zero fields select all.
type ListFilter struct {
	OrganizationID string
	// Target is nil for every one.
	Target   *Target
	State    State
	Delivery DeliveryState
	// Waiting leaves those that nobody redeemed and nobody revoked, whatever their
	// time.
	Waiting bool
	// IssuedBefore is when the present generation had begun; zero for any time. To go
	// on, it is the last invitation's, unless there is a Delivery.
	IssuedBefore time.Time
	// Before is the id of the last invitation seen, or with Delivery of its mail;
	// uuid.Nil starts anew.
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
	// After is the sequence of the last event seen, and UpTo what Follow returned;
	// zero if it was not asked.
	After, UpTo int64
	Limit       int
}
