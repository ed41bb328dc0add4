package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// Each server polls the trails that somebody follows; a notification only tells it
// to do so at once. It is sent behind the commit, by one goroutine that sends few:
// inside the transaction it would make all commits wait for one another.

const (
	wakeChannel = "invitation_events"
	wakePause   = 20 * time.Millisecond
	listenRetry = time.Second
)

// waker is told that there are new events, and keeps that until it is passed on.
type waker chan struct{}

func (w waker) touch() {
	select {
	case w <- struct{}{}:
	default:
	}
}

// notify tells all servers of new events.
func (s *Store) notify() {
	for {
		select {
		case <-s.closing:
			return
		case <-s.waker:
		}
		ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
		// If it fails, the others find the events by polling.
		_, _ = s.pool.Exec(ctx, "SELECT pg_notify($1, '')", wakeChannel)
		cancel()
		select {
		case <-s.closing:
			return
		case <-time.After(wakePause):
		}
	}
}

// Listen has the trails be looked at when another server tells of events, on a
// connection of its own, until the context ends. It must not go through a pooler in transaction mode.
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
		s.follower.look() // also for what was missed before
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return err
		}
	}
}
