package invitation_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// TestTrail: every event says what it is about and why, for a portal invitation,
// whose target is not the zero value.
func TestTrail(t *testing.T) {
	t.Parallel()
	const target = invitation.TargetPortal
	var u *invitation.User
	begin := func(state string) func() {
		return func() {
			u, _ = inState(t, state, target)
			u = u.Clone()
		}
	}
	inv := func() *invitation.Invitation { return u.Invitations[target] }
	now := start.Add(time.Hour)
	for name, c := range map[string]struct {
		begin, act func()
		want       []string
	}{
		"issued":  {begin("none"), func() { must(t, u.Send(target, false, now, validity)) }, []string{"INVITATION_ISSUED about MAILED mail"}},
		"mailed":  {begin("shared"), func() { must(t, u.Send(target, false, now, validity)) }, []string{"INVITATION_MAILED about MAILED mail"}},
		"shared":  {begin("mailed"), func() { must(t, u.GenerateQR(target, now, validity)) }, []string{"INVITATION_SHARED about SHARED"}},
		"by QR":   {begin("none"), func() { must(t, u.GenerateQR(target, now, validity)) }, []string{"INVITATION_ISSUED about SHARED"}},
		"renewed": {begin("failed"), func() { must(t, u.Renew(target, false, now, validity)) }, []string{"INVITATION_RENEWED about MAILED mail INVITATION_SUPERSEDED ends mailed"}},
		"renewed both": {begin("mailed, shared too"), func() { must(t, u.Renew(target, false, now, validity)) }, []string{
			"DELIVERY_CHANGED about MAILED mail CANCELLED", "INVITATION_RENEWED about MAILED mail INVITATION_SUPERSEDED ends mailed ends shared"}},
		"renewed late": {begin("expired, only shared"), func() { must(t, u.Renew(target, false, start.Add(validity), validity)) }, []string{
			"INVITATION_RENEWED about MAILED mail INVITATION_EXPIRED ends shared"}},
		"issued again":    {begin("revoked"), func() { must(t, u.GenerateQR(target, now, validity)) }, []string{"INVITATION_ISSUED about SHARED INVITATION_REVOKED ends mailed"}},
		"revoked":         {begin("shared"), func() { must(t, u.Revoke(target, now)) }, []string{"INVITATION_REVOKED about INVITATION_REVOKED"}},
		"revoked late":    {begin("shared"), func() { must(t, u.Revoke(target, start.Add(validity))) }, []string{"INVITATION_REVOKED about INVITATION_EXPIRED"}},
		"redeemed by QR":  {begin("shared"), func() { must(t, u.Redeem(tokenOf(inv(), invitation.Shared), now)) }, []string{"INVITATION_REDEEMED about SHARED"}},
		"redeemed":        {begin("failed"), func() { must(t, u.Redeem(tokenOf(inv(), invitation.Mailed), now)) }, []string{"INVITATION_REDEEMED about MAILED", "EMAIL_CONFIRMED"}},
		"reset":           {begin("redeemed"), func() { must(t, u.ResetActivation(target, now)) }, []string{"ACTIVATION_RESET about", "EMAIL_UNCONFIRMED"}},
		"address changed": {begin("failed"), func() { must(t, u.UpdateEmail(addressB, later, now, validity)) }, []string{"EMAIL_CHANGED", "MAILED_LINK_KILLED about MAILED EMAIL_CHANGED ends mailed", "INVITATION_REVOKED about EMAIL_CHANGED"}},
		"address changed late": {begin("expired, failed"), func() { must(t, u.UpdateEmail(addressB, later, start.Add(validity), validity)) }, []string{
			"EMAIL_CHANGED", "MAILED_LINK_KILLED about MAILED INVITATION_EXPIRED ends mailed", "INVITATION_REVOKED about INVITATION_EXPIRED"}},
		"deactivated": {begin("shared"), func() { u.Deactivate(now) }, []string{"USER_DEACTIVATED", "INVITATION_REVOKED about USER_DEACTIVATED"}},
		"erased":      {begin("none"), func() { u.Erase(now) }, []string{"USER_DEACTIVATED", "USER_ERASED"}},
		"created":     {begin("none"), func() { u.Create(invitation.Owner, "Erika", "", addressA, now) }, []string{"USER_CREATED"}},
		"expired":     {begin("shared"), func() { u.NoteExpiry(target, start.Add(validity)) }, []string{"INVITATION_EXPIRED about"}},
		"failed":      {begin("mailed"), func() { u.Unsent(inv().DeliveryID, true, "HTTP 400", now) }, []string{"DELIVERY_CHANGED about MAILED mail FAILED HTTP 400"}},
		"bounced": {begin("mailed"), func() { must(t, report(u, inv(), invitation.Report{State: invitation.Bounced, ForGood: true})) }, []string{
			"DELIVERY_CHANGED about MAILED mail BOUNCED", "EMAIL_UNDELIVERABLE mail"}},
		"bounced, with a reason": {begin("mailed"), func() {
			must(t, u.Apply(invitation.Report{DeliveryID: inv().DeliveryID, State: invitation.Bounced, ForGood: true, Reason: "550"}, now))
		}, []string{"DELIVERY_CHANGED about MAILED mail BOUNCED 550", "EMAIL_UNDELIVERABLE mail 550"}},
	} {
		c.begin()
		var ids [2]uuid.UUID
		if i := inv(); i != nil {
			ids = [2]uuid.UUID{i.ID, i.DeliveryID}
		}
		if c.act(); len(u.Events) != len(c.want) {
			t.Errorf("%s: %q, want %q", name, told(u), c.want)
			continue
		}
		for i, e := range u.Events {
			if got := tell(u, e, ids); got != c.want[i] {
				t.Errorf("%s: %q, want %q", name, got, c.want[i])
			}
		}
	}
}

// tell writes an event as a line: its type, whether it is about the portal's
// invitation, its channel, whether it names a mail of that, and the rest as is.
func tell(u *invitation.User, e invitation.Event, before [2]uuid.UUID) string {
	line := string(e.Type)
	say := func(word any, really bool) {
		if really {
			line += fmt.Sprint(" ", word)
		}
	}
	inv := u.Invitations[invitation.TargetPortal]
	say("about", inv != nil && e.InvitationID == inv.ID && e.Target == invitation.TargetPortal)
	say(e.Channel, e.Channel != "")
	say("mail", inv != nil && e.DeliveryID != uuid.Nil && (e.DeliveryID == inv.DeliveryID || e.DeliveryID == before[1]))
	say(e.DeliveryState, e.DeliveryState != "")
	say(e.Reason, e.Reason != "")
	say("ends mailed", e.EndedMailed != 0)
	say("ends shared", e.EndedShared != 0)
	return line
}

// TestErased: nothing of the person stays.
func TestErased(t *testing.T) {
	t.Parallel()
	u := person(t, "redeemed", marked)
	u.Locale = "tr"
	u.Erase(start)
	if u.DisplayName != "" || u.Locale != "" || u.Email.Known() || !u.EmailConfirmedAt.IsZero() || u.Undeliverable != "" || !u.ErasedAt.Equal(start) {
		t.Errorf("left is %s", snapshot(u))
	}
}

// TestRemindedAnew: a renewed invitation is reminded of again.
func TestRemindedAnew(t *testing.T) {
	t.Parallel()
	u := person(t, "mailed")
	inv := u.Invitations[invitation.TargetApp]
	for range 2 {
		u.Sent(inv.DeliveryID, start)
		for range 2 {
			u.Remind(invitation.TargetApp, validity, start)
			u.Sent(inv.DeliveryID, start)
		}
		must(t, u.Renew(invitation.TargetApp, false, start, validity))
	}
	reminders := 0
	for _, d := range u.Deliveries {
		if d.Reminder {
			reminders++
		}
	}
	if reminders != 2 {
		t.Errorf("%d reminders of two mails", reminders)
	}
}
