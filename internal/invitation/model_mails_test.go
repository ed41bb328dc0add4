package invitation_test

import (
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
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
	r.ForGood = rapid.Bool().Draw(rt, "for good")
	r.DropCause = rapid.SampledFrom(append(invitation.DropCauses(), "")).Draw(rt, "drop")
	was, marked := *m.mails[r.DeliveryID], m.user.Undeliverable
	if marked == "" && was.To.Same(m.user.Email) && !m.user.EmailConfirmedAt.After(r.At) && !m.vouched(r.At, r.DeliveryID) {
		marked = causeOf(r)
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

// causeOf is what a report says of the address.
func causeOf(r invitation.Report) invitation.UndeliverableCause {
	switch {
	case r.State == invitation.Bounced && r.ForGood:
		return invitation.CauseBounced
	case r.State != invitation.Dropped:
		return ""
	}
	return map[invitation.DropCause]invitation.UndeliverableCause{
		invitation.DropBounced: invitation.CauseBounced, invitation.DropInvalid: invitation.CauseBounced,
		invitation.DropUnsubscribed: invitation.CauseUnsubscribed, invitation.DropReportedSpam: invitation.CauseReportedSpam,
	}[r.DropCause]
}

// vouched reports whether one of the mails that the rule sees was sent despite a
// bounce, to the user's address and in a later second.
func (m *model) vouched(at time.Time, named ...uuid.UUID) bool {
	return slices.ContainsFunc(m.load(named...).Deliveries, func(d *invitation.Delivery) bool {
		return d.DespiteBounce && d.To.Same(m.user.Email) && m.queued[d.ID].Truncate(time.Second).After(at)
	})
}

// LateBounce is one of which only the address is known. It touches one mail at
// most, one that was sent there before, and nobody who has another address or has
// proved this one since.
func (m *model) LateBounce(rt *rapid.T) {
	r := invitation.Report{
		To:    rapid.SampledFrom([]invitation.Email{addressA, respelledA, addressB}).Draw(rt, "to"),
		State: invitation.Bounced, Reason: "550", At: m.now.Add(-time.Duration(rapid.IntRange(0, 48).Draw(rt, "hours ago")) * time.Hour),
		ForGood: rapid.Bool().Draw(rt, "for good"),
	}
	to := func(d *invitation.Delivery) bool { return d.To.Same(r.To) }
	var all []uuid.UUID
	before, marked := map[uuid.UUID]invitation.Delivery{}, m.user.Undeliverable
	for id, d := range m.mails {
		if before[id] = *d; to(d) {
			all = append(all, id)
		}
	}
	stranger := !m.user.Email.Same(r.To) || m.user.EmailConfirmedAt.After(r.At) || !m.user.DeactivatedAt.IsZero()
	err := m.change(rt, func(u *invitation.User) error { return u.Apply(r, m.now) }, all...)
	touched := 0
	for id, was := range before {
		if is := *m.mails[id]; is != was {
			if touched++; !to(&is) || is.State != invitation.Bounced || was.ChangedAt.Truncate(time.Second).After(r.At) {
				rt.Fatalf("a late bounce %+v turned %+v into %+v", r, was, is)
			}
		}
	}
	if touched > 1 || (stranger || err != nil) && (touched > 0 || m.user.Undeliverable != marked) {
		rt.Fatalf("a late bounce %+v of a stranger: %t, error %v, touched %d mails", r, stranger, err, touched)
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
