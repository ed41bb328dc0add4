package invitation_test

import (
	"errors"
	"slices"

	"pgregory.net/rapid"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// UpdateEmail ends links that were mailed, and no other.
func (m *model) UpdateEmail(rt *rapid.T) {
	email := drawAddress(rt)
	next := invitation.FollowUp{SendNow: rapid.Bool().Draw(rt, "now"), Target: drawTarget(rt)}
	next.DespiteBounce = next.SendNow && drawDespite(rt)
	was, before, mails := m.user, m.user.Invitations[next.Target], len(m.mails)
	same, confirmed := was.Email.Same(email), !was.EmailConfirmedAt.IsZero()
	err := m.change(rt, func(u *invitation.User) error {
		if err := u.UpdateEmail(email, next, m.now, validity); err != nil {
			return err
		}
		if m.holder(u.Email) != nil {
			return invitation.ErrEmailInUse
		}
		return nil
	})
	switch {
	case errors.Is(err, invitation.ErrEmailConfirmed) && (same || !confirmed):
		rt.Fatalf("same address: %t, confirmed: %t, refused as confirmed", same, confirmed)
	case err == nil && !next.SendNow && same && (len(m.user.Events) > 0 || m.user.Email != was.Email || m.user.Undeliverable != was.Undeliverable):
		rt.Fatalf("saving the same address changed something: %v", m.user.Events)
	case err == nil && (!m.user.Email.Same(email) || !same && confirmed || same && confirmed != !m.user.EmailConfirmedAt.IsZero()):
		rt.Fatalf("saved, with the old address confirmed: %t", confirmed)
	case err == nil && next.SendNow:
		m.checkMailed(rt, next.Target, mails, next.DespiteBounce)
	}
	if after := m.user.Invitations[next.Target]; err == nil && next.SendNow && before.State(m.now) == invitation.Pending &&
		(after.Shared != before.Shared || !after.IssuedAt.Equal(before.IssuedAt)) {
		rt.Fatalf("mailing a good invitation anew turned %+v into %+v", before, after)
	}
	m.ended(rt, func(token invitation.Token) error {
		switch {
		case err != nil || token.Channel == invitation.Shared:
			return nil
		case !same:
			return invitation.ErrEmailChanged
		case next.SendNow && m.target(token) == next.Target:
			return invitation.ErrInvitationSuperseded
		default:
			return nil
		}
	})
}

// checkMailed: an invitation that was mailed just now is good for 14 days, and
// its mail goes to an address that nothing speaks against.
func (m *model) checkMailed(rt *rapid.T, target invitation.Target, mails int, despite bool) {
	inv := m.user.Invitations[target]
	d := m.mails[inv.DeliveryID]
	if inv.State(m.now) != invitation.Pending || !inv.ExpiresAt.Equal(m.now.Add(validity)) || !inv.Mailed.Open || inv.ExpiryNoted {
		rt.Fatalf("mailed just now: %+v", inv)
	}
	if len(m.mails) != mails+1 || d.State != invitation.Queued || d.To != m.user.Email || d.Generation != inv.Mailed.Generation || despite && !d.DespiteBounce {
		rt.Fatalf("%d mails became %d; the latest is %+v", mails, len(m.mails), d)
	}
	if m.user.Undeliverable != "" {
		rt.Fatal("mail goes to an address that gets none")
	}
}

// ConfirmEmail ends links that were mailed to another address. Whoever claimed
// the address and never proved it loses it, and what was mailed to them.
func (m *model) ConfirmEmail(rt *rapid.T) {
	rarely(rt, 4)
	email := drawAddress(rt)
	was, holder := m.user, m.holder(email)
	same := was.Email.Same(email)
	var loser *invitation.User
	err := m.change(rt, func(u *invitation.User) error {
		if err := u.ConfirmEmail(email, m.now); err != nil || holder == nil {
			return err
		}
		loser = holder.load()
		return loser.Yield(m.now)
	})
	if holder != nil && err == nil {
		if !holder.user.EmailConfirmedAt.IsZero() || loser.Email.Known() || !slices.ContainsFunc(loser.Events, ofType(invitation.EmailLost)) {
			rt.Fatalf("a proof took the address of %s", snapshot(holder.user))
		}
		holder.save(rt, loser)
		holder.ended(rt, func(token invitation.Token) error {
			if token.Channel == invitation.Mailed {
				return invitation.ErrEmailChanged
			}
			return nil
		})
	}
	if err == nil && (m.user.EmailConfirmedAt.IsZero() || m.user.Email != email || m.user.Undeliverable != "") {
		rt.Fatal("the address is not confirmed")
	}
	m.ended(rt, func(token invitation.Token) error {
		if err != nil || same || token.Channel == invitation.Shared {
			return nil
		}
		return invitation.ErrEmailChanged
	})
}
