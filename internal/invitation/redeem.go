package invitation

import (
	"errors"
	"time"
)

// ErrOldGeneration says that a token is not of its channel's current generation.
// It never reaches a caller: what ended the token's generation is in the audit
// trail, see Store.EndOf. One that the trail does not know was handed out before
// the database was set back, and is superseded.
var ErrOldGeneration = errors.New("the channel is not at this token's generation")

// Check returns the invitation that a genuine token opens, or why it does not.
func (u *User) Check(t Token, now time.Time) (*Invitation, error) {
	inv := u.InvitationByID(t.InvitationID)
	switch {
	case inv == nil:
		return nil, ErrInvitationNotFound
	case *inv.Channel(t.Channel) != ChannelState{Generation: t.Generation, Open: true}:
		return nil, ErrOldGeneration
	case !u.DeactivatedAt.IsZero():
		return nil, ErrUserDeactivated
	case inv.Stored == Redeemed:
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
	if t.Channel == Mailed {
		u.prove(now)
	}
	return nil
}

// RedeemedBy refuses to tell once more of a redemption that does not stand any
// more: the user was deactivated since, or the activation was reset.
func (u *User) RedeemedBy(t Token, now time.Time) error {
	switch _, err := u.Check(t, now); {
	case errors.Is(err, ErrInvitationRedeemed):
		return nil
	case !u.DeactivatedAt.IsZero():
		return ErrUserDeactivated
	default:
		return ErrInvitationRevoked
	}
}
