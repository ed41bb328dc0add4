package invitation

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
)

// maxLink is how many characters fit the densest QR code that still reads well
// with a mark on it: version 6, error correction H, alphanumeric.
const maxLink = 84

// Linker turns tokens into links. It is safe for concurrent use. Copies share one
// key ring: SetRing on one of them holds for all. The zero value is not usable.
type Linker struct {
	base string
	ring *atomic.Pointer[KeyRing]
}

// linkable is what a QR code's alphanumeric mode can hold of a URL.
var linkable = regexp.MustCompile(`^HTTPS?://[0-9A-Z.:-]+/[0-9A-Z./-]*$`)

// NewLinker returns a Linker for links below the base URL. QR codes hold links in
// upper case: host and scheme don't mind, and the base's path has to be answered
// in upper case too.
func NewLinker(baseURL string, ring *KeyRing) (*Linker, error) {
	if u, err := url.Parse(baseURL); err != nil || u.Hostname() == "" || !linkable.MatchString(strings.ToUpper(baseURL)) {
		return nil, errors.New("the base URL of links is no plain http or https URL with a path")
	}
	base := strings.TrimSuffix(baseURL, "/") + "/"
	if n := len(base) + TokenChars; n > maxLink {
		return nil, fmt.Errorf("the base URL of links is %d characters too long: a link of %d fits a QR code, at most %d does",
			n-maxLink, n, maxLink)
	}
	l := &Linker{base: base, ring: new(atomic.Pointer[KeyRing])}
	l.SetRing(ring)
	return l, nil
}

// SetRing has the Linker use another ring from now on; calls under way may end
// with the old one.
func (l *Linker) SetRing(ring *KeyRing) { l.ring.Store(ring) }

// Link returns the link of an invitation's current generation in a channel.
func (l *Linker) Link(inv *Invitation, channel Channel) Link {
	return NewLink(l.base + l.ring.Load().Sign(Token{
		InvitationID: inv.ID, Channel: channel, Generation: inv.Channel(channel).Generation,
	}))
}

// Pseudonym stands for an address; see KeyRing.Pseudonym.
func (l *Linker) Pseudonym(e Email) string { return l.ring.Load().Pseudonym(e) }

// Verify reads the token of a link; see KeyRing.Verify.
func (l *Linker) Verify(token string) (Token, error) { return l.ring.Load().Verify(token) }

// Link is a working activation link. Whoever holds it gets in, so it is never
// printed: Reveal is the one way to its text. Behind a pointer fmt doesn't find
// it even where it can't call Format, in an unexported field.
type Link struct{ text *string }

// NewLink wraps the text of a link.
func NewLink(text string) Link { return Link{text: &text} }

// Reveal returns the link itself, for a mail, a QR code or the answer of
// GenerateQR, and for nothing else.
func (l Link) Reveal() string {
	if l.text == nil {
		return ""
	}
	return *l.text
}

// Format implements fmt.Formatter for every verb.
func (Link) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(redacted)) }

// LogValue implements slog.LogValuer.
func (Link) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements encoding.TextMarshaler, and so covers JSON too.
func (Link) MarshalText() ([]byte, error) { return []byte(redacted), nil }
