package group

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// ErrFull refuses a call when too many wait, and when the queue was closed.
var ErrFull = errors.New("too many calls wait")

// Config is how a Queue works.
type Config[C any] struct {
	// Run carries a group out and returns a fate for each call, in their order,
	// or the error of them all.
	Run func(ctx context.Context, calls []C, mode Mode) ([]Fate, error)
	// Judge says what an error of Run means, after so many attempts before.
	Judge func(err error, calls []C, mode Mode, before int) Verdict
	// Mode is in which mode a new group starts; nil for Quick.
	Mode func() Mode
	// Identity is equal for calls that must not be in one group: the second has
	// to find the first carried out. Calls whose identity is the zero value, and
	// all if it is nil, are free of that.
	Identity func(C) [16]byte
	// Observe hears of every group that was carried out: of how many calls, in how
	// many attempts, and how many of them have to wait for a key; nil for nobody.
	Observe func(calls, attempts, putOff int, took time.Duration)
	// Trace hears for each call of such a group how many were in it, in how many
	// attempts, and when it began; nil for nobody.
	Trace func(ctx context.Context, calls, attempts int, began time.Time)
	// Timeout bounds a group with all its attempts.
	Timeout time.Duration
	// Leaders is how many groups may be in flight at once, Size how many calls
	// one takes at the most, Backlog how many may wait, and Waits for how many
	// keys at once groups may wait.
	Leaders, Size, Backlog, Waits int
}

// Queue gathers calls into groups. It is safe for concurrent use.
type Queue[C any] struct {
	Config[C]
	running sync.WaitGroup
	// slots are for the groups that wait for a key.
	slots chan struct{}

	mu sync.Mutex
	// leaders is how many lead a group; unless it is as many as may, nobody waits.
	leaders int
	waiting []*item[C]
	closed  bool
	// held has the calls that came for a key while others wait for it already.
	held map[string][]*item[C]
}

// item is a call on its way.
type item[C any] struct {
	call C
	ctx  context.Context
	err  error
	done chan struct{}
}

// NewQueue returns a Queue, to be closed by Close.
func NewQueue[C any](c Config[C]) *Queue[C] {
	return &Queue[C]{Config: c, slots: make(chan struct{}, max(c.Waits, 1)), held: map[string][]*item[C]{}}
}

// Do has a call carried out, and returns the error of its group if that failed.
// If the context ends first, nobody knows whether the call was carried out.
func (q *Queue[C]) Do(ctx context.Context, call C) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	i := newItem(ctx, call)
	switch alone, err := q.enter(i); {
	case err != nil:
		return err
	case alone && q.patient(ctx):
		q.lead([]*item[C]{i})
	case alone:
		go q.lead([]*item[C]{i})
	}
	select {
	case <-i.done:
		return i.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// enter has a call wait, or lead at once if one more may: then it is alone, as
// nobody waits.
func (q *Queue[C]) enter(i *item[C]) (alone bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return false, ErrFull
	case q.leaders < q.Leaders:
		q.leaders++
		q.running.Add(1)
		return true, nil
	case len(q.waiting) >= q.Backlog:
		return false, ErrFull
	}
	q.waiting = append(q.waiting, i)
	return false, nil
}

// patient reports whether who asks has the time that a group may take. Others
// have it carried out by somebody who does not wait with them.
func (q *Queue[C]) patient(ctx context.Context) bool {
	deadline, set := ctx.Deadline()
	return !set || time.Until(deadline) > q.Timeout
}

// lead carries a group out. Whatever waits then is the next one, and so on: that
// is nothing the caller of the first should wait for.
func (q *Queue[C]) lead(group []*item[C]) {
	q.run(group, q.mode())
	if next := q.next(); next != nil {
		go func() {
			for ; next != nil; next = q.next() {
				q.run(next, q.mode())
			}
		}()
	}
}

// next returns those who are led next; if nobody waits, one leads less.
func (q *Queue[C]) next() []*item[C] {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.waiting), q.Size)
	if n == 0 || q.closed {
		q.leaders--
		q.running.Done()
		return nil
	}
	group := slices.Clone(q.waiting[:n])
	q.waiting = slices.Delete(q.waiting, 0, n)
	return group
}

// Together carries calls out as one group, as if they had waited together, and
// returns their errors. Those of a context that has ended are dropped.
func (q *Queue[C]) Together(contexts []context.Context, calls []C) []error {
	group := make([]*item[C], len(calls))
	for n, call := range calls {
		group[n] = newItem(contexts[n], call)
	}
	q.run(slices.Clone(group), q.mode())
	errs := make([]error, len(calls))
	for n, i := range group {
		<-i.done
		errs[n] = i.err
	}
	return errs
}

// Waiting is how many calls wait for a group.
func (q *Queue[C]) Waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// Close lets the groups in flight finish, refuses the calls that still wait, and
// takes no new ones.
func (q *Queue[C]) Close() {
	q.mu.Lock()
	q.closed = true
	for _, i := range q.waiting {
		i.finish(ErrFull)
	}
	q.waiting = nil
	q.mu.Unlock()
	q.running.Wait()
}

func (q *Queue[C]) mode() Mode {
	if q.Mode == nil {
		return Quick
	}
	return q.Mode()
}

func newItem[C any](ctx context.Context, call C) *item[C] {
	return &item[C]{call: call, ctx: ctx, done: make(chan struct{})}
}

func (i *item[C]) finish(err error) {
	i.err = err
	close(i.done)
}
