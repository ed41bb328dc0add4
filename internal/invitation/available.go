package invitation

import "time"

// AvailableActions is what the dropdown should offer for a target: what would be
// accepted now, and nothing else. Mailing is offered to users without an address
// too, because the portal then asks for it; it is not offered while mail can't
// arrive. Revoking what is revoked is accepted and pointless.
func (u *User) AvailableActions(target Target, now time.Time) (actions []Action) {
	if u.checkTarget(target) != nil {
		return nil
	}
	inv := u.Invitations[target]
	mailable := u.Undeliverable == ""
	offer := func(a Action, offered bool) {
		if offered {
			actions = append(actions, a)
		}
	}
	switch inv.State(now) {
	case None, Revoked:
		offer(ActionSend, mailable)
		offer(ActionGenerateQR, true)
	case Pending, Expired:
		offer(ActionSend, mailable && inv.State(now) == Pending && u.awaitsMail(inv))
		offer(ActionRenew, mailable)
		offer(ActionRevoke, true)
		offer(ActionGenerateQR, true)
	case Redeemed:
		offer(ActionResetActivation, true)
	}
	return actions
}
