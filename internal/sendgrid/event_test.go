package sendgrid

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/kiwi-ki/invitations/internal/dev/harness"
	"github.com/kiwi-ki/invitations/internal/invitation"
)

// events is a body as SendGrid writes it.
func events(all ...string) string { return "[" + strings.Join(all, ",") + "]\r\n" }

func bounceEvent(n int) string {
	return fmt.Sprintf(`{"email":"erika%d@kiwi.test","event":"bounce","type":"bounce","timestamp":1700000001,"reason":"550 5.1.1 user unknown","status":"5.1.1","sg_event_id":"b-%d","delivery_id":%q}`, n, n, message(n).DeliveryID)
}

func deliveredEvent(n int) string {
	return fmt.Sprintf(`{"email":"erika%d@kiwi.test","event":"delivered","timestamp":1700000002,"response":"250 2.0.0 OK","sg_event_id":"d-%d","delivery_id":%q}`, n, n, message(n).DeliveryID)
}

// one reads a single event of delivery 1 with the fields added.
func one(t *testing.T, fields string) invitation.Report {
	t.Helper()
	b, err := readBatch([]byte(events(fmt.Sprintf(`{"sg_event_id":"e","timestamp":1700000001,"delivery_id":%q,%s}`, message(1).DeliveryID, fields))), 10)
	if err != nil || len(b.reports) != 1 {
		t.Fatalf("%s: batch %+v, error %v", fields, b, err)
	}
	return b.reports[0]
}

func TestEvents(t *testing.T) {
	t.Parallel()
	tests := []struct {
		fields string
		state  invitation.DeliveryState
		reason string
		says   string // "for good", or why it was dropped
	}{
		{`"event":"processed","send_at":0`, invitation.Accepted, "", ""},
		{`"event":"delivered","response":"250 2.0.0 OK 1513299569 for erika@kiwi.test"`, invitation.Delivered, "", ""},
		{`"event":"spamreport"`, invitation.ReportedSpam, "", ""},
		{`"event":"deferred","response":"400 try again later","attempt":"5"`, invitation.Deferred, "400 try again later", ""},
		{`"event":"deferred","reason":"450 greylisted"`, invitation.Deferred, "450 greylisted", ""},
		{`"event":"deferred"`, invitation.Deferred, "", ""},
		{`"event":"bounce","type":"bounce","reason":"500 unknown recipient","status":"5.0.0"`, invitation.Bounced, "500 unknown recipient", "for good"},
		{`"event":"bounce","reason":"500 unknown recipient"`, invitation.Bounced, "500 unknown recipient", "for good"},
		{`"event":"bounce","type":null,"reason":null,"status":"5.1.1"`, invitation.Bounced, "5.1.1", "for good"},
		{`"event":"bounce","type":"bounce","reason":"Benutzer unbekannt","status":"5.1.1"`, invitation.Bounced, "5.1.1", "for good"},
		{`"event":"bounce","type":"bounce","reason":"Benutzer unbekannt","bounce_classification":"Invalid Address"`, invitation.Bounced, "Invalid Address: [redacted]", "for good"},
		{`"event":"bounce","type":"bounce","bounce_classification":"Mailbox Unavailable"`, invitation.Bounced, "Mailbox Unavailable", "for good"},
		{`"event":"bounce","type":"blocked","reason":"554 5.7.1 blocked","bounce_classification":"Reputation"`, invitation.Bounced, "Reputation: 554 5.7.1 blocked", ""},
		{`"event":"bounce","type":"blocked","bounce_classification":"Unclassified","reason":"unable to get mx info: failed to get IPs from PTR record: lookup <nil>: unrecognized address"`,
			invitation.Bounced, "unable to get mx info: failed to get IPs from PTR record: lookup [redacted] unrecognized address", ""},
		{`"event":"bounce","type":"expired"`, invitation.Bounced, "", ""},
		{`"event":"bounce","type":"bounce","status":"5.0.0","reason":"dial tcp 192.0.2.5:25: i/o timeout"`, invitation.Bounced, "dial tcp [redacted] timeout", ""},
		{`"event":"bounce","type":"bounce","status":"4.7.1","reason":"451 4.7.1 greylisted, try again later"`, invitation.Bounced, "451 4.7.1 greylisted, try again later", ""},
		{`"event":"bounce","type":"bounce","status":"4.2.2","reason":"452 4.2.2 mailbox full"`, invitation.Bounced, "452 4.2.2 mailbox full", ""},
		{`"event":"bounce","type":"bounce","status":"5.2.2","reason":"552 5.2.2 mailbox full"`, invitation.Bounced, "552 5.2.2 mailbox full", ""},
		{`"event":"bounce","type":"bounce","status":"5.7.1","bounce_classification":"Content","reason":"550 5.7.1 spam content"`, invitation.Bounced, "Content: 550 5.7.1 spam content", ""},
		{`"event":"bounce","type":"bounce","status":"5.1.8","reason":"553 5.1.8 sender rejected"`, invitation.Bounced, "553 5.1.8 sender rejected", ""},
		{`"event":"bounce","type":"bounce","reason":"550 no such user here"`, invitation.Bounced, "550 no such user here", "for good"},
		{`"event":"bounce","type":"bounced","status":"5.1.1"`, invitation.Bounced, "5.1.1", "for good"},
		{`"event":" BOUNCE ","type":"Bounce","status":"5.1.1"`, invitation.Bounced, "5.1.1", "for good"},
		{`"event":"bounced","status":"5.1.1"`, invitation.Bounced, "5.1.1", "for good"},
		{`"event":"bounce","type":"Blocked","status":"5.1.1"`, invitation.Bounced, "5.1.1", ""},
		{`"event":"bounce","type":"something new","status":"5.1.1"`, invitation.Bounced, "5.1.1", ""},
		{`"event":"bounce","type":"550 5.1.1 user unknown"`, invitation.Bounced, "550 5.1.1 user unknown", "for good"},
		{`"event":"bounce","type":"452 4.2.2 mailbox full"`, invitation.Bounced, "452 4.2.2 mailbox full", ""},
		{`"event":"bounce","type":"550 rejected","reason":"550 user unknown"`, invitation.Bounced, "550 user unknown", "for good"},
		{`"event":"bounce","type":"Invalid Address"`, invitation.Bounced, "Invalid Address", "for good"},
		{`"event":"bounce","type":"Content","reason":"550 spam"`, invitation.Bounced, "Content: 550 spam", ""},
		{`"event":"bounce","type":"Reputation","bounce_classification":"Invalid Address"`, invitation.Bounced, "Invalid Address", "for good"},
		{`"event":"bounce","type":"bounce","bounce_classification":"unclassified","status":"5.1.1"`, invitation.Bounced, "5.1.1", "for good"},
		{`"event":"bounce","type":"bounce","status":550`, invitation.Bounced, "550", "for good"},
		{`"event":"bounce","type":"bounce","response":"450 try again later"`, invitation.Bounced, "450 try again later", ""},
		{`"event":"bounce","type":"bounce","bounce_classification":"Invalid Address","reason":"451 4.7.1 greylisted"`, invitation.Bounced, "Invalid Address: 451 4.7.1 greylisted", ""},
		{`"event":"bounce","type":"bounce","bounce_classification":"Invalid Address","reason":"550 5.7.1 recipient rejected"`, invitation.Bounced, "Invalid Address: 550 5.7.1 recipient rejected", "for good"},
		{`"event":"bounce","type":"bounce","bounce_classification":"Invalid Address","reason":"550 5.7.1 rejected by policy"`, invitation.Bounced, "Invalid Address: 550 5.7.1 rejected by policy", ""},
		{`"event":"bounce","type":"bounce","bounce_classification":"Invalid Address","reason":"552 5.2.2 mailbox full"`, invitation.Bounced, "Invalid Address: 552 5.2.2 mailbox full", ""},
		{`"event":"bounce","type":"bounce","status":"5.1.1","reason":"552 5.2.2 over quota"`, invitation.Bounced, "552 5.2.2 over quota", ""},
		{`"event":"bounce","type":"bounce","status":"5.1.1","reason":"550 mailbox is full"`, invitation.Bounced, "550 mailbox is full", ""},
		{`"event":"bounce","type":"bounce","status":"5.1.1","reason":"550 blocked by policy: no such user"`, invitation.Bounced, "550 blocked by policy: no such user", "for good"},
		{`"event":"bounce","type":"bounce","status":"5.0.0","reason":"550 5.7.1 rejected"`, invitation.Bounced, "550 5.7.1 rejected", ""},
		{`"event":"bounce","type":"bounce","status":"5.0.0","reason":"dial tcp 5.1.1.7:25: refused"`, invitation.Bounced, "dial tcp [redacted] refused", ""},
		{`"event":"bounce","type":"bounce","reason":"550 5.2.1 mailbox disabled"`, invitation.Bounced, "550 5.2.1 mailbox disabled", "for good"},
		{`"event":"bounce","type":"bounce","reason":"550 5.2.0 no mailbox"`, invitation.Bounced, "550 5.2.0 no mailbox", "for good"},
		{`"event":"bounce","type":"bounce","reason":"550 5.2.0 spam"`, invitation.Bounced, "550 5.2.0 spam", ""},
		{`"event":"bounce","type":"bounce","reason":"550 5.5.0 no mailbox"`, invitation.Bounced, "550 5.5.0 no mailbox", "for good"},
		{`"event":"bounce","type":"bounce","reason":"550 5.5.1 unrecognized command"`, invitation.Bounced, "550 5.5.1 unrecognized command", ""},
		{`"event":"bounce","type":"bounce","reason":"550 5.4.1 recipient rejected"`, invitation.Bounced, "550 5.4.1 recipient rejected", ""},
		{`"event":"bounce","type":"bounce","reason":"553 5.1.7 sender rejected"`, invitation.Bounced, "553 5.1.7 sender rejected", ""},
		{`"event":"bounce","type":"bounce","reason":"550 user unknown in corporate directory"`, invitation.Bounced, "550 user unknown in [redacted]", "for good"},
		{`"event":"dropped","type":"Bounced Address"`, invitation.Dropped, "Bounced Address", "BOUNCED_ADDRESS"},
		{`"event":"Dropped","reason":" unsubscribed address "`, invitation.Dropped, "unsubscribed address", "UNSUBSCRIBED_ADDRESS"},
		{`"event":"dropped","type":"bounce","reason":"Spam Content"`, invitation.Dropped, "Spam Content", "SPAM_CONTENT"},
		{`"event":"DELIVERED","timestamp":"1700000001"`, invitation.Delivered, "", ""},
		{`"event":"dropped","reason":"Bounced Address","status":"5.0.0"`, invitation.Dropped, "Bounced Address", "BOUNCED_ADDRESS"},
		{`"event":"dropped","reason":"bounced address"`, invitation.Dropped, "bounced address", "BOUNCED_ADDRESS"},
		{`"event":"dropped","reason":"Invalid"`, invitation.Dropped, "Invalid", "INVALID_ADDRESS"},
		{`"event":"dropped","reason":"Invalid SMTPAPI header"`, invitation.Dropped, "Invalid SMTPAPI header", "INVALID_HEADER"},
		{`"event":"dropped","reason":"Unsubscribed Address"`, invitation.Dropped, "Unsubscribed Address", "UNSUBSCRIBED_ADDRESS"},
		{`"event":"dropped","reason":"Spam Reporting Address"`, invitation.Dropped, "Spam Reporting Address", "SPAM_REPORTING_ADDRESS"},
		{`"event":"dropped","reason":"Spam Content"`, invitation.Dropped, "Spam Content", "SPAM_CONTENT"},
		{`"event":"dropped","reason":"Recipient List over Package Quota"`, invitation.Dropped, "Recipient List over Package Quota", "OVER_QUOTA"},
		{`"event":"dropped","reason":"Something new"`, invitation.Dropped, "[redacted] new", "OTHER"},
		{`"event":"dropped"`, invitation.Dropped, "", "OTHER"},
		{`"event":"bounce","type":"bounce","status":"5.1.1","bounce_classification":"Technical Failure"`, invitation.Bounced, "Technical Failure", ""},
	}
	for _, test := range tests {
		want := invitation.Report{
			EventID: "e", DeliveryID: message(1).DeliveryID, State: test.state, Reason: test.reason,
			At: time.Unix(1700000001, 0).UTC(), ForGood: test.says == "for good",
		}
		if test.state == invitation.Dropped {
			want.DropCause = invitation.DropCause(test.says)
		}
		if got := one(t, test.fields); got != want {
			t.Errorf("%s:\n%+v, want\n%+v", test.fields, got, want)
		}
	}
}

func TestTimeOfAnEvent(t *testing.T) {
	t.Parallel()
	tests := map[string]time.Time{
		`1513299569`: time.Unix(1513299569, 0), `"1513299569"`: time.Unix(1513299569, 0), `1`: time.Unix(1, 0),
		`0`: {}, `-1`: {}, `1.5`: {}, `1e9`: {}, `null`: {}, `""`: {}, `"soon"`: {}, `{}`: {}, `[1]`: {}, `true`: {},
		`253402300800`: {}, `9223372036854775808`: {}, `1513299569000`: {},
	}
	for raw, want := range tests {
		if got := one(t, `"event":"delivered","timestamp":`+raw); !got.At.Equal(want) || got.At.IsZero() != want.IsZero() {
			t.Errorf("%s is %v, want %v", raw, got.At, want)
		}
	}
}

func TestEventsThatTellNothing(t *testing.T) {
	t.Parallel()
	ours := message(1).DeliveryID.String()
	tests := []struct {
		event string
		want  batch
	}{
		{`{"event":"open"}`, batch{ignored: 1}},
		{`{"event":"click","url":"https://kiwi.test/I/TOKEN1"}`, batch{ignored: 1}},
		{`{"event":"unsubscribe"}`, batch{ignored: 1}},
		{`{"event":"group_unsubscribe"}`, batch{ignored: 1}},
		{`{"event":"group_resubscribe"}`, batch{ignored: 1}},
		{`{"event":" Open "}`, batch{ignored: 1}},
		{`{"event":"something new"}`, batch{unheard: 1}},
		{`{"event":7}`, batch{unheard: 1}},
		{`null`, batch{malformed: 1}},
		{`7`, batch{malformed: 1}},
		{`"bounce"`, batch{malformed: 1}},
		{`[]`, batch{malformed: 1}},
		{`{}`, batch{malformed: 1}},
		{`{"event":null}`, batch{malformed: 1}},
		{`{"event":" "}`, batch{malformed: 1}},
		{`{"event":true}`, batch{malformed: 1}},
		{`{"event":["bounce"]}`, batch{malformed: 1}},
		// Other mails of the account.
		{`{"event":"bounce","sg_event_id":"e","delivery_id":""}`, batch{strangers: 1}},
		{`{"event":"bounce","sg_event_id":"e","delivery_id":null}`, batch{strangers: 1}},
		{`{"event":"bounce","sg_event_id":"e","delivery_id":["` + ours + `"]}`, batch{strangers: 1}},
		{`{"event":"bounce","sg_event_id":"e","delivery_id":"d-1"}`, batch{strangers: 1}},
		{`{"event":"bounce","sg_event_id":"e","delivery_id":7}`, batch{strangers: 1}},
		{`{"event":"bounce","sg_event_id":"e","delivery_id":"{` + ours + `}"}`, batch{strangers: 1}},
		{`{"event":"bounce","sg_event_id":"e","delivery_id":"urn:uuid:` + ours + `"}`, batch{strangers: 1}},
		{`{"event":"bounce","sg_event_id":"e","delivery_id":"` + ours + ` "}`, batch{strangers: 1}},
		{`{"event":"bounce","sg_event_id":"e","delivery_id":"` + strings.ReplaceAll(ours, "-", "") + `"}`, batch{strangers: 1}},
		{`{"event":"bounce","sg_event_id":"e","delivery_id":"` + uuid.Nil.String() + `"}`, batch{strangers: 1}},
		{`{"event":"bounce","sg_event_id":"e","unique_args":"` + ours + `"}`, batch{strangers: 1}},
		{`{"event":"bounce","sg_event_id":"e","unique_args":["` + ours + `"]}`, batch{strangers: 1}},
		{`{"event":"bounce","sg_event_id":"e","unique_args":{"delivery_id":{"a":"` + ours + `"}}}`, batch{strangers: 1}},
		// No asynchronous bounces: of a mail that SendGrid knows, of no time or id, to
		// no address; and what was not a bounce.
		{`{"event":"bounce","sg_event_id":"e","timestamp":1700000001,"sg_message_id":"m","email":"erika@kiwi.test"}`, batch{strangers: 1}},
		{`{"event":"bounce","sg_event_id":"e","sg_message_id":"","email":"erika@kiwi.test"}`, batch{strangers: 1}},
		{`{"event":"bounce","timestamp":1700000001,"email":"erika@kiwi.test"}`, batch{strangers: 1}},
		{`{"event":"bounce","sg_event_id":"e","timestamp":1700000001,"email":"Erika <erika@kiwi.test>"}`, batch{strangers: 1}},
		{`{"event":"bounce","sg_event_id":"e","timestamp":1700000001}`, batch{strangers: 1}},
		{`{"event":"dropped","sg_event_id":"e","timestamp":1700000001,"email":"erika@kiwi.test"}`, batch{strangers: 1}},
		{`{"event":"delivered","sg_event_id":"e","timestamp":1700000001,"email":"erika@kiwi.test"}`, batch{strangers: 1}},
	}
	for _, test := range tests {
		// Between two good ones, so that it doesn't take others down with it.
		got, err := readBatch([]byte(events(bounceEvent(1), test.event, deliveredEvent(2))), 10)
		if err != nil || len(got.reports) != 2 {
			t.Errorf("%s: %d reports, error %v", test.event, len(got.reports), err)
		}
		got.reports, got.seen, test.want.events = nil, nil, 3
		if !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %+v, want %+v", test.event, got, test.want)
		}
	}
}

func TestBodiesThatAreNoEvents(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		"", " ", "\r\n", "{}", "null", "true", "7", `"[]"`, "[", "]", "[[", "[,]", "[{},]", "[{}{}]", "[{}", "[{]", "[{}]]", "[{}]{}", "[] []", "[]x",
		"[{}]\x00", "\ufeff[]", bounceEvent(1), bounceEvent(1) + bounceEvent(2), "[" + bounceEvent(1), events(bounceEvent(1))[:100],
		"event=bounce&sg_event_id=e", "<events/>", strings.Repeat("[", 100_000), "[" + strings.Repeat(`{"event":`, 100_000),
	} {
		if b, err := readBatch([]byte(body), 1000); err == nil || b.events != 0 {
			t.Errorf("%.60q: %+v, no error", body, b)
		}
	}
	for _, body := range []string{"[]", " [ ] ", "[]\r\n", "\n[{}]\n"} {
		if _, err := readBatch([]byte(body), 1); err != nil {
			t.Errorf("%q: %v", body, err)
		}
	}
}

func TestDuplicatesInABatch(t *testing.T) {
	t.Parallel()
	b, err := readBatch([]byte(events(bounceEvent(1), deliveredEvent(1), bounceEvent(1), bounceEvent(2), bounceEvent(1))), 10)
	if err != nil || b.events != 5 || b.duplicates != 2 || len(b.reports) != 3 {
		t.Fatalf("batch %+v, error %v", b, err)
	}
	for i, want := range []string{"b-1", "d-1", "b-2"} {
		if got := b.reports[i].EventID; got != want {
			t.Errorf("report %d is %s, want %s", i, got, want)
		}
	}
}

// TestOurMail: the mail is found in whatever way the event names it.
func TestOurMail(t *testing.T) {
	t.Parallel()
	ours := message(1).DeliveryID
	for _, fields := range []string{
		`"delivery_id":"%s"`, `"unique_args":{"delivery_id":"%s"}`, `"custom_args":{"delivery_id":"%s"}`,
		`"delivery_id":"","unique_args":{"delivery_id":"%s","other":7}`, `"unique_args":[],"custom_args":{"delivery_id":"%s"}`,
	} {
		for _, id := range []string{ours.String(), strings.ToUpper(ours.String())} {
			b, err := readBatch([]byte(events(`{"event":"delivered","sg_event_id":"e",`+fmt.Sprintf(fields, id)+`}`)), 10)
			if err != nil || len(b.reports) != 1 || b.reports[0].DeliveryID != ours || b.reports[0].To.Known() {
				t.Errorf("%s with %s: %+v, error %v", fields, id, b, err)
			}
		}
	}
}

// TestNoEventID: what tells of our mail is taken without an id too, and the same
// content once. What the database could not take for an id is none.
func TestNoEventID(t *testing.T) {
	t.Parallel()
	event := func(more string) string {
		return fmt.Sprintf(`{"event":"bounce","timestamp":1700000001,"status":"5.1.1","reason":"550 for erika@kiwi.test","delivery_id":%q%s}`, message(1).DeliveryID, more)
	}
	idOf := func(event string) string {
		b, err := readBatch([]byte(events(event, event)), 10)
		if err != nil || len(b.reports) != 1 || b.duplicates != 1 {
			t.Fatalf("%s: %+v, error %v", event, b, err)
		}
		return b.reports[0].EventID
	}
	base := idOf(event(""))
	if !text(base).isID() || idOf(event(`,"sg_event_id":"e"`)) != "e" || idOf(event(`,"sg_event_id":7`)) != "7" {
		t.Errorf("ids %q", base)
	}
	for _, usable := range []string{"!~", strings.Repeat("a", 100)} {
		if id := idOf(event(`,"sg_event_id":"` + usable + `"`)); id != usable {
			t.Errorf("%s is kept as %s", usable, id)
		}
	}
	for _, unusable := range []string{`""`, `null`, `{}`, `"a\u0000b"`, `"a b"`, `"ä"`, `"` + strings.Repeat("a", 101) + `"`} {
		if id := idOf(event(`,"sg_event_id":` + unusable)); id != base {
			t.Errorf("%s is kept as %s, want %s", unusable, id, base)
		}
	}
	seen := map[string]bool{base: true}
	for _, other := range []string{
		`,"timestamp":1700000002`, `,"timestamp":null`, `,"status":"5.1.2"`, `,"reason":"550 unknown"`, `,"event":"deferred"`,
		`,"delivery_id":"` + message(2).DeliveryID.String() + `"`,
	} {
		if id := idOf(event(other)); seen[id] {
			t.Errorf("%s is taken for another event", other)
		} else {
			seen[id] = true
		}
	}
	if other := idOf(event(`,"reason":"550 for max@kiwi.test"`)); other != base {
		t.Errorf("%s tells an address in the reason from another", other)
	}
}

// TestLateBounce: one that came by a mail of its own is read with its address.
func TestLateBounce(t *testing.T) {
	t.Parallel()
	b, err := readBatch([]byte(events(`{"email":"Erika@xn--mller-kva.example","timestamp":1795775000,"sg_event_id":"e","event":"bounce","type":"bounce","status":"5.1.10",
		"reason":"550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found by SMTP address lookup","sg_message_id":""}`)), 10)
	want := invitation.Report{
		EventID: "e", To: invitation.NewEmail("Erika@müller.example", "erika@xn--mller-kva.example"), State: invitation.Bounced,
		Reason: "550 5.1.10 [redacted] not found by SMTP address lookup", At: time.Unix(1795775000, 0).UTC(), ForGood: true,
	}
	if err != nil || len(b.reports) != 1 || b.reports[0] != want {
		t.Errorf("%+v, error %v", b, err)
	}
}

// TestPermutations: the order of the reports is that of the events, whatever
// it is. Which one counts is decided where all that came before is known.
func TestPermutations(t *testing.T) {
	t.Parallel()
	all := []string{bounceEvent(1), deliveredEvent(1), deliveredEvent(2), bounceEvent(2)}
	ids := []string{"b-1", "d-1", "d-2", "b-2"}
	harness.Permutations(len(all), func(order []int) {
		var body []string
		for _, i := range order {
			body = append(body, all[i])
		}
		b, err := readBatch([]byte(events(body...)), 10)
		if err != nil || len(b.reports) != len(all) {
			t.Fatalf("batch %+v, error %v", b, err)
		}
		for at, i := range order {
			if b.reports[at].EventID != ids[i] {
				t.Errorf("order %v: %s is at %d", order, b.reports[at].EventID, at)
			}
		}
	})
}

func TestReply(t *testing.T) {
	t.Parallel()
	tests := []struct{ said, want string }{
		{"", ""},
		{" - ", ""},
		{"550", "550"},
		{"550 5.1.1 The email account that you tried to reach does not exist. Please try double-checking the recipient's email address for typos or unnecessary spaces. Learn more at https://mail.example/?p=NoSuchUser qy3si50924603pab.12 - gsmtp",
			"550 5.1.1 The email account that you tried to reach does not exist. Please try double-checking the recipient's email address for typos or unnecessary spaces. Learn more at [redacted]"},
		{"550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient foo@bar.example not found by SMTP address lookup", "550 5.1.10 [redacted] Recipient [redacted] not found by SMTP address lookup"},
		{"550-5.7.1 [192.0.2.7 12] message blocked", "550-5.7.1 [redacted] message blocked"},
		{"450 4.2.0 <erika@kiwi.test>: Recipient address rejected: Greylisted, see http://kiwi.test/I/TOKEN1", "450 4.2.0 [redacted] Recipient address rejected: Greylisted, see [redacted]"},
		{"550 Ms Erika Mustermann has left, call +49 30 123456", "550 [redacted] has [redacted]"},
		{"erika@kiwi.test", ""},
		{"5.1.1.1 999 12345 550550 5.1 //:// a//b", ""},
		{"user \u212anown", "user [redacted]"},
		{"user_unknown user\u00a0unknown USER", "[redacted] user unknown USER"},
		{strings.Repeat("user ", 39) + "users", strings.Repeat("user ", 39) + "users"},
		{strings.Repeat("user ", 40) + "users", strings.Repeat("user ", 39) + "us..."},
	}
	for _, test := range tests {
		if got := harmlessReply(test.said); got != test.want {
			t.Errorf("%q:\n%q, want\n%q", test.said, got, test.want)
		}
	}
}

func TestReplyHasNothingPersonal(t *testing.T) {
	t.Parallel()
	forms := []string{
		"%", "550 5.1.1 %", "550 user % unknown", "550-5.1.1-%", "<%>", "[%]", "(%)", "'%'", "`%`", "\"%\"", "mailto:%", "user/%", "user-%", "%-user", "%'s mailbox",
		"%.", "%:", "to=<%>,", "550 5.1.1 <%>: Recipient address rejected", "user\u200b%", strings.Repeat("a ", maxReply/2-3) + "%",
	}
	for _, secret := range secrets {
		for _, form := range forms {
			for _, kind := range []string{`"event":"bounce","reason":`, `"event":"deferred","response":`, `"event":"dropped","reason":`, `"event":"bounce","status":`, `"event":"bounce","bounce_classification":`} {
				said, _ := json.Marshal(strings.ReplaceAll(form, "%", secret))
				got := strings.ToLower(one(t, kind+string(said)).Reason)
				for _, leak := range []string{strings.ToLower(secret), "erika", "mustermann", "mller", "token1", "canary", "@", "://"} {
					if strings.Contains(got, leak) {
						t.Fatalf("reason %q of %s%s", got, kind, said)
					}
				}
			}
		}
	}
}

// FuzzWebhook: whatever a signed body is, it is read without a panic, every
// event in it is counted once, and nothing gets into a report that the
// database can't take or an operator shouldn't read.
func FuzzWebhook(f *testing.F) {
	const limit = 50
	f.Add(events(bounceEvent(1), deliveredEvent(1), bounceEvent(1)))
	f.Add(`[{"event":"deferred","response":"450 4.2.0 <erika@kiwi.test>: Recipient address rejected: Greylisted, see http://kiwi.test","sg_event_id":"e","delivery_id":"` + message(1).DeliveryID.String() + `","timestamp":"1700000000"}]`)
	f.Add(`[{"event":"bounce","type":"blocked","reason":"a/b-c 5.1.1 's '","sg_event_id":"e","delivery_id":"` + message(1).DeliveryID.String() + `"}]`)
	f.Add(`[null,7,"x",[],{},{"event":"open"},{"event":"dropped","reason":"Invalid"}]`)
	f.Add(`[{"event":"bounce","sg_event_id":"\u0000"}`)
	f.Add(`[{"event":"bounce","type":"bounce","status":"5.1.1","sg_event_id":"e","timestamp":1,"email":"erika@kiwi.test","sg_message_id":""}]`)
	f.Add(`[{"event":"bounce","unique_args":{"delivery_id":"` + message(1).DeliveryID.String() + `"}},{"event":"account_status_change","type":"x"}]`)
	f.Add("[[[[")
	f.Fuzz(func(t *testing.T, body string) {
		b, err := readBatch([]byte(body), limit)
		if err != nil {
			if b.events != 0 || b.reports != nil {
				t.Errorf("%+v with error %v", b, err)
			}
			return
		}
		var all []json.RawMessage
		if json.Unmarshal([]byte(body), &all) != nil || len(all) != b.events || b.events > limit {
			t.Errorf("%d events, the array has %d", b.events, len(all))
		}
		if n := len(b.reports) + len(b.account) + b.duplicates + b.ignored + b.unheard + b.malformed + b.strangers; n != b.events {
			t.Errorf("%d of %d events are counted", n, b.events)
		}
		seen := map[string]bool{}
		for _, r := range b.reports {
			if seen[r.EventID] || r.EventID == "" || len(r.EventID) > maxEventID || strings.ContainsFunc(r.EventID, func(c rune) bool { return c <= ' ' || c > '~' }) {
				t.Errorf("event id %q", r.EventID)
			}
			seen[r.EventID] = true
			if r.DeliveryID == uuid.Nil != r.To.Known() || r.State == "" || r.At.Year() > 9999 {
				t.Errorf("report %+v", r)
			}
			checkReason(t, r.Reason)
		}
	})
}

// checkReason wants no word but those of the vocabulary and status codes.
func checkReason(t *testing.T, reason string) {
	t.Helper()
	whole, cut := strings.CutSuffix(reason, "...")
	words := strings.Fields(whole)
	if cut && len(words) > 0 {
		words = words[:len(words)-1]
	}
	for _, word := range words {
		if word == redacted {
			continue
		}
		word = strings.TrimSuffix(strings.ToLower(strings.TrimRight(word, ".,:;")), "'s")
		for part := range strings.FieldsFuncSeq(word, func(r rune) bool { return r == '-' || r == '/' }) {
			if !vocabulary[part] && !regexp.MustCompile(`^[245][0-9.]{2,8}$`).MatchString(part) {
				t.Errorf("word %q in the reason %q", word, reason)
			}
		}
	}
	if len(reason) > maxReason || strings.ContainsFunc(reason, func(r rune) bool { return r < ' ' || r > '~' }) {
		t.Errorf("reason %q", reason)
	}
}

func TestVocabularyIsLowerCaseWords(t *testing.T) {
	t.Parallel()
	for word := range vocabulary {
		if !regexp.MustCompile(`^[a-z]+('t)?$`).MatchString(word) {
			t.Errorf("word %q", word)
		}
	}
}
