package invitation_test

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// Many stories, as each soon comes to a state that nothing leads out of. A flag
// of the command line wins.
func init() {
	if err := flag.Set("rapid.checks", "300"); err != nil {
		panic(err)
	}
}

const validity = 14 * 24 * time.Hour

// TestRules runs random sequences of everything that happens to two users, saves
// them as the store does, and holds the rules' promises against each state.
// model_*_test.go have the steps, model_promises_test.go the promises.
func TestRules(t *testing.T) {
	t.Parallel()
	for _, kind := range []invitation.UserType{invitation.Employee, invitation.Tenant} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(rt *rapid.T) {
				anna, bert := newModel(rt, kind), newModel(rt, kind)
				anna.other, bert.other = bert, anna
				if anna.user.Email.Same(bert.user.Email) {
					bert.user.Email = invitation.Email{}
				}
				actions := rapid.StateMachineActions(anna)
				for name, action := range rapid.StateMachineActions(bert) {
					if name != "" {
						actions[name+" of the other"] = action
					}
				}
				rt.Repeat(actions)
			})
		})
	}
}

// model is a user as a database holds it, and what the world remembers of it.
type model struct {
	now  time.Time
	user *invitation.User
	// other may have the address that this one wants.
	other *model
	// mails are all that were ever queued; the user is loaded with the latest.
	mails map[uuid.UUID]*invitation.Delivery
	// ends are what the audit trail says of each ended generation.
	ends map[invitation.Token]invitation.End
	// links are the tokens that were ever handed out, and how each one fares:
	// nil while it is good, else what it is refused with, for ever.
	links map[invitation.Token]error
	// fresh are those that the current step handed out.
	fresh []invitation.Token
	// redemptions counts those that were not taken back, per invitation.
	redemptions map[uuid.UUID]int
	// told are the expiries that the audit trail tells of.
	told map[expiry]bool
}

type expiry struct {
	id uuid.UUID
	at time.Time
}

func newModel(rt *rapid.T, kind invitation.UserType) *model {
	m := &model{
		now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), mails: map[uuid.UUID]*invitation.Delivery{},
		ends: map[invitation.Token]invitation.End{}, links: map[invitation.Token]error{}, redemptions: map[uuid.UUID]int{},
		told: map[expiry]bool{},
	}
	m.user = &invitation.User{ID: "user", OrganizationID: "org"}
	m.user.Create(kind, "Erika Mustermann", invitation.German, drawEmail(rt), m.now)
	return m
}

// drawEmail draws from a few addresses, some of which are one in two spellings,
// and none.
func drawEmail(rt *rapid.T) invitation.Email {
	return rapid.SampledFrom([]invitation.Email{
		{}, invitation.NewEmail("a@x.example", "a@x.example"), invitation.NewEmail("A@X.example", "a@x.example"),
		invitation.NewEmail("b@müller.de", "b@xn--mller-kva.de"),
	}).Draw(rt, "email")
}

func drawAddress(rt *rapid.T) invitation.Email {
	email := drawEmail(rt)
	if !email.Known() {
		rt.Skip("the API takes no empty address")
	}
	return email
}

func drawTarget(rt *rapid.T) invitation.Target {
	return rapid.SampledFrom([]invitation.Target{invitation.TargetApp, invitation.TargetPortal}).Draw(rt, "target")
}

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

// verdict is what redeeming a link answers as soon as the user is active. While
// they are not, links of a current generation all answer that.
func (m *model) verdict(rt *rapid.T, token invitation.Token) error {
	u := m.load()
	_, err := u.Check(token, m.now)
	if !u.DeactivatedAt.IsZero() {
		if !errors.Is(err, invitation.ErrOldGeneration) && !errors.Is(err, invitation.ErrUserDeactivated) {
			rt.Fatalf("a deactivated user's link answers %v", err)
		}
		u.DeactivatedAt = time.Time{}
		_, err = u.Check(token, m.now)
	}
	if errors.Is(err, invitation.ErrOldGeneration) {
		end, known := m.ends[token]
		if !known {
			return fmt.Errorf("the trail does not say what ended %+v", token)
		}
		return end.Err()
	}
	return err
}

// snapshot shows a user with all that hangs on it.
func snapshot(u *invitation.User) string {
	text := fmt.Sprintf("%+v %q", *u, u.Email.Address())
	for _, inv := range u.Invitations {
		text += fmt.Sprintf("\n%+v", inv)
	}
	for _, d := range u.Deliveries {
		text += fmt.Sprintf("\n%+v %q", d, d.To.Address())
	}
	return text
}
