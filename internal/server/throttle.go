package server

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// InvalidTokens is how many invalid tokens a caller may ask about: N at once,
// and N more as Per goes by. The zero value allows any number.
type InvalidTokens struct {
	N   int
	Per time.Duration
}

// throttle counts the invalid tokens of each caller, after they turned out to be
// invalid: all end users come through one backend, and anybody can send it junk, so
// a genuine token is never throttled. Callers are the few backends
// that the policy lets in, so none is ever forgotten, and each server counts for
// itself.
type throttle struct {
	limit InvalidTokens

	mu       sync.Mutex
	byCaller map[string]*rate.Limiter
}

func newThrottle(l InvalidTokens) *throttle {
	return &throttle{limit: l, byCaller: map[string]*rate.Limiter{}}
}

// pause is the time after which a caller may ask about one more.
func (g *throttle) pause() time.Duration { return g.limit.Per / time.Duration(g.limit.N) }

func (g *throttle) of(caller string) *rate.Limiter {
	g.mu.Lock()
	defer g.mu.Unlock()
	limiter := g.byCaller[caller]
	if limiter == nil {
		limiter = rate.NewLimiter(rate.Every(g.pause()), g.limit.N)
		g.byCaller[caller] = limiter
	}
	return limiter
}

// refuse counts an invalid token, and answers as it is refused anyway, or that the
// caller has asked about too many.
func (g *throttle) refuse(caller string, refusal error) error {
	if g.limit.N == 0 || g.of(caller).Allow() {
		return refusal
	}
	return &invitation.RetryError{Err: errTokenThrottled, After: max(g.pause(), time.Second)}
}
