package postgres

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// Those who follow the audit trail poll it; a notification only tells them to do
// so at once. It is sent behind the commit, by one goroutine that sends few:
// inside the transaction it would make all commits wait for one another.

const (
	wakeChannel = "invitation_events"
	wakePause   = 20 * time.Millisecond
	listenRetry = time.Second
)

type waker struct {
	dirty chan struct{}

	mu    sync.Mutex
	woken chan struct{}
}

func newWaker() *waker {
	return &waker{dirty: make(chan struct{}, 1), woken: make(chan struct{})}
}

// touch says that there are new events.
func (w *waker) touch() {
	select {
	case w.dirty <- struct{}{}:
	default:
	}
}

func (w *waker) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.woken)
	w.woken = make(chan struct{})
}

// Woken returns a channel that is closed when there may be new events.
func (s *Store) Woken() <-chan struct{} {
	s.waker.mu.Lock()
	defer s.waker.mu.Unlock()
	return s.waker.woken
}

// notify tells all servers of new events.
func (s *Store) notify() {
	for {
		select {
		case <-s.closing:
			return
		case <-s.waker.dirty:
		}
		ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
		// If it fails, who follows the trail finds the events by polling.
		_, _ = s.pool.Exec(ctx, "SELECT pg_notify($1, '')", wakeChannel)
		cancel()
		select {
		case <-s.closing:
			return
		case <-time.After(wakePause):
		}
	}
}

// Listen wakes those who follow the trail, on a connection of its own, until the
// context ends. It must not go through a pooler in transaction mode.
func (s *Store) Listen(ctx context.Context) {
	for ctx.Err() == nil {
		_ = s.listen(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(listenRetry):
		}
	}
}

func (s *Store) listen(ctx context.Context) error {
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, "LISTEN "+wakeChannel); err != nil {
		return err
	}
	for {
		s.waker.wake() // also for what was missed before
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return err
		}
	}
}
