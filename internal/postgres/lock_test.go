package postgres_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/postgres"
)

// TestRulesRunOnLockedUsers: a user who is created between the statement that
// locks and the one that reads must not be changed unlocked: what a third
// server then writes would be lost.
func TestRulesRunOnLockedUsers(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	d := newDB(t)
	a, b := d.server(), d.server()
	old, late := person(t, a), newID()
	repeated := identified(share(old), newRequest())
	do(t, a, repeated)

	// The other server stops where it marks the repeated request, between the two.
	release := d.hold(ctx, `SELECT FROM requests WHERE id = $1 FOR UPDATE`, repeated.Request.ID)
	ran, unlocked := false, 0
	touch := on(late, "touch", func(*invitation.User, time.Time) error {
		ran = true
		return d.pool.QueryRow(ctx, `SELECT count(*) FROM (SELECT FROM users WHERE id = $1 FOR UPDATE SKIP LOCKED) u`, late).Scan(&unlocked)
	})
	group := make(chan []postgres.Member, 1)
	go func() { group <- b.RunGroup(postgres.Member{Change: repeated}, postgres.Member{Change: touch}) }()
	d.awaitLocks(ctx, 1)
	do(t, a, create(late, emailOf(late)))
	release()

	members := <-group
	must(t, members[0].Err)
	if ran && (members[1].Err != nil || unlocked > 0) {
		t.Errorf("the rule ran on a user who was not locked: %v", members[1].Err)
	}
	if !ran && as(members[1].Err) != as(invitation.ErrUserNotFound) {
		t.Errorf("a user who did not exist yet: %v", members[1].Err)
	}
}

// TestCreatedWhileLocking: a request that another server carries out while this
// one waits for a lock is found carried out, although its user was not there to
// be locked.
func TestCreatedWhileLocking(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	d := newDB(t)
	a, b := d.server(), d.server()
	old, late := person(t, a), newID()
	release := d.hold(ctx, `SELECT FROM users WHERE id = $1 FOR UPDATE`, old)
	twice := identified(create(late, emailOf(late)), newRequest())
	group := make(chan []postgres.Member, 1)
	go func() { group <- b.RunGroup(postgres.Member{Change: share(old)}, postgres.Member{Change: twice}) }()
	d.awaitLocks(ctx, 1)
	do(t, a, twice)
	release()
	for i, m := range <-group {
		if m.Err != nil {
			t.Errorf("member %d: %v", i, m.Err)
		}
	}
	if n := d.events(late, invitation.UserCreated); n != 1 {
		t.Errorf("created %d times", n)
	}
}

// TestReadIsOneMoment: whoever reads while others write sees a user, the
// invitations and the mails as they were together.
func TestReadIsOneMoment(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	a, b := d.server(), d.server()
	id := person(t, a)
	do(t, a, send(id))
	done := make(chan struct{})
	var writing sync.WaitGroup
	writing.Go(func() {
		defer close(done)
		for range 300 {
			if _, err := a.Update(t.Context(), renew(id)); err != nil {
				t.Errorf("renew: %v", err)
				return
			}
		}
	})
	for reading := true; reading; {
		select {
		case <-done:
			reading = false
		default:
		}
		u := read(t, b, id)
		inv := u.Invitations[app]
		if d := u.LatestDelivery(inv); d == nil || d.Generation != inv.Mailed.Generation {
			t.Fatalf("the invitation is %+v, and its latest mail %+v", inv, d)
		}
	}
	writing.Wait()
}

// TestReadersShareARoundTrip, and nobody suffers for what another one asked.
func TestReadersShareARoundTrip(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	s := d.server(func(c *postgres.Config) { c.Groups = 1 })
	id := person(t, s)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	var reading sync.WaitGroup
	for n := range 40 {
		reading.Go(func() {
			for range 10 {
				switch n % 4 {
				case 0:
					if _, err := s.Read(t.Context(), invitation.Key{UserID: "\x00"}); err == nil || contains(err, "unavailable") {
						t.Errorf("a key that can't be: %v", err)
					}
				case 1:
					if _, err := s.Read(gone, invitation.Key{UserID: id}); err != nil && !errors.Is(err, context.Canceled) {
						t.Errorf("a reader who left: %v", err)
					}
				case 2:
					if _, err := s.Read(t.Context(), invitation.Key{UserID: "nobody"}); !errors.Is(err, invitation.ErrUserNotFound) {
						t.Errorf("nobody: %v", err)
					}
				default:
					if res, err := s.Read(t.Context(), invitation.Key{UserID: id}); err != nil || res.User.ID != id {
						t.Errorf("somebody: %v", err)
					}
				}
			}
		})
	}
	reading.Wait()
}

// TestKeys: a user is found by each kind of key, in Read as in Update, and by
// none of another organization or of one who was erased.
func TestKeys(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	s := d.server()
	id := person(t, s)
	inv := do(t, s, send(id)).User.Invitations[app]
	other := person(t, s)
	first := do(t, s, send(other)).User.Invitations[app].DeliveryID
	do(t, s, renew(other))
	gone := person(t, s)
	goneInv := do(t, s, send(gone)).User.Invitations[app]
	do(t, s, erase(gone))
	nothing := func(*invitation.User, time.Time) error { return nil }
	for name, c := range map[string]struct {
		key  invitation.Key
		user string
		err  error
	}{
		"user":                     {invitation.Key{UserID: id}, id, nil},
		"user in organization":     {invitation.Key{UserID: id, OrganizationID: org}, id, nil},
		"user in another":          {invitation.Key{UserID: id, OrganizationID: "org-2"}, "", invitation.ErrUserNotFound},
		"invitation":               {invitation.Key{InvitationID: inv.ID}, id, nil},
		"mail":                     {invitation.Key{DeliveryID: inv.DeliveryID}, id, nil},
		"older mail":               {invitation.Key{DeliveryID: first}, other, nil},
		"unknown user":             {invitation.Key{UserID: "nobody"}, "", invitation.ErrUserNotFound},
		"unknown invitation":       {invitation.Key{InvitationID: uuid.New()}, "", invitation.ErrInvitationNotFound},
		"unknown mail":             {invitation.Key{DeliveryID: uuid.New()}, "", invitation.ErrInvitationNotFound},
		"nothing":                  {invitation.Key{}, "", invitation.ErrInvitationNotFound},
		"erased user":              {invitation.Key{UserID: gone}, "", invitation.ErrUserNotFound},
		"invitation of the erased": {invitation.Key{InvitationID: goneInv.ID}, "", invitation.ErrInvitationNotFound},
		"mail of the erased":       {invitation.Key{DeliveryID: goneInv.DeliveryID}, "", invitation.ErrInvitationNotFound},
	} {
		for how, call := range map[string]func() (invitation.Result, error){
			"read": func() (invitation.Result, error) { return s.Read(t.Context(), c.key) },
			"update": func() (invitation.Result, error) {
				return s.Update(t.Context(), invitation.Change{Key: c.key, Rule: nothing})
			},
		} {
			res, err := call()
			if as(err) != as(c.err) || err == nil && res.User.ID != c.user {
				t.Errorf("%s by %s: %v, %v; want %q, %v", how, name, res.User, err, c.user, c.err)
			}
			if err == nil && c.key.DeliveryID != uuid.Nil && res.User.Delivery(c.key.DeliveryID) == nil {
				t.Errorf("%s by %s comes without the mail", how, name)
			}
		}
	}
}

// TestLockedUser: whoever keeps a user's row locked holds up that user's calls
// and no others, of the same group or of later ones.
func TestLockedUser(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	d := newDB(t)
	s := d.server(quick)
	stuck, free := person(t, s), person(t, s)
	do(t, s, share(stuck))
	release := d.hold(ctx, `SELECT FROM users WHERE id = $1 FOR UPDATE`, stuck)

	link := invitation.Key{InvitationID: read(t, s, stuck).Invitations[app].ID}
	group := make(chan []postgres.Member, 1)
	go func() {
		group <- s.RunGroup(
			postgres.Member{Change: send(stuck)}, postgres.Member{Change: share(free)},
			postgres.Member{Change: invitation.Change{Key: link, Rule: func(*invitation.User, time.Time) error { return nil }}},
			postgres.Member{Change: create(stuck, emailOf(stuck))})
	}()
	// Far more than there are connections to wait with.
	var waiting sync.WaitGroup
	for range 50 {
		waiting.Go(func() {
			if _, err := s.Update(ctx, send(stuck)); !errors.Is(err, invitation.ErrUnavailable) {
				t.Errorf("a call for the user: %v", err)
			}
		})
	}
	for d.events(free, invitation.InvitationIssued) == 0 {
		must(t, ctx.Err())
	}
	for range 50 {
		do(t, s, create(newID(), invitation.Email{}))
	}
	waiting.Wait()
	for i, m := range <-group {
		if want := i != 1; want != errors.Is(m.Err, invitation.ErrUnavailable) {
			t.Errorf("member %d: %v", i, m.Err)
		}
	}
	release()
	do(t, s, send(stuck))
}
