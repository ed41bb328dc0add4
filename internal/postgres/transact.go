package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// transact runs a group's calls in one transaction and leaves each one's result
// or refusal in it. An error means that nothing of it is known to be saved;
// committing says that the commit may have been carried out all the same.
//
// It takes two round trips: begin and load, save and commit. A careful one takes
// a third between them, to lock and read the limits on mail: it refuses the
// calls that are over one, where otherwise the whole transaction fails. Unless
// it is patient, calls whose users somebody else has locked are put off.
func (s *Store) transact(ctx context.Context, group []*call, careful, patient bool) (committing bool, err error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return false, fmt.Errorf("connect: %w", err)
	}
	defer giveBack(ctx, conn)
	b := s.begin()
	before := queueLoad(b, group, patient)
	if err := conn.SendBatch(ctx, b).Close(); err != nil {
		return false, fmt.Errorf("load: %w", err)
	}
	if patient && len(before.unlocked) > 0 {
		return false, errStale
	}
	if careful {
		if err := s.limits.lock(ctx, conn.Conn(), before, group); err != nil {
			return false, fmt.Errorf("lock the limits on mail: %w", err)
		}
	}
	b = &pgx.Batch{}
	s.queueSave(b, before, s.apply(before, group))
	b.Queue("COMMIT")
	if err := conn.SendBatch(ctx, b).Close(); err != nil {
		// On a connection that is still there, Postgres has said that it did not
		// commit; and what pgx could not write, it was not asked.
		return conn.Conn().IsClosed() && transient(err), fmt.Errorf("save: %w", err)
	}
	s.waker.touch()
	return false, nil
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

// giveBack returns a connection, and rolls back what was not committed. The
// caller's time may be up, it must happen all the same.
func giveBack(ctx context.Context, conn *pgxpool.Conn) {
	defer conn.Release()
	if conn.Conn().PgConn().TxStatus() == 'I' {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_, _ = conn.Exec(ctx, "ROLLBACK")
}

// snapshot is what a group found in the database.
type snapshot struct {
	now      time.Time
	users    map[string]*invitation.User
	byInv    map[uuid.UUID]string
	byMail   map[uuid.UUID]string
	requests map[uuid.UUID]request
	// unlocked are users that exist, and that somebody else had locked or has
	// just created.
	unlocked map[string]bool
	// used is until when the past use of each limit counts; nil if that was not
	// read.
	used map[string]time.Time
}

// request is a request that was carried out before.
type request struct {
	fingerprint []byte
	userID      string
	answer      []byte
}

// outcome is what a group's rules made of a snapshot.
type outcome struct {
	users    map[string]*invitation.User
	events   []invitation.Event
	requests []savedRequest
	used     map[string]use
	limits   limits
}

type savedRequest struct {
	id      uuid.UUID
	request request
}

// apply runs the rules of a group, one after the other, each on a copy of what
// the one before left.
func (s *Store) apply(before *snapshot, group []*call) *outcome {
	after := &outcome{
		users: make(map[string]*invitation.User, len(group)), events: make([]invitation.Event, 0, 2*len(group)),
		used: map[string]use{}, limits: s.limits,
	}
	for _, k := range group {
		k.result, k.err = after.apply(before, k.change)
		k.result.Now = before.now
	}
	return after
}

// errLater puts a call off until its group has committed: one before it changed
// the user's address, and only Postgres knows whether that was free.
var errLater = errors.New("the user's address is changing")

// lockedError puts a call off until nobody else has its user locked.
type lockedError string

func (lockedError) Error() string { return "the user is locked" }

// errStale says that a user was created after those that exist were locked.
var errStale = errors.New("a user is not locked")

func (o *outcome) apply(before *snapshot, c invitation.Change) (invitation.Result, error) {
	id := before.userID(c.Key)
	if before.unlocked[id] {
		return invitation.Result{}, lockedError(id)
	}
	user := o.users[id]
	if user == nil {
		user = before.users[id]
	}
	if old, found := before.requests[c.Request.ID]; found {
		return replay(before, c, old, user)
	}
	result, err := o.rule(before, c, user)
	if err != nil && c.Refused != nil && !errors.Is(err, errLater) {
		if answer := c.Refused(err); answer != nil {
			o.saveRequest(c, id, answer)
			return invitation.Result{Now: before.now, Answer: answer}, nil
		}
	}
	return result, err
}

// replay answers a request that was carried out before.
func replay(before *snapshot, c invitation.Change, old request, user *invitation.User) (invitation.Result, error) {
	switch {
	case !bytes.Equal(old.fingerprint, c.Request.Fingerprint):
		return invitation.Result{}, invitation.ErrRequestIDReused
	case user == nil && old.answer == nil:
		return invitation.Result{}, invitation.ErrUserNotFound
	default:
		return invitation.Result{User: user, Now: before.now, Answer: old.answer}, nil
	}
}

// rule runs a change's rule on a copy of the user, and keeps what it made of it.
func (o *outcome) rule(before *snapshot, c invitation.Change, user *invitation.User) (invitation.Result, error) {
	switch {
	case c.Create && user != nil:
		return invitation.Result{}, invitation.ErrUserExists
	case c.Create:
		user = &invitation.User{ID: c.Key.UserID, OrganizationID: c.Key.OrganizationID}
	case !visible(user, c.Key):
		return invitation.Result{}, notFound(c.Key)
	case o.addressChanged(before, user):
		return invitation.Result{}, errLater
	}
	user = user.Clone()
	mails := len(user.Deliveries)
	answer, err := runRule(c, user, before.now)
	if err != nil {
		return invitation.Result{}, err
	}
	if c.Mails {
		if err := o.spend(before, user, user.Deliveries[mails:]); err != nil {
			return invitation.Result{}, err
		}
	}
	if !user.ErasedAt.IsZero() {
		// Answers that are kept for repeats of the calls before.
		o.requests = slices.DeleteFunc(o.requests, func(r savedRequest) bool { return r.request.userID == user.ID })
	}
	o.users[user.ID] = user
	for _, e := range user.Events {
		e.OrganizationID, e.UserID, e.At, e.Request = user.OrganizationID, user.ID, before.now, c.Request
		o.events = append(o.events, e)
	}
	o.saveRequest(c, user.ID, answer)
	return invitation.Result{User: user, Now: before.now, Answer: answer}, nil
}

// addressChanged reports whether a call of the group gave the user, who may be
// new, an address that is not saved yet.
func (o *outcome) addressChanged(before *snapshot, user *invitation.User) bool {
	saved := before.users[user.ID]
	return o.users[user.ID] != nil && user.Email.Known() && (saved == nil || !saved.Email.Same(user.Email))
}

func (o *outcome) saveRequest(c invitation.Change, userID string, answer []byte) {
	if c.Request.ID != uuid.Nil {
		o.requests = append(o.requests, savedRequest{c.Request.ID, request{c.Request.Fingerprint, userID, answer}})
	}
}

// visible reports whether a key may see a user: an erased one nobody, others
// only their own organization.
func visible(u *invitation.User, k invitation.Key) bool {
	return u != nil && u.ErasedAt.IsZero() && (k.OrganizationID == "" || k.OrganizationID == u.OrganizationID)
}

// runRule keeps a rule's panic from taking the group with it.
func runRule(c invitation.Change, user *invitation.User, now time.Time) (answer []byte, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("rule of %s panicked: %T at %s", c.Request.Cause, cause, debug.Stack())
		}
	}()
	if err := c.Rule(user, now); err != nil {
		return nil, err
	}
	if c.Answer == nil {
		return nil, nil
	}
	return c.Answer(user, now)
}

func (b *snapshot) userID(k invitation.Key) string {
	switch {
	case k.UserID != "":
		return k.UserID
	case k.InvitationID != uuid.Nil:
		return b.byInv[k.InvitationID]
	default:
		return b.byMail[k.DeliveryID]
	}
}

func notFound(k invitation.Key) error {
	if k.UserID != "" {
		return invitation.ErrUserNotFound
	}
	return invitation.ErrInvitationNotFound
}
