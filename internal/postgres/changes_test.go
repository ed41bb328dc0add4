package postgres_test

import (
	"crypto/sha256"
	"time"

	"github.com/google/uuid"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// The changes that the API makes, as short as tests want them.

type rule = func(u *invitation.User, now time.Time) error

func on(id, cause string, r rule) invitation.Change {
	return invitation.Change{
		Key:     invitation.Key{UserID: id},
		Request: invitation.Request{Cause: cause, Fingerprint: []byte(cause + " " + id)},
		Rule:    r,
	}
}

func create(id string, address invitation.Email) invitation.Change {
	c := on(id, "create", func(u *invitation.User, now time.Time) error {
		u.Create(invitation.Employee, "Erika Mustermann", invitation.German, address, now)
		return nil
	})
	c.Key.OrganizationID, c.Create, c.Claim = org, true, address
	return c
}

func send(id string) invitation.Change {
	c := on(id, "send", func(u *invitation.User, now time.Time) error { return u.Send(app, false, now, validity) })
	c.Mails = true
	return c
}

func renew(id string) invitation.Change {
	c := on(id, "renew", func(u *invitation.User, now time.Time) error { return u.Renew(app, false, now, validity) })
	c.Mails = true
	return c
}

func revoke(id string) invitation.Change {
	return on(id, "revoke", func(u *invitation.User, now time.Time) error { return u.Revoke(app, now) })
}

func share(id string) invitation.Change {
	return on(id, "share", func(u *invitation.User, now time.Time) error { return u.GenerateQR(app, now, validity) })
}

// updateEmail saves an address, and mails an invitation if told to.
func updateEmail(id string, address invitation.Email, now bool) invitation.Change {
	c := on(id, "update email", func(u *invitation.User, at time.Time) error {
		return u.UpdateEmail(address, invitation.FollowUp{SendNow: now, Target: app}, at, validity)
	})
	c.Mails, c.Claim = now, address
	sum := sha256.Sum256([]byte(id + address.Address()))
	c.Request.Fingerprint = sum[:]
	return c
}

func deactivate(id string) invitation.Change {
	return on(id, "deactivate", func(u *invitation.User, now time.Time) error { u.Deactivate(now); return nil })
}

func reactivate(id string) invitation.Change {
	c := on(id, "reactivate", func(u *invitation.User, now time.Time) error { return u.Reactivate(false, now) })
	c.Reclaim = true
	return c
}

func erase(id string) invitation.Change {
	return on(id, "erase", func(u *invitation.User, now time.Time) error { u.Erase(now); return nil })
}

// redeem consumes a token, and answers with the person's name and address.
func redeem(t invitation.Token) invitation.Change {
	return invitation.Change{
		Key:     invitation.Key{InvitationID: t.InvitationID},
		Request: invitation.Request{Cause: "redeem", Fingerprint: []byte("redeem " + t.InvitationID.String())},
		Rule:    func(u *invitation.User, now time.Time) error { return u.Redeem(t, now) },
		Answer: func(u *invitation.User, now time.Time) ([]byte, error) {
			return []byte(u.DisplayName + " " + u.Email.Address() + " " + now.String()), nil
		},
	}
}

// identified gives a change a request id.
func identified(c invitation.Change, id uuid.UUID) invitation.Change {
	c.Request.ID = id
	return c
}

// token is what a mail sent now, or a QR code shown now, would carry.
func token(u *invitation.User, channel invitation.Channel) invitation.Token {
	inv := u.Invitations[app]
	return invitation.Token{InvitationID: inv.ID, Channel: channel, Generation: inv.Channel(channel).Generation}
}
