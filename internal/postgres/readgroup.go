package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// lookup is one Read on its way through a group: reads that wait while another
// is in flight share a round trip, as writes share a transaction.
type lookup struct {
	key    invitation.Key
	ctx    context.Context
	result invitation.Result
	err    error
	done   chan struct{}
}

// Read implements invitation.Store. Callers must not change the user: others may
// have got the same one.
func (s *Store) Read(ctx context.Context, k invitation.Key) (invitation.Result, error) {
	l := &lookup{key: k, ctx: ctx, done: make(chan struct{})}
	select {
	case s.reading <- l:
	default:
		return invitation.Result{}, unavailable
	}
	select {
	case <-l.done:
		return l.result, l.err
	case <-ctx.Done():
		return invitation.Result{}, abandoned(ctx.Err())
	}
}

// read runs group after group, as work does.
func (s *Store) read() {
	for {
		select {
		case <-s.closing:
			return
		case first := <-s.reading:
			s.lookUp(gather(s.reading, first, s.size))
		}
	}
}

// lookUp answers a group of reads. What no database can look up fails alone.
func (s *Store) lookUp(group []*lookup) {
	snap, err := s.readAll(group)
	if err != nil && len(group) > 1 && !transient(err) {
		for _, l := range group {
			s.lookUp([]*lookup{l})
		}
		return
	}
	for _, l := range group {
		l.result, l.err = snap.answer(l.key, err)
		close(l.done)
	}
}

func (s *snapshot) answer(k invitation.Key, err error) (invitation.Result, error) {
	if err != nil {
		return invitation.Result{}, fmt.Errorf("read a user: %w", translate(err))
	}
	user := s.users[s.userID(k)]
	if !visible(user, k) {
		return invitation.Result{}, notFound(k)
	}
	return invitation.Result{User: user, Now: s.now}, nil
}

// readAll reads what a group asks for.
func (s *Store) readAll(group []*lookup) (*snapshot, error) {
	ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
	defer cancel()
	var keys keySet
	for _, l := range group {
		if l.ctx.Err() == nil {
			keys.add(l.key)
		}
	}
	snap, b := newSnapshot(), &pgx.Batch{}
	// Two statements have to see one state of the database.
	if len(keys.deliveries) > 0 {
		b.Queue(`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`)
	}
	snap.queueReads(b, &keys)
	if len(keys.deliveries) > 0 {
		b.Queue(`COMMIT`)
	}
	return snap, s.pool.SendBatch(ctx, b).Close()
}
