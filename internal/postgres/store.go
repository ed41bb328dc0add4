package postgres

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

var _ invitation.Store = (*Store)(nil)

// Enqueue adds a job for each new mail to what a transaction saves.
type Enqueue func(b *pgx.Batch, deliveries []uuid.UUID)

// Config is what a Store needs. The zero value of a number takes the default.
type Config struct {
	Pool    *pgxpool.Pool
	Enqueue Enqueue
	// PerRecipient and PerOrganization limit mails; the zero value does not.
	PerRecipient, PerOrganization Limit
	// Pseudonym makes a limit's key of an address.
	Pseudonym func(invitation.Email) string
	// Timeout bounds every transaction and every read; 3 s by default. It is
	// what frees a call from a database that neither answers nor fails.
	Timeout time.Duration
	// Groups is how many groups of changes, and of reads, may be in flight at
	// once; 2 by default.
	Groups int
	// GroupSize is how many calls a group takes at the most; 128 by default.
	GroupSize int
	// Backlog is how many calls may wait for a group; 4096 by default.
	Backlog int
}

// Store is an invitation.Store on Postgres. It is safe for concurrent use.
type Store struct {
	pool    *pgxpool.Pool
	enqueue Enqueue
	timeout time.Duration
	limits  limits
	waker   *waker
	// bounded says that sessions have the Bounds.
	bounded bool
	// careful is until when groups are: somebody has met a limit. In Unix
	// nanoseconds.
	careful atomic.Int64

	size    int
	waiting chan *call
	reading chan *lookup
	closing chan struct{}
	groups  sync.WaitGroup
	// patience bounds how many transactions wait for locks of others.
	patience chan struct{}
	mu       sync.Mutex
	// locked are the users whom others have locked, with the calls that wait
	// for the next transaction on them.
	locked map[string][]*call
}

// maxPatient is how many connections may wait for locks of others.
const maxPatient = 4

// New starts a Store. It does not connect: a Store whose database is away
// answers ErrUnavailable and recovers by itself. Close it before its pool.
func New(c Config) *Store {
	s := &Store{
		pool: c.Pool, enqueue: c.Enqueue,
		timeout: or(c.Timeout, 3*time.Second),
		limits:  limits{c.PerRecipient, c.PerOrganization, c.Pseudonym},
		waker:   newWaker(),
		bounded: bounded(c.Pool),
		size:    or(c.GroupSize, 128),
		waiting: make(chan *call, or(c.Backlog, 4096)),
		reading: make(chan *lookup, or(c.Backlog, 4096)),
		closing: make(chan struct{}),

		patience: make(chan struct{}, maxPatient),
		locked:   map[string][]*call{},
	}
	for range or(c.Groups, 2) {
		s.groups.Go(s.work)
		s.groups.Go(s.read)
	}
	s.groups.Go(s.notify)
	return s
}

// Close lets the groups in flight finish; calls that still wait are refused, and
// no new ones may come.
func (s *Store) Close() {
	close(s.closing)
	s.groups.Wait()
	for {
		select {
		case k := <-s.waiting:
			k.err = unavailable
			close(k.done)
		case l := <-s.reading:
			l.err = unavailable
			close(l.done)
		default:
			return
		}
	}
}

// Ping reports whether the database takes writes, as ErrUnavailable does.
func (s *Store) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	var readOnly bool
	if err := s.pool.QueryRow(ctx, "SELECT pg_is_in_recovery()").Scan(&readOnly); err != nil {
		return fmt.Errorf("ping the database: %w", translate(err))
	}
	if readOnly {
		return unavailable
	}
	return nil
}

func or[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}
