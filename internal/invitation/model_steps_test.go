package invitation_test

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// Send mails, and never ends a link.
func (m *model) Send(rt *rapid.T) {
	target := drawTarget(rt)
	_ = m.change(rt, func(u *invitation.User) error { return u.Send(target, m.now, validity) })
	m.ended(rt, nil)
}

// Renew ends every older link of its target.
func (m *model) Renew(rt *rapid.T) {
	target := drawTarget(rt)
	older := m.good(target)
	if err := m.change(rt, func(u *invitation.User) error { return u.Renew(target, m.now, validity) }); err != nil {
		older = nil
	}
	m.endedAll(rt, older, invitation.ErrInvitationSuperseded)
}

// Revoke ends every link of its target.
func (m *model) Revoke(rt *rapid.T) {
	target := drawTarget(rt)
	older := m.good(target)
	if err := m.change(rt, func(u *invitation.User) error { return u.Revoke(target, m.now) }); err != nil {
		older = nil
	}
	m.endedAll(rt, older, invitation.ErrInvitationRevoked)
}

// GenerateQR never ends a link; while the invitation is good it opens the same one.
func (m *model) GenerateQR(rt *rapid.T) {
	target := drawTarget(rt)
	before := m.user.Invitations[target]
	err := m.change(rt, func(u *invitation.User) error { return u.GenerateQR(target, m.now, validity) })
	if after := m.user.Invitations[target]; err == nil && before.State(m.now) == invitation.Pending &&
		(after.Shared.Generation != before.Shared.Generation || !after.ExpiresAt.Equal(before.ExpiresAt)) {
		rt.Fatalf("sharing changed a good invitation from %+v to %+v", before, after)
	}
	m.ended(rt, nil)
}

// UpdateEmail ends links that were mailed, and no other.
func (m *model) UpdateEmail(rt *rapid.T) {
	email := drawAddress(rt)
	next := invitation.FollowUp{SendNow: rapid.Bool().Draw(rt, "now"), Target: drawTarget(rt)}
	same, confirmed := m.user.Email.Same(email), !m.user.EmailConfirmedAt.IsZero()
	before := m.user.Invitations[next.Target]
	err := m.change(rt, func(u *invitation.User) error { return u.UpdateEmail(email, next, m.now, validity) })
	if err == nil && (confirmed || m.user.Email != email) {
		rt.Fatalf("saved, with the old address confirmed: %t", confirmed)
	}
	if after := m.user.Invitations[next.Target]; err == nil && next.SendNow && before.State(m.now) == invitation.Pending &&
		(after.Shared != before.Shared || !after.IssuedAt.Equal(before.IssuedAt) || !after.ExpiresAt.Equal(m.now.Add(validity))) {
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

// ConfirmEmail ends links that were mailed to another address.
func (m *model) ConfirmEmail(rt *rapid.T) {
	rarely(rt, 5)
	email := drawAddress(rt)
	same := m.user.Email.Same(email)
	err := m.change(rt, func(u *invitation.User) error { return u.ConfirmEmail(email, m.now) })
	if err == nil && (m.user.EmailConfirmedAt.IsZero() || m.user.Email != email) {
		rt.Fatal("the address is not confirmed")
	}
	m.ended(rt, func(token invitation.Token) error {
		if err != nil || same || token.Channel == invitation.Shared {
			return nil
		}
		return invitation.ErrEmailChanged
	})
}

// Redeem consumes a link if it is good, and says why not if it isn't.
func (m *model) Redeem(rt *rapid.T) {
	if len(m.links) == 0 {
		rt.Skip("no link yet")
	}
	rarely(rt, 3)
	token := rapid.SampledFrom(m.sortedLinks()).Draw(rt, "link")
	expected, confirmed := m.links[token], m.user.EmailConfirmedAt
	err := m.change(rt, func(u *invitation.User) error { return u.Redeem(token, m.now) })
	if (err == nil) != (expected == nil) {
		rt.Fatalf("redeemed a link that is refused with %v: %v", expected, err)
	}
	if token.Channel == invitation.Shared && !m.user.EmailConfirmedAt.Equal(confirmed) {
		rt.Fatal("a shared link proved the address")
	}
	if err == nil && token.Channel == invitation.Mailed && m.user.EmailConfirmedAt.IsZero() {
		rt.Fatal("a mailed link did not prove the address")
	}
	m.ended(rt, func(other invitation.Token) error {
		if err == nil && other.InvitationID == token.InvitationID {
			return invitation.ErrInvitationRedeemed
		}
		return nil
	})
}

// Forge tries tokens that are signed and were never handed out.
func (m *model) Forge(rt *rapid.T) {
	inv := m.user.Invitations[drawTarget(rt)]
	if inv == nil {
		rt.Skip("no invitation")
	}
	token := invitation.Token{InvitationID: inv.ID, Channel: rapid.SampledFrom(channels).Draw(rt, "channel")}
	token.Generation = inv.Channel(token.Channel).Generation + rapid.IntRange(0, 2).Draw(rt, "ahead")
	if _, handedOut := m.links[token]; handedOut {
		rt.Skip("a real link")
	}
	err := m.change(rt, func(u *invitation.User) error { return u.Redeem(token, m.now) })
	if !errors.Is(err, invitation.ErrInvitationNotFound) {
		rt.Fatalf("%+v was never handed out and answers %v", token, err)
	}
}

// Wait lets time pass.
func (m *model) Wait(rt *rapid.T) {
	m.now = m.now.Add(rapid.SampledFrom([]time.Duration{time.Microsecond, time.Hour, validity - time.Hour, validity, validity + 1}).Draw(rt, "time"))
	m.ended(rt, func(token invitation.Token) error {
		if inv := m.user.InvitationByID(token.InvitationID); !m.now.Before(inv.ExpiresAt) {
			return invitation.ErrInvitationExpired
		}
		return nil
	})
}

// Deactivate ends every link.
func (m *model) Deactivate(rt *rapid.T) {
	rarely(rt, 20)
	erase := rapid.Bool().Draw(rt, "erase")
	_ = m.change(rt, func(u *invitation.User) error {
		if erase {
			u.Erase(m.now)
		} else {
			u.Deactivate(m.now)
		}
		return nil
	})
	m.ended(rt, func(invitation.Token) error { return invitation.ErrUserDeactivated })
}

// rarely skips all but one in n of the steps that end stories.
func rarely(rt *rapid.T, n int) {
	if rapid.IntRange(1, n).Draw(rt, "rarely") > 1 {
		rt.Skip("not now")
	}
}

func (m *model) sortedLinks() []invitation.Token {
	return slices.SortedFunc(maps.Keys(m.links), func(a, b invitation.Token) int {
		return cmp.Or(compareIDs(a.InvitationID, b.InvitationID), cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.Generation, b.Generation))
	})
}

func compareIDs(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) }
