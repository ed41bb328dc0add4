package group

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"
)

// Mode is how a group is carried out.
type Mode int

// A group is Quick as long as nothing speaks against it. A Careful one looks at
// more before it starts. A Patient one is careful, and waits for what others
// hold instead of putting its calls off.
const (
	Quick Mode = iota
	Careful
	Patient
)

// Fate is what became of a call in its group.
type Fate struct {
	later bool
	key   string
}

// Answered is the fate of a call that has its answer, be it a refusal. Later
// that of one that has to be carried out after its group.
var (
	Answered = Fate{}
	Later    = Fate{later: true}
)

// Waits is the fate of a call that needs what somebody else holds.
func Waits(key string) Fate { return Fate{key: key} }

// Verdict is what the error of a whole group means.
type Verdict int

// Over: every call gets the error. Again: the same may succeed after a pause.
// Carefully: it may in a Careful group, at once. Apart: one call may be the
// culprit, so each is carried out by itself.
const (
	Over Verdict = iota
	Again
	Carefully
	Apart
)

const (
	firstPause  = 20 * time.Millisecond
	pauseGrowth = 4
)

// run carries a group out and finishes each of its calls, or sees to it that
// somebody else does.
func (q *Queue[C]) run(group []*item[C], mode Mode) {
	for len(group) > 0 {
		now, later := q.split(group)
		if len(now) > 0 {
			later = append(later, q.round(now, mode)...)
		}
		group = later
	}
}

// round carries out calls that may be in one group, and returns those that have
// to come later.
func (q *Queue[C]) round(group []*item[C], mode Mode) (later []*item[C]) {
	start := time.Now()
	fates, attempts, verdict, err := q.attempt(calls(group), mode)
	if err != nil && verdict == Apart && len(group) > 1 {
		for _, i := range group {
			q.run([]*item[C]{i}, mode)
		}
		return nil
	}
	held := map[string][]*item[C]{}
	for n, i := range group {
		if q.Trace != nil {
			q.Trace(i.ctx, len(group), attempts, start)
		}
		switch {
		case err != nil:
			i.finish(err)
		case fates[n].later:
			later = append(later, i)
		case fates[n].key != "":
			held[fates[n].key] = append(held[fates[n].key], i)
		default:
			i.finish(nil)
		}
	}
	putOff := 0
	for key, waiting := range held {
		putOff += len(waiting)
		q.wait(key, waiting)
	}
	if q.Observe != nil {
		q.Observe(len(group), attempts, putOff, time.Since(start))
	}
	return later
}

// attempt carries a group out, again if that is safe and may help.
func (q *Queue[C]) attempt(group []C, mode Mode) (fates []Fate, attempts int, verdict Verdict, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), q.Timeout)
	defer cancel()
	pause := firstPause
	for n := 0; ; n++ {
		if fates, err = q.safely(ctx, group, mode); err == nil {
			return fates, n + 1, verdict, nil
		}
		switch verdict = q.Judge(err, group, mode, n); verdict {
		case Again:
		case Carefully:
			mode = max(mode, Careful)
			continue
		default:
			return nil, n + 1, verdict, err
		}
		select {
		case <-ctx.Done():
			return nil, n + 1, Over, fmt.Errorf("give up after %d attempts: %w", n+1, err)
		case <-time.After(pause):
			pause *= pauseGrowth
		}
	}
}

// safely keeps a panic from taking the worker with it. What it says may quote a
// call, so only its type and its place are kept.
func (q *Queue[C]) safely(ctx context.Context, group []C, mode Mode) (fates []Fate, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic of type %T at %s", cause, debug.Stack())
		}
	}()
	return q.Run(ctx, group, mode)
}

// split drops calls that nobody waits for any more, and sets those aside whose
// identity another call of the group has.
func (q *Queue[C]) split(group []*item[C]) (now, later []*item[C]) {
	seen := map[[16]byte]bool{}
	for _, i := range group {
		var id [16]byte
		if q.Identity != nil {
			id = q.Identity(i.call)
		}
		switch {
		case i.ctx.Err() != nil:
			i.finish(i.ctx.Err())
		case id != [16]byte{} && seen[id]:
			later = append(later, i)
		default:
			seen[id] = true
			now = append(now, i)
		}
	}
	return now, later
}

// wait has calls carried out as soon as nobody else holds their key. Groups of
// others go on meanwhile.
func (q *Queue[C]) wait(key string, waiting []*item[C]) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if before, waits := q.held[key]; waits {
		q.held[key] = append(before, waiting...)
		return
	}
	q.held[key] = nil
	q.running.Go(func() {
		for len(waiting) > 0 {
			q.slots <- struct{}{}
			q.run(waiting, Patient)
			<-q.slots
			waiting = q.came(key)
		}
	})
}

// came returns the calls that came for a key in the meantime.
func (q *Queue[C]) came(key string) []*item[C] {
	q.mu.Lock()
	defer q.mu.Unlock()
	waiting := q.held[key]
	if q.held[key] = nil; len(waiting) == 0 {
		delete(q.held, key)
	}
	return waiting
}

func calls[C any](group []*item[C]) []C {
	all := make([]C, len(group))
	for n, i := range group {
		all[n] = i.call
	}
	return all
}
