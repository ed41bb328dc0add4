package main

import (
	"strings"
	"testing"

	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
	"github.com/kiwi-ki/invitations/internal/dev/sendgridtest"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// TestReminderAndExpiry: two servers look at the agenda; one reminder goes out to
// whom the first mail may have reached, and one event tells of an expiry.
func TestReminderAndExpiry(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pgtest.Database(t))
	w.env = []string{"INVITATION_AGENDA_EVERY=1s", "INVITATION_REMIND_BEFORE=2160h"} // from the start
	p := w.serve()
	w.serve()
	ctx := t.Context()
	for _, id := range []string{"anna", "bela", "carl"} {
		_, err := p.CreateUser(ctx, newcomer(id, pb.Invite_INVITE_LATER))
		must(t, err)
	}
	send := func(id string) {
		_, err := p.Send(ctx, &pb.SendRequest{OrganizationId: "demo", UserId: id, Target: pb.Target_TARGET_APP})
		must(t, err)
	}
	send("anna")
	_, err := p.GenerateQR(ctx, &pb.GenerateQRRequest{OrganizationId: "demo", UserId: "bela", Target: pb.Target_TARGET_APP})
	must(t, err)
	reminder := w.awaitReminder("anna@example.com")
	first := w.inbox.Messages()[0]
	if a, b := link.FindString(reminder.Text), link.FindString(first.Text); a == "" || a != b {
		t.Errorf("the reminder's link is %q, the first one %q", a, b)
	}

	w.exec(`UPDATE invitations SET issued_at = issued_at - interval '15 days', expires_at = expires_at - interval '15 days'`)
	watch, err := p.WatchEvents(ctx, &pb.WatchEventsRequest{OrganizationId: "demo"})
	must(t, err)
	expired := map[string]int{}
	for len(expired) < 2 {
		got, err := watch.Recv()
		must(t, err)
		if got.GetEvent().GetType() == pb.EventType_EVENT_TYPE_INVITATION_EXPIRED {
			expired[got.GetEvent().GetUserId()]++
		}
	}
	// What comes later shows that the agenda was looked at again meanwhile.
	send("carl")
	w.awaitReminder("carl@example.com")
	list, err := p.ListEvents(ctx, &pb.ListEventsRequest{OrganizationId: "demo", PageSize: 500})
	must(t, err)
	count := map[pb.EventType]int{}
	for _, e := range list.GetEvents() {
		count[e.GetType()]++
	}
	if n := count[pb.EventType_EVENT_TYPE_INVITATION_EXPIRED]; n != 2 {
		t.Errorf("%d events tell of 2 expiries", n)
	}
	if n := count[pb.EventType_EVENT_TYPE_INVITATION_REMINDED]; n != 2 {
		t.Errorf("%d reminders for Anna and Carl", n)
	}
	if n := len(w.inbox.Messages()); n != 4 {
		t.Errorf("%d mails, want one and a reminder for Anna and for Carl", n)
	}
}

func (w *world) awaitReminder(address string) sendgridtest.Message {
	w.t.Helper()
	for n := 2; ; n++ {
		_, err := w.inbox.Await(w.t.Context(), n)
		must(w.t, err)
		found, ok := w.inbox.Find(func(m sendgridtest.Message) bool {
			return m.To == address && strings.HasPrefix(m.Subject, "Erinnerung")
		})
		if ok {
			return found
		}
	}
}

func (w *world) exec(sql string) {
	w.t.Helper()
	pgtest.Exec(w.t, pgtest.Pool(w.t, w.dsn), sql)
}
