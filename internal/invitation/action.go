package invitation

import "time"

// Send issues an invitation and mails it, or mails one that was only shared so
// far, with its time starting anew.
func (u *User) Send(target Target, now time.Time, validity time.Duration) error {
	if err := u.checkTarget(target); err != nil {
		return err
	}
	inv := u.Invitations[target]
	switch inv.State(now) {
	case Redeemed:
		return ErrAlreadyActivated
	case Expired:
		return ErrInvitationExpired
	case Pending:
		if inv.Mailed.Open {
			return ErrInvitationPending
		}
	}
	if err := u.checkMail(); err != nil {
		return err
	}
	return u.issueAndMail(target, now, validity)
}

// Renew mails a link of a new generation, which ends every older one.
func (u *User) Renew(target Target, now time.Time, validity time.Duration) error {
	if err := u.checkTarget(target); err != nil {
		return err
	}
	switch u.Invitations[target].State(now) {
	case None:
		return ErrNotInvited
	case Revoked:
		return ErrInvitationRevoked
	case Redeemed:
		return ErrAlreadyActivated
	}
	if err := u.checkMail(); err != nil {
		return err
	}
	inv, e, err := u.newGeneration(target, now, validity)
	if err != nil {
		return err
	}
	u.mail(inv, &e, now)
	u.record(e)
	return nil
}

// Revoke ends the invitation. Revoking what is revoked changes nothing.
func (u *User) Revoke(target Target, now time.Time) error {
	if err := u.checkTarget(target); err != nil {
		return err
	}
	inv := u.Invitations[target]
	switch inv.State(now) {
	case None:
		return ErrNotInvited
	case Redeemed:
		return ErrAlreadyActivated
	case Pending, Expired:
		u.revoke(inv, firstOf(inv.end(now), EndRevoked), now)
	}
	return nil
}

// GenerateQR opens the shared channel: the link of a pending invitation as it is,
// else one of a new generation.
func (u *User) GenerateQR(target Target, now time.Time, validity time.Duration) error {
	if err := u.checkTarget(target); err != nil {
		return err
	}
	inv := u.Invitations[target]
	var e Event
	switch inv.State(now) {
	case Redeemed:
		return ErrAlreadyActivated
	case Pending:
		e = about(inv, InvitationShared)
	default:
		var err error
		if inv, e, err = u.newGeneration(target, now, validity); err != nil {
			return err
		}
	}
	inv.Shared.Open = true
	e.Channel = Shared
	u.record(e)
	return nil
}

// issueAndMail mails a pending invitation as it is, with its time starting
// anew, and else begins a new generation.
func (u *User) issueAndMail(target Target, now time.Time, validity time.Duration) error {
	inv := u.Invitations[target]
	var e Event
	if inv.State(now) == Pending {
		e = about(inv, InvitationMailed)
		inv.ExpiresAt, inv.ExpiryNoted = now.Add(validity), false
	} else {
		var err error
		if inv, e, err = u.newGeneration(target, now, validity); err != nil {
			return err
		}
	}
	u.mail(inv, &e, now)
	u.record(e)
	return nil
}

// newGeneration makes the invitation to a target pending with new generations
// of both channels, and creates it if there is none. The caller has two things
// left to do: open the channel through which the new link is handed out, and
// complete and record the event.
func (u *User) newGeneration(target Target, now time.Time, validity time.Duration) (*Invitation, Event, error) {
	inv := u.Invitations[target]
	if inv == nil {
		first := ChannelState{Generation: 1}
		inv = &Invitation{ID: newID(), Target: target, Mailed: first, Shared: first}
		u.Invitations[target] = inv
		inv.issue(now, validity)
		return inv, about(inv, InvitationIssued), nil
	}
	e := about(inv, InvitationRenewed)
	if inv.Stored == Revoked {
		e.Type = InvitationIssued
	}
	if err := inv.closeBoth(EndSuperseded, &e, now); err != nil {
		return nil, Event{}, err
	}
	u.cancelMail(inv, now)
	inv.issue(now, validity)
	return inv, e, nil
}

// revoke ends a pending invitation; its channels stay where they are.
func (u *User) revoke(inv *Invitation, end End, now time.Time) {
	u.cancelMail(inv, now)
	inv.Stored, inv.RevokedAt, inv.RevokedFor = Revoked, now, end
	e := about(inv, InvitationRevoked)
	e.Reason = string(end)
	u.record(e)
}
