package invitation_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

var (
	start    = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	addressA = invitation.NewEmail("A@x.example", "a@x.example")
	// respelledA is the same mailbox as addressA.
	respelledA = invitation.NewEmail("a@x.example", "a@x.example")
	addressB   = invitation.NewEmail("b@x.example", "b@x.example")
)

// invited returns a user to whom an invitation was mailed, and that mail.
func invited(t testing.TB) (*invitation.User, *invitation.Invitation, *invitation.Delivery) {
	t.Helper()
	u := &invitation.User{
		ID: "user", Type: invitation.Employee, DisplayName: "Erika", Email: addressA, CreatedAt: start,
	}
	must(t, u.Send(invitation.TargetApp, false, start, validity))
	inv := u.Invitations[invitation.TargetApp]
	return u, inv, u.LatestDelivery(inv)
}

// TestClaim: the worker looks again by itself, whatever the rules should have
// cancelled before.
func TestClaim(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		meanwhile func(u *invitation.User, inv *invitation.Invitation, d *invitation.Delivery)
		at        time.Duration
		due       bool
		state     invitation.DeliveryState
	}{
		"still wanted":    {due: true, state: invitation.Queued},
		"on the last day": {at: validity - 1, due: true, state: invitation.Queued},
		"expired":         {at: validity, state: invitation.Failed},
		"other spelling": {due: true, state: invitation.Queued, meanwhile: func(u *invitation.User, _ *invitation.Invitation, _ *invitation.Delivery) {
			u.Email = respelledA
		}},
		"revoked": {state: invitation.Cancelled, meanwhile: func(_ *invitation.User, inv *invitation.Invitation, _ *invitation.Delivery) {
			inv.Stored = invitation.Revoked
		}},
		"redeemed": {state: invitation.Cancelled, meanwhile: func(_ *invitation.User, inv *invitation.Invitation, _ *invitation.Delivery) {
			inv.Stored = invitation.Redeemed
		}},
		"newer mail": {state: invitation.Cancelled, meanwhile: func(_ *invitation.User, inv *invitation.Invitation, _ *invitation.Delivery) {
			inv.DeliveryID = uuid.New()
		}},
		"newer generation": {state: invitation.Cancelled, meanwhile: func(_ *invitation.User, inv *invitation.Invitation, _ *invitation.Delivery) {
			inv.Mailed.Generation++
		}},
		"closed channel": {state: invitation.Cancelled, meanwhile: func(_ *invitation.User, inv *invitation.Invitation, _ *invitation.Delivery) {
			inv.Mailed.Open = false
		}},
		"other address": {state: invitation.Cancelled, meanwhile: func(u *invitation.User, _ *invitation.Invitation, _ *invitation.Delivery) {
			u.Email = addressB
		}},
		"expired and superseded": {at: validity, state: invitation.Cancelled, meanwhile: func(_ *invitation.User, inv *invitation.Invitation, _ *invitation.Delivery) {
			inv.Mailed.Generation++
		}},
		"cancelled": {state: invitation.Cancelled, meanwhile: func(_ *invitation.User, _ *invitation.Invitation, d *invitation.Delivery) {
			d.State = invitation.Cancelled
		}},
		"accepted": {state: invitation.Accepted, meanwhile: func(_ *invitation.User, _ *invitation.Invitation, d *invitation.Delivery) {
			d.State = invitation.Accepted
		}},
	} {
		t.Run(name, func(t *testing.T) {
			u, inv, d := invited(t)
			if c.meanwhile != nil {
				c.meanwhile(u, inv, d)
			}
			if due := u.Claim(d.ID, start.Add(c.at)); due != c.due || d.State != c.state || (d.Attempts == 1) != c.due {
				t.Errorf("due: %t, and the mail is %+v; want %t and %s", due, d, c.due, c.state)
			}
		})
	}
	u, _, _ := invited(t)
	if u.Claim(uuid.New(), start) {
		t.Error("a mail that nobody knows is due")
	}
}

// TestWhatBecomesOfAMail: whatever is reported, in whatever order, more is
// never replaced by less.
func TestWhatBecomesOfAMail(t *testing.T) {
	t.Parallel()
	reports := map[string]func(*invitation.User, uuid.UUID){
		"sent":    func(u *invitation.User, id uuid.UUID) { u.Sent(id, start) },
		"refused": func(u *invitation.User, id uuid.UUID) { u.Unsent(id, true, "HTTP 400", start) },
		"busy":    func(u *invitation.User, id uuid.UUID) { u.Unsent(id, false, "HTTP 503", start) },
		"revoked": func(u *invitation.User, _ uuid.UUID) { _ = u.Revoke(invitation.TargetApp, start) },
		"of other": func(u *invitation.User, _ uuid.UUID) {
			u.Sent(uuid.New(), start)
			u.Unsent(uuid.New(), true, "", start)
		},
	}
	for _, c := range []struct {
		order  []string
		state  invitation.DeliveryState
		reason string
	}{
		{[]string{"busy"}, invitation.Queued, "HTTP 503"},
		{[]string{"busy", "sent"}, invitation.Accepted, ""},
		{[]string{"sent", "busy"}, invitation.Accepted, ""},
		{[]string{"sent", "refused"}, invitation.Accepted, ""},
		{[]string{"refused", "sent"}, invitation.Accepted, ""},
		{[]string{"refused"}, invitation.Failed, "HTTP 400"},
		{[]string{"refused", "busy"}, invitation.Failed, "HTTP 400"},
		{[]string{"refused", "revoked"}, invitation.Failed, "HTTP 400"},
		{[]string{"revoked"}, invitation.Cancelled, ""},
		{[]string{"revoked", "busy"}, invitation.Cancelled, ""},
		{[]string{"revoked", "sent"}, invitation.Accepted, ""},
		{[]string{"sent", "revoked"}, invitation.Accepted, ""},
		{[]string{"of other"}, invitation.Queued, ""},
	} {
		u, _, d := invited(t)
		for _, report := range slices.Concat(c.order, c.order) {
			reports[report](u, d.ID)
		}
		if d.State != c.state || d.Reason != c.reason {
			t.Errorf("after %v twice the mail is %s, %q; want %s, %q", c.order, d.State, d.Reason, c.state, c.reason)
		}
	}
}

// TestLateBounce: one of which only the address and the time are known is of the
// last mail that was taken before, within seven days.
func TestLateBounce(t *testing.T) {
	t.Parallel()
	const week = 7 * 24 * time.Hour
	taken := start.Add(time.Hour)
	bounce := func(u *invitation.User, at time.Time) error {
		return u.Apply(invitation.Report{To: u.Email, State: invitation.Bounced, At: at}, taken.Add(2*week))
	}
	for after, bounced := range map[time.Duration]bool{-time.Second: false, 0: true, week - time.Second: true, week: false} {
		u, _, mail := invited(t)
		mail.State, mail.ChangedAt = invitation.Delivered, taken.Add(time.Millisecond)
		if err := bounce(u, taken.Add(after)); (err == nil) != bounced || (mail.State == invitation.Bounced) != bounced {
			t.Errorf("a bounce %v later: %v, the mail is %s", after, err, mail.State)
		}
	}
	for _, latest := range []int{0, 1} {
		u, _, first := invited(t)
		other := *first
		other.ID, u.Deliveries = uuid.Must(uuid.NewV7()), append(u.Deliveries, &other)
		if latest == 0 {
			first.ID, other.ID = other.ID, first.ID
		}
		for _, mail := range u.Deliveries {
			mail.State, mail.ChangedAt = invitation.Delivered, taken
		}
		must(t, bounce(u, taken))
		if u.Deliveries[latest].State != invitation.Bounced || u.Deliveries[1-latest].State != invitation.Delivered {
			t.Errorf("of two mails, the later at %d: %s and %s", latest, first.State, other.State)
		}
	}
}

// TestToldOnce: what was known already is not told again, and the trail says
// which target's mail it is.
func TestToldOnce(t *testing.T) {
	t.Parallel()
	for _, target := range invitation.Targets() {
		u := &invitation.User{Type: invitation.Employee, Email: addressA}
		must(t, u.Send(target, false, start, validity))
		d := u.Deliveries[0]
		u.Events = nil
		for _, reason := range []string{"first", "second"} {
			must(t, u.Apply(invitation.Report{DeliveryID: d.ID, State: invitation.Deferred, Reason: reason, At: start}, start))
		}
		if len(u.Events) != 1 || d.Reason != "first" {
			t.Fatalf("told twice: %d events, %q", len(u.Events), d.Reason)
		}
		e := u.Events[0]
		if e.Target != target || e.InvitationID != d.InvitationID || e.DeliveryID != d.ID || e.Channel != invitation.Mailed || e.DeliveryState != invitation.Deferred {
			t.Errorf("the trail tells %+v", e)
		}
	}
}

// TestClone: a copy shares nothing that a rule may change, and starts with no
// events.
func TestClone(t *testing.T) {
	t.Parallel()
	u, _, _ := invited(t)
	u.Organization.Imprint = []string{"Demo GmbH"}
	before := snapshot(u)
	c := u.Clone()
	if len(c.Events) != 0 {
		t.Errorf("the copy comes with events %v", c.Events)
	}
	c.DisplayName, c.Email, c.Organization.Imprint[0] = "", invitation.Email{}, ""
	for _, inv := range c.Invitations {
		if inv != nil {
			*inv = invitation.Invitation{}
		}
	}
	for _, d := range c.Deliveries {
		*d = invitation.Delivery{}
	}
	c.Invitations, c.Deliveries = [2]*invitation.Invitation{}, append(c.Deliveries, nil)
	if after := snapshot(u); after != before {
		t.Errorf("what was done to the copy changed the original from\n%s\nto\n%s", before, after)
	}
}
