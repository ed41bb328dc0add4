package invitation_test

import (
	"slices"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// change runs a rule and saves what it did, as Store.Update does: on a copy,
// with the latest mails and the named one, all or nothing.
func (m *model) change(rt *rapid.T, rule func(u *invitation.User) error, named ...uuid.UUID) error {
	before := snapshot(m.user)
	u := m.load(named...)
	err := rule(u)
	if m.drawnBefore(u) {
		rt.Skip("once in millions, the generation was there before")
	}
	if got := snapshot(m.user); got != before {
		rt.Fatalf("the rule wrote to the original:\n%s\n%s", before, got)
	}
	if err != nil {
		refusal(rt, err)
		return err
	}
	m.save(rt, u)
	return nil
}

func (m *model) load(named ...uuid.UUID) *invitation.User {
	u := m.user.Clone()
	u.Deliveries = nil
	ids := slices.Clone(named)
	for _, inv := range u.Invitations {
		if inv != nil && inv.DeliveryID != uuid.Nil && !slices.Contains(ids, inv.DeliveryID) {
			ids = append(ids, inv.DeliveryID)
		}
	}
	for _, id := range ids {
		d := *m.mails[id]
		u.Deliveries = append(u.Deliveries, &d)
	}
	return u
}

func (m *model) save(rt *rapid.T, u *invitation.User) {
	m.keepGenerations(rt, u)
	for _, e := range u.Events {
		m.keepEvent(rt, e)
	}
	for _, d := range u.Deliveries {
		if m.mails[d.ID] == nil {
			m.queued[d.ID] = m.now
		}
		m.mails[d.ID] = d
	}
	m.user = u
	for _, inv := range u.Invitations {
		for _, channel := range invitation.Channels() {
			if inv != nil && inv.Channel(channel).Open {
				token := tokenOf(inv, channel)
				if _, known := m.links[token]; !known {
					m.links[token] = nil
					m.fresh = append(m.fresh, token)
				}
			}
		}
	}
}

// drawnBefore reports whether a channel moved on to a generation that it had
// once: only the one before is sure not to come again.
func (m *model) drawnBefore(u *invitation.User) bool {
	for target, was := range m.user.Invitations {
		for _, channel := range invitation.Channels() {
			is := u.Invitations[target]
			if was == nil || is == nil || is.Channel(channel).Generation == was.Channel(channel).Generation {
				continue
			}
			if _, known := m.links[tokenOf(is, channel)]; known {
				return true
			}
		}
	}
	return false
}

// keepGenerations: the id of an invitation stays, and no channel that was open
// stays where it is when it closes.
func (m *model) keepGenerations(rt *rapid.T, u *invitation.User) {
	for target, was := range m.user.Invitations {
		is := u.Invitations[target]
		if was == nil {
			continue
		}
		if is == nil || is.ID != was.ID {
			rt.Fatalf("invitation %+v became %+v", was, is)
		}
		for _, channel := range invitation.Channels() {
			before, after := was.Channel(channel), is.Channel(channel)
			if before.Open && !after.Open && before.Generation == after.Generation {
				rt.Fatalf("a link was taken back and is still the current one: %+v became %+v", was, is)
			}
		}
	}
}

func (m *model) keepEvent(rt *rapid.T, e invitation.Event) {
	for channel, generation := range map[invitation.Channel]int{invitation.Mailed: e.EndedMailed, invitation.Shared: e.EndedShared} {
		if generation == 0 {
			continue
		}
		token := invitation.Token{InvitationID: e.InvitationID, Channel: channel, Generation: generation}
		if end, twice := m.ends[token]; twice {
			rt.Fatalf("%+v ended by %q, and now by %q", token, end, e.Reason)
		}
		if _, handedOut := m.links[token]; !handedOut {
			rt.Fatalf("%+v ended and was never handed out", token)
		}
		m.ends[token] = invitation.End(e.Reason)
	}
	switch e.Type {
	case invitation.InvitationRedeemed:
		m.redemptions[e.InvitationID]++
	case invitation.ActivationReset:
		m.redemptions[e.InvitationID]--
	}
	if e.InvitationID == uuid.Nil && (e.Channel != "" || e.Target != 0) {
		rt.Fatalf("event %+v is about part of an invitation, and names none", e)
	}
}
