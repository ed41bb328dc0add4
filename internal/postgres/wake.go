package postgres

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// Each server polls the trails that somebody follows; a notification only tells it
// to do so at once, if it names one of them. It is sent behind the commit, by one
// goroutine that sends few: inside the transaction it would make all commits wait
// for one another.

const (
	wakeChannel = "invitation_events"
	wakePause   = 20 * time.Millisecond
	listenRetry = time.Second
	// maxNote is what Postgres takes in one notification, which holds the ids of
	// organizations, a line each.
	maxNote = 7999
)

// waker is told whose trails have gone on, and keeps that until it is passed on.
type waker struct {
	touched chan struct{}

	mu  sync.Mutex
	ids map[string]bool
}

func newWaker() *waker { return &waker{touched: make(chan struct{}, 1), ids: map[string]bool{}} }

func (w *waker) touch(events []*invitation.Event) {
	if len(events) == 0 {
		return
	}
	w.mu.Lock()
	for _, e := range events {
		w.ids[e.OrganizationID] = true
	}
	w.mu.Unlock()
	select {
	case w.touched <- struct{}{}:
	default:
	}
}

// notes are what is to be passed on, in as few notifications as hold it.
func (w *waker) notes() (notes []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id := range w.ids {
		if last := len(notes) - 1; last >= 0 && len(notes[last])+1+len(id) <= maxNote {
			notes[last] += "\n" + id
		} else {
			notes = append(notes, id)
		}
	}
	clear(w.ids)
	return notes
}

// notify tells all servers of new events.
func (s *Store) notify() {
	for {
		select {
		case <-s.closing:
			return
		case <-s.waker.touched:
		}
		ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
		// If it fails, the others find the events by polling.
		_, _ = s.pool.Exec(ctx, "SELECT pg_notify($1, note) FROM unnest($2::text[]) AS note", wakeChannel, s.waker.notes())
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
	s.follower.look() // for what was missed before
	for {
		note, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		s.follower.hear(strings.Split(note.Payload, "\n"))
	}
}
