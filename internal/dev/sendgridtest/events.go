package sendgridtest

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"time"
)

// accountID is SendGrid's number for the sender; a part of every event's id.
const accountID = "12345678"

// event is one object of the array that the webhook posts. The custom
// arguments lie flat among SendGrid's own fields.
type event map[string]any

// occur turns a step into the event. Ids have SendGrid's form: that of the
// event says which event of which mail it is, in URL-safe base64, and that of
// the message starts with the X-Message-Id of the answer.
func (s step) occur(m Message, n int, after time.Duration) event {
	e := event{}
	if !s.unnamed {
		for name, value := range m.CustomArgs {
			e[name] = value
		}
		e["smtp-id"] = "<" + m.ID + "@geopod-ismtpd-1>"
		if len(m.Categories) > 0 {
			e["category"] = m.Categories
		}
	}
	maps.Copy(e, s.fields)
	id := fmt.Sprintf("%s-%d-%s-%s-0", s.kind, n, accountID, m.ID)
	e["event"] = s.kind
	e["email"] = m.To
	// Whole seconds, as SendGrid has them; one more for each step, so that
	// the order can be told.
	e["timestamp"] = m.ReceivedAt.Add(after).Unix() + int64(n)
	e["sg_event_id"] = base64.RawURLEncoding.EncodeToString([]byte(id))
	e["sg_message_id"] = m.ID + ".recvd-5f54b5d587-abcde-1-64F0AA11-1.0"
	if s.unnamed {
		e["sg_message_id"] = ""
	}
	return e
}

// sendEvents hands the lives of mails to the webhook.
func (e *Emulator) sendEvents(messages []Message, lives []fate) {
	if e.hook == nil {
		return
	}
	faults := e.Faults().Webhook
	now := time.Now()
	for i, m := range messages {
		e.hook.add(posts(m, lives[i], e.hook.config, faults, now))
	}
}

// posts groups a life's events: those that are due together, in one post.
func posts(m Message, life fate, w Webhook, faults WebhookFaults, now time.Time) []*post {
	var all []*post
	for n, s := range life.steps {
		after, _ := s.wait.after(w)
		due := now.Add(after)
		occurred := s.occur(m, n, after)
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
