package postgres

import (
	"bytes"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/kiwi-ki/invitations/internal/group"
	"github.com/kiwi-ki/invitations/internal/invitation"
)

// outcome is what a group's rules made of a snapshot.
type outcome struct {
	before        *snapshot
	users         map[string]*invitation.User
	organizations map[string]*invitation.Organization
	// claimed are the addresses that calls of the group were about, yielded the
	// users who gave one up.
	claimed  map[string]bool
	yielded  []string
	events   []*invitation.Event
	requests []*request
	used     uses
	// traces are what mails continue that a call queued which is followed.
	traces map[uuid.UUID]string
	limits limits
	// lone says that one call is all there is.
	lone bool
}

// apply runs the rules of a group, one after the other, each on a copy of what
// the one before left, and puts each one's result or refusal into its call.
func (s *Store) apply(before *snapshot, calls []*call) (*outcome, []group.Fate) {
	after := &outcome{
		before: before, users: make(map[string]*invitation.User, len(calls)),
		organizations: map[string]*invitation.Organization{}, claimed: map[string]bool{},
		events: make([]*invitation.Event, 0, 2*len(calls)), used: uses{}, limits: s.limits, lone: len(calls) == 1,
	}
	fates := make([]group.Fate, len(calls))
	for i, k := range calls {
		k.result = invitation.Result{}
		fates[i], k.err = after.apply(k)
		if k.result.Now = before.now; k.err != nil {
			k.result.User, k.result.Answer = nil, nil
		}
	}
	return after, fates
}

func (o *outcome) apply(k *call) (group.Fate, error) {
	c := k.change
	id := o.before.userID(c.Key)
	if o.before.unlocked[id] {
		return group.Waits(id), nil
	}
	old, repeated := o.before.requests[keyOf(c.Request)]
	if repeated && !bytes.Equal(old.fingerprint, c.Request.Fingerprint) {
		return group.Answered, invitation.ErrRequestIDReused
	}
	switch {
	case k.organize != nil:
		return group.Answered, o.organize(k, repeated)
	case c.Rule == nil:
		return group.Answered, o.take(k, old, repeated)
	}
	user := o.users[id]
	if user == nil {
		user = o.before.users[id]
	}
	if repeated {
		return group.Answered, o.replay(k, old, user)
	}
	return o.rule(k, user)
}

// take saves a request that changes nothing, with its answer if it has one.
func (o *outcome) take(k *call, old request, repeated bool) (err error) {
	c := k.change
	switch {
	case repeated:
		k.result.Answer = old.answer
		return nil
	case c.Answer != nil:
		if k.result.Answer, err = c.Answer(nil, o.before.now); err != nil {
			return err
		}
	}
	o.saveRequest(c, "", k.result.Answer)
	return nil
}

// replay answers a request that was carried out before. An erasure leaves none but
// its own.
func (o *outcome) replay(k *call, old request, user *invitation.User) error {
	if user == nil {
		return notFound(k.change.Key)
	}
	if k.change.Again != nil {
		if err := k.change.Again(user, o.before.now); err != nil {
			return err
		}
	}
	k.result.User, k.result.Answer = user, old.answer
	return nil
}

// rule runs a change's rule on a copy of the user, and keeps what it made of it.
func (o *outcome) rule(k *call, user *invitation.User) (group.Fate, error) {
	c := k.change
	switch {
	case c.Create && user != nil:
		return group.Answered, invitation.ErrUserExists
	case c.Create:
		user = &invitation.User{ID: c.Key.UserID, OrganizationID: c.Key.OrganizationID}
	case !visible(user, c.Key):
		return group.Answered, notFound(c.Key)
	case o.addressChanged(user):
		// One before it changed the user's address, and only Postgres knows
		// whether that was free.
		return group.Later, nil
	}
	user = user.Clone()
	mails := len(user.Deliveries)
	answer, err := runRule(c, user, o.before.now)
	if err != nil {
		return group.Answered, err
	}
	holder, fate, err := o.claim(c, user)
	if err != nil || fate != group.Answered {
		return fate, err
	}
	if c.Mails {
		if err := o.spend(user, user.Deliveries[mails:]); err != nil {
			return group.Answered, err
		}
	}
	if k.trace != "" {
		o.follow(k.trace, user.Deliveries[mails:])
	}
	if !user.ErasedAt.IsZero() {
		// Answers that are kept for repeats of the calls before.
		o.requests = slices.DeleteFunc(o.requests, func(r *request) bool { return r.userID == user.ID })
	}
	if holder != nil {
		o.yielded = append(o.yielded, holder.ID)
		// Who lost the address does not learn who has it now.
		o.keep(holder, invitation.Request{Cause: c.Request.Cause, Caller: c.Request.Caller})
	}
	o.keep(user, c.Request)
	o.saveRequest(c, user.ID, answer)
	k.result.User, k.result.Answer = user, answer
	return group.Answered, nil
}

// follow has mails continue a trace.
func (o *outcome) follow(trace string, mails []*invitation.Delivery) {
	if o.traces == nil {
		o.traces = map[uuid.UUID]string{}
	}
	for _, m := range mails {
		o.traces[m.ID] = trace
	}
}

// claim decides about the address that a rule gave to a user: whether somebody
// else has it, who then gives it up where a proof beats a claim. Another call of
// the group that is about the same address comes later.
func (o *outcome) claim(c invitation.Change, user *invitation.User) (holder *invitation.User, fate group.Fate, err error) {
	claim := c.Claim
	if c.Reclaim {
		claim = user.Email
	}
	key := claim.Key()
	if !claim.Known() || !user.Email.Same(claim) {
		return nil, group.Answered, nil
	}
	if saved := o.before.users[user.ID]; saved != nil && saved.Email.Same(claim) && saved.DeactivatedAt.IsZero() {
		return nil, group.Answered, nil
	}
	id := o.before.holders[key]
	switch {
	case o.claimed[key] || o.users[id] != nil && id != user.ID:
		return nil, group.Later, nil
	case id != "" && id != user.ID && !c.Yield:
		return nil, group.Answered, invitation.ErrEmailInUse
	case id != "" && id != user.ID:
		if o.before.users[id] == nil {
			return nil, group.Waits(id), nil
		}
		holder = o.before.users[id].Clone()
		if err := holder.Yield(o.before.now); err != nil {
			return nil, group.Answered, err
		}
	}
	o.claimed[key] = true
	return holder, group.Answered, nil
}

// keep has a user saved, with what was recorded.
func (o *outcome) keep(u *invitation.User, r invitation.Request) {
	o.users[u.ID] = u
	o.record(u.Events, invitation.Event{OrganizationID: u.OrganizationID, UserID: u.ID, Request: r})
}

// record adds to events what the rule could not know.
func (o *outcome) record(events []invitation.Event, more invitation.Event) {
	for _, e := range events {
		e.OrganizationID, e.UserID, e.At, e.Request = more.OrganizationID, more.UserID, o.before.now, more.Request
		o.events = append(o.events, &e)
	}
}

// addressChanged reports whether a call of the group gave the user, who may be
// new, an address that is not saved yet.
func (o *outcome) addressChanged(user *invitation.User) bool {
	saved := o.before.users[user.ID]
	return o.users[user.ID] != nil && user.Email.Known() && (saved == nil || !saved.Email.Same(user.Email))
}

func (o *outcome) saveRequest(c invitation.Change, userID string, answer []byte) {
	if id := keyOf(c.Request); id != uuid.Nil {
		o.requests = append(o.requests, &request{id, c.Request.Fingerprint, userID, answer, o.before.now})
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
	case k.DeliveryID != uuid.Nil:
		return b.byMail[k.DeliveryID]
	default:
		return b.holder(k.Email)
	}
}

// holder is the active user of an address among those that were read.
func (b *snapshot) holder(of invitation.Email) string {
	for id, u := range b.users {
		if of.Known() && u.Email.Same(of) && u.DeactivatedAt.IsZero() {
			return id
		}
	}
	return ""
}

// answer is what a Read finds.
func (b *snapshot) answer(k invitation.Key) (invitation.Result, error) {
	user := b.users[b.userID(k)]
	if !visible(user, k) {
		return invitation.Result{}, notFound(k)
	}
	return invitation.Result{User: user, Now: b.now}, nil
}

func notFound(k invitation.Key) error {
	if k.UserID != "" {
		return invitation.ErrUserNotFound
	}
	return invitation.ErrInvitationNotFound
}
