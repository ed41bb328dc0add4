package postgres_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// simple says in Go what the real store does in SQL: one change at a time, under
// one lock, in a few maps. Read it first. TestSimpleStore holds the two against
// each other.
type simple struct {
	mu       sync.Mutex
	now      time.Time
	users    map[string]*invitation.User
	requests map[uuid.UUID]simpleRequest
	events   []invitation.Event
}

type simpleRequest struct {
	fingerprint []byte
	userID      string
	answer      []byte
}

func newSimple() *simple {
	return &simple{now: time.Now(), users: map[string]*invitation.User{}, requests: map[uuid.UUID]simpleRequest{}}
}

func (s *simple) Update(_ context.Context, c invitation.Change) (invitation.Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(time.Millisecond)
	user := s.find(c.Key)
	if old, repeated := s.requests[c.Request.ID]; repeated && c.Request.ID != uuid.Nil {
		return s.replay(c, old, user)
	}
	switch {
	case c.Create && user != nil:
		return invitation.Result{}, invitation.ErrUserExists
	case c.Create:
		user = &invitation.User{ID: c.Key.UserID, OrganizationID: c.Key.OrganizationID}
	case user == nil || !user.ErasedAt.IsZero():
		return invitation.Result{}, notFound(c.Key)
	}
	user = user.Clone()
	if err := c.Rule(user, s.now); err != nil {
		return invitation.Result{}, err
	}
	if holder := s.holder(user); holder != nil {
		if !c.Yield {
			return invitation.Result{}, invitation.ErrEmailInUse
		}
		holder = holder.Clone()
		if err := holder.Yield(s.now); err != nil {
			return invitation.Result{}, err
		}
		s.keep(holder, invitation.Request{Cause: c.Request.Cause, Caller: c.Request.Caller})
	}
	var answer []byte
	if c.Answer != nil {
		answer, _ = c.Answer(user, s.now)
	}
	if !user.ErasedAt.IsZero() {
		for id, r := range s.requests {
			if r.userID == user.ID {
				delete(s.requests, id)
			}
		}
	}
	s.keep(user, c.Request)
	if c.Request.ID != uuid.Nil {
		s.requests[c.Request.ID] = simpleRequest{c.Request.Fingerprint, user.ID, answer}
	}
	return invitation.Result{User: user, Now: s.now, Answer: answer}, nil
}

func (s *simple) Read(_ context.Context, k invitation.Key) (invitation.Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	user := s.find(k)
	if user == nil || !user.ErasedAt.IsZero() {
		return invitation.Result{}, notFound(k)
	}
	return invitation.Result{User: user.Clone(), Now: s.now}, nil
}

func (s *simple) replay(c invitation.Change, old simpleRequest, user *invitation.User) (invitation.Result, error) {
	switch {
	case !bytes.Equal(old.fingerprint, c.Request.Fingerprint):
		return invitation.Result{}, invitation.ErrRequestIDReused
	case user == nil:
		return invitation.Result{}, notFound(c.Key)
	case c.Again != nil:
		if err := c.Again(user, s.now); err != nil {
			return invitation.Result{}, err
		}
	}
	return invitation.Result{User: user, Now: s.now, Answer: old.answer}, nil
}

func (s *simple) find(k invitation.Key) *invitation.User {
	for _, u := range s.users {
		if u.ID == k.UserID || k.UserID == "" && u.InvitationByID(k.InvitationID) != nil {
			return u
		}
	}
	return nil
}

// holder is another active user who has a user's address.
func (s *simple) holder(user *invitation.User) *invitation.User {
	for _, u := range s.users {
		if u.ID != user.ID && user.Email.Known() && u.Email.Same(user.Email) && u.DeactivatedAt.IsZero() && user.DeactivatedAt.IsZero() {
			return u
		}
	}
	return nil
}

func (s *simple) keep(u *invitation.User, r invitation.Request) {
	for _, e := range u.Events {
		e.UserID, e.OrganizationID, e.At, e.Request, e.Sequence = u.ID, u.OrganizationID, s.now, r, int64(len(s.events)+1)
		s.events = append(s.events, e)
	}
	s.users[u.ID] = u.Clone()
}

func notFound(k invitation.Key) error {
	if k.UserID != "" {
		return invitation.ErrUserNotFound
	}
	return invitation.ErrInvitationNotFound
}

// storing is what the simple store has of invitation.Store.
type storing interface {
	Update(ctx context.Context, c invitation.Change) (invitation.Result, error)
	Read(ctx context.Context, k invitation.Key) (invitation.Result, error)
}

// steps are changes as the API makes them, by what a store has at the time.
var steps = map[string]func(s storing, id, address string) invitation.Change{
	"create":           func(_ storing, id, address string) invitation.Change { return create(id, email(address)) },
	"send":             func(_ storing, id, _ string) invitation.Change { return send(id) },
	"renew":            func(_ storing, id, _ string) invitation.Change { return renew(id) },
	"revoke":           func(_ storing, id, _ string) invitation.Change { return revoke(id) },
	"share":            func(_ storing, id, _ string) invitation.Change { return share(id) },
	"address":          func(_ storing, id, address string) invitation.Change { return updateEmail(id, email(address), false) },
	"address and mail": func(_ storing, id, address string) invitation.Change { return updateEmail(id, email(address), true) },
	"deactivate":       func(_ storing, id, _ string) invitation.Change { return deactivate(id) },
	"erase":            func(_ storing, id, _ string) invitation.Change { return erase(id) },
	"prove":            func(_ storing, id, address string) invitation.Change { return confirm(id, email(address)) },
	"reactivate":       func(_ storing, id, _ string) invitation.Change { return reactivate(id) },
	"reset": func(_ storing, id, _ string) invitation.Change {
		return on(id, "reset", func(u *invitation.User, now time.Time) error { return u.ResetActivation(app, now) })
	},
	"redeem": func(s storing, id, _ string) invitation.Change {
		res, err := s.Read(context.Background(), invitation.Key{UserID: id})
		if err != nil || res.User.Invitations[app] == nil {
			return on(id, "redeem", func(*invitation.User, time.Time) error { return invitation.ErrNotInvited })
		}
		c := redeem(token(res.User, invitation.Mailed))
		c.Request.Fingerprint = []byte("redeem " + id)
		c.Answer = func(u *invitation.User, _ time.Time) ([]byte, error) { return []byte(u.DisplayName), nil }
		return c
	},
}

// confirm proves an address, which beats the claim of others.
func confirm(id string, address invitation.Email) invitation.Change {
	c := on(id, "confirm", func(u *invitation.User, now time.Time) error { return u.ConfirmEmail(address, now) })
	c.Claim, c.Yield = address, true
	c.Request.Fingerprint = []byte("confirm " + id + address.Key())
	return c
}

// TestSimpleStore: after any sequence of changes the real store has given the same
// answers as the simple one, and knows the same users and events.
func TestSimpleStore(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	store := d.server()
	for seed := range uint64(40) {
		random := rand.New(rand.NewPCG(seed, 3))
		plain, prefix := newSimple(), fmt.Sprintf("s%02d-", seed)
		var history []string
		for range 60 {
			kind := slices.Sorted(maps.Keys(steps))[random.IntN(len(steps))]
			id, address := fmt.Sprint(prefix, random.IntN(4)), fmt.Sprintf("%s%d@simple.example", prefix, random.IntN(4))
			request := uuid.Nil
			if random.IntN(3) == 0 {
				request = requestID(prefix, random.IntN(12))
			}
			history = append(history, fmt.Sprintf("%s %s %s %s", kind, id, address, request))
			want := carryOut(plain, kind, id, address, request)
			if got := carryOut(store, kind, id, address, request); got != want {
				t.Fatalf("seed %d: the real store says %q, and the simple one %q, after\n%s", seed, got, want, strings.Join(history, "\n"))
			}
		}
		var want []string
		for _, e := range plain.events {
			want = append(want, fmt.Sprint(e.UserID, e.Type, e.Channel, e.DeliveryState, e.Reason, e.Request.Cause, e.Request.ID))
		}
		var got []string
		events, err := store.Events(t.Context(), invitation.EventFilter{OrganizationID: org, Limit: 1_000_000})
		must(t, err)
		for _, e := range events {
			if strings.HasPrefix(e.UserID, prefix) {
				got = append(got, fmt.Sprint(e.UserID, e.Type, e.Channel, e.DeliveryState, e.Reason, e.Request.Cause, e.Request.ID))
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: the real store's events are\n%s\nand the simple one's\n%s", seed, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	d.checkAlways()
}

// carryOut makes one change and shows what its caller hears.
func carryOut(s storing, kind, id, address string, request uuid.UUID) string {
	c := steps[kind](s, id, address)
	c.Request.ID = request
	c.Request.Fingerprint = []byte(kind + id + address)
	res, err := s.Update(context.Background(), c)
	if err != nil {
		return err.Error()
	}
	said := fmt.Sprintf("%s: %q", kind, res.Answer)
	if u := res.User; u != nil {
		said += fmt.Sprint(" ", u.ID, u.Email.Address(), u.EmailConfirmedAt.IsZero(), u.DeactivatedAt.IsZero(), u.ErasedAt.IsZero(), u.AccountStatus(res.Now))
		for _, inv := range u.Invitations {
			if inv != nil {
				said += fmt.Sprint(" ", inv.Stored, inv.Mailed.Open, inv.Shared.Open, inv.RevokedFor, u.LatestDelivery(inv) != nil)
			}
		}
	}
	return said
}
