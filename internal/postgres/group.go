package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// call is one Update on its way through a group.
type call struct {
	change invitation.Change
	ctx    context.Context
	result invitation.Result
	err    error
	done   chan struct{}
}

// Update implements invitation.Store. A call that gives up while its group is
// in flight can't know whether it was carried out: repeating it with its
// request id is safe.
func (s *Store) Update(ctx context.Context, c invitation.Change) (invitation.Result, error) {
	if err := ctx.Err(); err != nil {
		return invitation.Result{}, abandoned(err)
	}
	k := &call{change: c, ctx: ctx, done: make(chan struct{})}
	select {
	case s.waiting <- k:
	default:
		return invitation.Result{}, unavailable
	}
	select {
	case <-k.done:
		return k.result, k.err
	case <-ctx.Done():
		return invitation.Result{}, abandoned(ctx.Err())
	}
}

// abandoned says what a caller hears whose context ended: a server that gives
// the database less time than the caller gave it can still answer.
func abandoned(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return unavailable
	}
	return err
}

// work runs group after group: whatever waits when the one before is done. No
// timer is involved, so a lone caller never waits for company.
func (s *Store) work() {
	for {
		select {
		case <-s.closing:
			return
		case first := <-s.waiting:
			s.run(gather(s.waiting, first, s.size), false)
		}
	}
}

// gather takes what waits, up to a size.
func gather[T any](waiting <-chan T, first T, size int) []T {
	group := []T{first}
	for len(group) < size {
		select {
		case next := <-waiting:
			group = append(group, next)
		default:
			return group
		}
	}
	return group
}

// run carries out a group and answers each of its calls. If one of them may be
// what failed the transaction, they run one by one: only the culprit fails then.
func (s *Store) run(group []*call, patient bool) {
	group, later := split(group)
	err := s.attempt(group, patient)
	if len(group) > 1 && err != nil && !transient(err) {
		for _, k := range group {
			s.run([]*call{k}, patient)
		}
		group = nil
	}
	locked := map[string][]*call{}
	for _, k := range group {
		var user lockedError
		switch {
		case err != nil:
			k.result, k.err = invitation.Result{Now: k.result.Now}, translate(err)
		case errors.As(k.err, &user):
			locked[string(user)] = append(locked[string(user)], k)
			continue
		case errors.Is(k.err, errLater):
			later = append(later, k)
			continue
		}
		close(k.done)
	}
	for user, calls := range locked {
		s.wait(user, calls)
	}
	if len(later) > 0 {
		s.run(later, patient)
	}
}

// wait has calls run for a user whom somebody else has locked. They wait
// together, and nobody else with them.
func (s *Store) wait(user string, calls []*call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if before, waits := s.locked[user]; waits {
		s.locked[user] = append(before, calls...)
		return
	}
	s.locked[user] = nil
	s.groups.Go(func() {
		for len(calls) > 0 {
			s.patience <- struct{}{}
			s.run(calls, true)
			<-s.patience
			calls = s.next(user)
		}
	})
}

// next returns calls for a locked user that came in the meantime.
func (s *Store) next(user string) []*call {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.locked[user]
	if s.locked[user] = nil; len(calls) == 0 {
		delete(s.locked, user)
	}
	return calls
}

// split drops calls that nobody waits for any more, and sets those aside that
// repeat a request of the same group: they must find it carried out.
func split(group []*call) (now, later []*call) {
	seen := map[uuid.UUID]bool{}
	for _, k := range group {
		id := k.change.Request.ID
		switch {
		case k.ctx.Err() != nil:
			k.err = abandoned(k.ctx.Err())
			close(k.done)
		case id != uuid.Nil && seen[id]:
			later = append(later, k)
		default:
			seen[id] = true
			now = append(now, k)
		}
	}
	return now, later
}

// repeatable reports whether a group that was carried out would find so.
func repeatable(group []*call) bool {
	return !slices.ContainsFunc(group, func(k *call) bool { return k.change.Request.ID == uuid.Nil })
}

// carefulFor is how long groups are careful once somebody has met a limit, who
// would otherwise make every group run twice.
const carefulFor = time.Second

// attempt runs a group's transaction, again if that is safe and may help.
func (s *Store) attempt(group []*call, patient bool) error {
	if len(group) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
	defer cancel()
	pause := 20 * time.Millisecond
	careful := time.Now().UnixNano() < s.careful.Load()
	for n := 0; ; n++ {
		committing, err := s.transact(ctx, group, careful, patient)
		switch {
		case err == nil:
			return nil
		case limited(err) && !careful:
			careful = true
			s.careful.Store(time.Now().Add(carefulFor).UnixNano())
			continue
		case len(group) == 1 && refused(err) && n == 0 && group[0].change.Request.ID != uuid.Nil:
			// The call that won the race may have been this very request.
		case committing && !repeatable(group):
			// Of a commit without an answer nobody knows the outcome.
			return unavailable
		case !transient(err) || n == 3:
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("give up after %d attempts: %w", n+1, err)
		case <-time.After(pause):
			pause *= 4
		}
	}
}
