package postgres_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/postgres"
)

// TestNobodySuffersForOthers: while some callers do everything wrong, in groups
// with all others, the others never hear of it.
func TestNobodySuffersForOthers(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	s := d.server(func(c *postgres.Config) { c.Groups, c.GroupSize = 2, 16 })
	taken := person(t, s)
	var innocent, guilty sync.WaitGroup
	done := make(chan struct{})
	for n, kind := range append([]string{"taken address", "taken id", "gone"}, opKinds...) {
		id := person(t, s)
		guilty.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				c, ctx := (op{kind: kind, user: id, address: id + "@mine.example"}).failing(), t.Context()
				switch kind {
				case "taken address":
					c = updateEmail(id, emailOf(taken), true)
				case "taken id":
					c = create(taken, email(id+"@other.example"))
				case "gone":
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, time.Duration(n)*time.Millisecond)
					defer cancel()
				}
				_, err := s.Update(ctx, c)
				if slices.Contains(unstorable, kind) && err == nil || strings.Contains(as(err), "@") {
					t.Errorf("%s: %v", kind, err)
				}
			}
		})
	}
	for range 24 {
		innocent.Go(func() {
			for range 5 {
				id := newID()
				for _, c := range []invitation.Change{
					create(id, emailOf(id)), send(id), renew(id), updateEmail(id, email(id+"@new.example"), true), revoke(id), share(id),
				} {
					if _, err := s.Update(t.Context(), c); err != nil {
						t.Errorf("%s: %v", c.Request.Cause, err)
					}
				}
				if n := d.count(`SELECT count(*) FROM deliveries WHERE user_id = $1`, id); n != 3 {
					t.Errorf("%d mails", n)
				}
			}
		})
	}
	innocent.Wait()
	close(done)
	guilty.Wait()
	d.checkAlways()
}

// TestCallersShareATransaction: calls that wait while another one is in flight
// become one transaction.
func TestCallersShareATransaction(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	s := d.server(func(c *postgres.Config) { c.Groups = 1 })
	first := person(t, s)
	var ids []string
	for range 20 {
		ids = append(ids, person(t, s))
	}
	var calls sync.WaitGroup
	times := make([]time.Time, len(ids))
	running := make(chan struct{})
	calls.Go(func() {
		do(t, s, on(first, "wait for company", func(*invitation.User, time.Time) error {
			close(running)
			for s.Waiting() < len(ids) && t.Context().Err() == nil {
				must(t, d.pool.Ping(t.Context()))
			}
			return nil
		}))
	})
	<-running
	for i, id := range ids {
		calls.Go(func() { times[i] = do(t, s, send(id)).Now })
	}
	calls.Wait()
	for _, at := range times {
		if !at.Equal(times[0]) {
			t.Errorf("transactions at %v and %v", times[0], at)
		}
	}
}

// TestFullBacklog: more callers than may wait are told so at once, and one that
// gives up does not wait on.
func TestFullBacklog(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	s := d.server(func(c *postgres.Config) { c.Groups, c.Backlog = 1, 1 })
	id := person(t, s)
	running, release := make(chan struct{}), make(chan struct{})
	var calls sync.WaitGroup
	defer calls.Wait()
	defer close(release)
	calls.Go(func() {
		do(t, s, on(id, "hold", func(*invitation.User, time.Time) error { close(running); <-release; return nil }))
	})
	<-running
	impatient, cancel := context.WithCancel(t.Context())
	waits := make(chan error, 1)
	calls.Go(func() {
		_, err := s.Update(impatient, send(id))
		waits <- err
	})
	for s.Waiting() < 1 {
		must(t, d.pool.Ping(t.Context()))
	}
	isUnavailable(t, update(s, send(id))())
	cancel()
	if err := <-waits; !errors.Is(err, context.Canceled) {
		t.Errorf("a call that was given up: %v", err)
	}
	late, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	_, err := s.Update(late, send(id))
	isUnavailable(t, err)
}

// isUnavailable fails unless the caller is told to come back, and when.
func isUnavailable(t testing.TB, err error) {
	t.Helper()
	var retry *invitation.RetryError
	if !errors.Is(err, invitation.ErrUnavailable) || !errors.As(err, &retry) || retry.After <= 0 {
		t.Errorf("got %v, want ErrUnavailable and when to come back", err)
	}
}

// TestNothingOfARefusalIsSaved: neither the user nor events, mails, jobs or the
// request, so that the caller may repeat it once the reason is gone.
func TestNothingOfARefusalIsSaved(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	s := d.server()
	id := person(t, s)
	before := d.traces(id)
	refused := identified(renew(id), newRequest())
	for _, c := range []invitation.Change{
		refused,
		on(id, "panic", func(u *invitation.User, now time.Time) error {
			_ = u.Send(app, false, now, validity)
			panic("secret@person.example")
		}),
		on(id, "error", func(u *invitation.User, now time.Time) error { _ = u.Send(app, false, now, validity); return errAnswer }),
	} {
		if _, err := s.Update(t.Context(), c); err == nil || strings.Contains(err.Error(), "secret@") {
			t.Errorf("%s: %v", c.Request.Cause, err)
		}
		if after := d.traces(id); after != before {
			t.Errorf("%s left\n%s\nwhere there was\n%s", c.Request.Cause, after, before)
		}
	}
	do(t, s, share(id))
	do(t, s, refused)
}
