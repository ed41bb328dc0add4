package main

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"
)

// TestCrowd: every number is called once, by as many callers as there are.
func TestCrowd(t *testing.T) {
	t.Parallel()
	const callers, limit = 8, 100
	var mu sync.Mutex
	seen := map[int]int{}
	m, err := crowd{callers: callers, lasting: time.Minute, limit: limit, call: func(_ context.Context, caller, n int) error {
		if caller < 0 || caller >= callers {
			t.Errorf("there is no caller %d", caller)
		}
		mu.Lock()
		defer mu.Unlock()
		seen[n]++
		return nil
	}}.run(t.Context())
	if !errors.Is(err, errEmpty) {
		t.Errorf("a crowd that used up everything says %v", err)
	}
	if m.Calls != limit || len(seen) != limit || m.Failed != 0 {
		t.Errorf("%d calls of %d different numbers, %d failed", m.Calls, len(seen), m.Failed)
	}
}

func TestCrowdFailures(t *testing.T) {
	t.Parallel()
	full := errors.New("full")
	m, _ := crowd{callers: 1, lasting: time.Minute, limit: 4, call: func(_ context.Context, _, n int) error {
		if n%2 == 0 {
			return full
		}
		return nil
	}}.run(t.Context())
	if m.Calls != 2 || m.Failed != 2 || !errors.Is(m.why, full) {
		t.Errorf("got %+v", m)
	}
}

func TestCrowdEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	_, err := crowd{callers: 2, lasting: time.Minute, call: func(context.Context, int, int) error {
		cancel()
		return nil
	}}.run(ctx)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestCount: of a call that ends late, the part counts that was in time.
func TestCount(t *testing.T) {
	t.Parallel()
	var early, late tally
	early.count(time.Now().Add(time.Hour), func() error { return nil })
	if early.within != 1 {
		t.Errorf("a call in time counts %v", early.within)
	}
	until := time.Now().Add(10 * time.Millisecond)
	late.count(until, func() error {
		<-time.After(40 * time.Millisecond)
		return nil
	})
	if late.within <= 0 || late.within > 0.25 || len(late.latencies) != 1 {
		t.Errorf("a call of which a quarter was in time counts %v", late.within)
	}
}
