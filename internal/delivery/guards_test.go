package delivery

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// provider answers every mail with one error, and counts.
type provider struct {
	err   error
	asked int
}

// Send implements Sender.
func (p *provider) Send(context.Context, invitation.Message) error {
	p.asked++
	return p.err
}

// TestBreaker: a provider that is down is asked so often and then left alone for
// a while; what it says about a mail is no sign of being down.
func TestBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		down := &provider{err: errors.New("no answer")}
		b := newBreaker(down)
		for range 3 * tripAfter {
			if err := b.Send(t.Context(), invitation.Message{}); err == nil {
				t.Fatal("the mail was taken")
			}
		}
		if down.asked != tripAfter || !b.resting() {
			t.Errorf("a provider that is down was asked %d times, resting %v", down.asked, b.resting())
		}
		var refusal *invitation.SendError
		if err := b.Send(t.Context(), invitation.Message{}); !errors.As(err, &refusal) || refusal.Permanent || refusal.RetryAfter <= 0 {
			t.Errorf("meanwhile a mail is refused with %v", err)
		}
		<-time.After(restFor + time.Second) // by the bubble's clock
		down.err = nil
		if err := b.Send(t.Context(), invitation.Message{}); err != nil || b.resting() {
			t.Errorf("after the rest: %v", err)
		}
	})
	for _, said := range []error{nil, &invitation.SendError{Permanent: true}, &invitation.SendError{RetryAfter: time.Second}} {
		p := &provider{err: said}
		b := newBreaker(p)
		for range 3 * tripAfter {
			_ = b.Send(t.Context(), invitation.Message{})
		}
		if p.asked != 3*tripAfter {
			t.Errorf("a provider that says %v was asked %d times", said, p.asked)
		}
	}
}

// TestPace: mails are a cost apart, places are taken several at once, and those
// that nobody used in time are not made up for.
func TestPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const cost = 20 * time.Millisecond
		reserved, free := 0, time.Now()
		p := &Pace{Cost: cost, Reserve: func(_ context.Context, n int) (time.Duration, error) {
			reserved++
			if free.Before(time.Now()) {
				free = time.Now()
			}
			wait := time.Until(free)
			free = free.Add(time.Duration(n) * cost)
			return wait, nil
		}}
		for n := range 10 {
			if wait, err := p.take(t.Context()); err != nil || wait != time.Duration(n)*cost {
				t.Errorf("mail %d waits for %v, %v", n, wait, err)
			}
		}
		if reserved != 2 {
			t.Errorf("places for 10 mails were taken %d times", reserved)
		}
		<-time.After(time.Minute) // by the bubble's clock
		for n := range 2 {
			if wait, err := p.take(t.Context()); err != nil || wait != time.Duration(n)*cost {
				t.Errorf("after a pause mail %d waits for %v, %v", n, wait, err)
			}
		}
		p.Reserve = func(context.Context, int) (time.Duration, error) { return 0, invitation.ErrUnavailable }
		p.left = 0
		if _, err := p.take(t.Context()); !errors.Is(err, invitation.ErrUnavailable) {
			t.Errorf("without the database: %v", err)
		}
	})
	if wait, err := (*Pace)(nil).take(t.Context()); wait != 0 || err != nil {
		t.Errorf("without a limit a mail waits for %v, %v", wait, err)
	}
}
