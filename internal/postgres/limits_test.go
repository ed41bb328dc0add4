package postgres_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/postgres"
)

// recipients limits the mails to one address to two in a day.
func recipients(c *postgres.Config) {
	c.PerRecipient, c.Pseudonym = postgres.Limit{N: 2, Per: 24 * time.Hour}, invitation.Email.Key
}

// TestGroupMeetsLimit: of a group's calls only those fail that are over a limit,
// whether the mails before were the group's own or others'.
func TestGroupMeetsLimit(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	s := d.server(recipients)
	one, two, three := person(t, s), person(t, s), person(t, s)
	for round, c := range []struct {
		changes []invitation.Change
		refused []int
	}{
		{[]invitation.Change{send(one), renew(one), renew(one), send(two), share(three)}, []int{2}},
		{[]invitation.Change{renew(two), renew(one), share(three)}, []int{1}},
		{[]invitation.Change{renew(two), share(one)}, []int{0}},
	} {
		var members []postgres.Member
		for _, change := range c.changes {
			members = append(members, postgres.Member{Change: change})
		}
		for i, m := range s.RunGroup(members...) {
			var retry *invitation.RetryError
			switch over := slices.Contains(c.refused, i); {
			case over && (!errors.Is(m.Err, invitation.ErrMailThrottled) || !errors.As(m.Err, &retry) || retry.After <= 0):
				t.Errorf("round %d, member %d, over the limit: %v", round, i, m.Err)
			case !over && m.Err != nil:
				t.Errorf("round %d, member %d: %v", round, i, m.Err)
			}
		}
	}
	for id, want := range map[string]int{one: 2, two: 2, three: 0} {
		if n := d.count(`SELECT count(*) FROM deliveries WHERE user_id = $1`, id); n != want {
			t.Errorf("%d mails to %s, want %d", n, id, want)
		}
	}
}

// TestLimitHoldsBetweenServers: neither server sees the other's mails before they
// are committed, and still no more of them go out than may.
func TestLimitHoldsBetweenServers(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	servers := []*postgres.Store{d.server(recipients), d.server(recipients)}
	for range 20 {
		id := person(t, servers[0])
		do(t, servers[0], send(id))
		var racing sync.WaitGroup
		errs := make([]error, 6)
		for i := range errs {
			racing.Go(func() { _, errs[i] = servers[i%2].Update(t.Context(), renew(id)) })
		}
		racing.Wait()
		sent := 0
		for _, err := range errs {
			if err == nil {
				sent++
			} else if !errors.Is(err, invitation.ErrMailThrottled) {
				t.Errorf("refused: %v", err)
			}
		}
		if sent != 1 || d.jobs(id) != 2 {
			t.Fatalf("%d of the renewals went out, %d mails wait", sent, d.jobs(id))
		}
	}
}
