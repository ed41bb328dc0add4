package sendgrid

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/mailaddr"
)

// maxEventID is SendGrid's own bound for an event's id, in characters.
const maxEventID = 100

// event is what is read of an event of the Event Webhook. The custom
// arguments of the mail lie flat among SendGrid's own fields, or, for some
// accounts, in an object.
//
// Source: Twilio SendGrid, Event Webhook Reference.
type event struct {
	Kind           text   `json:"event"`
	ID             text   `json:"sg_event_id"`
	MessageID      text   `json:"sg_message_id"`
	DeliveryID     text   `json:"delivery_id"`
	UniqueArgs     args   `json:"unique_args"`
	CustomArgs     args   `json:"custom_args"`
	Timestamp      second `json:"timestamp"`
	Type           text   `json:"type"`
	Reason         text   `json:"reason"`
	Response       text   `json:"response"`
	Status         text   `json:"status"`
	Classification text   `json:"bounce_classification"`
	// Email is read of a bounce that nothing else attributes, and of no other.
	Email text `json:"email"`
}

// kinds are the events that tell of a delivery.
var kinds = map[text]invitation.DeliveryState{
	"processed":  invitation.Accepted,
	"deferred":   invitation.Deferred,
	"delivered":  invitation.Delivered,
	"bounce":     invitation.Bounced,
	"bounced":    invitation.Bounced,
	"dropped":    invitation.Dropped,
	"spamreport": invitation.ReportedSpam,
}

// accountKind tells of the account, not of a mail.
const accountKind = "account_status_change"

// otherKinds are about what readers do, and tell nothing about a delivery.
var otherKinds = set("open click unsubscribe group_unsubscribe group_resubscribe")

// readEvent also brings what SendGrid writes in more than one way into one.
func readEvent(raw json.RawMessage) (e event, ok bool) {
	if json.Unmarshal(raw, &e) != nil {
		return event{}, false
	}
	e.Kind = text(plain(e.Kind))
	e.readType()
	return e, e.Kind != ""
}

func plain(t text) string { return strings.ToLower(strings.TrimSpace(string(t))) }

// report is what an event says of one of our mails, or of an address; ok is
// false if it can't be told of which.
func (e event) report() (r invitation.Report, ok bool) {
	r = invitation.Report{
		EventID: string(e.ID), DeliveryID: e.deliveryID(), State: kinds[e.Kind],
		Reason: e.reason(), At: time.Time(e.Timestamp), ForGood: e.forGood(), DropCause: e.dropCause(),
	}
	if r.DeliveryID == uuid.Nil {
		r.To, ok = e.lateBounce()
		return r, ok
	}
	if !e.ID.isID() {
		r.EventID = e.contentID(r)
	}
	return r, true
}

// deliveryID is uuid.Nil for other mails of the account, and for bounces that
// SendGrid can't attribute. It takes a UUID as we gave it to SendGrid, in any
// case, and in no other form that the library knows.
func (e event) deliveryID() uuid.UUID {
	for _, given := range []text{e.DeliveryID, e.UniqueArgs.DeliveryID, e.CustomArgs.DeliveryID} {
		id, err := uuid.Parse(string(given))
		if err == nil && strings.EqualFold(id.String(), string(given)) && id != uuid.Nil {
			return id
		}
	}
	return uuid.Nil
}

// lateBounce is the address of an asynchronous bounce: the recipient's server
// had taken the mail, and answered later with a mail of its own. Then SendGrid
// knows neither the message nor its custom arguments, only whom it was for and
// when. A bounce that has a message's id is of another sender in the account.
func (e event) lateBounce() (invitation.Email, bool) {
	if kinds[e.Kind] != invitation.Bounced || e.MessageID != "" || !e.ID.isID() || time.Time(e.Timestamp).IsZero() {
		return invitation.Email{}, false
	}
	to, err := mailaddr.Parse(string(e.Email))
	return to, err == nil
}

// contentID stands for the id of an event that came without one that can be
// used: the same content has the same one. It is made of what is kept of the
// event anyway, so that it is no hash of an address that the reason may quote.
func (e event) contentID(r invitation.Report) string {
	hash := sha256.New()
	_, _ = fmt.Fprintf(hash, "%s\n%s\n%d\n%s\n%s", r.DeliveryID, r.State, r.At.Unix(), harmlessReply(string(e.Status)), r.Reason)
	return "content:" + base64.RawURLEncoding.EncodeToString(hash.Sum(nil))
}

// reason is one line on why a mail did not arrive, and empty if it did or may.
func (e event) reason() string {
	switch kinds[e.Kind] {
	case invitation.Deferred, invitation.Bounced, invitation.Dropped:
	default:
		return ""
	}
	said := string(cmp.Or(e.Reason, e.Response))
	class := string(e.Classification)
	switch {
	case class == "", plain(e.Classification) == "unclassified":
	case said == "":
		said = class
	default:
		said = class + ": " + said
	}
	return cmp.Or(harmlessReply(said), harmlessReply(string(e.Status)))
}

// text is a JSON string, or a number as it is written, and empty for everything
// else.
type text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(raw []byte) error {
	var s string
	var n json.Number
	switch {
	case json.Unmarshal(raw, &s) == nil:
		*t = text(s)
	case json.Unmarshal(raw, &n) == nil:
		*t = text(n)
	default:
		*t = ""
	}
	return nil
}

// isID accepts what SendGrid gives, URL-safe base64, with room for other
// printable forms.
func (t text) isID() bool {
	return t != "" && len(t) <= maxEventID &&
		!strings.ContainsFunc(string(t), func(r rune) bool { return r <= ' ' || r > '~' })
}

// args is an object with our custom arguments; one of another type is empty.
type args struct{ DeliveryID text }

// UnmarshalJSON implements json.Unmarshaler.
func (a *args) UnmarshalJSON(raw []byte) error {
	var object struct {
		DeliveryID text `json:"delivery_id"`
	}
	_ = json.Unmarshal(raw, &object)
	a.DeliveryID = object.DeliveryID
	return nil
}

// second is a point in Unix time, as a number or as a string of digits. It is
// zero for everything else: an event whose time is unknown still happened.
type second time.Time

// UnmarshalJSON implements json.Unmarshaler.
func (s *second) UnmarshalJSON(raw []byte) error {
	const year10000 = 253402300800
	n, err := strconv.ParseInt(strings.Trim(string(raw), `"`), 10, 64)
	if *s = (second{}); err == nil && n > 0 && n < year10000 {
		*s = second(time.Unix(n, 0).UTC())
	}
	return nil
}
