package sendgridtest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Message is one mail that was taken, to one recipient.
type Message struct {
	// ID is the X-Message-Id of the answer; the second and further recipients
	// of one request have "-2", "-3"… behind it.
	ID         string            `json:"id"`
	ReceivedAt time.Time         `json:"received_at"`
	From       string            `json:"from"`
	FromName   string            `json:"from_name"`
	ReplyTo    string            `json:"reply_to,omitempty"`
	To         string            `json:"to"`
	ToName     string            `json:"to_name"`
	Subject    string            `json:"subject"`
	Text       string            `json:"text"`
	HTML       string            `json:"html"`
	CustomArgs map[string]string `json:"custom_args"`
	Categories []string          `json:"categories"`
	Tracking   Tracking          `json:"tracking"`
	// Bypass are the suppression lists that the request asks not to look at.
	Bypass []List `json:"bypass,omitempty"`
	// Fate is how the mail's life ends: "delivered" for most.
	Fate string `json:"fate"`
}

// Tracking tells what SendGrid might add to a mail: all that the request did
// not switch off by name, since the account may have it on by default.
type Tracking struct {
	Click        bool `json:"click"`
	ClickText    bool `json:"click_text"`
	Open         bool `json:"open"`
	Subscription bool `json:"subscription"`
	Analytics    bool `json:"analytics"`
}

func (m Message) clone() Message {
	m.CustomArgs = maps.Clone(m.CustomArgs)
	m.Categories = slices.Clone(m.Categories)
	m.Bypass = slices.Clone(m.Bypass)
	return m
}

// Messages returns the mails that are kept, oldest first.
func (e *Emulator) Messages() []Message {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.copies()
}

// copies is called with mu held.
func (e *Emulator) copies() []Message {
	all := make([]Message, len(e.messages))
	for i, m := range e.messages {
		all[i] = m.clone()
	}
	return all
}

// Find returns the newest mail that is kept and matches.
func (e *Emulator) Find(match func(Message) bool) (Message, bool) {
	all := e.Messages()
	for _, m := range slices.Backward(all) {
		if match(m) {
			return m, true
		}
	}
	return Message{}, false
}

// Clear forgets the mails.
func (e *Emulator) Clear() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.messages, e.accepted = nil, 0
	e.announce()
}

// Await waits until n mails were taken, counted from the start or the last
// Clear, and returns those that are kept, oldest first. With an error, that
// of ctx, it returns those too.
func (e *Emulator) Await(ctx context.Context, n int) ([]Message, error) {
	for {
		e.mu.Lock()
		accepted, all, changed := e.accepted, e.copies(), e.changed
		e.mu.Unlock()
		if accepted >= n {
			return all, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return all, fmt.Errorf("%d of %d mails came: %w", accepted, n, ctx.Err())
		}
	}
}

// AwaitTo waits for a mail to the address and returns the newest.
func (e *Emulator) AwaitTo(ctx context.Context, address string) (Message, error) {
	for {
		e.mu.Lock()
		changed := e.changed
		e.mu.Unlock()
		if m, ok := e.Find(to(address)); ok {
			return m, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return Message{}, fmt.Errorf("no mail to that address came: %w", ctx.Err())
		}
	}
}

func to(address string) func(Message) bool {
	return func(m Message) bool { return strings.EqualFold(m.To, address) }
}
