package sendgrid

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

type documentedEvent struct {
	name, fields, becomes string
	marked                invitation.UndeliverableCause
}

// documented has every event of SendGrid's reference, the kinds of bounces and the
// reasons for drops each as one of its own: what a mail becomes that is queued,
// cancelled, failed, accepted, deferred, delivered, dropped, bounced or reported as
// spam (a letter of letters, or a dot where nothing changes), and what the address
// is marked with.
var documented = []documentedEvent{
	{"processed", `"event":"processed"`, "AAA......", ""},
	{"deferred", `"event":"deferred","response":"450 busy"`, "FFFF.....", ""},
	{"delivered", `"event":"delivered","response":"250 OK"`, "DDDDD....", ""},
	{"bounced", `"event":"bounce","type":"bounce","status":"5.1.1","reason":"550 user unknown"`, "BBBBBBB..", "BOUNCED"},
	{"full", `"event":"bounce","type":"bounce","status":"5.2.2","reason":"552 mailbox full"`, "BBBBBBB..", ""},
	{"blocked", `"event":"bounce","type":"blocked","status":"5.7.1","reason":"550 blocked"`, "BBBBBBB..", ""},
	{"expired", `"event":"bounce","type":"expired","reason":"unable to deliver"`, "BBBBBBB..", ""},
	{"drop: bounced", `"event":"dropped","reason":"Bounced Address"`, "RRRRRR...", "BOUNCED"},
	{"drop: invalid", `"event":"dropped","reason":"Invalid"`, "RRRRRR...", "BOUNCED"},
	{"drop: unsubscribed", `"event":"dropped","reason":"Unsubscribed Address"`, "RRRRRR...", "UNSUBSCRIBED"},
	{"drop: spam report", `"event":"dropped","reason":"Spam Reporting Address"`, "RRRRRR...", "REPORTED_SPAM"},
	{"drop: spam content", `"event":"dropped","reason":"Spam Content"`, "RRRRRR...", ""},
	{"drop: header", `"event":"dropped","reason":"Invalid SMTPAPI header"`, "RRRRRR...", ""},
	{"drop: quota", `"event":"dropped","reason":"Recipient List over Package Quota"`, "RRRRRR...", ""},
	{"spamreport", `"event":"spamreport"`, "SSSSSSSS.", ""},
	{"open", `"event":"open"`, ".........", ""},
	{"click", `"event":"click","url":"https://kiwi.test"`, ".........", ""},
	{"unsubscribe", `"event":"unsubscribe"`, ".........", ""},
	{"group_unsubscribe", `"event":"group_unsubscribe","asm_group_id":1`, ".........", ""},
	{"group_resubscribe", `"event":"group_resubscribe","asm_group_id":1`, ".........", ""},
	{"account", `"event":"account_status_change","type":"compliance_suspend"`, ".........", ""},
}

// late is an asynchronous bounce: of a mail that was sent, and of none that was not.
const late, lateBecomes = `"event":"bounce","type":"bounce","status":"5.1.1","sg_message_id":""`, "...BBB..."

var sentAt = time.Unix(1_790_000_000, 0)

// recipient is somebody whose mail is in a state since it was sent.
func recipient(t rapid.TB, state invitation.DeliveryState) (*invitation.User, *invitation.Delivery) {
	t.Helper()
	u := &invitation.User{ID: "user", Type: invitation.Employee, Email: message(1).To}
	if err := u.Send(invitation.TargetApp, false, sentAt, 14*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	u.Deliveries[0].State, u.Deliveries[0].Attempts = state, 1
	return u, u.Deliveries[0]
}

// tell has a user's mail told of an event so many seconds after it was sent.
func tell(u *invitation.User, d *invitation.Delivery, fields string, after int, named bool) error {
	about := fmt.Sprintf(`"delivery_id":%q`, d.ID)
	if !named {
		about = fmt.Sprintf(`"email":%q`, d.To.Mailbox())
	}
	body := events(fmt.Sprintf(`{"sg_event_id":"e","timestamp":%d,%s,%s}`, sentAt.Unix()+int64(after), about, fields))
	b, err := readBatch([]byte(body), 1)
	for _, r := range b.reports {
		err = errors.Join(err, u.Apply(r, sentAt.Add(time.Hour)))
	}
	return err
}

var letters = map[rune]invitation.DeliveryState{
	'A': invitation.Accepted, 'F': invitation.Deferred, 'D': invitation.Delivered, 'R': invitation.Dropped, 'B': invitation.Bounced, 'S': invitation.ReportedSpam,
}

// TestEveryEventInEveryState is the whole table, and with it what the dropdown
// offers: nothing that would be dropped again.
func TestEveryEventInEveryState(t *testing.T) {
	t.Parallel()
	for _, event := range documented {
		for i, from := range invitation.DeliveryStates() {
			u, d := recipient(t, from)
			if err := tell(u, d, event.fields, 1, true); err != nil {
				t.Fatalf("%s: %v", event.name, err)
			}
			want := from
			if to, moves := letters[rune(event.becomes[i])]; moves {
				want = to
			}
			if d.State != want || u.Undeliverable != event.marked || (d.DropCause != "") != (d.State == invitation.Dropped && event.becomes[0] == 'R') {
				t.Errorf("%s turned %s into %s (%s), marked %q; want %s, %q", event.name, from, d.State, d.DropCause, u.Undeliverable, want, event.marked)
			}
			for _, a := range u.AvailableActions(invitation.TargetApp, sentAt) {
				if event.marked != "" && (a == invitation.ActionSend || a == invitation.ActionRenew) {
					t.Errorf("%s in %s: %s is offered", event.name, from, a)
				}
			}
		}
	}
	for i, from := range invitation.DeliveryStates() {
		u, d := recipient(t, from)
		err := tell(u, d, late, 1, false)
		sent := slices.Index(invitation.DeliveryStates(), from) >= 3 && from != invitation.Dropped
		want := from
		if to, moves := letters[rune(lateBecomes[i])]; moves {
			want = to
		}
		if (err == nil) != sent || d.State != want || (u.Undeliverable == invitation.CauseBounced) != sent {
			t.Errorf("a late bounce turned %s into %s, marked %q, error %v", from, d.State, u.Undeliverable, err)
		}
	}
}

// TestAnyOrderOfEvents: in whatever order what happened to a mail is told, and how
// often, it ends in one state, with one reason and time, and the address marked or
// not.
func TestAnyOrderOfEvents(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		// One event of each kind, in the order in which they can happen.
		var happened []int
		for i, event := range documented {
			first := slices.IndexFunc(documented, func(e documentedEvent) bool { return e.becomes == event.becomes })
			if first == i && event.becomes != "........." {
				last := i
				for last+1 < len(documented) && documented[last+1].becomes == event.becomes {
					last++
				}
				if rapid.Bool().Draw(rt, event.becomes) {
					happened = append(happened, rapid.IntRange(first, last).Draw(rt, "which"))
				}
			}
		}
		end := func(order []int) string {
			u, d := recipient(rt, invitation.Accepted)
			for _, i := range order {
				if err := tell(u, d, documented[i].fields, i, true); err != nil {
					rt.Fatal(err)
				}
			}
			return fmt.Sprint(d.State, d.Reason, d.DropCause, d.ChangedAt, u.Undeliverable != "")
		}
		order := rapid.Permutation(slices.Concat(happened, happened)).Draw(rt, "order")
		if one, other := end(happened), end(order); one != other {
			rt.Fatalf("%v ends as %s, and %v as %s", happened, one, order, other)
		}
	})
}
