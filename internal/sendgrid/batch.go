package sendgrid

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

var (
	errNotEvents     = errors.New("the body is no JSON array")
	errTooManyEvents = errors.New("there are too many events")
)

// batch is what a request tells.
type batch struct {
	reports    []invitation.Report // in the order of the events
	account    []accountChange     // in the order of the events
	events     int
	duplicates int // of an event in the same batch
	ignored    int // of a kind that tells nothing about a delivery
	unheard    int // of a kind that SendGrid did not have when this was written
	malformed  int
	// strangers carry no delivery id of ours, and are no asynchronous bounces:
	// other mails of the account.
	strangers int

	seen map[string]bool // ids of reports
}

// readBatch fails on what is no array, and on more than so many events. An
// event that can't be read is counted and left out: an error would make
// SendGrid repeat it with all others for 24 hours, and then drop them.
func readBatch(body []byte, maxEvents int) (batch, error) {
	b := batch{seen: map[string]bool{}}
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
		b.add(raw)
	}
	if _, err := decoder.Token(); err != nil {
		return batch{}, errNotEvents
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return batch{}, errNotEvents
	}
	return b, nil
}

func (b *batch) add(raw json.RawMessage) {
	e, readable := readEvent(raw)
	_, tells := kinds[e.Kind]
	switch {
	case !readable:
		b.malformed++
	case tells:
		b.addReport(e)
	case e.Kind == accountKind:
		b.account = append(b.account, e.accountChange())
	case otherKinds[string(e.Kind)]:
		b.ignored++
	default:
		b.unheard++
	}
}

func (b *batch) addReport(e event) {
	switch r, ok := e.report(); {
	case !ok:
		b.strangers++
	case b.seen[r.EventID]:
		b.duplicates++
	default:
		b.seen[r.EventID] = true
		b.reports = append(b.reports, r)
	}
}

// overQuota counts the mails that were dropped for the account's sake.
func (b batch) overQuota() (n int) {
	for _, r := range b.reports {
		if r.DropCause == invitation.DropOverQuota {
			n++
		}
	}
	return n
}

// counts has every event once; "states" are of the reports.
func (b batch) counts() []slog.Attr {
	byState := map[invitation.DeliveryState]int{}
	for _, r := range b.reports {
		byState[r.State]++
	}
	var states []slog.Attr
	for _, s := range []invitation.DeliveryState{
		invitation.Accepted, invitation.Deferred, invitation.Delivered,
		invitation.Dropped, invitation.Bounced, invitation.ReportedSpam,
	} {
		if byState[s] != 0 {
			states = append(states, slog.Int(string(s), byState[s]))
		}
	}
	return []slog.Attr{
		slog.Int("events", b.events), slog.GroupAttrs("states", states...), slog.Int("account", len(b.account)),
		slog.Int("duplicates", b.duplicates), slog.Int("ignored", b.ignored), slog.Int("unheard", b.unheard), slog.Int("malformed", b.malformed),
	}
}

// lag is how long ago the oldest report was made; zero without any.
func (b batch) lag(now time.Time) (longest time.Duration) {
	for _, r := range b.reports {
		longest = max(longest, now.Sub(r.At))
	}
	return longest
}
