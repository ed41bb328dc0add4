package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/postgres"
)

// follower reads an organization's trail as WatchEvents does: from where it
// stopped, page by page.
type follower struct {
	store        *postgres.Store
	organization string
	last         int64
	byUser       map[string]time.Time
}

// poll reads what is new, and fails if a number is missing or out of order, or
// if a user's history runs backwards.
func (f *follower) poll(ctx context.Context) error {
	for {
		page, err := f.store.Events(ctx, invitation.EventFilter{OrganizationID: f.organization, After: f.last, Limit: 7})
		if err != nil {
			return err
		}
		for _, e := range page {
			if e.Sequence != f.last+1 || e.OrganizationID != f.organization {
				return fmt.Errorf("event %d of %s follows %d of %s", e.Sequence, e.OrganizationID, f.last, f.organization)
			}
			if e.At.Before(f.byUser[e.UserID]) {
				return fmt.Errorf("event %d is older than the one before it", e.Sequence)
			}
			if f.byUser == nil {
				f.byUser = map[string]time.Time{}
			}
			f.last, f.byUser[e.UserID] = e.Sequence, e.At
		}
		if len(page) < 7 {
			return nil
		}
	}
}

// TestTrail: while many write to several organizations at once, through two
// servers and in groups that mix them, nobody who follows a trail ever misses
// an event or sees one out of order.
func TestTrail(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	// One group at a time, so that many wait meanwhile and share the next.
	one := func(c *postgres.Config) { c.Groups = 1 }
	stores := []*postgres.Store{d.server(one), d.server(one)}
	organizations := []string{"org-a", "org-b", "org-c"}
	const writers, perWriter = 24, 12

	var writing, following sync.WaitGroup
	done := make(chan struct{})
	followers := make([]*follower, len(organizations))
	for i, organization := range organizations {
		f := &follower{store: stores[i%2], organization: organization}
		followers[i] = f
		following.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := f.poll(t.Context()); err != nil {
					t.Errorf("%s: %v", f.organization, err)
					return
				}
			}
		})
	}
	for w := range writers {
		writing.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), 1))
			for range perWriter {
				id, organization := newID(), organizations[random.IntN(len(organizations))]
				s := stores[random.IntN(2)]
				c := create(id, emailOf(id))
				c.Key.OrganizationID = organization
				_, err := s.Update(t.Context(), c)
				for _, next := range []invitation.Change{send(id), renew(id), revoke(id), deactivate(id)}[:random.IntN(5)] {
					_, e := s.Update(t.Context(), next)
					err = errors.Join(err, e)
				}
				// Refusals and failures in between use no number up.
				if _, e := s.Update(t.Context(), create(id, emailOf(id))); !errors.Is(e, invitation.ErrUserExists) {
					err = errors.Join(err, fmt.Errorf("a second creation: %w", e))
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	writing.Wait()
	close(done)
	following.Wait()
	total := 0
	for _, f := range followers {
		must(t, f.poll(t.Context()))
		if n := d.count(`SELECT count(*) FROM events WHERE organization_id = $1`, f.organization); int64(n) != f.last {
			t.Errorf("%s: followed up to %d of %d events", f.organization, f.last, n)
		}
		total += int(f.last)
	}
	if total < writers*perWriter {
		t.Errorf("%d events in all", total)
	}
	d.checkAlways()
}

// TestTrailIsAppendOnly: not even the database's owner changes history by
// mistake.
func TestTrailIsAppendOnly(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	id := person(t, d.server())
	before := d.traces(id)
	for _, statement := range []string{
		`UPDATE events SET actor = 'somebody else'`, `UPDATE events SET actor = actor WHERE false`,
		`DELETE FROM events`, `TRUNCATE events`, `TRUNCATE events CASCADE`,
		`INSERT INTO events SELECT * FROM events ON CONFLICT (organization_id, sequence) DO UPDATE SET actor = 'x'`,
	} {
		if _, err := d.pool.Exec(t.Context(), statement); err == nil || !contains(err, "append-only") {
			t.Errorf("%s: %v", statement, err)
		}
	}
	if after := d.traces(id); after != before || before == "" {
		t.Errorf("the trail changed from %s to %s", before, after)
	}
	// Retention may take what is old, and only that.
	d.exec(`INSERT INTO events (organization_id, sequence, type, occurred_at, user_id, channel, delivery_state, reason, actor, caller, cause)
		SELECT 'org-2', n, 'USER_CREATED', now() - interval '89 days' * n, 'old', '', '', '', '', '', 'test' FROM generate_series(1, 2) n`)
	d.exec(`DELETE FROM events WHERE organization_id = 'org-2' AND sequence = 2`)
	if _, err := d.pool.Exec(t.Context(), `DELETE FROM events WHERE organization_id = 'org-2'`); err == nil {
		t.Error("an event of the last 90 days was deleted")
	}
}

// TestEndOf: each generation of each channel ended for its own reason, and says
// so for as long as the trail is kept.
func TestEndOf(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	s := d.server()
	id := person(t, s)
	first := do(t, s, send(id)).User.Invitations[app].Mailed.Generation
	shared := do(t, s, share(id)).User.Invitations[app].Shared.Generation
	do(t, s, updateEmail(id, email("new@endof.example"), false)) // ends the first mail's
	do(t, s, revoke(id))
	second := do(t, s, send(id)).User.Invitations[app].Mailed.Generation // ends the shared one, which was revoked
	inv := do(t, s, renew(id)).User.Invitations[app]
	for _, c := range []struct {
		channel    invitation.Channel
		generation int
		want       invitation.End
	}{
		{invitation.Mailed, first, invitation.EndChanged},
		{invitation.Shared, shared, invitation.EndRevoked},
		{invitation.Mailed, second, invitation.EndSuperseded},
		{invitation.Mailed, inv.Mailed.Generation ^ 1, ""}, // of which nothing is known
	} {
		end, err := s.EndOf(t.Context(), invitation.Token{InvitationID: inv.ID, Channel: c.channel, Generation: c.generation})
		if err != nil || end != c.want {
			t.Errorf("%s %d ended with %q, %v; want %q", c.channel, c.generation, end, err, c.want)
		}
	}
}

// TestEventFilter: each field narrows the trail down.
func TestEventFilter(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	s := d.server()
	one, two := person(t, s), person(t, s)
	inv := do(t, s, send(one)).User.Invitations[app]
	do(t, s, send(two))
	for name, c := range map[string]struct {
		filter invitation.EventFilter
		want   int
	}{
		"all":             {invitation.EventFilter{OrganizationID: org, Limit: 100}, 4},
		"after":           {invitation.EventFilter{OrganizationID: org, After: 3, Limit: 100}, 1},
		"limit":           {invitation.EventFilter{OrganizationID: org, Limit: 3}, 3},
		"of a user":       {invitation.EventFilter{OrganizationID: org, UserID: one, Limit: 100}, 2},
		"of invitation":   {invitation.EventFilter{OrganizationID: org, InvitationID: inv.ID, Limit: 100}, 1},
		"of another's":    {invitation.EventFilter{OrganizationID: org, UserID: two, InvitationID: inv.ID, Limit: 100}, 0},
		"other's tenants": {invitation.EventFilter{OrganizationID: "org-2", Limit: 100}, 0},
	} {
		events, err := s.Events(t.Context(), c.filter)
		if err != nil || len(events) != c.want {
			t.Errorf("%s: %d events, %v; want %d", name, len(events), err, c.want)
		}
	}
}
