package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/postgres"
)

// Two servers, one database, one user: each race is run many times, and its
// outcome has to be that of one order or the other. naive_test.go shows that
// the checks find what a careless server does.

func TestTwoRedeem(t *testing.T) {
	t.Parallel()
	race(t, func(d *db, a, b *postgres.Store) trial {
		id := person(d, a)
		link := token(do(d, a, send(id)).User, invitation.Mailed)
		return trial{
			a: update(a, redeem(link)), b: update(b, redeem(link)), hold: []string{id},
			check: func(errA, errB error) error { return redeemedOnce(d, id, errA, errB) },
		}
	})
}

// redeemedOnce: one of two redemptions wins, and the other one hears why not.
func redeemedOnce(d *db, id string, errA, errB error) error {
	if !oneWins(errA, errB, invitation.ErrInvitationRedeemed) {
		return fmt.Errorf("the redemptions ended with %v and %v", errA, errB)
	}
	if n := d.events(id, invitation.InvitationRedeemed); n != 1 {
		return fmt.Errorf("redeemed %d times", n)
	}
	return nil
}

func TestRedeemOrRevoke(t *testing.T) {
	t.Parallel()
	race(t, func(d *db, a, b *postgres.Store) trial {
		id := person(d, a)
		link := token(do(d, a, share(id)).User, invitation.Shared)
		return trial{
			a: update(a, redeem(link)), b: update(b, revoke(id)), hold: []string{id},
			check: func(redeemed, revoked error) error { return redeemedOrRevoked(d, id, redeemed, revoked) },
		}
	})
}

// redeemedOrRevoked: one of the two wins, and the other hears that it did.
func redeemedOrRevoked(d *db, id string, redeemed, revoked error) error {
	state := invitation.State(d.text(`SELECT state FROM invitations WHERE user_id = $1`, id))
	switch {
	case redeemed == nil && errors.Is(revoked, invitation.ErrAlreadyActivated) && state == invitation.Redeemed:
	case revoked == nil && errors.Is(redeemed, invitation.ErrInvitationRevoked) && state == invitation.Revoked:
	default:
		return fmt.Errorf("redeem: %v, revoke: %v, and the invitation is %s", redeemed, revoked, state)
	}
	if n := d.events(id, invitation.InvitationRedeemed) + d.events(id, invitation.InvitationRevoked); n != 1 {
		return fmt.Errorf("%d events tell of the end", n)
	}
	return nil
}

func TestRedeemOrRenew(t *testing.T) {
	t.Parallel()
	race(t, func(d *db, a, b *postgres.Store) trial {
		id := person(d, a)
		link := token(do(d, a, send(id)).User, invitation.Mailed)
		return trial{a: update(a, redeem(link)), b: update(b, renew(id)), hold: []string{id}, check: func(redeemed, renewed error) error {
			switch end, err := a.EndOf(t.Context(), link); {
			case err != nil:
				return err
			case redeemed == nil && errors.Is(renewed, invitation.ErrAlreadyActivated) && d.jobs(id) == 1:
			case renewed == nil && errors.Is(redeemed, invitation.ErrOldGeneration) && end == invitation.EndSuperseded && d.jobs(id) == 2:
			default:
				return fmt.Errorf("redeem: %v, renew: %v, the link ended with %q", redeemed, renewed, end)
			}
			return nil
		}}
	})
}

func TestTwoSend(t *testing.T) {
	t.Parallel()
	race(t, func(d *db, a, b *postgres.Store) trial {
		id := person(d, a)
		return trial{a: update(a, send(id)), b: update(b, send(id)), hold: []string{id}, check: func(errA, errB error) error {
			mails := d.count(`SELECT count(*) FROM deliveries WHERE user_id = $1`, id)
			if !oneWins(errA, errB, invitation.ErrInvitationPending) || mails != 1 || d.jobs(id) != 1 {
				return fmt.Errorf("%v and %v, with %d mails and %d jobs", errA, errB, mails, d.jobs(id))
			}
			return nil
		}}
	})
}

func TestTwoClaimAnAddress(t *testing.T) {
	t.Parallel()
	race(t, func(d *db, a, b *postgres.Store) trial {
		one, two := person(d, a), person(d, a)
		do(d, a, send(one))
		do(d, a, send(two))
		wanted := email(newID() + "@Wanted.example")
		before := map[string]string{one: d.traces(one), two: d.traces(two)}
		return trial{
			a: update(a, updateEmail(one, wanted, true)), b: update(b, updateEmail(two, wanted, true)), hold: []string{one, two},
			check: func(errA, errB error) error {
				return claimedOnce(d, before, map[string]error{one: errA, two: errB}, wanted)
			},
		}
	})
}

// traces is everything that a refused call must leave as it was.
func (d *db) traces(id string) string {
	return d.row(id) + d.text(`SELECT e::text FROM events e WHERE user_id = $1 ORDER BY sequence`, id) + fmt.Sprint(d.jobs(id))
}

// claimedOnce: one of two users has the address now, and of the other nothing
// at all has changed.
func claimedOnce(d *db, before map[string]string, errs map[string]error, wanted invitation.Email) error {
	if n := d.count(`SELECT count(*) FROM users WHERE email_key = $1 AND deactivated_at IS NULL`, wanted.Key()); n != 1 {
		return fmt.Errorf("%d users have the address", n)
	}
	for id, err := range errs {
		has := d.count(`SELECT count(*) FROM users WHERE id = $1 AND email_key = $2`, id, wanted.Key()) == 1
		switch {
		case err == nil && has:
		case errors.Is(err, invitation.ErrEmailInUse) && !has && d.traces(id) == before[id]:
		default:
			return fmt.Errorf("claim: %v, has it: %t, before\n%s\nafter\n%s", err, has, before[id], d.traces(id))
		}
	}
	return nil
}

// TestFreedOrTaken: deactivating frees an address, at once and not before.
func TestFreedOrTaken(t *testing.T) {
	t.Parallel()
	race(t, func(d *db, a, b *postgres.Store) trial {
		owner, other := person(d, a), person(d, a)
		return trial{
			a: update(a, deactivate(owner)), b: update(b, updateEmail(other, emailOf(owner), false)), hold: []string{owner, other},
			check: func(freed, taken error) error {
				if freed != nil || taken != nil && !errors.Is(taken, invitation.ErrEmailInUse) {
					return fmt.Errorf("deactivate: %v, claim: %v", freed, taken)
				}
				return nil
			},
		}
	})
}

func TestTwoCreate(t *testing.T) {
	t.Parallel()
	race(t, func(d *db, a, b *postgres.Store) trial {
		id := newID()
		one := create(id, email(id+"@one.example"))
		two := create(id, email(id+"@two.example"))
		return trial{a: update(a, one), b: update(b, two), check: func(errA, errB error) error {
			if n := d.events(id, invitation.UserCreated); !oneWins(errA, errB, invitation.ErrUserExists) || n != 1 {
				return fmt.Errorf("%v and %v, created %d times", errA, errB, n)
			}
			return nil
		}}
	})
}

// TestTimesFollowTheOrder: two servers change one user in turns, and no change
// is dated before the one that it follows.
func TestTimesFollowTheOrder(t *testing.T) {
	t.Parallel()
	race(t, func(d *db, a, b *postgres.Store) trial {
		id := person(d, a)
		return trial{a: update(a, share(id)), b: update(b, share(id)), hold: []string{id}, check: func(errA, errB error) error {
			backwards := d.count(`SELECT count(*) FROM (
				SELECT occurred_at < lag(occurred_at) OVER (ORDER BY sequence) AS back FROM events WHERE user_id = $1) e WHERE back`, id)
			if err := errors.Join(errA, errB); err != nil || backwards > 0 {
				return fmt.Errorf("%w, %d events go back in time", err, backwards)
			}
			return nil
		}}
	})
}

// TestDeadlockIsRetried: a call that waits in a circle with another transaction,
// and is chosen to break it, runs again and gets an answer of the domain.
func TestDeadlockIsRetried(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	s := d.server()
	id, other, wanted := person(t, s), person(t, s), email("wanted@deadlock.example")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tx, err := d.pool.Begin(ctx)
	must(t, err)
	// So long that the other side is the one to notice.
	_, err = tx.Exec(ctx, `SET LOCAL deadlock_timeout = '2min'`)
	must(t, err)
	_, err = tx.Exec(ctx, `UPDATE users SET email = $2, email_key = $3 WHERE id = $1`, other, wanted.Address(), wanted.Key())
	must(t, err)
	runs := 0
	done := make(chan error, 1)
	claim := updateEmail(id, wanted, false)
	rule := claim.Rule
	claim.Rule = func(u *invitation.User, now time.Time) error { runs++; return rule(u, now) }
	go func() { done <- update(s, claim)() }()
	d.awaitLocks(ctx, 1)
	_, err = tx.Exec(ctx, `SELECT FROM users WHERE id = $1 FOR UPDATE`, id)
	must(t, err)
	must(t, tx.Commit(ctx))
	if err := <-done; !errors.Is(err, invitation.ErrEmailInUse) {
		t.Errorf("the claim ended with %v", err)
	}
	if runs < 2 {
		t.Errorf("the rule ran %d times", runs)
	}
}
