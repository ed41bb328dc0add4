package sendgridtest

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

const (
	maxBatch    = 100     // events in a post
	maxWaiting  = 100_000 // posts
	postTimeout = 10 * time.Second
	maxBackoff  = time.Minute
)

// WebhookStats counts posts, each once however often it was tried.
type WebhookStats struct {
	Posted  int // answered with 2xx
	GivenUp int // not so after the last attempt
	Dropped int // never tried, since too many were waiting
}

// Drain waits until no post is waiting, those of the future included.
func (e *Emulator) Drain(ctx context.Context) (WebhookStats, error) {
	if e.hook == nil {
		return WebhookStats{}, nil
	}
	return e.hook.drain(ctx)
}

// hook posts one after another from a single goroutine.
type hook struct {
	config Webhook
	now    func() time.Time
	client *http.Client
	wake   chan struct{}
	done   chan struct{}

	mu      sync.Mutex
	waiting queue
	seq     int
	busy    bool
	idle    chan struct{} // closed while nothing is waiting or under way
	stats   WebhookStats
}

func startHook(ctx context.Context, w Webhook, now func() time.Time) *hook {
	w.Attempts = cmp.Or(w.Attempts, 8)
	w.Backoff = cmp.Or(w.Backoff, time.Second)
	w.DeferredFor = cmp.Or(w.DeferredFor, 5*time.Second)
	h := &hook{
		config: w,
		now:    now,
		client: &http.Client{
			Transport:     &http.Transport{},
			Timeout:       postTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		wake: make(chan struct{}, 1),
		done: make(chan struct{}),
		idle: make(chan struct{}),
	}
	close(h.idle)
	go h.run(ctx)
	return h
}

func (h *hook) add(posts []*post) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.waiting)+len(posts) > maxWaiting {
		h.stats.Dropped += len(posts)
		return
	}
	for _, p := range posts {
		h.push(p)
	}
}

// push is called with mu held.
func (h *hook) push(p *post) {
	if len(h.waiting) == 0 && !h.busy {
		h.idle = make(chan struct{})
	}
	h.seq++
	p.seq = h.seq
	heap.Push(&h.waiting, p)
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

func (h *hook) run(ctx context.Context) {
	defer close(h.done)
	defer h.client.CloseIdleConnections()
	for ctx.Err() == nil {
		p, pause := h.next(time.Now())
		if p != nil {
			h.finish(p, h.deliver(ctx, p))
			continue
		}
		var timer <-chan time.Time
		if pause > 0 {
			timer = time.After(pause)
		}
		select {
		case <-h.wake:
		case <-timer:
		case <-ctx.Done():
		}
	}
}

// next takes the post that is due, merged with other new ones that are due
// too, or says how long it is to the first; 0 is for ever.
func (h *hook) next(now time.Time) (*post, time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.waiting) == 0 {
		return nil, 0
	}
	if pause := h.waiting[0].due.Sub(now); pause > 0 {
		return nil, pause
	}
	h.busy = true
	p := heap.Pop(&h.waiting).(*post)
	for len(h.waiting) > 0 && p.takes(h.waiting[0], now) {
		p.events = append(p.events, heap.Pop(&h.waiting).(*post).events...)
	}
	return p, 0
}

func (p *post) takes(other *post, now time.Time) bool {
	return !p.alone && !other.alone && p.attempt == 0 && other.attempt == 0 &&
		!other.due.After(now) && len(p.events)+len(other.events) <= maxBatch
}

// finish counts the post or puts it back.
func (h *hook) finish(p *post, delivered bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p.attempt++
	switch {
	case delivered:
		h.stats.Posted++
	case p.attempt >= h.config.Attempts:
		h.stats.GivenUp++
	default:
		pause := min(h.config.Backoff<<min(p.attempt-1, 20), maxBackoff)
		p.due = time.Now().Add(pause)
		h.push(p)
	}
	h.busy = false
	if len(h.waiting) == 0 {
		close(h.idle)
	}
}

func (h *hook) drain(ctx context.Context) (WebhookStats, error) {
	h.mu.Lock()
	idle := h.idle
	h.mu.Unlock()
	var err error
	select {
	case <-idle:
	case <-h.done:
		err = errors.New("the emulator is closed")
	case <-ctx.Done():
		err = fmt.Errorf("events are still waiting: %w", ctx.Err())
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.stats, err
}

// queue is a heap of posts by due time, then by age.
type queue []*post

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	if !q[i].due.Equal(q[j].due) {
		return q[i].due.Before(q[j].due)
	}
	return q[i].seq < q[j].seq
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(*post)) }
func (q *queue) Pop() any {
	old := *q
	last := old[len(old)-1]
	*q = old[:len(old)-1]
	return last
}
