package postgres_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// naive is the server that this one must not be: it looks, and then writes as
// if nothing could have happened in between. The barrier between the two makes
// sure that something does. Each check of races_test.go and events_test.go that
// it breaks is shown to notice.
type naive struct {
	*db
	barrier *sync.WaitGroup
}

func newNaive(d *db, callers int) *naive {
	n := &naive{db: d, barrier: &sync.WaitGroup{}}
	n.barrier.Add(callers)
	return n
}

func (n *naive) checked() {
	n.barrier.Done()
	n.barrier.Wait()
}

func (n *naive) stateOf(id string) (state invitation.State) {
	must(n, n.pool.QueryRow(context.Background(), `SELECT state FROM invitations WHERE user_id = $1`, id).Scan(&state))
	return state
}

func (n *naive) event(id string, kind invitation.EventType) {
	n.exec(`WITH o AS (UPDATE trails SET last_sequence = last_sequence + 1 WHERE organization_id = $1 RETURNING last_sequence)
		INSERT INTO events (organization_id, sequence, type, occurred_at, user_id, channel, delivery_state, reason, actor, caller, cause)
		SELECT $1, last_sequence, $2, now(), $3, '', '', '', '', '', 'naive' FROM o`, org, string(kind), id)
}

func (n *naive) redeem(id string) error {
	state := n.stateOf(id)
	n.checked()
	if state != invitation.Pending {
		return invitation.ErrInvitationRedeemed
	}
	n.exec(`UPDATE invitations SET state = 'REDEEMED', redeemed_at = now(), revoked_at = NULL, revoked_for = NULL WHERE user_id = $1`, id)
	n.event(id, invitation.InvitationRedeemed)
	return nil
}

func (n *naive) revoke(id string) error {
	state := n.stateOf(id)
	n.checked()
	if state != invitation.Pending {
		return invitation.ErrAlreadyActivated
	}
	n.exec(`UPDATE invitations SET state = 'REVOKED', redeemed_at = NULL, revoked_at = now(), revoked_for = 'INVITATION_REVOKED' WHERE user_id = $1`, id)
	n.event(id, invitation.InvitationRevoked)
	return nil
}

func (n *naive) claim(id string, wanted invitation.Email) error {
	taken := n.count(`SELECT count(*) FROM users WHERE email_key = $1`, wanted.Key())
	n.checked()
	if taken > 0 {
		return invitation.ErrEmailInUse
	}
	n.exec(`UPDATE users SET email = $2, email_key = $3 WHERE id = $1`, id, wanted.Address(), wanted.Key())
	return nil
}

// TestNaiveServerIsCaught: had our server these faults, its tests would fail.
func TestNaiveServerIsCaught(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	s := d.server()
	shared := func() string {
		id := person(t, s)
		do(t, s, share(id))
		return id
	}
	t.Run("two redeem", func(t *testing.T) {
		n, id := newNaive(d, 2), shared()
		tr := trial{a: func() error { return n.redeem(id) }, b: func() error { return n.redeem(id) }}
		errA, errB := tr.run(d, false)
		if redeemedOnce(d, id, errA, errB) == nil {
			t.Error("a double redemption was not noticed")
		}
	})
	t.Run("redeem or revoke", func(t *testing.T) {
		n, id := newNaive(d, 2), shared()
		tr := trial{a: func() error { return n.redeem(id) }, b: func() error { return n.revoke(id) }}
		redeemed, revoked := tr.run(d, false)
		if redeemedOrRevoked(d, id, redeemed, revoked) == nil {
			t.Error("that both won was not noticed")
		}
	})
	t.Run("two claim an address", func(t *testing.T) {
		// The constraint alone would stop even this server.
		d.exec(`DROP INDEX users_active_email`)
		n, one, two, wanted := newNaive(d, 2), person(t, s), person(t, s), email("wanted@naive.example")
		before := map[string]string{one: d.traces(one), two: d.traces(two)}
		tr := trial{a: func() error { return n.claim(one, wanted) }, b: func() error { return n.claim(two, wanted) }}
		errA, errB := tr.run(d, false)
		if claimedOnce(d, before, map[string]error{one: errA, two: errB}, wanted) == nil {
			t.Error("an address of two users was not noticed")
		}
	})
}

// TestNaiveTrailIsCaught: numbers from a sequence, the usual way, come out of
// order, and the reader of TestTrail notices.
func TestNaiveTrailIsCaught(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	s := d.server()
	d.exec(`CREATE SEQUENCE naive; INSERT INTO trails VALUES ('org-1', 1)`)
	insert := `INSERT INTO events (organization_id, sequence, type, occurred_at, user_id, channel, delivery_state, reason, actor, caller, cause)
		VALUES ('org-1', nextval('naive'), 'USER_CREATED', $1, $2, '', '', '', '', '', 'naive')`
	slow, err := d.pool.Begin(t.Context())
	must(t, err)
	_, err = slow.Exec(t.Context(), insert, time.Now(), uuid.NewString())
	must(t, err)
	d.exec(insert, time.Now(), uuid.NewString()) // overtakes it

	r := follower{store: s, organization: org}
	if err := r.poll(t.Context()); err == nil {
		t.Error("a reader that missed an event did not notice")
	}
	must(t, slow.Commit(t.Context()))
}
