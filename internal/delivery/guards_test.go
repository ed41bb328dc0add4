package delivery

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

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
