package postgres

import (
	"context"
	"fmt"
	"sync/atomic"
)

// health is what is known of the database beside what a ping sees.
type health struct {
	// writesFail says that the last group of changes failed in a way that passes.
	writesFail atomic.Bool
	// current says that the schema was seen to be new enough once: it gets no
	// older.
	current atomic.Bool
}

// illness is why the database is no good for now, in words for the log.
type illness string

func (i illness) Error() string { return string(i) }

// Unwrap returns what callers hear of it.
func (illness) Unwrap() error { return unavailable }

// Ping reports whether the database takes writes and has a schema for this
// server. Its error is for the log.
func (s *Store) Ping(ctx context.Context) error {
	standby, err := s.ping(ctx)
	switch {
	case err != nil:
		return err
	case standby:
		return illness("the database is a standby and takes no writes")
	case s.health.writesFail.Load():
		return s.tryWriting(ctx)
	default:
		return nil
	}
}

// PingReads reports whether the database can be read; a standby can.
func (s *Store) PingReads(ctx context.Context) error {
	_, err := s.ping(ctx)
	return err
}

func (s *Store) ping(ctx context.Context) (standby bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	if err := s.pool.QueryRow(ctx, "SELECT pg_is_in_recovery()").Scan(&standby); err != nil {
		return false, illness("the database does not answer: " + reasonOf(err))
	}
	if s.health.current.Load() {
		return standby, nil
	}
	has, err := schemaVersion(ctx, s.pool.Pool)
	if err != nil {
		return false, illness("the schema's version can't be read: " + reasonOf(err))
	}
	if wants := SchemaVersion(); has < wants {
		return false, illness(fmt.Sprintf("the schema is at version %d and has to be at %d: run invitationd migrate", has, wants))
	}
	s.health.current.Store(true)
	return standby, nil
}

// tryWriting writes a row that nobody reads, after a group could not write.
func (s *Store) tryWriting(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	if _, err := s.pool.Exec(ctx, "UPDATE installation SET one = true"); err != nil {
		return illness("the database takes no writes: " + reasonOf(err))
	}
	s.health.writesFail.Store(false)
	return nil
}
