package invitation

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
)

// Mail is what a worker found when it looked at a due delivery: all that is
// needed to write the message, read in the transaction that claimed it.
type Mail struct {
	DeliveryID   uuid.UUID
	InvitationID uuid.UUID
	// Reminder says that an earlier mail carried the same link.
	Reminder bool
	// DespiteBounce is the delivery's.
	DespiteBounce bool
	Target        Target
	// Language is what the reader speaks; see User.Language.
	Language Locale
	To       Email
	// DisplayName is the invited person's name; never empty.
	DisplayName string
	// Organization is the property manager as the reader knows it.
	Organization Organization
	Link         Link
	ExpiresAt    time.Time
}

// Message is a rendered mail, ready for a provider. It holds a working link,
// so it is never printed: fmt, slog and encoding/json show its id.
type Message struct {
	DeliveryID   uuid.UUID
	InvitationID uuid.UUID
	To           Email
	ToName       string
	// ReplyTo is where answers go; without it they go to the sender.
	ReplyTo Email
	// DespiteBounce has the provider send even to a mailbox that it has on its
	// list of those that bounced.
	DespiteBounce bool
	Subject       string
	Text          string
	HTML          string
}

// Format implements fmt.Formatter for every verb.
func (m Message) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(m.describe())) }

// LogValue implements slog.LogValuer.
func (m Message) LogValue() slog.Value { return slog.StringValue(m.describe()) }

// MarshalText implements encoding.TextMarshaler, and so covers JSON too.
func (m Message) MarshalText() ([]byte, error) { return []byte(m.describe()), nil }

func (m Message) describe() string { return "mail " + m.DeliveryID.String() }

// SendError is a provider's refusal of a message. Whatever is no SendError
// (a time-out, a reset connection) left the outcome open and may be retried.
type SendError struct {
	// Permanent says that sending the same message again can't help: it is the
	// message that is wrong.
	Permanent bool
	// Account says that it is the account, and that other messages would be
	// refused like this one.
	Account bool
	// Reason is the provider's own, without any address or content.
	Reason string
	// RetryAfter is how long the provider asks to wait; zero when it named
	// nothing.
	RetryAfter time.Duration
}

func (e *SendError) Error() string {
	if e.Permanent {
		return fmt.Sprintf("refused for good: %s", e.Reason)
	}
	return fmt.Sprintf("refused for now: %s", e.Reason)
}
