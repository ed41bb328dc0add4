package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// errEmpty says that there are no unused users left.
var errEmpty = errors.New("there are too few users for this machine's speed")

// crowd is so many callers, each with one call at a time.
type crowd struct {
	callers int
	lasting time.Duration
	// limit is how many calls there may be; 0 for any number.
	limit int
	// call makes a call; n counts them from 0 on.
	call func(ctx context.Context, caller, n int) error
}

// run lets the callers call, and waits for the answers to what they began. It
// fails with errEmpty if the limit was reached before the time was up.
func (c crowd) run(ctx context.Context) (sample, error) {
	// A caller should set a deadline, and so these do.
	ctx, cancel := context.WithTimeout(ctx, c.lasting+15*time.Second)
	defer cancel()
	var next atomic.Int64
	var empty atomic.Bool
	tallies := make([]tally, c.callers)
	var group sync.WaitGroup
	start := time.Now()
	for i := range tallies {
		group.Go(func() {
			for time.Since(start) < c.lasting && ctx.Err() == nil {
				n := int(next.Add(1)) - 1
				if c.limit > 0 && n >= c.limit {
					empty.Store(true)
					return
				}
				if !tallies[i].count(start.Add(c.lasting), func() error { return c.call(ctx, i, n) }) {
					pause(ctx)
				}
			}
		})
	}
	group.Wait()
	m := sum(tallies, c.lasting)
	if empty.Load() {
		return m, errEmpty
	}
	return m, ctx.Err()
}

// tally is one caller's.
type tally struct {
	latencies []time.Duration
	// within is how many calls were made in the time that was measured. A call
	// that went on behind its end counts for the share of it that lay before.
	within float64
	failed int
	why    error
}

// pause keeps a caller who was refused from asking again at once.
func pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(100 * time.Millisecond):
	}
}

// count makes a call, and reports whether it was answered without an error. Only
// of such a call does it keep the time that it took.
func (t *tally) count(until time.Time, call func() error) bool {
	start := time.Now()
	if err := call(); err != nil {
		t.failed, t.why = t.failed+1, err
		return false
	}
	took := time.Since(start)
	t.latencies = append(t.latencies, took)
	t.within += min(1, until.Sub(start).Seconds()/took.Seconds())
	return true
}

func sum(tallies []tally, lasting time.Duration) sample {
	var all []time.Duration
	within := 0.0
	m := sample{Seconds: lasting.Seconds()}
	for _, t := range tallies {
		all = append(all, t.latencies...)
		within += t.within
		m.Failed += t.failed
		if m.why == nil {
			m.why = t.why
		}
	}
	m.Calls = len(all)
	m.Rate = within / m.Seconds
	m.setLatencies(all)
	return m
}
