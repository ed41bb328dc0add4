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
	target, despite := drawTarget(rt), drawDespite(rt)
	was, mails := m.user.Invitations[target], len(m.mails)
	err := m.change(rt, func(u *invitation.User) error { return u.Send(target, despite, m.now, validity) })
	if err == nil {
		m.checkMailed(rt, target, mails, despite)
	}
	if is := m.user.Invitations[target]; err == nil && was.State(m.now) == invitation.Pending &&
		(was.Mailed.Open && is.Mailed != was.Mailed || is.Shared != was.Shared) {
		rt.Fatalf("mailing a good invitation turned %+v into %+v", was, is)
	}
	m.ended(rt, nil)
}

// SendAgain mails what never went out, and changes neither link.
func (m *model) SendAgain(rt *rapid.T) {
	target := drawTarget(rt)
	was, mails := m.user.Invitations[target], len(m.mails)
	if was == nil || was.DeliveryID == uuid.Nil {
		rt.Skip("no mail yet")
	}
	err := m.change(rt, func(u *invitation.User) error { return u.SendAgain(was.DeliveryID, m.now, validity) })
	if err == nil {
		m.checkMailed(rt, target, mails, false)
	}
	if is := m.user.Invitations[target]; is.Mailed != was.Mailed || is.Shared != was.Shared || err == nil && was.State(m.now) != invitation.Pending {
		rt.Fatalf("mailing a lost mail again turned %+v into %+v", was, is)
	}
	m.ended(rt, nil)
}

func drawDespite(rt *rapid.T) bool { return rapid.IntRange(0, 3).Draw(rt, "despite the bounce") == 0 }

// Renew ends every older link of its target.
func (m *model) Renew(rt *rapid.T) {
	target, despite := drawTarget(rt), drawDespite(rt)
	older, mails := m.good(target), len(m.mails)
	if err := m.change(rt, func(u *invitation.User) error { return u.Renew(target, despite, m.now, validity) }); err != nil {
		older = nil
	} else {
		m.checkMailed(rt, target, mails, despite)
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

// Supersede ends every link of its target that was good when the database was set
// back, and none of an invitation that is younger.
func (m *model) Supersede(rt *rapid.T) {
	rarely(rt, 2)
	target, setBackTo := drawTarget(rt), m.now.Add(-time.Duration(rapid.IntRange(0, 48).Draw(rt, "hours"))*time.Hour)
	older := m.good(target)
	if inv := m.user.Invitations[target]; inv == nil || inv.IssuedAt.After(setBackTo) {
		older = nil
	}
	if err := m.change(rt, func(u *invitation.User) error { u.Supersede(target, setBackTo, m.now); return nil }); err != nil {
		rt.Fatal(err)
	}
	m.endedAll(rt, older, invitation.ErrInvitationSuperseded)
}

// GenerateQR never ends a link; while the invitation is good it opens the same one.
func (m *model) GenerateQR(rt *rapid.T) {
	target := drawTarget(rt)
	before := m.user.Invitations[target]
	err := m.change(rt, func(u *invitation.User) error { return u.GenerateQR(target, m.now, validity) })
	if after := m.user.Invitations[target]; err == nil && before.State(m.now) == invitation.Pending &&
		(before.Shared.Open && after.Shared != before.Shared || !after.ExpiresAt.Equal(before.ExpiresAt)) {
		rt.Fatalf("sharing changed a good invitation from %+v to %+v", before, after)
	}
	m.ended(rt, nil)
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
	if (err == nil) != (expected == nil) || expected != nil && m.user.DeactivatedAt.IsZero() && !errors.Is(err, invitation.ErrOldGeneration) && !errors.Is(err, expected) {
		rt.Fatalf("redeemed a link that is refused with %v: %v", expected, err)
	}
	if token.Channel == invitation.Shared && !m.user.EmailConfirmedAt.Equal(confirmed) {
		rt.Fatal("a shared link proved the address")
	}
	if err == nil && token.Channel == invitation.Mailed && (m.user.EmailConfirmedAt.IsZero() || m.user.Undeliverable != "") {
		rt.Fatal("a mailed link did not prove the address")
	}
	m.ended(rt, func(other invitation.Token) error {
		if err == nil && other.InvitationID == token.InvitationID {
			return invitation.ErrInvitationRedeemed
		}
		return nil
	})
}

// Forge tries tokens that are signed and that this database never handed out.
func (m *model) Forge(rt *rapid.T) {
	inv := m.user.Invitations[drawTarget(rt)]
	if inv == nil {
		rt.Skip("no invitation")
	}
	token := tokenOf(inv, rapid.SampledFrom(invitation.Channels()).Draw(rt, "channel"))
	token.Generation = rapid.SampledFrom([]int{token.Generation, 1, invitation.MaxGeneration}).Draw(rt, "generation")
	if _, handedOut := m.links[token]; handedOut {
		rt.Skip("a real link")
	}
	err := m.change(rt, func(u *invitation.User) error { return u.Redeem(token, m.now) })
	if !errors.Is(err, invitation.ErrOldGeneration) {
		rt.Fatalf("%+v was never handed out and answers %v", token, err)
	}
}

// Wait lets time pass for both.
func (m *model) Wait(rt *rapid.T) {
	passed := rapid.SampledFrom([]time.Duration{time.Microsecond, time.Hour, validity - time.Hour, validity, validity + 1}).Draw(rt, "time")
	for _, m := range []*model{m, m.other} {
		m.now = m.now.Add(passed)
		m.ended(rt, func(token invitation.Token) error {
			if inv := m.user.InvitationByID(token.InvitationID); !m.now.Before(inv.ExpiresAt) {
				return invitation.ErrInvitationExpired
			}
			return nil
		})
	}
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
