package invitation

import "time"

// FollowUp is what happens after an address was saved: SendNow mails an
// invitation to its target, the zero value nothing.
type FollowUp struct {
	SendNow bool
	Target  Target
}

// UpdateEmail sets an address that the end user has not confirmed, and mails an
// invitation if told to. A pending invitation is mailed with only its mailed
// channel moved on: what was shared in person stays good.
func (u *User) UpdateEmail(email Email, next FollowUp, now time.Time, validity time.Duration) error {
	if !u.DeactivatedAt.IsZero() {
		return ErrUserDeactivated
	}
	if !u.EmailConfirmedAt.IsZero() {
		return ErrEmailConfirmed
	}
	if !next.SendNow {
		return u.setEmail(email, nil, now)
	}
	if err := u.checkTarget(next.Target); err != nil {
		return err
	}
	inv := u.Invitations[next.Target]
	if inv.State(now) == Redeemed {
		return ErrAlreadyActivated
	}
	if err := u.setEmail(email, inv, now); err != nil {
		return err
	}
	if inv.State(now) == Pending && inv.Mailed.Open {
		if err := u.killMailedLink(inv, EndSuperseded, now); err != nil {
			return err
		}
	}
	return u.issueAndMail(next.Target, now, validity)
}

// ConfirmEmail sets the address that the end user proved, whatever it was.
func (u *User) ConfirmEmail(email Email, now time.Time) error {
	if !u.DeactivatedAt.IsZero() {
		return ErrUserDeactivated
	}
	changed := !u.Email.Same(email)
	if err := u.setEmail(email, nil, now); err != nil {
		return err
	}
	if changed || u.EmailConfirmedAt.IsZero() {
		u.confirm(now)
	}
	return nil
}

func (u *User) confirm(now time.Time) {
	u.EmailConfirmedAt, u.EmailUndeliverable = now, false
	u.record(Event{Type: EmailConfirmed})
}

// setEmail saves an address. If it differs from the one before, every link that
// was mailed there dies. A pending invitation whose only link was that one is
// then revoked, because nobody could redeem it any more; mailedNext, which may
// be nil, is spared, because the caller mails it in the same change.
func (u *User) setEmail(email Email, mailedNext *Invitation, now time.Time) error {
	before := u.Email
	u.Email, u.EmailUndeliverable = email, false
	if before != email {
		u.record(Event{Type: EmailChanged})
	}
	if before.Same(email) {
		return nil
	}
	u.EmailConfirmedAt = time.Time{}
	for _, inv := range u.Invitations {
		if inv == nil || inv.Stored != Pending || !inv.Mailed.Open {
			continue
		}
		if err := u.killMailedLink(inv, firstOf(inv.end(now), EndChanged), now); err != nil {
			return err
		}
		if !inv.Shared.Open && inv != mailedNext {
			u.revoke(inv, EndChanged, now)
		}
	}
	return nil
}

// killMailedLink moves the mailed channel on and leaves the shared one alone.
func (u *User) killMailedLink(inv *Invitation, end End, now time.Time) error {
	e := about(inv, MailedLinkKilled)
	e.Channel, e.Reason = Mailed, string(end)
	if err := inv.closeChannel(Mailed, &e); err != nil {
		return err
	}
	u.cancelMail(inv, now)
	u.record(e)
	return nil
}
