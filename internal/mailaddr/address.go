package mailaddr

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// The limits of RFC 5321, section 4.5.3.1, and RFC 1035, section 2.3.4, in
// octets of the ASCII form. An address has 254 because a path, which puts it
// in angle brackets, has 256.
const (
	maxAddress = 254
	maxLocal   = 64
	maxLabel   = 63
)

// Parse reads exactly one plain address: no display name, no comment, no
// list, no quoted local part, no IP address for a domain. Blanks and tabs
// around it are dropped, because pasting brings them along.
//
// The key holds the domain's A-labels (RFC 5890), so that one mailbox has one
// key in whatever case or Unicode form it was typed. The shown form keeps the
// local part's case and has the domain in Unicode, but only where it is
// written in Latin letters throughout: a domain that mixes scripts, or imitates
// a Latin one in another script, is shown as A-labels.
//
// Local parts outside ASCII (RFC 6531) are refused, because SendGrid doesn't
// deliver to them.
//
// Every error is an Error.
func Parse(s string) (invitation.Email, error) {
	s = strings.Trim(s, " \t")
	if err := readable(s); err != nil {
		return invitation.Email{}, err
	}
	s = norm.NFC.String(s)
	local, domain, found := strings.Cut(s, "@")
	switch {
	case !found || strings.ContainsAny(s, `,;:<>()[]"\`) || strings.Contains(domain, "@"):
		return invitation.Email{}, ErrNotOne
	case strings.ContainsFunc(s, unicode.IsSpace):
		return invitation.Email{}, ErrBlank
	}
	if err := checkLocal(local); err != nil {
		return invitation.Email{}, err
	}
	ascii, err := toASCII(domain)
	if err != nil {
		return invitation.Email{}, err
	}
	if len(local)+len("@")+len(ascii) > maxAddress {
		return invitation.Email{}, ErrTooLong
	}
	return invitation.NewEmail(local+"@"+shown(ascii), strings.ToLower(local)+"@"+ascii), nil
}

// checkLocal wants a dot-atom (RFC 5322, section 3.2.3).
func checkLocal(local string) error {
	const atext = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~"
	switch {
	case local == "":
		return ErrNotOne
	case utf8.RuneCountInString(local) != len(local):
		return ErrLocalNotASCII
	case len(local) > maxLocal:
		return ErrTooLong
	}
	for atom := range strings.SplitSeq(local, ".") {
		if atom == "" {
			return ErrDots
		}
		if strings.Trim(atom, atext) != "" {
			return ErrLocalPart
		}
	}
	return nil
}

// toASCII brings a domain into A-labels in lower case. The checks come after
// the conversion, because it may bring dots along (U+3002).
func toASCII(domain string) (string, error) {
	if domain == "" {
		return "", ErrNotOne
	}
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil {
		return "", ErrDomain // idna's own error holds the label
	}
	labels := strings.Split(ascii, ".")
	for _, label := range labels {
		switch {
		case label == "":
			return "", ErrDots
		case len(label) > maxLabel:
			return "", ErrTooLong
		case strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "":
			return "", ErrDomain
		}
	}
	top := labels[len(labels)-1]
	if len(labels) < 2 || strings.Trim(top, "0123456789") == "" {
		return "", ErrNoTopLevel
	}
	// A domain in A-labels that doesn't come back as itself would give one
	// mailbox two keys.
	if again, err := idna.Lookup.ToASCII(ascii); err != nil || again != ascii {
		return "", ErrDomain
	}
	return ascii, nil
}

// shown is the reader's form of a domain in A-labels.
func shown(ascii string) string {
	u, err := idna.Lookup.ToUnicode(ascii)
	if err != nil {
		return ascii
	}
	for _, r := range u {
		if utf8.RuneLen(r) > 1 && !unicode.Is(unicode.Latin, r) {
			return ascii
		}
	}
	if back, err := idna.Lookup.ToASCII(u); err != nil || back != ascii {
		return ascii
	}
	return u
}
