package invitation_test

import (
	"errors"
	"slices"

	"pgregory.net/rapid"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// Deactivate ends every link, and leaves nothing pending.
func (m *model) Deactivate(rt *rapid.T) {
	rarely(rt, 10)
	erase := rapid.IntRange(1, 3).Draw(rt, "erase") == 1
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

// Reactivate brings a user back as they were, if their address is still free.
func (m *model) Reactivate(rt *rapid.T) {
	without := rapid.Bool().Draw(rt, "without address")
	was := m.user
	err := m.change(rt, func(u *invitation.User) error {
		if err := u.Reactivate(without, m.now); err != nil {
			return err
		}
		if !was.DeactivatedAt.IsZero() && m.holder(u.Email) != nil {
			return invitation.ErrEmailInUse
		}
		return nil
	})
	switch is := m.user; {
	case !was.ErasedAt.IsZero():
		if !errors.Is(err, invitation.ErrUserNotFound) {
			rt.Fatalf("an erased user came back: %v", err)
		}
	case err != nil:
		if !errors.Is(err, invitation.ErrEmailInUse) || without {
			rt.Fatalf("not reactivated: %v", err)
		}
	case was.DeactivatedAt.IsZero():
		if len(is.Events) > 0 || is.Email != was.Email {
			rt.Fatal("reactivating an active user changed something")
		}
	case is.Type != was.Type || is.DisplayName != was.DisplayName || is.Email != was.Email && !without || without && is.Email.Known():
		rt.Fatalf("%s came back as %s", snapshot(was), snapshot(is))
	}
	m.ended(rt, nil)
}

// Update ends the portal's links of who is no employee any more, and nothing
// else.
func (m *model) Update(rt *rapid.T) {
	kind := rapid.SampledFrom(invitation.UserTypes()).Draw(rt, "type")
	locale := rapid.SampledFrom([]invitation.Locale{"", "de-AT"}).Draw(rt, "locale")
	was := m.user
	older := m.good(invitation.TargetPortal)
	err := m.change(rt, func(u *invitation.User) error {
		return u.Update(invitation.UserChange{Type: &kind, Locale: &locale}, m.now)
	})
	if err != nil || kind == invitation.Employee {
		older = nil
	}
	changed := was.Type != kind || was.Locale != locale
	if told := slices.ContainsFunc(m.user.Events, ofType(invitation.UserChanged)); err == nil && told != changed {
		rt.Fatalf("changed: %t, and the trail tells: %t", changed, told)
	}
	m.endedAll(rt, older, invitation.ErrInvitationRevoked)
}

// ResetActivation takes a redemption back, and with the last one all that was
// mailed to the address that it proved.
func (m *model) ResetActivation(rt *rapid.T) {
	target := drawTarget(rt)
	was := m.user
	err := m.change(rt, func(u *invitation.User) error { return u.ResetActivation(target, m.now) })
	if err != nil {
		m.ended(rt, nil)
		return
	}
	for token, before := range m.links {
		if m.target(token) == target && errors.Is(before, invitation.ErrInvitationRedeemed) {
			m.links[token] = invitation.ErrInvitationRevoked
		}
	}
	online := m.user.AccountStatus(m.now) == invitation.Online
	unconfirmed := !was.EmailConfirmedAt.IsZero() && !online
	if m.user.EmailConfirmedAt.IsZero() != (was.EmailConfirmedAt.IsZero() || unconfirmed) || m.user.Email != was.Email {
		rt.Fatalf("after the reset the address is confirmed: %s, online: %t", m.user.EmailConfirmedAt, online)
	}
	m.ended(rt, func(token invitation.Token) error {
		if unconfirmed && token.Channel == invitation.Mailed {
			return invitation.ErrEmailChanged
		}
		return nil
	})
}

// AnswerAgain tells of a redemption once more as long as it stands.
func (m *model) AnswerAgain(rt *rapid.T) {
	if len(m.links) == 0 {
		rt.Skip("no link yet")
	}
	token := rapid.SampledFrom(m.sortedLinks()).Draw(rt, "link")
	var want error
	switch {
	case !m.user.DeactivatedAt.IsZero():
		want = invitation.ErrUserDeactivated
	case !errors.Is(m.links[token], invitation.ErrInvitationRedeemed):
		want = invitation.ErrInvitationRevoked
	}
	if err := m.load().RedeemedBy(token, m.now); !errors.Is(err, want) {
		rt.Fatalf("redeemed by %+v, which answers %v: %v", token, m.links[token], err)
	}
}

func ofType(t invitation.EventType) func(invitation.Event) bool {
	return func(e invitation.Event) bool { return e.Type == t }
}

// holder is the other user if they are active and have the address.
func (m *model) holder(email invitation.Email) *model {
	if o := m.other.user; email.Known() && o.DeactivatedAt.IsZero() && o.Email.Same(email) {
		return m.other
	}
	return nil
}
