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
	// Workers is how many groups may be in flight at once, Size how many calls
	// one takes at the most, Backlog how many may wait, and Waits for how many
	// keys at once groups may wait.
	Workers, Size, Backlog, Waits int
}

// Queue gathers calls into groups. It is safe for concurrent use.
type Queue[C any] struct {
	Config[C]
	waiting chan *item[C]
	closing chan struct{}
	running sync.WaitGroup
	// slots are for the groups that wait for a key.
	slots chan struct{}

	mu sync.Mutex
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

// NewQueue starts a Queue, to be closed by Close.
func NewQueue[C any](c Config[C]) *Queue[C] {
	q := &Queue[C]{
		Config: c, waiting: make(chan *item[C], c.Backlog), closing: make(chan struct{}),
		slots: make(chan struct{}, max(c.Waits, 1)), held: map[string][]*item[C]{},
	}
	for range c.Workers {
		q.running.Go(q.work)
	}
	return q
}

// Do has a call carried out, and returns the error of its group if that failed.
// If the context ends first, nobody knows whether the call was carried out.
func (q *Queue[C]) Do(ctx context.Context, call C) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	i := &item[C]{call: call, ctx: ctx, done: make(chan struct{})}
	select {
	case <-q.closing:
		return ErrFull
	default:
	}
	select {
	case q.waiting <- i:
	default:
		return ErrFull
	}
	select {
	case <-i.done:
		return i.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Together carries calls out as one group, as if they had waited together, and
// returns their errors. Those of a context that has ended are dropped.
func (q *Queue[C]) Together(contexts []context.Context, calls []C) []error {
	group := make([]*item[C], len(calls))
	for n, call := range calls {
		group[n] = &item[C]{call: call, ctx: contexts[n], done: make(chan struct{})}
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
func (q *Queue[C]) Waiting() int { return len(q.waiting) }

// Close lets the groups in flight finish, refuses the calls that still wait, and
// takes no new ones.
func (q *Queue[C]) Close() {
	close(q.closing)
	q.running.Wait()
	for {
		select {
		case i := <-q.waiting:
			i.finish(ErrFull)
		default:
			return
		}
	}
}

// work carries out group after group: whatever waits when the one before is done.
func (q *Queue[C]) work() {
	for {
		select {
		case <-q.closing:
			return
		case first := <-q.waiting:
			q.run(q.gather(first), q.mode())
		}
	}
}

func (q *Queue[C]) mode() Mode {
	if q.Mode == nil {
		return Quick
	}
	return q.Mode()
}

func (q *Queue[C]) gather(first *item[C]) []*item[C] {
	group := []*item[C]{first}
	for len(group) < q.Size {
		select {
		case next := <-q.waiting:
			group = append(group, next)
		default:
			return group
		}
	}
	return group
}

func (i *item[C]) finish(err error) {
	i.err = err
	close(i.done)
}
