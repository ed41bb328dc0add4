package postgres

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// A commit that still waits for the synchronous standby can already be seen after
// whoever made it gave up, and a failover takes it back. So what was read is
// handed out only behind a commit of our own that came later: the standby has all
// that lies before what it confirms.

// The smallest thing that a commit waits for: it goes into the log and no table.
const emitMessage = `SELECT pg_logical_emit_message(true, 'invitation', '')`

// barrier commits for all who read: one commit at a time, and those who come
// meanwhile share the next.
type barrier struct {
	commit  func(ctx context.Context) error
	timeout time.Duration

	mu      sync.Mutex
	next    *crossing
	running bool
}

// crossing is a commit to come, and how it went once it is done.
type crossing struct {
	done chan struct{}
	err  error
}

// pass returns when what was there to be read before the call can't be taken back.
func (b *barrier) pass(ctx context.Context) error {
	c := b.join()
	select {
	case <-c.done:
		return c.err
	case <-ctx.Done():
		return refusal(ctx.Err())
	}
}

func (b *barrier) join() *crossing {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next == nil {
		b.next = &crossing{done: make(chan struct{})}
	}
	if !b.running {
		b.running = true
		go b.run()
	}
	return b.next
}

// run commits until nobody waits for it.
func (b *barrier) run() {
	for c := b.take(); c != nil; c = b.take() {
		ctx, cancel := context.WithTimeout(context.Background(), b.timeout)
		if err := b.commit(ctx); err != nil {
			c.err = fmt.Errorf("make sure that events stay: %w", translate(err))
		}
		cancel()
		close(c.done)
	}
}

func (b *barrier) take() *crossing {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.next
	b.next = nil
	b.running = c != nil
	return c
}
