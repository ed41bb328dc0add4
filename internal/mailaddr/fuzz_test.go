package mailaddr_test

import (
	"errors"
	"net/mail"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/mailaddr"
)

func FuzzParse(f *testing.F) {
	for _, seed := range good {
		f.Add(seed.in)
	}
	for _, seed := range bad {
		f.Add(seed.in)
	}
	f.Fuzz(func(t *testing.T, s string) {
		email, err := mailaddr.Parse(s)
		if err != nil {
			refused(t, err)
			if email.Known() {
				t.Fatalf("refused, and yet there is an address")
			}
			return
		}
		onOneLine(t, email.Address())
		onOneLine(t, email.Key())
		if key := email.Key(); key != asciiLower(key) || strings.Trim(key, printableASCII) != "" || len(key) > 254 {
			t.Fatalf("key %q is not lower-case ASCII of at most 254 octets", key)
		}
		if again := parse(t, email.Address()); again != email {
			t.Fatalf("Parse(%q) is another value: %q, key %q", email.Address(), again.Address(), again.Key())
		}
		// What net/mail reads must be the same single address.
		if std, err := mail.ParseAddress(email.Mailbox()); err != nil || std.Address != email.Mailbox() || std.Name != "" {
			t.Fatalf("net/mail reads %q as %v, %v", email.Mailbox(), std, err)
		}
		for _, spelling := range spellings(email) {
			if other, err := mailaddr.Parse(spelling); err == nil && other.Key() != email.Key() {
				t.Fatalf("%q has key %q, but as %q it has %q", email.Address(), email.Key(), spelling, other.Key())
			} else if err != nil && isLatin(spelling) {
				t.Fatalf("%q is fine, but as %q it is refused: %v", email.Address(), spelling, err)
			}
		}
	})
}

func FuzzName(f *testing.F) {
	for _, seed := range names {
		f.Add(seed)
	}
	for _, seed := range hostile {
		f.Add(seed.in)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, err := mailaddr.Name(s)
		if err != nil {
			refused(t, err)
			if name != "" {
				t.Fatalf("refused, and yet there is %q", name)
			}
			return
		}
		onOneLine(t, strings.NewReplacer("\u200c", "", "\u200d", "").Replace(name))
		if n := utf8.RuneCountInString(name); n < 1 || n > mailaddr.MaxName {
			t.Fatalf("%q has %d runes", name, n)
		}
		if !norm.NFC.IsNormalString(name) || strings.TrimSpace(name) != name || strings.Contains(name, "  ") {
			t.Fatalf("%q is not in its normal form", name)
		}
		if strings.ContainsAny(name, "<>") {
			t.Fatalf("%q would become an address", name)
		}
		if again, err := mailaddr.Name(name); err != nil || again != name {
			t.Fatalf("Name(%q) = %q, %v", name, again, err)
		}
	})
}

// printableASCII is what an address in ASCII is made of.
const printableASCII = "abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-/=?^_`{|}~.@"

// spellings are other ways to type one address.
func spellings(email invitation.Email) []string {
	local, domain, _ := strings.Cut(email.Mailbox(), "@")
	spellings := []string{email.Mailbox(), email.Key(), asciiUpper(email.Key()), asciiUpper(email.Address()), norm.NFD.String(email.Address())}
	if u, err := idna.Lookup.ToUnicode(domain); err == nil {
		spellings = append(spellings, local+"@"+u)
	}
	return spellings
}

func parse(t *testing.T, s string) invitation.Email {
	t.Helper()
	email, err := mailaddr.Parse(s)
	if err != nil {
		t.Fatalf("Parse(%q) = %v", s, err)
	}
	return email
}

func refused(t *testing.T, err error) {
	t.Helper()
	var reason mailaddr.Error
	if !errors.As(err, &reason) {
		t.Fatalf("%v is no Error", err)
	}
}

func onOneLine(t *testing.T, s string) {
	t.Helper()
	for _, r := range s {
		if r == utf8.RuneError || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			t.Fatalf("%q has %U in it", s, r)
		}
	}
}

func isLatin(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII && !unicode.Is(unicode.Latin, r) })
}

func asciiLower(s string) string {
	return strings.Map(func(r rune) rune {
		if r <= unicode.MaxASCII {
			return unicode.ToLower(r)
		}
		return r
	}, s)
}

func asciiUpper(s string) string {
	return strings.Map(func(r rune) rune {
		if r <= unicode.MaxASCII {
			return unicode.ToUpper(r)
		}
		return r
	}, s)
}
