package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kiwi-ki/invitations/internal/group"
)

// transact carries a group of changes out in one transaction. An error means that
// nothing of it is known to be saved.
//
// It takes two round trips: begin and load, save and commit. A careful group
// takes a third between them, to lock and read the limits on mail: it refuses
// the calls that are over one, where otherwise the whole transaction fails.
// Unless it is patient, calls whose users somebody else has locked wait apart.
func (s *Store) transact(ctx context.Context, calls []*call, mode group.Mode) ([]group.Fate, error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	defer giveBack(ctx, conn)
	b := s.begin()
	before := queueLoad(b, calls, mode == group.Patient)
	if err := conn.SendBatch(ctx, b).Close(); err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	if mode == group.Patient && len(before.unlocked) > 0 {
		return nil, errStale
	}
	if mode >= group.Careful {
		if err := s.limits.lock(ctx, conn.Conn(), before, calls); err != nil {
			return nil, fmt.Errorf("lock the limits on mail: %w", err)
		}
	}
	b = &pgx.Batch{}
	after, fates := s.apply(before, calls)
	s.queueSave(b, before, after)
	if len(before.users)+len(after.users) == 0 {
		// Nothing is locked or written, and yet a primary that has been replaced must
		// not be the one that says so.
		b.Queue(emitMessage)
	}
	b.Queue("COMMIT")
	if err := conn.SendBatch(ctx, b).Close(); err != nil {
		err = fmt.Errorf("save: %w", err)
		// While the connection stands, an error is Postgres's word that it did not
		// commit. One that broke leaves that open, unless pgx never sent the COMMIT.
		if conn.Conn().IsClosed() && transient(err) {
			return nil, &unknownOutcome{err}
		}
		return nil, err
	}
	s.health.writesFail.Store(false)
	s.saved(after.events)
	return fates, nil
}

// unknownOutcome is the error of a commit that got no answer.
type unknownOutcome struct{ error }

func (e *unknownOutcome) Unwrap() error { return e.error }

// errStale says that a user was created after those that exist were locked.
var errStale = errors.New("a user is not locked")

// maxRepeats is how often a group is carried out again that lost a race.
const maxRepeats = 3

// judge says what the error of a group of changes means.
func (s *Store) judge(err error, calls []*call, mode group.Mode, before int) group.Verdict {
	var unknown *unknownOutcome
	switch {
	case limited(err) && mode == group.Quick:
		s.careful.Store(time.Now().Add(carefulFor).UnixNano())
		return group.Carefully
	case len(calls) == 1 && refused(err) && before == 0 && calls[0].change.Request.ID != uuid.Nil:
		// The call that won the race may have been this very request.
		return group.Again
	case errors.As(err, &unknown) && !repeatable(calls):
		return group.Over
	case transient(err) && before < maxRepeats:
		return group.Again
	case transient(err):
		s.health.writesFail.Store(true)
		return group.Over
	default:
		return group.Apart
	}
}

// repeatable reports whether a group could be carried out again without harm: each
// call has a request id, by which it would find that it was carried out already.
func repeatable(calls []*call) bool {
	return !slices.ContainsFunc(calls, func(k *call) bool { return k.change.Request.ID == uuid.Nil })
}

// carefulFor is how long groups are careful once somebody has met a limit, who
// would otherwise make every group run twice.
const carefulFor = time.Second

func (s *Store) mode() group.Mode {
	if time.Now().UnixNano() < s.careful.Load() {
		return group.Careful
	}
	return group.Quick
}

// Bounds are what a transaction may cost others if this process freezes while it
// holds locks. They are settings of Postgres: a pool whose sessions have them
// saves every transaction a statement.
var Bounds = map[string]string{"idle_in_transaction_session_timeout": "10s", "lock_timeout": "2s"}

// bounded reports whether all sessions of a pool have the bounds.
func bounded(pool *pgxpool.Pool) bool {
	params := pool.Config().ConnConfig.RuntimeParams
	for name, value := range Bounds {
		if params[name] != value {
			return false
		}
	}
	return true
}

func (s *Store) begin() *pgx.Batch {
	b := &pgx.Batch{}
	b.Queue("BEGIN")
	if !s.bounded {
		b.Queue("SELECT set_config(key, value, true) FROM jsonb_each_text($1)", Bounds)
	}
	return b
}

// giveBack returns a connection, and rolls back what was not committed, even if the
// caller's time is up.
func giveBack(ctx context.Context, conn *pgxpool.Conn) {
	defer conn.Release()
	if conn.Conn().PgConn().TxStatus() == 'I' {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_, _ = conn.Exec(ctx, "ROLLBACK")
}

// lookUp answers a group of reads.
func (s *Store) lookUp(ctx context.Context, lookups []*lookup, _ group.Mode) ([]group.Fate, error) {
	var keys keySet
	for _, l := range lookups {
		keys.add(l.key)
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
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	defer conn.Release()
	if err := conn.SendBatch(ctx, b).Close(); err != nil {
		return nil, fmt.Errorf("read users: %w", err)
	}
	for _, l := range lookups {
		l.result, l.err = snap.answer(l.key)
	}
	return make([]group.Fate, len(lookups)), nil
}

// judgeRead has a group's reads run one by one where one of them may be at fault.
// Only a statement whose plan a migration has made stale is run again here: after
// anything else that passes, the caller can try again as well.
func judgeRead(err error, _ []*lookup, _ group.Mode, before int) group.Verdict {
	switch {
	case stalePlan(err) && before < maxRepeats:
		return group.Again
	case transient(err):
		return group.Over
	default:
		return group.Apart
	}
}
