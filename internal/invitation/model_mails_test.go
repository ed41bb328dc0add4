package invitation_test

import (
	"maps"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// Report is the provider's on any mail there ever was. It ends no link, and
// marks the user's address only if it is that of the mail.
func (m *model) Report(rt *rapid.T) {
	if len(m.mails) == 0 {
		rt.Skip("no mail yet")
	}
	r := invitation.Report{
		DeliveryID: rapid.SampledFrom(slices.SortedFunc(maps.Keys(m.mails), compareIDs)).Draw(rt, "mail"),
		State:      rapid.SampledFrom(reported).Draw(rt, "state"), Reason: "550",
		At: m.now.Add(rapid.SampledFrom([]time.Duration{-time.Hour, 0, time.Hour}).Draw(rt, "at")),
	}
	r.Cause = rapid.SampledFrom(append(invitation.UndeliverableCauses(), "", "")).Draw(rt, "cause")
	was, marked := *m.mails[r.DeliveryID], m.user.Undeliverable
	if marked == "" && was.To.Same(m.user.Email) && !m.user.EmailConfirmedAt.After(r.At) {
		marked = r.Cause
	}
	if err := m.change(rt, func(u *invitation.User) error { return u.Apply(r, m.now) }, r.DeliveryID); err != nil {
		rt.Fatalf("report: %v", err)
	}
	if is := m.mails[was.ID]; slices.Index(reported, is.State) < max(slices.Index(reported, was.State), slices.Index(reported, r.State)) || is.ChangedAt.After(m.now) {
		rt.Fatalf("a report of %s turned %+v into %+v", r.State, was, is)
	}
	if m.user.Undeliverable != marked {
		rt.Fatalf("after %+v the address is marked %q, want %q", r, m.user.Undeliverable, marked)
	}
	m.ended(rt, nil)
}

// reported are the states that providers report, by what is known with them.
var reported = []invitation.DeliveryState{
	invitation.Deferred, invitation.Delivered, invitation.Dropped, invitation.Bounced, invitation.ReportedSpam,
}

// Remind mails the same link once more, and once only.
func (m *model) Remind(rt *rapid.T) {
	target, before := drawTarget(rt), rapid.SampledFrom([]time.Duration{time.Hour, validity}).Draw(rt, "before")
	was, mails := m.user.Invitations[target], len(m.mails)
	due := was.State(m.now) == invitation.Pending && was.Mailed.Open && !m.now.Before(was.ExpiresAt.Add(-before)) && m.user.Undeliverable == ""
	if due {
		latest := m.mails[was.DeliveryID]
		due = !latest.Reminder && slices.Contains([]invitation.DeliveryState{invitation.Accepted, invitation.Deferred, invitation.Delivered}, latest.State)
	}
	_ = m.change(rt, func(u *invitation.User) error { u.Remind(target, before, m.now); return nil })
	is := m.user.Invitations[target]
	if (len(m.mails) > mails) != due {
		rt.Fatalf("a reminder of %+v was due: %t, and %d mails became %d", was, due, mails, len(m.mails))
	}
	if due && (is.Mailed != was.Mailed || !is.ExpiresAt.Equal(was.ExpiresAt) || !m.mails[is.DeliveryID].Reminder) {
		rt.Fatalf("a reminder turned %+v into %+v", was, is)
	}
	m.ended(rt, nil)
}

// NoteExpiry tells of each expiry once.
func (m *model) NoteExpiry(rt *rapid.T) {
	target := drawTarget(rt)
	was := m.user.Invitations[target]
	_ = m.change(rt, func(u *invitation.User) error { u.NoteExpiry(target, m.now); return nil })
	told, due := len(m.user.Events) > 0, m.user.ErasedAt.IsZero() && was.State(m.now) == invitation.Expired && !m.told[expiry{was.ID, was.ExpiresAt}]
	if told != due {
		rt.Fatalf("the expiry of %+v was to be told: %t, and was: %t", was, due, told)
	}
	if told {
		m.told[expiry{was.ID, was.ExpiresAt}] = true
	}
	m.ended(rt, nil)
}

// Deliver is a worker at any of its steps, with any mail there ever was.
func (m *model) Deliver(rt *rapid.T) {
	if len(m.mails) == 0 {
		rt.Skip("no mail yet")
	}
	id := rapid.SampledFrom(slices.SortedFunc(maps.Keys(m.mails), compareIDs)).Draw(rt, "mail")
	step := rapid.SampledFrom([]string{"claim", "claim", "sent", "refused", "busy"}).Draw(rt, "step")
	was := *m.mails[id]
	if step != "claim" && was.Attempts == 0 {
		rt.Skip("workers claim first")
	}
	var due bool
	_ = m.change(rt, func(u *invitation.User) error {
		switch step {
		case "claim":
			due = u.Claim(id, m.now)
		case "sent":
			u.Sent(id, m.now)
		default:
			u.Unsent(id, step == "refused", "HTTP 400", m.now)
		}
		return nil
	}, id)
	m.checkDelivered(rt, step, was, due)
	m.ended(rt, nil)
}
