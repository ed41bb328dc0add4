package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/postgres"
)

// op is a member of a random group, for any prefix of users and addresses.
type op struct {
	kind, user string
	address    string
	request    int // 0 is none
}

func (o op) String() string {
	return fmt.Sprintf("%s %s %s #%d;", o.kind, o.user, o.address, o.request)
}

var opKinds = []string{
	"create", "send", "renew", "revoke", "share", "redeem", "address", "address and mail", "deactivate", "erase", "nothing",
	"unknown user", "key with a NUL byte", "actor with a NUL byte", "NUL byte", "no UTF-8", "check violation", "check of a mail", "number too large",
	"time too late", "foreign key", "panic in the rule", "panic in the answer", "error in the answer", "cancelled", "too late",
}

// The users that a group finds, and those that it may create. The mails of
// poison are not queued, and broken is there for what no database can store.
var (
	settled = []string{"-0", "-1", "-2", "-" + poison, broken}
	users   = []string{"-0", "-1", "-2", "-" + poison, "-new-a", "-new-b"}
)

const (
	broken     = "-broken"
	requestIDs = 3
)

func requestID(prefix string, n int) uuid.UUID {
	return uuid.NewSHA1(uuid.NameSpaceOID, fmt.Append(nil, prefix, n))
}

// drawGroup draws from few users, addresses and request ids, so that members
// meet.
func drawGroup(random *rand.Rand) []op {
	addresses := []string{"-0@settled.example", "-1@Settled.example", "-x@new.example", "-y@new.example"}
	var ops []op
	for range 2 + random.IntN(9) {
		o := op{kind: opKinds[random.IntN(len(opKinds))], user: users[random.IntN(len(users))]}
		switch {
		case o.kind == "create":
			o.user, o.address = users[3+random.IntN(3)], addresses[random.IntN(4)]
		case strings.HasPrefix(o.kind, "address"):
			o.address = addresses[random.IntN(4)]
		case slices.Contains(unstorable, o.kind):
			o.user = broken
		case strings.HasSuffix(o.user, poison):
			o.kind = "renew" // nothing that would cancel the mail again
		}
		if random.IntN(3) == 0 {
			o.request = 1 + random.IntN(requestIDs)
		}
		ops = append(ops, o)
		if o.request != 0 && random.IntN(3) == 0 {
			ops = append(ops, o) // the same request once more
		}
	}
	return ops
}

// unstorable are the ops that leave a user as no database holds it.
var unstorable = []string{"NUL byte", "no UTF-8", "check violation", "check of a mail", "number too large", "time too late", "foreign key"}

// member makes the call on one of the databases.
func (o op) member(w *world, prefix string) postgres.Member {
	o.user = prefix + o.user
	if o.address != "" {
		o.address = prefix + o.address
	}
	m := postgres.Member{Change: o.change(w)}
	if o.kind == "cancelled" || o.kind == "too late" {
		ctx, cancel := context.WithCancel(context.Background())
		if o.kind == "too late" {
			ctx, cancel = context.WithDeadline(context.Background(), time.Unix(0, 0))
		}
		cancel()
		m.Ctx = ctx
	}
	if o.request != 0 {
		m.Change.Request.ID = requestID(prefix, o.request-1)
	}
	m.Change.Request.Fingerprint = []byte(o.kind + " " + o.user + " " + o.address)
	return m
}

func (o op) change(w *world) invitation.Change {
	switch o.kind {
	case "create":
		return create(o.user, email(o.address))
	case "send":
		return send(o.user)
	case "renew":
		return renew(o.user)
	case "revoke":
		return revoke(o.user)
	case "share":
		return share(o.user)
	case "address", "address and mail":
		return updateEmail(o.user, email(o.address), o.kind != "address")
	case "deactivate":
		return deactivate(o.user)
	case "erase":
		return erase(o.user)
	case "redeem":
		return o.redeem(w)
	default:
		return o.failing()
	}
}

// redeem uses the shared link that is good before the group runs.
func (o op) redeem(w *world) invitation.Change {
	t := invitation.Token{InvitationID: uuid.NewSHA1(uuid.NameSpaceOID, []byte(o.user)), Channel: invitation.Shared, Generation: 1}
	if res, err := w.store.Read(context.Background(), invitation.Key{UserID: o.user}); err == nil && res.User.Invitations[app] != nil {
		t = token(res.User, invitation.Shared)
	}
	c := redeem(t)
	c.Answer = func(u *invitation.User, _ time.Time) ([]byte, error) {
		return []byte(u.DisplayName + " " + u.Email.Address()), nil
	}
	return c
}

var errAnswer = errors.New("no answer")

// failing are the ways to fail, and what is close to them.
func (o op) failing() invitation.Change {
	c := on(o.user, o.kind, func(*invitation.User, time.Time) error { return nil })
	spoil := func(change func(u *invitation.User)) {
		c.Rule = func(u *invitation.User, _ time.Time) error { change(u); return nil }
	}
	switch o.kind {
	case "unknown user":
		c.Key = invitation.Key{UserID: o.user + "-unknown"}
	case "key with a NUL byte":
		c.Key = invitation.Key{UserID: o.user + "\x00"}
	case "actor with a NUL byte":
		c = share(o.user)
		c.Request.Actor = "\x00"
	case "NUL byte":
		spoil(func(u *invitation.User) { u.DisplayName = "E\x00" })
	case "no UTF-8":
		spoil(func(u *invitation.User) { u.DisplayName = "E\xff" })
	case "check violation":
		spoil(func(u *invitation.User) { u.DisplayName = "" })
	case "check of a mail":
		c.Rule = func(u *invitation.User, now time.Time) error {
			err := u.UpdateEmail(email(o.user+"@long.example"), invitation.FollowUp{SendNow: true, Target: app}, now, validity)
			for _, d := range u.Deliveries {
				d.Reason = strings.Repeat("x", 501)
			}
			return err
		}
		c.Mails, c.Claim = true, email(o.user+"@long.example")
	case "number too large": // for pgx, which never asks Postgres
		c.Rule = func(u *invitation.User, now time.Time) error {
			err := u.GenerateQR(app, now, validity)
			if err == nil {
				u.Invitations[app].Shared.Generation = 1 << 40
			}
			return err
		}
	case "time too late": // for Postgres
		spoil(func(u *invitation.User) { u.DeactivatedAt = time.Date(294_300, 1, 1, 0, 0, 0, 0, time.UTC) })
	case "foreign key": // found at the commit
		c.Rule = func(u *invitation.User, now time.Time) error {
			err := u.GenerateQR(app, now, validity)
			if err == nil {
				u.Invitations[app].DeliveryID = uuid.NewSHA1(uuid.NameSpaceOID, []byte("nowhere"))
			}
			return err
		}
	case "panic in the rule":
		spoil(func(*invitation.User) { panic("at the disco") })
	case "panic in the answer":
		c.Answer = func(*invitation.User, time.Time) ([]byte, error) { panic("at the disco") }
	case "error in the answer":
		c.Answer = func(*invitation.User, time.Time) ([]byte, error) { return nil, errAnswer }
	}
	return c
}
