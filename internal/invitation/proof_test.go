package invitation_test

import (
	"errors"
	"testing"
	"time"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// TestConfirmEmail: the end user is master of the address.
func TestConfirmEmail(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		user *invitation.User
		to   invitation.Email
		err  error
		told string
	}{
		"deactivated":                      {person(t, "mailed", deactivated), addressA, invitation.ErrUserDeactivated, ""},
		"first":                            {person(t, "none", unknown), addressA, nil, "EMAIL_CHANGED EMAIL_CONFIRMED"},
		"as it was":                        {person(t, "mailed"), addressA, nil, "EMAIL_CONFIRMED"},
		"respelled":                        {person(t, "mailed"), respelledA, nil, "EMAIL_CHANGED EMAIL_CONFIRMED"},
		"confirmed before":                 {person(t, "mailed", confirmed), addressA, nil, ""},
		"confirmed before, respelled":      {person(t, "mailed", confirmed), respelledA, nil, "EMAIL_CHANGED"},
		"marked":                           {person(t, "mailed", marked), addressA, nil, "EMAIL_CONFIRMED"},
		"confirmed before, marked":         {person(t, "mailed", confirmed, marked), addressA, nil, "EMAIL_CONFIRMED"},
		"other, mailed":                    {person(t, "mailed"), addressB, nil, "EMAIL_CHANGED DELIVERY_CHANGED MAILED_LINK_KILLED INVITATION_REVOKED EMAIL_CONFIRMED"},
		"other, of a confirmed and marked": {person(t, "shared", confirmed, marked), addressB, nil, "EMAIL_CHANGED EMAIL_CONFIRMED"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := start.Add(time.Hour)
			if err := c.user.ConfirmEmail(c.to, now); !errors.Is(err, c.err) {
				t.Fatalf("answers %v, want %v", err, c.err)
			}
			if got := told(c.user); got != c.told {
				t.Errorf("the trail tells %q, want %q", got, c.told)
			}
			if c.err == nil && (c.user.Email != c.to || c.user.EmailConfirmedAt.IsZero() || c.user.Undeliverable != "") {
				t.Errorf("the address is not confirmed: %s", snapshot(c.user))
			}
		})
	}
}

// TestYield: a proof beats a claim, and not another proof.
func TestYield(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		user *invitation.User
		err  error
		told string
	}{
		"claimed":            {person(t, "none"), nil, "EMAIL_LOST"},
		"claimed and marked": {person(t, "none", marked), nil, "EMAIL_LOST"},
		"mailed":             {person(t, "mailed"), nil, "EMAIL_LOST DELIVERY_CHANGED MAILED_LINK_KILLED INVITATION_REVOKED"},
		"mailed, shared too": {person(t, "mailed, shared too"), nil, "EMAIL_LOST DELIVERY_CHANGED MAILED_LINK_KILLED"},
		"only shared":        {person(t, "shared"), nil, "EMAIL_LOST"},
		"confirmed":          {person(t, "mailed", confirmed), invitation.ErrEmailInUse, ""},
		"nothing to lose":    {person(t, "none", unknown), nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := c.user.Yield(start); !errors.Is(err, c.err) {
				t.Fatalf("answers %v, want %v", err, c.err)
			}
			if got := told(c.user); got != c.told {
				t.Errorf("the trail tells %q, want %q", got, c.told)
			}
			if c.err == nil && (c.user.Email.Known() || c.user.Undeliverable != "") {
				t.Error("the address is still theirs")
			}
			for _, e := range c.user.Events {
				if e.EndedMailed != 0 && e.Reason != string(invitation.EndChanged) {
					t.Errorf("the mailed link ended by %q", e.Reason)
				}
			}
		})
	}
}

// TestReportMarks: a report marks the address that it is about, if that is still
// the user's and they did not prove it since.
func TestReportMarks(t *testing.T) {
	t.Parallel()
	now := start.Add(time.Hour)
	provedAt := func(at time.Time) func(*invitation.User) {
		return func(u *invitation.User) { u.EmailConfirmedAt = at }
	}
	type report = invitation.Report
	bounced := report{State: invitation.Bounced, ForGood: true}
	dropped := func(cause invitation.DropCause) report { return report{State: invitation.Dropped, DropCause: cause} }
	for name, c := range map[string]struct {
		user   *invitation.User
		at     time.Time
		report report
		want   invitation.UndeliverableCause
	}{
		"bounced":               {person(t, "mailed"), start, bounced, invitation.CauseBounced},
		"invalid":               {person(t, "mailed"), start, dropped(invitation.DropInvalid), invitation.CauseBounced},
		"bounced before":        {person(t, "mailed"), start, dropped(invitation.DropBounced), invitation.CauseBounced},
		"reported spam":         {person(t, "mailed"), start, dropped(invitation.DropReportedSpam), invitation.CauseReportedSpam},
		"over quota":            {person(t, "mailed"), start, dropped(invitation.DropOverQuota), ""},
		"spam content":          {person(t, "mailed"), start, dropped(invitation.DropSpamContent), ""},
		"bad header":            {person(t, "mailed"), start, dropped(invitation.DropBadHeader), ""},
		"dropped, who knows":    {person(t, "mailed"), start, dropped(invitation.DropOther), ""},
		"delivered for good":    {person(t, "mailed"), start, report{State: invitation.Delivered, ForGood: true}, ""},
		"unsubscribed":          {person(t, "mailed"), start, dropped(invitation.DropUnsubscribed), invitation.CauseUnsubscribed},
		"says nothing":          {person(t, "mailed"), start, report{State: invitation.Bounced}, ""},
		"marked before":         {person(t, "mailed", marked), start, dropped(invitation.DropReportedSpam), invitation.CauseBounced},
		"respelled":             {person(t, "mailed", func(u *invitation.User) { u.Email = respelledA }), start, bounced, invitation.CauseBounced},
		"other address by now":  {person(t, "mailed", func(u *invitation.User) { u.Email = addressB }), start, bounced, ""},
		"no address by now":     {person(t, "mailed", unknown), start, bounced, ""},
		"mail was erased":       {person(t, "mailed", unknown, func(u *invitation.User) { u.Deliveries[0].To = invitation.Email{} }), start, bounced, ""},
		"proved before":         {person(t, "mailed", provedAt(start.Add(-1))), start, bounced, invitation.CauseBounced},
		"proved then":           {person(t, "mailed", provedAt(start)), start, bounced, invitation.CauseBounced},
		"proved since":          {person(t, "mailed", provedAt(start.Add(1))), start, bounced, ""},
		"proved, no time":       {person(t, "mailed", provedAt(now)), time.Time{}, bounced, invitation.CauseBounced},
		"proved, time to come":  {person(t, "mailed", provedAt(now)), now.Add(time.Hour), bounced, invitation.CauseBounced},
		"deactivated meanwhile": {person(t, "mailed", deactivated), start, bounced, invitation.CauseBounced},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := c.user.Undeliverable
			d := c.user.Deliveries[0]
			c.report.DeliveryID, c.report.At, c.report.Reason = d.ID, c.at, "550"
			must(t, c.user.Apply(c.report, now))
			if c.user.Undeliverable != c.want {
				t.Errorf("the address is marked %q, want %q", c.user.Undeliverable, c.want)
			}
			want := "DELIVERY_CHANGED"
			if c.want != before {
				want += " EMAIL_UNDELIVERABLE"
			}
			if got := told(c.user); got != want {
				t.Errorf("the trail tells %q, want %q", got, want)
			}
			if d.Attempts != 1 || d.ChangedAt.After(now) || d.Reason != "550" || d.DropCause != c.report.DropCause {
				t.Errorf("the mail is %+v", d)
			}
		})
	}
	u := person(t, "none")
	if err := u.Apply(invitation.Report{DeliveryID: person(t, "mailed").Deliveries[0].ID}, now); !errors.Is(err, invitation.ErrInvitationNotFound) {
		t.Errorf("a report of a mail that nobody knows: %v", err)
	}
}

// TestDespiteBounce: the operator's word takes the mark away, and goes with the
// mail and with what repeats or follows it.
func TestDespiteBounce(t *testing.T) {
	t.Parallel()
	u := person(t, "none", confirmed, marked)
	if err := u.Clone().Send(invitation.TargetApp, false, start, validity); !errors.Is(err, invitation.ErrEmailUndeliverable) {
		t.Fatalf("sent to a marked address: %v", err)
	}
	must(t, u.Send(invitation.TargetApp, true, start, validity))
	inv := u.Invitations[invitation.TargetApp]
	if told(u) != "EMAIL_DELIVERABLE INVITATION_ISSUED" || u.Undeliverable != "" || !u.LatestDelivery(inv).DespiteBounce {
		t.Fatalf("%q, and the mail is %+v", told(u), u.LatestDelivery(inv))
	}
	u.Sent(inv.DeliveryID, start)
	u.Remind(invitation.TargetApp, validity, start)
	if d := u.LatestDelivery(inv); !d.Reminder || !d.DespiteBounce {
		t.Errorf("the reminder is %+v", d)
	}
	must(t, u.Renew(invitation.TargetApp, false, start, validity))
	if d := u.LatestDelivery(inv); !d.DespiteBounce {
		t.Errorf("the next mail is %+v", d)
	}
	must(t, u.ConfirmEmail(addressB, start))
	must(t, u.Send(invitation.TargetApp, false, start, validity))
	if d := u.LatestDelivery(inv); d.DespiteBounce {
		t.Errorf("the mail to another address is %+v", d)
	}

	u = person(t, "mailed", marked)
	if err := u.Clone().Renew(invitation.TargetApp, false, start, validity); !errors.Is(err, invitation.ErrEmailUndeliverable) {
		t.Errorf("renewed to a marked address: %v", err)
	}
	must(t, u.Renew(invitation.TargetApp, true, start, validity))
	if u.Undeliverable != "" || !u.LatestDelivery(u.Invitations[invitation.TargetApp]).DespiteBounce {
		t.Error("renewed despite the bounce, and the mark stays")
	}
	u = person(t, "none", unknown)
	if err := u.Send(invitation.TargetApp, true, start, validity); !errors.Is(err, invitation.ErrEmailRequired) {
		t.Errorf("sent to nobody: %v", err)
	}
	u = person(t, "mailed", marked)
	if err := u.Send(invitation.TargetApp, true, start, validity); !errors.Is(err, invitation.ErrInvitationPending) {
		t.Errorf("the state comes before the address: %v", err)
	}
}
