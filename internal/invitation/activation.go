package invitation

import "time"

// ResetActivation takes a redemption back: the wrong person redeemed it, or the
// flat has a new tenant. Unless another target stays activated, nothing is left
// that proves the address either, and what was mailed to it dies as on a change
// of address.
func (u *User) ResetActivation(target Target, now time.Time) error {
	if err := u.checkTarget(target); err != nil {
		return err
	}
	inv := u.Invitations[target]
	switch inv.State(now) {
	case None:
		return ErrNotInvited
	case Pending, Expired, Revoked:
		return ErrNotActivated
	}
	inv.Stored, inv.RedeemedAt = Revoked, time.Time{}
	inv.RevokedAt, inv.RevokedFor = now, EndRevoked
	u.record(about(inv, ActivationReset))
	if !u.EmailConfirmedAt.IsZero() && u.AccountStatus(now) != Online {
		u.EmailConfirmedAt = time.Time{}
		u.record(Event{Type: EmailUnconfirmed})
		u.killMailedLinks(nil, now)
	}
	return nil
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
		if inv != nil && inv.Stored == Pending {
			u.revoke(inv, EndDeactivated, now)
		}
	}
}

// Reactivate brings a deactivated user back, with nothing pending, and with
// their address unless told otherwise. The Store refuses an address that another
// active user has by now. An active user stays as they are.
func (u *User) Reactivate(withoutEmail bool, now time.Time) error {
	switch {
	case !u.ErasedAt.IsZero():
		return ErrUserNotFound
	case u.DeactivatedAt.IsZero():
		return nil
	}
	u.DeactivatedAt = time.Time{}
	u.record(Event{Type: UserReactivated})
	if withoutEmail && u.Email.Known() {
		u.setEmail(Email{}, EmailChanged, nil, now)
	}
	return nil
}

// Erase deactivates the user and forgets the person. The Store also forgets
// what was kept to answer repeated requests.
func (u *User) Erase(now time.Time) {
	u.Deactivate(now)
	u.DisplayName, u.Locale = "", ""
	u.Email, u.EmailConfirmedAt, u.Undeliverable = Email{}, time.Time{}, ""
	u.ErasedAt = now
	u.record(Event{Type: UserErased})
}
