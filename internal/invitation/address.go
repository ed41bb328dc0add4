package invitation

import "time"

// FollowUp is what happens after an address was saved: SendNow mails an
// invitation to its target, the zero value nothing.
type FollowUp struct {
	SendNow bool
	Target  Target
	// DespiteBounce says that the mailbox works, whatever is known of it.
	DespiteBounce bool
}

// UpdateEmail sets an address, and mails an invitation if told to. Only the end
// user may replace an address that they confirmed. The address that the user has
// already is saved for what is mailed to it, and alone changes nothing at all.
func (u *User) UpdateEmail(email Email, next FollowUp, now time.Time, validity time.Duration) error {
	if !u.DeactivatedAt.IsZero() {
		return ErrUserDeactivated
	}
	var inv *Invitation
	if next.SendNow {
		if err := u.checkTarget(next.Target); err != nil {
			return err
		}
		if inv = u.Invitations[next.Target]; inv.State(now) == Redeemed {
			return ErrAlreadyActivated
		}
	}
	same := u.Email.Same(email)
	switch {
	case !same && !u.EmailConfirmedAt.IsZero():
		return ErrEmailConfirmed
	case !same:
		u.setEmail(email, EmailChanged, inv, now)
	case !next.SendNow:
		return nil
	case u.EmailConfirmedAt.IsZero():
		u.respell(email)
	}
	if !next.SendNow {
		return nil
	}
	if err := u.prepareMail(next.DespiteBounce); err != nil {
		return err
	}
	if inv.State(now) == Pending && inv.Mailed.Open {
		u.killMailedLink(inv, EndSuperseded, now)
	}
	u.issueAndMail(next.Target, next.DespiteBounce, now, validity)
	return nil
}

// ConfirmEmail sets the address that the end user proved, whatever it was.
func (u *User) ConfirmEmail(email Email, now time.Time) error {
	if !u.DeactivatedAt.IsZero() {
		return ErrUserDeactivated
	}
	if u.Email.Same(email) {
		u.respell(email)
	} else {
		u.setEmail(email, EmailChanged, nil, now)
	}
	u.prove(now)
	return nil
}

// Yield gives up an address that somebody else has proved to be theirs: a proof
// beats a claim, but not another proof.
func (u *User) Yield(now time.Time) error {
	if !u.EmailConfirmedAt.IsZero() {
		return ErrEmailInUse
	}
	if u.Email.Known() {
		u.setEmail(Email{}, EmailLost, nil, now)
	}
	return nil
}

// prove notes that the end user gets what is mailed to the address, unless that
// is known and nothing speaks against it.
func (u *User) prove(now time.Time) {
	if u.EmailConfirmedAt.IsZero() || u.Undeliverable != "" {
		u.EmailConfirmedAt, u.Undeliverable = now, ""
		u.record(Event{Type: EmailConfirmed})
	}
}

// respell saves another spelling of the user's address, which ends nothing.
func (u *User) respell(email Email) {
	if u.Email != email {
		u.Email = email
		u.record(Event{Type: EmailChanged})
	}
}

// setEmail replaces the address by another one or by none, of which nothing is
// known yet. For mailedNext see killMailedLinks.
func (u *User) setEmail(email Email, told EventType, mailedNext *Invitation, now time.Time) {
	u.Email, u.EmailConfirmedAt, u.Undeliverable = email, time.Time{}, ""
	u.record(Event{Type: told})
	u.killMailedLinks(mailedNext, now)
}

// killMailedLinks ends every link that was mailed to the user's address. A
// pending invitation whose only link was that one is then revoked, because
// nobody could redeem it any more; mailedNext, which may be nil, is spared,
// because the caller mails it in the same change.
func (u *User) killMailedLinks(mailedNext *Invitation, now time.Time) {
	for _, inv := range u.Invitations {
		if inv == nil || inv.Stored != Pending || !inv.Mailed.Open {
			continue
		}
		u.killMailedLink(inv, firstOf(inv.end(now), EndChanged), now)
		if !inv.Shared.Open && inv != mailedNext {
			u.revoke(inv, EndChanged, now)
		}
	}
}

// killMailedLink moves the mailed channel on and leaves the shared one alone.
func (u *User) killMailedLink(inv *Invitation, end End, now time.Time) {
	e := about(inv, MailedLinkKilled)
	e.Channel, e.Reason = Mailed, string(end)
	inv.closeChannel(Mailed, &e)
	u.cancelMail(inv, now)
	u.record(e)
}
