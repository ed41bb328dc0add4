package postgres

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// pollEvery is how often a server looks for events that nobody told it of.
const pollEvery = time.Second

// follower tells those who follow trails that theirs has gone on. It asks for all
// of them at once, so that it makes no difference to the database how many they
// are.
type follower struct {
	wake chan struct{}

	mu     sync.Mutex
	trails map[string]*followed
}

// followed is a trail that somebody follows.
type followed struct {
	waiting int
	// upTo is the last event that may be handed out.
	upTo int64
	err  error
	// moved is closed when one of the two has changed.
	moved chan struct{}
}

func newFollower() *follower {
	return &follower{wake: make(chan struct{}, 1), trails: map[string]*followed{}}
}

// look has the trails be looked at soon.
func (f *follower) look() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// hear has them be looked at if somebody follows one of those that have gone on.
func (f *follower) hear(ids []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if slices.ContainsFunc(ids, func(id string) bool { return f.trails[id] != nil }) {
		f.look()
	}
}

// Follow implements invitation.Store.
func (s *Store) Follow(ctx context.Context, organizationID string, after int64) (upTo int64, err error) {
	t := s.follower.enter(organizationID, after)
	defer s.follower.leave(organizationID, t)
	for {
		upTo, moved, err := s.follower.state(t)
		if err != nil || upTo > after {
			return upTo, err
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return 0, refusal(ctx.Err())
		}
	}
}

// enter begins to follow. What the caller has was handed out before, so that it may
// be handed out.
func (f *follower) enter(organizationID string, after int64) *followed {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := f.trails[organizationID]
	if t == nil {
		t = &followed{upTo: after, moved: make(chan struct{})}
		f.trails[organizationID] = t
		f.look()
	}
	t.waiting++
	return t
}

func (f *follower) leave(organizationID string, t *followed) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if t.waiting--; t.waiting == 0 && f.trails[organizationID] == t {
		delete(f.trails, organizationID)
	}
}

func (f *follower) state(t *followed) (upTo int64, moved <-chan struct{}, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return t.upTo, t.moved, t.err
}

// ids are the organizations whose trails somebody follows.
func (f *follower) ids() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	ids := make([]string, 0, len(f.trails))
	for id := range f.trails {
		ids = append(ids, id)
	}
	return ids
}

// ahead are those of the positions that nobody was told of.
func (f *follower) ahead(positions map[string]int64) map[string]int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id := range positions {
		if t := f.trails[id]; t == nil || positions[id] <= t.upTo {
			delete(positions, id)
		}
	}
	return positions
}

func (f *follower) tell(positions map[string]int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, upTo := range positions {
		if t := f.trails[id]; t != nil && t.upTo < upTo {
			t.upTo = upTo
			close(t.moved)
			t.moved = make(chan struct{})
		}
	}
}

// fail ends all following. Whoever begins anew is looked at anew.
func (f *follower) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, t := range f.trails {
		t.err = err
		close(t.moved)
		delete(f.trails, id)
	}
}

// follow looks at the trails again and again, and sooner when somebody tells of
// events.
func (s *Store) follow() {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.closing:
			return
		case <-s.follower.wake:
		case <-tick.C:
		}
		if ids := s.follower.ids(); len(ids) > 0 {
			if err := s.poll(ids); err != nil {
				s.follower.fail(err)
			}
		}
		select {
		case <-s.closing:
			return
		case <-time.After(wakePause):
		}
	}
}

// poll reads how far trails have gone, makes sure that it stays so, and tells those
// who follow them.
func (s *Store) poll(ids []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
	defer cancel()
	positions, err := s.positions(ctx, ids)
	if err != nil {
		return fmt.Errorf("look how far trails have gone: %w", translate(err))
	}
	positions = s.follower.ahead(positions)
	if len(positions) == 0 {
		return nil
	}
	if err := s.barrier.pass(ctx); err != nil {
		return err
	}
	s.follower.tell(positions)
	return nil
}

func (s *Store) positions(ctx context.Context, ids []string) (map[string]int64, error) {
	rows, err := s.pool.Query(ctx, `SELECT organization_id, last_sequence FROM trails WHERE organization_id = ANY($1)`, ids)
	if err != nil {
		return nil, err
	}
	positions := map[string]int64{}
	var id string
	var last int64
	_, err = pgx.ForEachRow(rows, []any{&id, &last}, func() error {
		positions[id] = last
		return nil
	})
	return positions, err
}
