package invitation

import (
	"fmt"
	"log/slog"
)

// Link is a working activation link. Whoever holds it gets in, so it is never
// printed: Reveal is the one way to its text.
type Link struct{ text string }

// NewLink wraps the text of a link.
func NewLink(text string) Link { return Link{text: text} }

// Reveal returns the link itself, for a mail, a QR code or the answer of
// GenerateQR, and for nothing else.
func (l Link) Reveal() string { return l.text }

// Format implements fmt.Formatter for every verb.
func (Link) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(redacted)) }

// LogValue implements slog.LogValuer.
func (Link) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements encoding.TextMarshaler, and so covers JSON too.
func (Link) MarshalText() ([]byte, error) { return []byte(redacted), nil }
