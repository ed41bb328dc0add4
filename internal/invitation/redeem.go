package invitation

import (
	"errors"
	"time"
)

// ErrOldGeneration says that a token's channel has moved on. It never reaches a
// caller: what ended the token's generation is in the audit trail, see
// Store.EndOf.
var ErrOldGeneration = errors.New("the channel has moved on from this token's generation")

// Check returns the invitation that a genuine token opens, or why it does not.
func (u *User) Check(t Token, now time.Time) (*Invitation, error) {
	inv := u.InvitationByID(t.InvitationID)
	if inv == nil {
		return nil, ErrInvitationNotFound
	}
	switch c := inv.Channel(t.Channel); {
	case t.Generation < c.Generation:
		return nil, ErrOldGeneration
	case t.Generation > c.Generation || !c.Open:
		// Signed with our key and never handed out by this database, as after a
		// restore of an old backup.
		return nil, ErrInvitationNotFound
	}
	if inv.Stored == Redeemed {
		return nil, ErrInvitationRedeemed
	}
	if end := inv.end(now); end != "" {
		return nil, end.Err()
	}
	return inv, nil
}

// Redeem consumes a genuine token. A mailed link proves the address.
func (u *User) Redeem(t Token, now time.Time) error {
	inv, err := u.Check(t, now)
	if err != nil {
		return err
	}
	u.cancelMail(inv, now)
	inv.Stored, inv.RedeemedAt = Redeemed, now
	e := about(inv, InvitationRedeemed)
	e.Channel = t.Channel
	u.record(e)
	if t.Channel == Mailed && u.EmailConfirmedAt.IsZero() {
		u.confirm(now)
	}
	return nil
}
