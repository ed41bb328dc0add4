package invitation

import (
	"time"

	"github.com/google/uuid"
)

// User is somebody who may be invited, with everything a rule may look at or
// change. The zero time in a field means "never".
type User struct {
	ID             string
	OrganizationID string
	// OrganizationName is the property manager as its tenants know it; empty
	// until the portal tells it.
	OrganizationName string

	Type               UserType
	DisplayName        string
	Locale             Locale
	Email              Email
	EmailConfirmedAt   time.Time
	EmailUndeliverable bool
	CreatedAt          time.Time
	DeactivatedAt      time.Time
	ErasedAt           time.Time

	// Invitations has one slot per target; nil means never invited to it.
	Invitations [targetCount]*Invitation
	// Deliveries are the mails that rules may look at: the latest one of each
	// invitation, and those that the Change asked for by name.
	Deliveries []*Delivery

	// Events is what rules recorded since the user was read.
	Events []Event
}

// Create makes the user that Store.Update hands over as new, with no more than
// ids in it, a real one.
func (u *User) Create(kind UserType, name string, locale Locale, email Email, now time.Time) {
	u.Type, u.DisplayName, u.Locale, u.Email, u.CreatedAt = kind, name, locale, email, now
	u.record(Event{Type: UserCreated})
}

// AccountStatus sums the invitations up.
func (u *User) AccountStatus(now time.Time) AccountStatus {
	status := Offline
	for _, inv := range u.Invitations {
		switch inv.State(now) {
		case Redeemed:
			return Online
		case Pending:
			status = Invited
		}
	}
	return status
}

// AvailableActions is what the dropdown should offer for a target. Sending is
// offered to users without an address too: the portal then asks for it.
func (u *User) AvailableActions(target Target, now time.Time) []Action {
	if u.checkTarget(target) != nil {
		return nil
	}
	inv := u.Invitations[target]
	switch inv.State(now) {
	case None, Revoked:
		return []Action{ActionSend, ActionGenerateQR}
	case Expired:
		return []Action{ActionRenew, ActionRevoke, ActionGenerateQR}
	case Pending:
		if inv.Mailed.Open {
			return []Action{ActionRenew, ActionRevoke, ActionGenerateQR}
		}
		return []Action{ActionSend, ActionRenew, ActionRevoke, ActionGenerateQR}
	default:
		return nil
	}
}

// Deactivate frees the address and kills every link. Doing it twice changes
// nothing.
func (u *User) Deactivate(now time.Time) {
	if !u.DeactivatedAt.IsZero() {
		return
	}
	u.DeactivatedAt = now
	u.record(Event{Type: UserDeactivated})
	for _, inv := range u.Invitations {
		if inv.State(now) == Pending {
			u.revoke(inv, EndDeactivated, now)
		}
	}
}

// Erase deactivates the user and forgets the person. The Store also forgets
// what was kept to answer repeated requests.
func (u *User) Erase(now time.Time) {
	u.Deactivate(now)
	u.DisplayName, u.Email, u.EmailConfirmedAt, u.EmailUndeliverable = "", Email{}, time.Time{}, false
	u.ErasedAt = now
	for _, inv := range u.Invitations {
		if inv != nil {
			inv.ExpiryNoted = true // nothing will be told of it any more
		}
	}
	u.record(Event{Type: UserErased})
}

// InvitationByID returns the user's invitation with this id, or nil.
func (u *User) InvitationByID(id uuid.UUID) *Invitation {
	for _, inv := range u.Invitations {
		if inv != nil && inv.ID == id {
			return inv
		}
	}
	return nil
}

// Clone returns a copy that shares nothing with u, and no recorded events.
func (u *User) Clone() *User {
	c := *u
	c.Events = nil
	c.Deliveries = make([]*Delivery, len(u.Deliveries))
	for i, d := range u.Deliveries {
		copied := *d
		c.Deliveries[i] = &copied
	}
	for i, inv := range u.Invitations {
		if inv != nil {
			copied := *inv
			c.Invitations[i] = &copied
		}
	}
	return &c
}

// checkTarget refuses what no action on the target may get past.
func (u *User) checkTarget(target Target) error {
	if !u.DeactivatedAt.IsZero() {
		return ErrUserDeactivated
	}
	if !u.Type.Allows(target) {
		return ErrTargetNotAllowed
	}
	return nil
}

// checkMail refuses to mail where no mail can arrive.
func (u *User) checkMail() error {
	if !u.Email.Known() {
		return ErrEmailRequired
	}
	if u.EmailUndeliverable {
		return ErrEmailUndeliverable
	}
	return nil
}

func (u *User) record(e Event) { u.Events = append(u.Events, e) }
