package sendgrid

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// maxEventID is SendGrid's own bound for an event's id, in characters.
const maxEventID = 100

var (
	errNotEvents     = errors.New("the body is no JSON array")
	errTooManyEvents = errors.New("there are too many events")
)

// event is what is read of an event of the Event Webhook. The custom
// arguments of the mail lie flat among SendGrid's own fields. The address is
// not read at all.
//
// Source: Twilio SendGrid, Event Webhook Reference.
type event struct {
	Kind           text   `json:"event"`
	ID             text   `json:"sg_event_id"`
	DeliveryID     text   `json:"delivery_id"`
	Timestamp      second `json:"timestamp"`
	Type           text   `json:"type"`
	Reason         text   `json:"reason"`
	Response       text   `json:"response"`
	Status         text   `json:"status"`
	Classification text   `json:"bounce_classification"`
}

// kinds are the events that tell of a delivery. There are others, about opens,
// clicks and subscriptions, and there may be new ones: they are passed over.
var kinds = map[text]invitation.DeliveryState{
	"processed":  invitation.Accepted,
	"deferred":   invitation.Deferred,
	"delivered":  invitation.Delivered,
	"bounce":     invitation.Bounced,
	"dropped":    invitation.Dropped,
	"spamreport": invitation.ReportedSpam,
}

// batch is what a request tells.
type batch struct {
	reports    []invitation.Report // in the order of the events
	events     int
	duplicates int // of an event in the same batch
	ignored    int // of a kind that tells nothing about a delivery
	malformed  int
	// strangers carry no delivery id of ours: other mails of the account, and
	// asynchronous bounces, which SendGrid can't attribute to a mail. The next
	// mail to an address that bounced so is dropped, and that is attributed.
	strangers int
}

// readBatch fails on what is no array, and on more than so many events. An
// event that can't be read is counted and left out: an error would make
// SendGrid repeat it with all others for 24 hours, and then drop them.
func readBatch(body []byte, maxEvents int) (batch, error) {
	var b batch
	seen := map[text]bool{}
	decoder := json.NewDecoder(bytes.NewReader(body))
	if start, err := decoder.Token(); err != nil || start != json.Delim('[') {
		return batch{}, errNotEvents
	}
	for decoder.More() {
		var raw json.RawMessage
		if decoder.Decode(&raw) != nil {
			return batch{}, errNotEvents
		}
		if b.events++; b.events > maxEvents {
			return batch{}, errTooManyEvents
		}
		b.add(raw, seen)
	}
	if _, err := decoder.Token(); err != nil {
		return batch{}, errNotEvents
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return batch{}, errNotEvents
	}
	return b, nil
}

func (b *batch) add(raw json.RawMessage, seen map[text]bool) {
	var e event
	if json.Unmarshal(raw, &e) != nil || e.Kind == "" {
		b.malformed++
		return
	}
	state, tells := kinds[e.Kind]
	id, ours := deliveryID(e.DeliveryID)
	switch {
	case !tells:
		b.ignored++
	case !e.ID.isID():
		b.malformed++
	case seen[e.ID]:
		b.duplicates++
	case !ours:
		seen[e.ID] = true
		b.strangers++
	default:
		seen[e.ID] = true
		b.reports = append(b.reports, invitation.Report{
			EventID: string(e.ID), DeliveryID: id, State: state,
			Reason: e.reason(), At: time.Time(e.Timestamp), Cause: e.cause(),
		})
	}
}

// deliveryID takes a UUID in the form that we gave SendGrid, and no other that
// the library knows.
func deliveryID(given text) (uuid.UUID, bool) {
	id, err := uuid.Parse(string(given))
	return id, err == nil && id != uuid.Nil && id.String() == string(given)
}

// reason is one line on why a mail did not arrive, and empty if it did or may.
func (e event) reason() string {
	switch e.Kind {
	case "deferred", "bounce", "dropped":
	default:
		return ""
	}
	said := string(cmp.Or(e.Reason, e.Response))
	class := string(e.Classification)
	switch {
	case class == "", class == "Unclassified":
	case said == "":
		said = class
	default:
		said = class + ": " + said
	}
	return cmp.Or(harmlessReply(said), harmlessReply(string(e.Status)))
}

// text is a JSON string, and empty for everything else.
type text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(raw []byte) error {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		s = ""
	}
	*t = text(s)
	return nil
}

// isID accepts what SendGrid gives, URL-safe base64, with room for other
// printable forms.
func (t text) isID() bool {
	return t != "" && len(t) <= maxEventID &&
		!strings.ContainsFunc(string(t), func(r rune) bool { return r <= ' ' || r > '~' })
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
