package postgres_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/postgres"
)

// TestTwoProve: of two who prove one address that a third has only claimed, one
// has it in the end, the third has none, and its trail does not say who.
func TestTwoProve(t *testing.T) {
	t.Parallel()
	race(t, func(d *db, a, b *postgres.Store) trial {
		holder, one, two := person(d, a), person(d, a), person(d, a)
		do(d, a, send(holder))
		wanted := emailOf(holder)
		secret := newRequest()
		proof := identified(confirm(one, wanted), secret)
		proof.Request.Actor = "taker"
		return trial{
			a: update(a, proof), b: update(b, confirm(two, wanted)), hold: []string{holder, one, two},
			check: func(errA, errB error) error {
				if (errA == nil) == (errB == nil) || errA != nil && !errors.Is(errA, invitation.ErrEmailInUse) || errB != nil && !errors.Is(errB, invitation.ErrEmailInUse) {
					return fmt.Errorf("the proofs heard %v and %v", errA, errB)
				}
				if n := d.count(`SELECT count(*) FROM users WHERE email_key = $1`, wanted.Key()); n != 1 {
					return fmt.Errorf("%d users have the address", n)
				}
				if d.count(`SELECT count(*) FROM users WHERE id = $1 AND email IS NULL`, holder) != 1 || d.events(holder, invitation.EmailLost) != 1 {
					return errors.New("the third still has it, or was not told once")
				}
				if n := d.count(`SELECT count(*) FROM events WHERE user_id = $1 AND (actor <> '' OR request_id IS NOT NULL)`, holder); n != 0 {
					return errors.New("the third's trail tells who took the address")
				}
				return nil
			},
		}
	})
}

// TestProofAgainstTheHolder: whatever the holder of a claimed address does at the
// same moment, nobody hears of a fault, and no two users have the address.
func TestProofAgainstTheHolder(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(holder string) invitation.Change{
		"another address": func(holder string) invitation.Change {
			return updateEmail(holder, email(holder+"@other.example"), true)
		},
		"send": send, "deactivate": deactivate, "erase": erase, "share": share,
		"its own proof": func(holder string) invitation.Change { return confirm(holder, emailOf(holder)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			race(t, func(d *db, a, b *postgres.Store) trial {
				holder, one := person(d, a), person(d, a)
				wanted := emailOf(holder)
				return trial{
					a: update(a, confirm(one, wanted)), b: update(b, act(holder)), hold: []string{holder, one},
					check: func(proof, other error) error {
						if proof != nil && !errors.Is(proof, invitation.ErrEmailInUse) || other != nil && !errors.Is(other, invitation.ErrEmailRequired) && !errors.Is(other, invitation.ErrEmailInUse) {
							return fmt.Errorf("the proof heard %v, the holder %v", proof, other)
						}
						if n := d.count(`SELECT count(*) FROM users WHERE email_key = $1 AND deactivated_at IS NULL`, wanted.Key()); n > 1 || proof == nil && n != 1 {
							return fmt.Errorf("%d users have the address", n)
						}
						return nil
					},
				}
			})
		})
	}
}

// TestProofsCrossed: two users who prove each other's addresses at once wait for
// one another and never in a circle.
func TestProofsCrossed(t *testing.T) {
	t.Parallel()
	race(t, func(d *db, a, b *postgres.Store) trial {
		one, two := person(d, a), person(d, a)
		return trial{
			a: update(a, confirm(one, emailOf(two))), b: update(b, confirm(two, emailOf(one))), hold: []string{one, two},
			check: func(errA, errB error) error {
				if errA != nil || errB != nil {
					return fmt.Errorf("the proofs heard %v and %v", errA, errB)
				}
				return nil
			},
		}
	})
}

// TestReactivateOrClaim: an address that is free belongs to one, be it who comes
// back or who is new.
func TestReactivateOrClaim(t *testing.T) {
	t.Parallel()
	race(t, func(d *db, a, b *postgres.Store) trial {
		gone, other := person(d, a), person(d, a)
		do(d, a, deactivate(gone))
		return trial{
			a: update(a, reactivate(gone)), b: update(b, updateEmail(other, emailOf(gone), false)), hold: []string{gone, other},
			check: func(errA, errB error) error {
				n := d.count(`SELECT count(*) FROM users WHERE email_key = $1 AND deactivated_at IS NULL`, emailOf(gone).Key())
				if n != 1 || (errA == nil) == (errB == nil) || errA != nil && !errors.Is(errA, invitation.ErrEmailInUse) || errB != nil && !errors.Is(errB, invitation.ErrEmailInUse) {
					return fmt.Errorf("%d users have the address; coming back: %v, claiming: %v", n, errA, errB)
				}
				return nil
			},
		}
	})
}

// TestTakenAddressCostsNobody: an address that is seen to be taken is refused by
// the rule. No statement fails, so that the others keep their one transaction, and
// Postgres writes no address into its log.
func TestTakenAddressCostsNobody(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	s := d.server()
	taken := emailOf(person(t, s))
	one, two, three, gone := person(t, s), person(t, s), person(t, s), newID()
	do(t, s, create(gone, emailOf(gone)))
	do(t, s, deactivate(gone))
	do(t, s, create(newID(), emailOf(gone)))
	errs := together(s, send(one), updateEmail(two, taken, true), create(newID(), taken), reactivate(gone), share(three))
	if errs[0] != nil || errs[4] != nil || slices.ContainsFunc(errs[1:4], func(err error) bool { return !errors.Is(err, invitation.ErrEmailInUse) }) {
		t.Errorf("the calls heard %v", errs)
	}
	if n := d.count(`SELECT count(DISTINCT xmin::text) FROM invitations WHERE user_id = ANY ($1)`, []string{one, three}); n != 1 {
		t.Errorf("the others were saved in %d transactions", n)
	}
}

// TestOneIDForABatch: a batch's id and another request's of the same id exclude
// each other, whichever comes first, and its parts are found again.
func TestOneIDForABatch(t *testing.T) {
	t.Parallel()
	race(t, func(d *db, a, b *postgres.Store) trial {
		one, two, id := person(d, a), person(d, a), newRequest()
		head := invitation.Change{Request: invitation.Request{ID: id, Fingerprint: []byte("batch"), Cause: "batch"}}
		return trial{
			a: update(a, head), b: update(b, identified(send(two), id)),
			check: func(batch, single error) error {
				if (batch == nil) == (single == nil) || batch != nil && !errors.Is(batch, invitation.ErrRequestIDReused) || single != nil && !errors.Is(single, invitation.ErrRequestIDReused) {
					return fmt.Errorf("the batch heard %v, the other request %v", batch, single)
				}
				if batch != nil {
					return nil
				}
				part := send(one)
				part.Request = invitation.Request{ID: id, Part: one, Fingerprint: []byte("batch"), Cause: "batch"}
				do(d, a, part)
				do(d, b, part)
				if n := d.count(`SELECT count(*) FROM events WHERE user_id = $1 AND request_id = $2`, one, id); n != 1 {
					return fmt.Errorf("a part left %d events with the batch's id", n)
				}
				return nil
			},
		}
	})
}

// TestRefusalIsNotRemembered: the same request is tried again.
func TestRefusalIsNotRemembered(t *testing.T) {
	t.Parallel()
	s := newDB(t).server()
	id := person(t, s)
	c := identified(renew(id), newRequest())
	if _, err := s.Update(t.Context(), c); !errors.Is(err, invitation.ErrNotInvited) {
		t.Fatalf("renewing nothing: %v", err)
	}
	do(t, s, share(id))
	do(t, s, c)
}

// TestOrganizationsLoseNothing: eight at once, on two servers, who tell different
// things of an organization that nobody knows yet, while others invite its users.
func TestOrganizationsLoseNothing(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	servers := []*postgres.Store{d.server(), d.server()}
	for n := range 20 {
		id := fmt.Sprint("fresh-", n)
		name, contact, locale := "Wohnen", "030 123", invitation.English
		reply, imprint := email("post@wohnen.example"), []string{"Wohnen GmbH", "HRB 1"}
		details := []invitation.OrganizationDetails{{Name: &name}, {Contact: &contact}, {DefaultLocale: &locale}, {ReplyTo: &reply}, {Imprint: &imprint}}
		var callers sync.WaitGroup
		for i, detail := range details {
			callers.Go(func() {
				_, err := servers[i%2].UpdateOrganization(t.Context(), invitation.OrganizationChange{
					ID: id, Request: invitation.Request{Cause: "test", ID: uuid.New(), Fingerprint: []byte{byte(i)}},
					Rule: func(o *invitation.Organization, now time.Time) error { o.Update(detail, now); return nil },
				})
				if err != nil {
					t.Errorf("update: %v", err)
				}
			})
		}
		for i := range 3 {
			callers.Go(func() {
				user := newID()
				c := create(user, emailOf(user))
				c.Key.OrganizationID = id
				if _, err := servers[i%2].Update(t.Context(), c); err != nil {
					t.Errorf("create: %v", err)
				}
			})
		}
		callers.Wait()
		o, err := servers[0].Organization(t.Context(), id)
		must(t, err)
		if o.Name != name || o.Contact != contact || o.DefaultLocale != locale || o.ReplyTo != reply || !slices.Equal(o.Imprint, imprint) {
			t.Fatalf("of what five told is left: %q %q %q %q", o.Name, o.Contact, o.DefaultLocale, o.Imprint)
		}
	}
	d.checkAlways()
}
