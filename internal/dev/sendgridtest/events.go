package sendgridtest

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// account is SendGrid's number for the sender; a part of every event's id.
const account = "12345678"

// event is one object of the array that the webhook posts. The custom
// arguments lie flat among SendGrid's own fields.
type event map[string]any

// step is an event of a mail's life and how long after the acceptance it is
// posted.
type step struct {
	kind   string
	after  time.Duration
	fields event
}

// life is what happens to a mail. The local part of its address decides, up
// to a "+", so that bounce+anna@example.com bounces too.
func life(address string, w Webhook) []step {
	processed := step{kind: "processed", after: w.Delay, fields: event{"send_at": 0}}
	delivered := step{kind: "delivered", after: w.Delay, fields: event{"response": "250 2.0.0 OK", "ip": "192.0.2.25", "tls": 1}}

	local, _, _ := strings.Cut(address, "@")
	local, _, _ = strings.Cut(local, "+")
	switch strings.ToLower(local) {
	case "bounce":
		return []step{processed, {kind: "bounce", after: w.Delay, fields: event{
			"type": "bounce", "status": "5.1.1", "bounce_classification": "Invalid Address",
			"reason": "550 5.1.1 The email account that you tried to reach does not exist",
		}}}
	case "drop":
		return []step{{kind: "dropped", after: w.Delay, fields: event{"reason": "Bounced Address", "status": "5.0.0"}}}
	case "spam":
		return []step{processed, delivered, {kind: "spamreport", after: w.Delay}}
	case "defer":
		deferred := step{kind: "deferred", after: w.Delay, fields: event{
			"response": "450 4.2.1 The user is receiving mail too quickly, try again later", "attempt": "1",
		}}
		return later([]step{processed, deferred}, delivered, w.DeferredFor)
	case "slow":
		return later([]step{processed}, delivered, w.SlowFor)
	}
	return []step{processed, delivered}
}

// later adds the last step after a while, or never when d isn't positive.
func later(steps []step, last step, d time.Duration) []step {
	if d <= 0 {
		return steps
	}
	last.after += d
	return append(steps, last)
}

// occur turns a step into the event. Ids have SendGrid's form: that of the
// event says which event of which mail it is, in URL-safe base64, and that of
// the message starts with the X-Message-Id of the answer.
func (s step) occur(m Message, n int) event {
	e := event{}
	for name, value := range m.CustomArgs {
		e[name] = value
	}
	maps.Copy(e, s.fields)
	id := fmt.Sprintf("%s-%d-%s-%s-0", s.kind, n, account, m.ID)
	e["event"] = s.kind
	e["email"] = m.To
	// Whole seconds, as SendGrid has them; one more for each step, so that
	// the order can be told.
	e["timestamp"] = m.ReceivedAt.Add(s.after).Unix() + int64(n)
	e["sg_event_id"] = base64.RawURLEncoding.EncodeToString([]byte(id))
	e["sg_message_id"] = m.ID + ".recvd-5f54b5d587-abcde-1-64F0AA11-1.0"
	e["smtp-id"] = "<" + m.ID + "@geopod-ismtpd-1>"
	if len(m.Categories) > 0 {
		e["category"] = m.Categories
	}
	return e
}

// sendEvents hands the lives of mails to the webhook.
func (e *Emulator) sendEvents(messages []Message) {
	if e.hook == nil {
		return
	}
	faults := e.Faults().Webhook
	now := time.Now()
	for _, m := range messages {
		e.hook.add(posts(m, e.hook.config, faults, now))
	}
}

// posts groups a life's events: those that are due together, in one post.
func posts(m Message, w Webhook, faults WebhookFaults, now time.Time) []*post {
	var all []*post
	for n, s := range life(m.To, w) {
		due := now.Add(s.after)
		occurred := s.occur(m, n)
		if last := len(all) - 1; last >= 0 && all[last].due.Equal(due) && !faults.Disorder {
			all[last].events = append(all[last].events, occurred)
			continue
		}
		all = append(all, &post{due: due, events: []event{occurred}, alone: faults.Disorder})
	}
	if faults.Disorder {
		// The last goes first, so all wait for it.
		last := all[len(all)-1].due
		slices.Reverse(all)
		for _, p := range all {
			p.due = last
		}
	}
	for _, p := range all[:len(all):len(all)] {
		for range faults.Duplicates {
			all = append(all, &post{due: p.due, events: p.events, alone: true})
		}
	}
	return all
}
