package invitation

import (
	"errors"
	"fmt"
	"log/slog"
	"path"
	"regexp"
	"strings"
	"sync/atomic"
	"unicode"
)

// maxLink is how many characters fit the densest QR code that still reads well
// with a mark on it: version 6, error correction Q, bytes.
const maxLink = 74

// Linker turns tokens into links and links into tokens. It is safe for
// concurrent use. Copies share one key ring: SetRing on one of them holds for
// all. The zero value is not usable.
type Linker struct {
	// origin is the scheme and host of every link, folder the path that ends
	// where the token begins.
	origin, folder string
	ring           *atomic.Pointer[KeyRing]
}

// linkable has an origin in lower case, since Android opens apps for no other, and
// a path of characters that nothing which passes a link on writes in another way.
var linkable = regexp.MustCompile(`^(https?://[a-z0-9][a-z0-9.-]*(?::[0-9]+)?)(/[A-Za-z0-9._~/-]*)$`)

// NewLinker returns a Linker for links below the base URL.
func NewLinker(baseURL string, ring *KeyRing) (*Linker, error) {
	parts := linkable.FindStringSubmatch(baseURL)
	if parts == nil {
		return nil, errors.New("the base URL of links is not http:// or https://, a host in lower case and a plain path")
	}
	folder := strings.TrimSuffix(parts[2], "/") + "/"
	if strings.TrimSuffix(path.Clean(folder), "/")+"/" != folder {
		return nil, errors.New("the path of the base URL of links has empty, . or .. parts")
	}
	if n := len(parts[1]) + len(folder) + TokenChars; n > maxLink {
		return nil, fmt.Errorf("the base URL of links is %d characters too long: with its last slash it may have %d",
			n-maxLink, maxLink-TokenChars)
	}
	l := &Linker{origin: parts[1], folder: folder, ring: new(atomic.Pointer[KeyRing])}
	l.SetRing(ring)
	return l, nil
}

// SetRing has the Linker use another ring from now on; calls under way may end
// with the old one.
func (l *Linker) SetRing(ring *KeyRing) { l.ring.Store(ring) }

// Link returns the link of an invitation's current generation in a channel.
func (l *Linker) Link(inv *Invitation, channel Channel) Link {
	return NewLink(l.origin + l.folder + l.ring.Load().Sign(Token{
		InvitationID: inv.ID, Channel: channel, Generation: inv.Channel(channel).Generation,
	}))
}

// Pseudonym stands for an address; see KeyRing.Pseudonym.
func (l *Linker) Pseudonym(e Email) string { return l.ring.Load().Pseudonym(e) }

// Keys tells of the keys that are in force.
func (l *Linker) Keys() []KeyInfo { return l.ring.Load().Keys() }

// Verify reads a token or a whole link below the base URL, with what chat
// programs and clipboards leave around it: whatever is no letter or digit. A
// link's scheme and host may be in any case, and its query and fragment don't
// count. See KeyRing.Verify for what is refused, and how.
func (l *Linker) Verify(text string) (Token, error) {
	text = strings.TrimFunc(text, isClutter)
	if token, found := l.cutBase(text); found {
		token, _, _ = strings.Cut(token, "#")
		token, _, _ = strings.Cut(token, "?")
		text = strings.TrimRightFunc(token, isClutter)
	}
	return l.ring.Load().Verify(text)
}

func (l *Linker) cutBase(text string) (token string, found bool) {
	n := min(len(l.origin), len(text))
	if !strings.EqualFold(text[:n], l.origin) {
		return "", false
	}
	return strings.CutPrefix(text[n:], l.folder)
}

func isClutter(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) }

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
