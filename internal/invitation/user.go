package invitation

import (
	"cmp"
	"slices"
	"time"

	"github.com/google/uuid"
)

// User is somebody who may be invited, with everything a rule may look at or
// change. The zero time in a field means "never".
type User struct {
	ID             string
	OrganizationID string
	// Organization is what mails say of the property manager. Rules on a user
	// only read it.
	Organization Organization

	Type        UserType
	DisplayName string
	// Locale is as the portal gave it; see Language.
	Locale           Locale
	Email            Email
	EmailConfirmedAt time.Time
	// Undeliverable is why mail to the address can't arrive; empty as long as
	// nothing speaks against it.
	Undeliverable UndeliverableCause
	CreatedAt     time.Time
	DeactivatedAt time.Time
	ErasedAt      time.Time

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

// UserChange is what the portal may correct; what is nil stays.
type UserChange struct {
	Type        *UserType
	DisplayName *string
	Locale      *Locale
}

// Update corrects what the portal knows of the person. Who is no employee any
// more can't be invited to the portal: an invitation that still waits is revoked,
// an activation has to be reset first.
func (u *User) Update(c UserChange, now time.Time) error {
	if !u.DeactivatedAt.IsZero() {
		return ErrUserDeactivated
	}
	kind, name, locale := valueOr(c.Type, u.Type), valueOr(c.DisplayName, u.DisplayName), valueOr(c.Locale, u.Locale)
	if kind == u.Type && name == u.DisplayName && locale == u.Locale {
		return nil
	}
	var lost []*Invitation
	for _, target := range Targets() {
		switch inv := u.Invitations[target]; {
		case kind.Allows(target) || inv == nil:
		case inv.Stored == Redeemed:
			return ErrAlreadyActivated
		case inv.Stored == Pending:
			lost = append(lost, inv)
		}
	}
	u.Type, u.DisplayName, u.Locale = kind, name, locale
	u.record(Event{Type: UserChanged})
	for _, inv := range lost {
		u.revoke(inv, EndRevoked, now)
	}
	return nil
}

func valueOr[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
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

// Language is what the user reads: their own, else the organization's, else
// German.
func (u *User) Language() Locale {
	return cmp.Or(u.Locale, u.Organization.DefaultLocale, German)
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
	c.Organization.Imprint = slices.Clone(u.Organization.Imprint)
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
	switch {
	case !u.Email.Known():
		return ErrEmailRequired
	case u.Undeliverable != "":
		return ErrEmailUndeliverable
	default:
		return nil
	}
}

// prepareMail is checkMail for an operator, who may know that the mailbox works
// again: the address is then no longer marked.
func (u *User) prepareMail(despiteBounce bool) error {
	if despiteBounce && u.Undeliverable != "" {
		u.Undeliverable = ""
		u.record(Event{Type: EmailDeliverable})
	}
	return u.checkMail()
}

func (u *User) record(e Event) { u.Events = append(u.Events, e) }
