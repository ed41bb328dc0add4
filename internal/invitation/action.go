package invitation

import "time"

// Send issues an invitation and mails it. One that is pending and was only
// shared so far, or whose mail never went out, is mailed as it is, with its time
// starting anew. With despiteBounce the operator says that the mailbox works.
func (u *User) Send(target Target, despiteBounce bool, now time.Time, validity time.Duration) error {
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
		if !u.awaitsMail(inv) {
			return ErrInvitationPending
		}
	}
	if err := u.prepareMail(despiteBounce); err != nil {
		return err
	}
	u.issueAndMail(target, despiteBounce, now, validity)
	return nil
}

// Renew mails a link of a new generation, which ends every older one.
func (u *User) Renew(target Target, despiteBounce bool, now time.Time, validity time.Duration) error {
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
	if err := u.prepareMail(despiteBounce); err != nil {
		return err
	}
	inv, e := u.newGeneration(target, now, validity)
	u.mail(inv, despiteBounce, &e, now)
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
		u.revoke(inv, EndRevoked, now)
	}
	return nil
}

// Supersede ends a pending invitation that was issued by a time to which the
// database was set back. Whatever became of it afterwards is forgotten: its links
// may have been replaced, used or withdrawn since, and must not come alive again.
func (u *User) Supersede(target Target, setBackTo, now time.Time) {
	inv := u.Invitations[target]
	if inv.State(now) == Pending && !inv.IssuedAt.After(setBackTo) {
		u.revoke(inv, EndSuperseded, now)
	}
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
		inv, e = u.newGeneration(target, now, validity)
	}
	inv.Shared.open()
	e.Channel = Shared
	u.record(e)
	return nil
}

// awaitsMail reports whether nobody was mailed the link of a pending invitation.
func (u *User) awaitsMail(inv *Invitation) bool {
	if !inv.Mailed.Open {
		return true
	}
	latest := u.LatestDelivery(inv)
	return latest != nil && (latest.State == Failed || latest.State == Dropped)
}

// issueAndMail mails a pending invitation as it is, with its time starting
// anew, and else begins a new generation.
func (u *User) issueAndMail(target Target, despiteBounce bool, now time.Time, validity time.Duration) {
	inv := u.Invitations[target]
	var e Event
	if inv.State(now) == Pending {
		e = about(inv, InvitationMailed)
		inv.ExpiresAt = now.Add(validity)
	} else {
		inv, e = u.newGeneration(target, now, validity)
	}
	u.mail(inv, despiteBounce, &e, now)
	u.record(e)
}

// newGeneration makes the invitation to a target pending with new generations
// of both channels, and creates it if there is none. The caller has two things
// left to do: open the channel through which the new link is handed out, and
// complete and record the event.
func (u *User) newGeneration(target Target, now time.Time, validity time.Duration) (*Invitation, Event) {
	inv := u.Invitations[target]
	if inv == nil {
		inv = &Invitation{ID: newID(now), Target: target}
		inv.Mailed.moveOn()
		inv.Shared.moveOn()
		u.Invitations[target] = inv
		inv.issue(now, validity)
		return inv, about(inv, InvitationIssued)
	}
	e := about(inv, InvitationRenewed)
	if inv.Stored == Revoked {
		e.Type = InvitationIssued
	}
	inv.closeBoth(EndSuperseded, &e, now)
	u.cancelMail(inv, now)
	inv.issue(now, validity)
	return inv, e
}

// revoke ends a pending or expired invitation; its channels stay where they are.
// Links that are dead already keep their own end.
func (u *User) revoke(inv *Invitation, end End, now time.Time) {
	u.cancelMail(inv, now)
	end = firstOf(inv.end(now), end)
	inv.Stored, inv.RevokedAt, inv.RevokedFor = Revoked, now, end
	e := about(inv, InvitationRevoked)
	e.Reason = string(end)
	u.record(e)
}
