package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// TestDueIsDue: what the queries of due.go find is just what the rules of the
// domain would see to, for an invitation and a mail in every state.
func TestDueIsDue(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	s := d.server()
	const within = 72 * time.Hour
	want := map[string]map[uuid.UUID]string{"expired": {}, "ending": {}}
	for what, change := range situations() {
		id := person(t, s)
		do(t, s, send(id))
		do(t, s, on(id, "test", func(u *invitation.User, now time.Time) error { change(u, u.Invitations[app], now); return nil }))
		res, err := s.Read(t.Context(), invitation.Key{UserID: id})
		must(t, err)
		for name, rule := range map[string]func(u *invitation.User){
			"expired": func(u *invitation.User) { u.NoteExpiry(app, res.Now) },
			"ending":  func(u *invitation.User) { u.Remind(app, within, res.Now) },
		} {
			u := res.User.Clone()
			if rule(u); len(u.Events) > 0 {
				want[name][u.Invitations[app].ID] = what
			}
		}
	}
	for name, find := range map[string]func() ([]invitation.Due, error){
		"expired": func() ([]invitation.Due, error) { return s.Expired(t.Context(), 10_000) },
		"ending":  func() ([]invitation.Due, error) { return s.Ending(t.Context(), within, 10_000) },
	} {
		found, err := find()
		must(t, err)
		if len(want[name]) == 0 {
			t.Errorf("nothing is %s", name)
		}
		for _, due := range found {
			if want[name][due.Key.InvitationID] == "" {
				t.Errorf("an invitation is found %s, and its rule does nothing: %s", name, d.text(`SELECT i::text FROM invitations i WHERE id = $1`, due.Key.InvitationID))
			}
			delete(want[name], due.Key.InvitationID)
		}
		for _, what := range want[name] {
			t.Errorf("an invitation is not found %s: %s", name, what)
		}
	}
}

// situations are all combinations of what reminders and expiry depend on.
func situations() map[string]func(*invitation.User, *invitation.Invitation, time.Time) {
	all := map[string]func(*invitation.User, *invitation.Invitation, time.Time){}
	for _, state := range []invitation.State{invitation.Pending, invitation.Redeemed, invitation.Revoked} {
		for _, mail := range invitation.DeliveryStates() {
			for flags := range 1 << 4 {
				for _, left := range []time.Duration{-time.Hour, time.Hour, 100 * time.Hour} {
					noted, reminded, shared, ill := flags&1 != 0, flags&2 != 0, flags&4 != 0, flags&8 != 0
					if noted && left > 0 || ill && shared {
						continue
					}
					what := fmt.Sprintf("%s, mail %s, noted %v, reminded %v, only shared %v, undeliverable %v, %v left", state, mail, noted, reminded, shared, ill, left)
					all[what] = func(u *invitation.User, inv *invitation.Invitation, now time.Time) {
						inv.Stored, inv.ExpiresAt, inv.IssuedAt = state, now.Add(left), now.Add(-500*time.Hour)
						inv.ExpiryNoted, inv.Reminded = noted, reminded
						if shared {
							inv.Mailed.Open, inv.Shared = false, invitation.ChannelState{Generation: 1, Open: true}
						}
						if ill {
							u.Undeliverable = invitation.CauseBounced
						}
						switch state {
						case invitation.Redeemed:
							inv.RedeemedAt = now
						case invitation.Revoked:
							inv.RevokedAt, inv.RevokedFor = now, invitation.EndRevoked
						}
						latest := u.LatestDelivery(inv)
						latest.State, latest.Attempts = mail, 1
					}
				}
			}
		}
	}
	return all
}
