package delivery_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kiwi-ki/invitations/internal/delivery"
	"github.com/kiwi-ki/invitations/internal/dev/sendgridtest"
	"github.com/kiwi-ki/invitations/internal/invitation"
)

// forgetful fails to record what became of mails, a number of times.
type forgetful struct {
	invitation.Store
	fail  atomic.Int32
	saved bool // although it says that it failed
	calls atomic.Int32
}

func (f *forgetful) Update(ctx context.Context, c invitation.Change) (invitation.Result, error) {
	recording := f.calls.Add(1) > 1 // the first call claims
	if !recording || f.fail.Add(-1) < 0 {
		return f.Store.Update(ctx, c)
	}
	if f.saved {
		if res, err := f.Store.Update(ctx, c); err != nil {
			return res, err
		}
	}
	return invitation.Result{}, &invitation.RetryError{Err: invitation.ErrUnavailable, After: time.Second}
}

// TestRecordingFails: a mail that the provider took is not sent again because
// the database was away for a moment.
func TestRecordingFails(t *testing.T) {
	t.Parallel()
	for name, saved := range map[string]bool{"not saved": false, "saved, and not answered": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t)
			id := s.invite()
			f := &forgetful{Store: s.store, saved: saved}
			f.fail.Store(3)
			s.work(func(c *delivery.Config) { c.Store = f })
			s.settled()
			s.want(id, invitation.Accepted, 1)
			if d := s.mail(id); d.Attempts != 1 || f.calls.Load() != 5 {
				t.Errorf("the mail is %+v after %d calls", d, f.calls.Load())
			}
		})
	}
}

// TestLostAnswerWaits: a mail of which nobody knows whether it went out, or whose
// outcome could not be recorded, waits for the provider's report, whatever has the
// others go on meanwhile, and is not sent again once that has come.
func TestLostAnswerWaits(t *testing.T) {
	t.Parallel()
	for name, recorded := range map[string]bool{"no answer": true, "not recorded": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t)
			lost := s.invite()
			f := &forgetful{Store: s.store}
			if recorded {
				s.inbox.SetFaults(sendgridtest.Faults{Next: []sendgridtest.Fault{sendgridtest.ResetAfterAccept}})
			} else {
				f.fail.Store(1000)
			}
			s.work(func(c *delivery.Config) { c.Store, c.AnswerAfter, c.RescueAfter = f, time.Hour, 2*time.Second })
			const waiting = `SELECT count(*) FROM river_job WHERE kind = 'invitation_mail' AND state = 'scheduled' AND scheduled_at > now() + interval '59 minutes'`
			s.unaided(1, waiting)
			f.fail.Store(0)
			if recorded {
				s.inbox.SetFaults(sendgridtest.Faults{Always: &sendgridtest.Answer{Status: 401}})
				other := s.invite()
				s.unaided(1, `SELECT count(*) FROM delivery_rest WHERE probes > 0`)
				s.inbox.SetFaults(sendgridtest.Faults{})
				s.unaided(1, `SELECT count(*) FROM deliveries WHERE user_id = $1 AND state = 'ACCEPTED'`, other)
				must(t, delivery.WakeMails(t.Context(), s.pool))
				s.unaided(1, waiting)
			}
			s.want(lost, invitation.Queued, 1)
			_, err := s.store.Report(t.Context(), []invitation.Report{{EventID: "e", DeliveryID: s.mail(lost).ID, State: invitation.Accepted}})
			must(t, err)
			s.settled()
			s.want(lost, invitation.Accepted, 1)
		})
	}
}

// TestStoppedAfterTheAnswer: workers that are broken off record what the
// provider said all the same, so that nobody sends that mail again.
func TestStoppedAfterTheAnswer(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	id := s.invite()
	taken := make(chan struct{})
	provider := s.provider()
	w := s.work(with(func(ctx context.Context, m invitation.Message) error {
		if err := provider.Send(ctx, m); err != nil {
			return err
		}
		close(taken)
		<-ctx.Done() // the answer arrives while the worker is broken off
		return nil
	}))
	<-taken
	now, cancel := context.WithCancel(t.Context())
	cancel()
	must(t, w.Stop(now))
	s.want(id, invitation.Accepted, 1)
	s.work()
	s.settled()
	s.want(id, invitation.Accepted, 1)
}

// TestStoppedBeforeTheAnswer: a mail whose sending was broken off is sent by
// another server.
func TestStoppedBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	id := s.invite()
	sending := make(chan struct{})
	w := s.work(with(func(ctx context.Context, _ invitation.Message) error {
		close(sending)
		<-ctx.Done()
		return ctx.Err()
	}))
	<-sending
	now, cancel := context.WithCancel(t.Context())
	cancel()
	must(t, w.Stop(now))
	s.want(id, invitation.Queued, 0)
	s.work()
	s.settled()
	s.want(id, invitation.Accepted, 1)
}

// TestStopWaits: workers that are given time finish what they have begun.
func TestStopWaits(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	id := s.invite()
	sending, release := make(chan struct{}), make(chan struct{})
	provider := s.provider()
	w := s.work(with(func(ctx context.Context, m invitation.Message) error {
		close(sending)
		<-release
		return provider.Send(ctx, m)
	}))
	<-sending
	stopped := make(chan error, 1)
	go func() { stopped <- w.Stop(t.Context()) }()
	close(release)
	must(t, <-stopped)
	s.want(id, invitation.Accepted, 1)
}

// TestTwoServers: whoever sends, each mail goes out once.
func TestTwoServers(t *testing.T) {
	t.Parallel()
	const mails = 120
	s := newStack(t)
	other := *s
	other.connect()
	var inviting sync.WaitGroup
	for range 12 {
		inviting.Go(func() {
			for range mails / 12 {
				s.invite()
			}
		})
	}
	s.work()
	other.work()
	inviting.Wait()
	s.settled()
	seen := map[string]int{}
	for _, m := range s.inbox.Messages() {
		seen[m.To]++
	}
	for to, n := range seen {
		if n != 1 {
			t.Errorf("%s got %d mails", to, n)
		}
	}
	if len(seen) != mails {
		t.Errorf("%d people got mail, want %d", len(seen), mails)
	}
	s.await(mails, `SELECT count(*) FROM deliveries WHERE state = 'ACCEPTED' AND attempts = 1`)
}
