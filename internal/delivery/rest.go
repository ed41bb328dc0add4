package delivery

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// Rest is where all servers agree on whether the mail queue rests.
type Rest interface {
	// MailTurn reports how long the queue rests on. When that is over, one caller
	// is told to probe, which should take no longer than the given time.
	MailTurn(ctx context.Context, probing time.Duration) (wait time.Duration, probe bool, err error)
	// RestMail has the queue rest at least so long, and reports whether it did
	// not before.
	RestMail(ctx context.Context, wait time.Duration, reason string) (began bool, err error)
	// ProbeFailed has the queue rest on until the next probe: twice as long each
	// time, between the two. An empty reason leaves the old one.
	ProbeFailed(ctx context.Context, shortest, longest time.Duration, reason string) error
	// EndMailRest has the queue go on, and returns how long it rested; zero if it
	// did not.
	EndMailRest(ctx context.Context) (rested time.Duration, err error)
}

const (
	// tripAfter is how many different mails in a row have to get no useful answer
	// until nobody tries. What the account does wrong trips at once.
	tripAfter = 5
	// longestRest is between two probes, in times of the shortest: five minutes.
	longestRest = 20
	// lookEvery is how often a server asks whether another one has the queue rest.
	lookEvery = 250 * time.Millisecond
)

// rest keeps mails from a provider that refuses them all, whatever they are: a
// wrong key, a quota that is used up, an outage. None of that judges a mail. The
// queue of all servers rests then, tries one mail now and then, each time another
// one, and goes on by itself.
type rest struct {
	Rest
	shortest time.Duration
	// probing is how long the others leave a probe alone: its worker may have
	// died.
	probing time.Duration
	lanes   *lanes
	log     *slog.Logger
	wake    func(ctx context.Context) error

	mu sync.Mutex
	// asked is when the database was last asked, and until what it said: the end of
	// the rest, or zero.
	asked, until time.Time
	// failed are the different mails in a row that got no useful answer.
	failed map[uuid.UUID]bool
}

// turn reports how long a mail has to wait because the queue rests, and whether it
// is the probe. The database is asked by one mail now and then, and the others go
// by what it said.
func (r *rest) turn(ctx context.Context) (wait time.Duration, probe bool, err error) {
	if wait, known := r.known(); known {
		return wait, false, nil
	}
	wait, probe, err = r.MailTurn(ctx, r.probing)
	switch {
	case err != nil:
		r.ask()
	case probe:
		r.remember(r.probing)
	case wait > 0:
		r.remember(wait)
		r.lanes.narrow()
	default:
		r.remember(0)
	}
	return wait, probe, err
}

// known is what turn would say without the database. Whoever finds that the last
// answer is old has to ask, and the others go by it once more; where there is none,
// all ask.
func (r *rest) known() (wait time.Duration, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asked.IsZero() {
		return 0, false
	}
	if time.Since(r.asked) >= lookEvery {
		r.asked = time.Now()
		return 0, false
	}
	if r.until.IsZero() {
		return 0, true
	}
	return max(time.Until(r.until), lookEvery), true
}

// remember keeps how long the queue rests on; zero if it does not.
func (r *rest) remember(wait time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked, r.until = time.Now(), time.Time{}
	if wait > 0 {
		r.until = r.asked.Add(wait)
	}
}

// ask has the next mails ask the database.
func (r *rest) ask() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = time.Time{}
}

// unused gives the turn of a probe back that turned out to have nothing to send.
func (r *rest) unused(ctx context.Context) error {
	defer r.ask()
	return r.ProbeFailed(ctx, 0, 0, "")
}

// learn draws the conclusion of what the provider said to a mail. Its time may be
// up by then, it has to be known all the same.
func (r *rest) learn(ctx context.Context, id uuid.UUID, probe bool, sent error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leastRecording)
	defer cancel()
	var refusal *invitation.SendError
	known := errors.As(sent, &refusal)
	switch {
	case sent == nil, known && refusal.Permanent:
		r.forget()
		r.lanes.widen()
		if probe {
			return r.goOn(ctx)
		}
		return nil
	case known && refusal.Account:
		return r.begin(ctx, probe, refusal)
	case !known:
		refusal = &invitation.SendError{Reason: noAnswer}
	}
	if !probe && r.note(id) < tripAfter {
		return nil
	}
	return r.begin(ctx, probe, refusal)
}

const noAnswer = "the provider did not answer"

func (r *rest) begin(ctx context.Context, probe bool, refusal *invitation.SendError) error {
	r.forget()
	r.lanes.narrow()
	reason := storable(refusal.Reason)
	if probe && refusal.RetryAfter == 0 {
		defer r.ask()
		return r.ProbeFailed(ctx, r.shortest, longestRest*r.shortest, reason)
	}
	wait := max(refusal.RetryAfter, r.shortest)
	began, err := r.RestMail(ctx, wait, reason)
	if err != nil {
		return err
	}
	r.remember(wait)
	if began {
		r.log.ErrorContext(ctx, "the mail queue rests: the provider refuses every mail", "reason", reason)
	}
	return nil
}

func (r *rest) goOn(ctx context.Context) error {
	rested, err := r.EndMailRest(ctx)
	if err != nil {
		return err
	}
	r.remember(0)
	if rested == 0 {
		return nil
	}
	r.log.InfoContext(ctx, "the mail queue goes on", "rested", rested.Round(time.Millisecond))
	return r.wake(ctx)
}

// note counts a mail without a useful answer, and returns how many there are.
func (r *rest) note(id uuid.UUID) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed[id] = true
	return len(r.failed)
}

// forget counts anew.
func (r *rest) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.failed)
}

// aside puts a job aside while the queue rests. Not all of them wake at once.
func aside(wait time.Duration) error { return river.JobSnooze(wait + jittered(wait/5)) }
