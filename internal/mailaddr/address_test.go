package mailaddr_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/kiwi-ki/invitations/internal/mailaddr"
)

// good maps what is typed to the shown form and the key.
var good = []struct{ in, shown, key string }{
	{"bob@example.com", "bob@example.com", "bob@example.com"},
	{"Bob.Meyer@Example.COM", "Bob.Meyer@example.com", "bob.meyer@example.com"},
	{" \tbob@example.com \t", "bob@example.com", "bob@example.com"},
	{"bob+kiwi@example.com", "bob+kiwi@example.com", "bob+kiwi@example.com"},
	{"o'connor@example.ie", "o'connor@example.ie", "o'connor@example.ie"},
	{"_bob-2@sub-domain.example.co.uk", "_bob-2@sub-domain.example.co.uk", "_bob-2@sub-domain.example.co.uk"},
	{"/G=Bob/S=Meyer/@gate.example", "/G=Bob/S=Meyer/@gate.example", "/g=bob/s=meyer/@gate.example"},
	{"1@1.de", "1@1.de", "1@1.de"},
	{"a@1.2.3.com", "a@1.2.3.com", "a@1.2.3.com"},
	{"Bob@MÜLLER.de", "Bob@müller.de", "bob@xn--mller-kva.de"},
	{"bob@mu\u0308ller.de", "bob@müller.de", "bob@xn--mller-kva.de"},
	{"bob@xn--mller-kva.de", "bob@müller.de", "bob@xn--mller-kva.de"},
	{"bob@XN--MLLER-KVA.DE", "bob@müller.de", "bob@xn--mller-kva.de"},
	{"bob@straße.de", "bob@straße.de", "bob@xn--strae-oqa.de"},
	{"bob@strasse.de", "bob@strasse.de", "bob@strasse.de"},
	{"bob@Nguyễn.vn", "bob@nguyễn.vn", "bob@xn--nguyn-s71b.vn"},
	{"bob@ｅxample。com", "bob@example.com", "bob@example.com"},
	{"bo\u212a@example.com", "boK@example.com", "bok@example.com"}, // the Kelvin sign is a K in NFC
	// Not Latin, wholly or in part: shown as A-labels.
	{"bob@пример.рф", "bob@xn--e1afmkfd.xn--p1ai", "bob@xn--e1afmkfd.xn--p1ai"},
	{"bob@pаypal.com", "bob@xn--pypal-4ve.com", "bob@xn--pypal-4ve.com"},
	{"bob@עברית.example", "bob@xn--5dbqzzl.example", "bob@xn--5dbqzzl.example"},
	{strings.Repeat("l", 64) + "@" + strings.Repeat("d", 63) + ".de", strings.Repeat("l", 64) + "@" + strings.Repeat("d", 63) + ".de", strings.Repeat("l", 64) + "@" + strings.Repeat("d", 63) + ".de"},
}

// bad maps what is typed to the reason of its refusal.
var bad = []struct {
	in   string
	want error
}{
	{"", mailaddr.ErrEmpty},
	{" \t ", mailaddr.ErrEmpty},
	{"bob", mailaddr.ErrNotOne},
	{"@", mailaddr.ErrNotOne},
	{"@example.com", mailaddr.ErrNotOne},
	{"bob@", mailaddr.ErrNotOne},
	{"a@b@example.com", mailaddr.ErrNotOne},
	{"Bob <bob@example.com>", mailaddr.ErrNotOne},
	{"<bob@example.com>", mailaddr.ErrNotOne},
	{"a@example.com,b@example.com", mailaddr.ErrNotOne},
	{"a@example.com; b@example.com", mailaddr.ErrNotOne},
	{"bob(comment)@example.com", mailaddr.ErrNotOne},
	{`"bob meyer"@example.com`, mailaddr.ErrNotOne},
	{`bob\@example.com`, mailaddr.ErrNotOne},
	{"bob@[192.0.2.1]", mailaddr.ErrNotOne},
	{"bob@[IPv6:2001:db8::1]", mailaddr.ErrNotOne},
	{"mailto:bob@example.com", mailaddr.ErrNotOne},
	{"group:bob@example.com;", mailaddr.ErrNotOne},
	{"bob meyer@example.com", mailaddr.ErrBlank},
	{"bob@exam ple.com", mailaddr.ErrBlank},
	{"bob@example.com\u00a0", mailaddr.ErrBlank},
	{"bob@example.com\u3000", mailaddr.ErrBlank},
	{"bob@example.com\n", mailaddr.ErrControl},
	{"bob@example.com\r\nBcc: eve@example.com", mailaddr.ErrControl},
	{"bob\x00@example.com", mailaddr.ErrControl},
	{"bob\u0085@example.com", mailaddr.ErrControl},
	{"bob@example.com\u2028", mailaddr.ErrControl},
	{"bob@exam\u200bple.com", mailaddr.ErrInvisible},
	{"bob@exam\u200dple.com", mailaddr.ErrInvisible},
	{"bob@exam\u00adple.com", mailaddr.ErrInvisible},
	{"\ufeffbob@example.com", mailaddr.ErrInvisible},
	{"\u202ebob@example.com", mailaddr.ErrInvisible},
	{"bob@\u2066example.com", mailaddr.ErrInvisible},
	{"bob@exam\ufe0fple.com", mailaddr.ErrInvisible},
	{"bob\xff@example.com", mailaddr.ErrEncoding},
	{"jörg@example.com", mailaddr.ErrLocalNotASCII},
	{"用户@example.com", mailaddr.ErrLocalNotASCII},
	{".bob@example.com", mailaddr.ErrDots},
	{"bob.@example.com", mailaddr.ErrDots},
	{"bob..meyer@example.com", mailaddr.ErrDots},
	{"bob@.example.com", mailaddr.ErrDots},
	{"bob@example..com", mailaddr.ErrDots},
	{"bob@example.com.", mailaddr.ErrDots},
	{"bob@example.com。", mailaddr.ErrDots},
	{"bob@-example.com", mailaddr.ErrDomain},
	{"bob@example-.com", mailaddr.ErrDomain},
	{"bob@exa_mple.com", mailaddr.ErrDomain},
	{"bob@exam!ple.com", mailaddr.ErrDomain},
	{"bob@example.com/path", mailaddr.ErrDomain},
	{"bob@exam%ple.com", mailaddr.ErrDomain},
	{"bob@xn--a.com", mailaddr.ErrDomain},
	{"bob@xn--.com", mailaddr.ErrDots},
	{"bob@aℵb.de", mailaddr.ErrDomain}, // its A-label breaks the Bidi rule that it passed itself
	{"bob@localhost", mailaddr.ErrNoTopLevel},
	{"bob@192.0.2.1", mailaddr.ErrNoTopLevel},
	{"bob@example.123", mailaddr.ErrNoTopLevel},
	{strings.Repeat("l", 65) + "@example.com", mailaddr.ErrTooLong},
	{"bob@" + strings.Repeat("d", 64) + ".de", mailaddr.ErrTooLong},
	{"bob@" + strings.Repeat("ü", 60) + "aaaaaaaa.de", mailaddr.ErrTooLong},
	{strings.Repeat("l", 64) + "@" + strings.Repeat("d.", 94) + "de", mailaddr.ErrTooLong},
	{strings.Repeat("x", 5000) + "@example.com", mailaddr.ErrTooLong},
	{strings.Repeat("x", 1023) + "\xff", mailaddr.ErrEncoding}, // the most that is looked at
	{strings.Repeat("x", 1024) + "\xff", mailaddr.ErrTooLong},
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, test := range good {
		email, err := mailaddr.Parse(test.in)
		if err != nil {
			t.Errorf("Parse(%q) = %v", test.in, err)
			continue
		}
		if email.Address() != test.shown || email.Key() != test.key {
			t.Errorf("Parse(%q) = %q with key %q, want %q with key %q",
				test.in, email.Address(), email.Key(), test.shown, test.key)
		}
	}
}

func TestParseLengths(t *testing.T) {
	t.Parallel()
	local := strings.Repeat("l", 64)
	for octets, want := range map[int]error{254: nil, 255: mailaddr.ErrTooLong} {
		rest := octets - len(local) - len("@.de")
		domain := strings.Repeat("d", 61) + "." + strings.Repeat("d", 61) + "." + strings.Repeat("d", rest-124) + ".de"
		address := local + "@" + domain
		if len(address) != octets {
			t.Fatalf("the test's address has %d octets", len(address))
		}
		if _, err := mailaddr.Parse(address); !errors.Is(err, want) {
			t.Errorf("Parse of %d octets = %v, want %v", octets, err, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range bad {
		email, err := mailaddr.Parse(test.in)
		if !errors.Is(err, test.want) {
			t.Errorf("Parse(%q) = %v, want %v", test.in, err, test.want)
		}
		if email.Known() {
			t.Errorf("Parse(%q) refused and gave %q", test.in, email.Address())
		}
	}
}

func TestOneMailboxHasOneKey(t *testing.T) {
	t.Parallel()
	first, err := mailaddr.Parse("Bob@MÜLLER.de")
	if err != nil {
		t.Fatal(err)
	}
	for _, spelling := range []string{"bob@xn--mller-kva.de", "BOB@müller.DE", "bob@Mu\u0308ller.de", "bOb@XN--mller-KVA.de"} {
		other, err := mailaddr.Parse(spelling)
		if err != nil || !other.Same(first) {
			t.Errorf("Parse(%q) = %q, %v; want the key %q", spelling, other.Key(), err, first.Key())
		}
	}
	other, err := mailaddr.Parse("bob@muller.de")
	if err != nil || other.Same(first) {
		t.Errorf("muller.de and müller.de are one domain: %v", err)
	}
}
