package postgres

import (
	"cmp"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kiwi-ki/invitations/internal/group"
	"github.com/kiwi-ki/invitations/internal/invitation"
)

var _ invitation.Store = (*Store)(nil)

// Enqueue adds a job for each new mail to what a transaction saves, with the trace
// that it continues if it has one.
type Enqueue func(b *pgx.Batch, deliveries []uuid.UUID, traces map[uuid.UUID]string)

// Trace follows calls, each in its own context.
type Trace interface {
	// Group tells that a call was in a group.
	Group(ctx context.Context, kind string, calls, attempts int, began time.Time)
	// Parent is what the mails that a call queues need to continue its trace; empty
	// if they have none to continue.
	Parent(ctx context.Context) string
}

// Config is what a Store needs. The zero value of a number takes the default.
type Config struct {
	Pool    *pgxpool.Pool
	Enqueue Enqueue
	// PerRecipient and PerOrganization limit mails; the zero value does not.
	PerRecipient, PerOrganization Limit
	// Pseudonym makes a limit's key of an address.
	Pseudonym func(invitation.Email) string
	// OnGroup hears of every group of changes and of reads (package group), OnSaved
	// of the events that were saved; both may be nil.
	OnGroup func(kind string, calls, attempts, putOff int, took time.Duration)
	OnSaved func(events []*invitation.Event)
	// Trace is nil if nobody follows calls.
	Trace Trace
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

// maxPatient is how many connections may wait for locks of others.
const maxPatient = 4

// Store is an invitation.Store on Postgres. It is safe for concurrent use.
type Store struct {
	pool    *connections
	enqueue Enqueue
	timeout time.Duration
	limits  limits
	waker   *waker
	// follower and barrier are for who follows the trails.
	follower *follower
	barrier  barrier
	// bounded says that sessions have the Bounds.
	bounded bool
	// careful is until when groups of changes run carefully, since somebody has met
	// a limit; in Unix nanoseconds.
	careful atomic.Int64

	onSaved func(events []*invitation.Event)
	trace   Trace

	health health
	// lists bounds the connections of those who list, reports those that the
	// provider's reports take.
	lists, reports bulkhead

	writes *group.Queue[*call]
	reads  *group.Queue[*lookup]

	closing    chan struct{}
	background sync.WaitGroup
}

// New starts a Store. It does not connect: a Store whose database is away
// answers ErrUnavailable and recovers by itself. Close it before its pool.
func New(c Config) *Store {
	s := &Store{
		pool: &connections{Pool: c.Pool}, enqueue: c.Enqueue,
		timeout: cmp.Or(c.Timeout, 3*time.Second),
		limits:  limits{c.PerRecipient, c.PerOrganization, c.Pseudonym},
		waker:   newWaker(), follower: newFollower(),
		bounded: bounded(c.Pool),
		closing: make(chan struct{}), onSaved: c.OnSaved, trace: c.Trace,
		lists: share(c.Pool.Config().MaxConns, 4), reports: share(c.Pool.Config().MaxConns, 8),
	}
	s.barrier = barrier{timeout: s.timeout, commit: func(ctx context.Context) error {
		_, err := s.pool.Exec(ctx, emitMessage)
		return err
	}}
	workers, size, backlog := cmp.Or(c.Groups, 2), cmp.Or(c.GroupSize, 128), cmp.Or(c.Backlog, 4096)
	s.writes = group.NewQueue(group.Config[*call]{
		Run: s.transact, Judge: s.judge, Mode: s.mode,
		Identity: func(k *call) [16]byte { return keyOf(k.change.Request) },
		Observe:  c.observe("changes"), Trace: c.follow("changes"),
		Timeout: s.timeout, Leaders: workers, Size: size, Backlog: backlog, Waits: maxPatient,
	})
	s.reads = group.NewQueue(group.Config[*lookup]{
		Run: s.lookUp, Judge: judgeRead, Observe: c.observe("reads"), Trace: c.follow("reads"),
		Timeout: s.timeout, Leaders: workers, Size: size, Backlog: backlog,
	})
	s.background.Go(s.notify)
	s.background.Go(s.follow)
	return s
}

// Close lets the groups in flight finish; calls that still wait are refused, and
// no new ones may come.
func (s *Store) Close() {
	close(s.closing)
	s.writes.Close()
	s.reads.Close()
	s.background.Wait()
}

func (c Config) observe(kind string) func(calls, attempts, putOff int, took time.Duration) {
	if c.OnGroup == nil {
		return nil
	}
	return func(calls, attempts, putOff int, took time.Duration) { c.OnGroup(kind, calls, attempts, putOff, took) }
}

func (c Config) follow(kind string) func(ctx context.Context, calls, attempts int, began time.Time) {
	if c.Trace == nil {
		return nil
	}
	return func(ctx context.Context, calls, attempts int, began time.Time) {
		c.Trace.Group(ctx, kind, calls, attempts, began)
	}
}

// saved tells whoever wants to know of what a transaction has saved.
func (s *Store) saved(events []*invitation.Event) {
	s.waker.touch(events)
	if s.onSaved != nil {
		s.onSaved(events)
	}
}
