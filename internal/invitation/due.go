package invitation

import "time"

// Due is what passes with time and has to be seen to, by any server.
type Due struct {
	Key    Key
	Target Target
}

// NoteExpiry tells the audit trail, once, that an invitation's time passed.
func (u *User) NoteExpiry(target Target, now time.Time) {
	inv := u.Invitations[target]
	if inv.State(now) != Expired || inv.ExpiryNoted {
		return
	}
	inv.ExpiryNoted = true
	u.record(about(inv, InvitationExpired))
}

// Remind mails the link of a pending invitation once more when its time is
// nearly over: not if a person could not have got the first mail.
func (u *User) Remind(target Target, before time.Duration, now time.Time) {
	inv := u.Invitations[target]
	if inv.State(now) != Pending || inv.Reminded || !inv.Mailed.Open || now.Before(inv.ExpiresAt.Add(-before)) {
		return
	}
	latest := u.LatestDelivery(inv)
	if latest == nil || !arrived(latest.State) || !u.DeactivatedAt.IsZero() || u.checkMail() != nil {
		return
	}
	e := about(inv, InvitationReminded)
	u.mail(inv, false, &e, now)
	u.Delivery(inv.DeliveryID).Reminder, inv.Reminded = true, true
	u.record(e)
}

// arrived reports whether nothing speaks against a mail's having arrived.
func arrived(s DeliveryState) bool { return s == Accepted || s == Delivered || s == Deferred }
