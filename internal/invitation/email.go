package invitation

import (
	"fmt"
	"log/slog"
	"strings"
	"unicode/utf8"
	"unique"
)

// Email is one e-mail address, already checked and normalised; the zero value
// means that none is known. It is made by package mailaddr and never printed:
// every verb of fmt, slog and encoding/json shows a placeholder, or a pointer
// where they can't call its methods, in an unexported field.
type Email struct {
	// address is the reader's form: the local part as it was typed, "@", and
	// the domain in lower-case Unicode (bob@müller.de).
	address hidden
	// key is what makes two addresses one: the local part in lower case, "@",
	// and the domain in lower-case ASCII (bob@xn--mller-kva.de).
	key hidden
}

// hidden is a comparable string that fmt can't follow.
type hidden struct{ handle unique.Handle[string] }

func hide(s string) hidden {
	if s == "" {
		return hidden{}
	}
	return hidden{unique.Make(s)}
}

func (h hidden) text() string {
	if h == (hidden{}) {
		return ""
	}
	return h.handle.Value()
}

// NewEmail puts the two forms of an address together as they were parsed or
// stored. It checks nothing: use mailaddr.Parse for what a caller sent.
func NewEmail(address, key string) Email { return Email{address: hide(address), key: hide(key)} }

// Address is the form that a reader sees.
func (e Email) Address() string { return e.address.text() }

// Key identifies the mailbox: two addresses with one key are one address.
func (e Email) Key() string { return e.key.text() }

// Known reports whether there is an address at all.
func (e Email) Known() bool { return e.key != hidden{} }

// Same reports whether both name one mailbox, in whatever spelling.
func (e Email) Same(other Email) bool { return e.key == other.key }

// Mailbox is the form that mail goes to: the local part as it was typed and
// the domain in ASCII, which every mail server understands.
func (e Email) Mailbox() string {
	local, _, _ := cutLast(e.Address())
	_, domain, ok := cutLast(e.Key())
	if !ok {
		return ""
	}
	return local + "@" + domain
}

// Masked shows enough for the owner to recognise the address and too little
// for anybody else to use it: the first character of the local part and the
// domain (b***@müller.de).
func (e Email) Masked() string {
	local, domain, ok := cutLast(e.Address())
	if !ok {
		return ""
	}
	first, _ := utf8.DecodeRuneInString(local)
	return string(first) + "***@" + domain
}

func cutLast(address string) (local, domain string, ok bool) {
	i := strings.LastIndexByte(address, '@')
	if i <= 0 {
		return "", "", false
	}
	return address[:i], address[i+1:], true
}

const redacted = "[redacted]"

// Format implements fmt.Formatter for every verb.
func (Email) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(redacted)) }

// LogValue implements slog.LogValuer.
func (Email) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements encoding.TextMarshaler, and so covers JSON too.
func (Email) MarshalText() ([]byte, error) { return []byte(redacted), nil }
