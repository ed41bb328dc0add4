package invitation_test

import (
	"errors"
	"slices"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// ended holds every link against what it answered before: one that was dead
// answers the same for ever, and one that was good may only have died of what
// the step says, and must have then.
func (m *model) ended(rt *rapid.T, of func(invitation.Token) error) {
	for token, before := range m.links {
		now, want := m.verdict(rt, token), before
		if before == nil && of != nil && !slices.Contains(m.fresh, token) {
			want = of(token)
		}
		if !errors.Is(now, want) {
			rt.Fatalf("%+v answers %v, want %v; before the step %v", token, now, want, before)
		}
		m.links[token] = now
	}
	m.fresh = nil
}

// endedAll: these links and no others have died.
func (m *model) endedAll(rt *rapid.T, older []invitation.Token, of error) {
	m.ended(rt, func(token invitation.Token) error {
		if slices.Contains(older, token) {
			return of
		}
		return nil
	})
}

// good are the links to a target that would be redeemed.
func (m *model) good(target invitation.Target) (tokens []invitation.Token) {
	for token, err := range m.links {
		if err == nil && m.target(token) == target {
			tokens = append(tokens, token)
		}
	}
	return tokens
}

func (m *model) target(token invitation.Token) invitation.Target {
	return m.user.InvitationByID(token.InvitationID).Target
}

// checkDelivered: only a mail that is still wanted is sent, and what is known
// of a mail is never forgotten.
func (m *model) checkDelivered(rt *rapid.T, step string, was invitation.Delivery, due bool) {
	is := m.mails[was.ID]
	link := invitation.Token{InvitationID: is.InvitationID, Channel: invitation.Mailed, Generation: is.Generation}
	switch {
	case step == "claim" && due && (m.links[link] != nil || was.State != invitation.Queued || !is.To.Same(m.user.Email) || is.Attempts != was.Attempts+1):
		rt.Fatalf("a mail goes out whose link answers %v: %+v", m.links[link], is)
	case step == "claim" && !due && is.State == invitation.Queued:
		rt.Fatalf("a mail stays queued and is not sent: %+v", is)
	case step == "sent" && is.State != invitation.Accepted && !slices.Contains(reported, is.State):
		rt.Fatalf("the provider took a mail that is %s", is.State)
	case step == "refused" && is.State == invitation.Queued:
		rt.Fatal("a mail that was refused for good stays queued")
	case step == "busy" && (is.State != was.State || was.State != invitation.Queued && is.Reason != was.Reason):
		rt.Fatalf("a mail that was refused for now went from %+v to %+v", was, is)
	case step == "refused" && (was.State == invitation.Accepted || slices.Contains(reported, was.State)) && is.State != was.State:
		rt.Fatalf("a mail that was %s is now %s", was.State, is.State)
	}
}

// Check is run after every step.
func (m *model) Check(rt *rapid.T) {
	u := m.user
	if !u.DeactivatedAt.IsZero() && len(m.good(invitation.TargetApp))+len(m.good(invitation.TargetPortal)) > 0 {
		rt.Fatal("a deactivated user has a good link")
	}
	if other := m.other.user; u.DeactivatedAt.IsZero() && other.DeactivatedAt.IsZero() && u.Email.Known() && u.Email.Same(other.Email) {
		rt.Fatal("two active users have one address")
	}
	for target, inv := range u.Invitations {
		if inv == nil {
			continue
		}
		checkInvitationRow(rt, u, inv)
		if n := m.redemptions[inv.ID]; n > 1 || (n == 1) != (inv.Stored == invitation.Redeemed) {
			rt.Fatalf("redeemed %d times: %+v", n, inv)
		}
		if inv.State(m.now) == invitation.Pending && len(m.good(invitation.Target(target))) == 0 {
			rt.Fatalf("nobody can redeem %+v", inv)
		}
		if inv.Mailed.Open {
			if d := m.mails[inv.DeliveryID]; d == nil || d.InvitationID != inv.ID || d.Generation != inv.Mailed.Generation {
				rt.Fatalf("the mailed link of %+v is not that of its latest mail %+v", inv, d)
			}
		}
	}
	m.checkUserRow(rt)
	for _, d := range m.mails {
		m.checkMail(rt, d)
	}
	for _, target := range invitation.Targets() {
		if problem := dishonest(m.load(), target, m.now); problem != "" {
			rt.Fatal(problem)
		}
	}
}

// checkMail: a queued mail is the latest of a pending invitation, and goes to
// the user's address.
func (m *model) checkMail(rt *rapid.T, d *invitation.Delivery) {
	inv := m.user.InvitationByID(d.InvitationID)
	if d.State == invitation.Queued && (inv.DeliveryID != d.ID || !d.To.Same(m.user.Email) && m.user.ErasedAt.IsZero() ||
		inv.Stored != invitation.Pending || inv.Mailed != invitation.ChannelState{Generation: d.Generation, Open: true}) {
		rt.Fatalf("%+v is queued for %+v", d, inv)
	}
	if d.Generation < 1 || d.Attempts < 0 || !d.To.Known() || len(d.Reason) > 500 || d.State == invitation.Accepted && d.Attempts == 0 {
		rt.Fatalf("the database refuses %+v", d)
	}
}

// checkInvitationRow holds an invitation against the CHECKs of its table.
func checkInvitationRow(rt *rapid.T, u *invitation.User, inv *invitation.Invitation) {
	generation := func(c invitation.ChannelState) bool {
		return c.Generation >= 1 && c.Generation <= invitation.MaxGeneration
	}
	if inv.ID == uuid.Nil || !inv.ExpiresAt.After(inv.IssuedAt) ||
		!slices.Contains([]invitation.State{invitation.Pending, invitation.Redeemed, invitation.Revoked}, inv.Stored) ||
		inv.RedeemedAt.IsZero() == (inv.Stored == invitation.Redeemed) || inv.RevokedAt.IsZero() == (inv.Stored == invitation.Revoked) ||
		(inv.RevokedFor == "") == (inv.Stored == invitation.Revoked) || !generation(inv.Mailed) || !generation(inv.Shared) ||
		inv.Stored != invitation.Revoked && (!u.Type.Allows(inv.Target) || !u.DeactivatedAt.IsZero() && inv.Stored != invitation.Redeemed) ||
		inv.Stored != invitation.Revoked && !inv.Mailed.Open && !inv.Shared.Open ||
		inv.Mailed.Open && inv.DeliveryID == uuid.Nil {
		rt.Fatalf("the database refuses %+v", inv)
	}
}

// checkUserRow holds the user against the CHECKs of its table.
func (m *model) checkUserRow(rt *rapid.T) {
	u := m.user
	confirmed, erased := !u.EmailConfirmedAt.IsZero(), !u.ErasedAt.IsZero()
	if (u.Email.Address() == "") != (u.Email.Key() == "") || !u.Email.Known() && (confirmed || u.Undeliverable != "") ||
		erased && (u.DeactivatedAt.IsZero() || u.Email.Known()) || erased != (u.DisplayName == "") {
		rt.Fatalf("the database refuses %s", snapshot(u))
	}
}
