package delivery

import (
	"context"
	"sync"
	"time"
)

// Pace hands out places in the one queue of mails that all servers share.
type Pace struct {
	// Cost is the time between two mails; no pace is kept when it is 0.
	Cost time.Duration
	// Reserve takes n places where all servers agree on them, and returns how
	// long to wait until the first.
	Reserve func(ctx context.Context, n int) (time.Duration, error)

	mu   sync.Mutex
	left int
	next time.Time
}

// ahead is for how long places are taken at once, so that not every mail asks.
// Those that nobody needs then are lost.
const ahead = 100 * time.Millisecond

// take returns how long to wait before sending the next mail.
func (p *Pace) take(ctx context.Context) (time.Duration, error) {
	if p == nil || p.Cost == 0 {
		return 0, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left == 0 || time.Since(p.next) > ahead {
		n := max(1, int(ahead/p.Cost))
		wait, err := p.Reserve(ctx, n)
		if err != nil {
			return 0, err
		}
		p.left, p.next = n, time.Now().Add(wait)
	}
	wait := time.Until(p.next)
	p.left--
	p.next = p.next.Add(p.Cost)
	return wait, nil
}
