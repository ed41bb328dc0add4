package postgres_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/postgres"
)

// TestOneRequestTwice: two copies of a request that arrive at one moment on two
// servers have the effect of one, and get one answer.
func TestOneRequestTwice(t *testing.T) {
	t.Parallel()
	for name, makeChange := range map[string]func(d *db, s *postgres.Store) (id string, c invitation.Change, effect invitation.EventType){
		"send": func(d *db, s *postgres.Store) (string, invitation.Change, invitation.EventType) {
			id := person(d, s)
			return id, send(id), invitation.InvitationIssued
		},
		"renew": func(d *db, s *postgres.Store) (string, invitation.Change, invitation.EventType) {
			id := person(d, s)
			do(d, s, send(id))
			return id, renew(id), invitation.InvitationRenewed
		},
		"create": func(*db, *postgres.Store) (string, invitation.Change, invitation.EventType) {
			id := newID()
			return id, create(id, emailOf(id)), invitation.UserCreated
		},
		"redeem": func(d *db, s *postgres.Store) (string, invitation.Change, invitation.EventType) {
			id := person(d, s)
			return id, redeem(token(do(d, s, share(id)).User, invitation.Shared)), invitation.InvitationRedeemed
		},
		"change of address": func(d *db, s *postgres.Store) (string, invitation.Change, invitation.EventType) {
			id := person(d, s)
			return id, updateEmail(id, email(id+"@new.example"), true), invitation.EmailChanged
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			race(t, func(d *db, a, b *postgres.Store) trial {
				id, c, effect := makeChange(d, a)
				c = identified(c, newRequest())
				var resA, resB invitation.Result
				tr := trial{
					a: func() (err error) { resA, err = a.Update(t.Context(), c); return err },
					b: func() (err error) { resB, err = b.Update(t.Context(), c); return err },
					check: func(errA, errB error) error {
						if err := errors.Join(errA, errB); err != nil {
							return err
						}
						if n := d.events(id, effect); n != 1 {
							return fmt.Errorf("it took effect %d times", n)
						}
						if string(resA.Answer) != string(resB.Answer) || state(resA.User) != state(resB.User) {
							return fmt.Errorf("the answers are\n%s %s\n%s %s", resA.Answer, state(resA.User), resB.Answer, state(resB.User))
						}
						return nil
					},
				}
				if name != "create" {
					tr.hold = []string{id}
				}
				return tr
			})
		})
	}
}

// state shows a user without what a replay does not have: the call's events.
func state(u *invitation.User) string {
	text := fmt.Sprint(u.ID, u.Type, u.DisplayName, u.Email.Address(), u.EmailConfirmedAt.UnixMicro(), u.DeactivatedAt.UnixMicro())
	for _, inv := range u.Invitations {
		if inv != nil {
			text += fmt.Sprint(inv.ID, inv.Stored, inv.IssuedAt.UnixMicro(), inv.ExpiresAt.UnixMicro(), inv.Mailed, inv.Shared, inv.DeliveryID)
		}
		if d := u.LatestDelivery(inv); d != nil {
			text += fmt.Sprint(d.ID, d.State, d.Generation, d.To.Address())
		}
	}
	return text
}

// TestOneRequestIDForTwo: of two requests with one id at one moment, one is
// carried out, and the other is told that the id is taken.
func TestOneRequestIDForTwo(t *testing.T) {
	t.Parallel()
	race(t, func(d *db, a, b *postgres.Store) trial {
		one, two, request := person(d, a), person(d, a), newRequest()
		return trial{
			a: update(a, identified(send(one), request)), b: update(b, identified(send(two), request)), hold: []string{one, two},
			check: func(errA, errB error) error {
				mails := []int{d.jobs(one), d.jobs(two)}
				if !oneWins(errA, errB, invitation.ErrRequestIDReused) || (errA == nil) != (mails[0] == 1) || (errB == nil) != (mails[1] == 1) {
					return fmt.Errorf("%v and %v, with %v mails", errA, errB, mails)
				}
				return nil
			},
		}
	})
}
