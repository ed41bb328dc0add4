package sendgridtest

import (
	"slices"
	"strings"
	"time"
)

// fate is what becomes of a mail. The local part of its address decides, up to
// a "+", so that bounce+anna@example.com bounces too.
type fate struct {
	Local string
	Tells string // for people
	steps []step
	list  List // where the address is put; nowhere if empty
}

// step is an event of a mail's life.
type step struct {
	kind   string
	wait   wait
	fields event
	// unnamed leaves out what tells whose event it is, but for the address.
	unnamed bool
}

// wait is how long after the acceptance an event is posted.
type wait int

const (
	atOnce      wait = iota
	whenTried        // after Webhook.DeferredFor
	whenFetched      // after Webhook.SlowFor
)

// after is how long that is, and false if the event never comes.
func (w wait) after(c Webhook) (time.Duration, bool) {
	switch w {
	case whenTried:
		return c.Delay + c.DeferredFor, c.DeferredFor > 0
	case whenFetched:
		return c.Delay + c.SlowFor, c.SlowFor > 0
	}
	return c.Delay, true
}

var (
	processed = step{kind: "processed", fields: event{"send_at": 0}}
	delivered = step{kind: "delivered", fields: event{"response": "250 2.0.0 OK", "ip": "192.0.2.25", "tls": 1}}
	deferred  = step{kind: "deferred", fields: event{
		"response": "450 4.2.1 The user is receiving mail too quickly, try again later", "attempt": "1",
	}}
)

func (s step) later(w wait) step {
	s.wait = w
	return s
}

func bounce(kind, status, class, reason string) step {
	return step{kind: "bounce", fields: event{"type": kind, "status": status, "bounce_classification": class, "reason": reason}}
}

func dropped(reason string) step {
	return step{kind: "dropped", fields: event{"reason": reason, "status": "5.0.0"}}
}

var ordinary = fate{Tells: "is processed and delivered", steps: []step{processed, delivered}}

const noSuchMailbox = "550 5.1.1 The email account that you tried to reach does not exist"

// fates has every kind of bounce and every reason for a drop that SendGrid's
// reference of events names.
var fates = []fate{
	{"bounce", "bounces for good, and is on the bounce list from then on",
		[]step{processed, bounce("bounce", "5.1.1", "Invalid Address", noSuchMailbox)}, Bounces},
	{"async", "is delivered and bounces later, in an event that tells nothing but the address",
		[]step{processed, delivered, {kind: "bounce", wait: whenTried, unnamed: true, fields: event{
			"type": "bounce", "status": "5.1.10", "reason": "550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found by SMTP address lookup"}}}, Bounces},
	{"full", "bounces because the mailbox is full; SendGrid puts it on the bounce list all the same",
		[]step{processed, bounce("bounce", "5.2.2", "Mailbox Unavailable", "552 5.2.2 mailbox full")}, Bounces},
	{"block", "is blocked because of the sender's reputation; the next mail is tried again",
		[]step{processed, bounce("blocked", "5.7.1", "Reputation", "550 5.7.1 blocked by policy")}, Blocks},
	{"expire", "is deferred and then given up; the next mail is tried again",
		[]step{processed, deferred, bounce("expired", "4.4.1", "Technical Failure", "unable to deliver within 72 hours").later(whenTried)}, Blocks},
	{"defer", "is deferred and delivered after a few seconds", []step{processed, deferred, delivered.later(whenTried)}, ""},
	{"slow", "is processed, and then nothing is heard of it", []step{processed, delivered.later(whenFetched)}, ""},
	{"spam", "is delivered and reported as spam", []step{processed, delivered, {kind: "spamreport"}}, SpamReports},
	{"unsubscribe", "is delivered, and the reader unsubscribes from everything", []step{processed, delivered, {kind: "unsubscribe"}}, Unsubscribes},
	{"leave", "is delivered, and the reader leaves the group", []step{processed, delivered, {kind: "group_unsubscribe", fields: event{"asm_group_id": 10}}}, ""},
	{"drop", "is on the bounce list", []step{dropped("Bounced Address")}, Bounces},
	{"drop-spam", "is on the list of spam reports", []step{dropped("Spam Reporting Address")}, SpamReports},
	{"drop-unsubscribed", "is on the list of unsubscribed", []step{dropped("Unsubscribed Address")}, Unsubscribes},
	{"drop-invalid", "is dropped as invalid, and on the list of invalid addresses", []step{dropped("Invalid")}, Invalid},
	{"drop-content", "is dropped for its content", []step{dropped("Spam Content")}, ""},
	{"drop-header", "is dropped for its X-SMTPAPI header", []step{dropped("Invalid SMTPAPI header")}, ""},
	{"drop-quota", "is dropped because the account's quota is used up", []step{dropped("Recipient List over Package Quota")}, ""},
}

// fateOf decides what becomes of a mail: nothing good if its address is on a
// list. It puts the address on the list that its fate leads to. The caller holds
// the lock.
func (e *Emulator) fateOf(m Message) fate {
	if reason := e.lists.suppresses(m); reason != "" {
		return fate{steps: []step{dropped(reason)}}
	}
	local, _, _ := strings.Cut(m.To, "@")
	local, _, _ = strings.Cut(local, "+")
	i := slices.IndexFunc(fates, func(f fate) bool { return strings.EqualFold(f.Local, local) })
	if i < 0 {
		return ordinary
	}
	f := fates[i]
	if f.list != "" {
		e.lists.add(f.list, m.To, f.last().fields, e.now())
	}
	if f.last().kind == "dropped" && slices.Contains(m.Bypass, f.list) {
		return ordinary
	}
	if e.hook != nil {
		f.steps = slices.DeleteFunc(slices.Clone(f.steps), func(s step) bool {
			_, comes := s.wait.after(e.hook.config)
			return !comes
		})
	}
	return f
}

func (f fate) last() step { return f.steps[len(f.steps)-1] }

// summary is the fate in a word or few.
func (f fate) summary() string {
	last := f.last()
	reason, _ := last.fields["reason"].(string)
	kind, _ := last.fields["type"].(string)
	switch {
	case last.kind == "dropped":
		return "dropped: " + reason
	case kind == "bounce":
		return "bounced"
	case kind != "":
		return kind // blocked, expired
	}
	return last.kind
}
