package mailaddr

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// MaxName is the length of the longest name, in runes of its NFC form.
const MaxName = 200

// maxMarks is how many combining marks may follow one another. Vietnamese
// needs none after NFC, Thai and vocalised Hebrew need two or three; a dozen
// draws over the lines above and below.
const maxMarks = 3

// Name reads the name of a person or an organization as mails show it: NFC,
// without blanks around it, every run of blanks inside as one space.
//
// It refuses what breaks out of its line or hides in it. What a mail program
// would turn into a link is a name like any other (Wohnen.de GmbH): package mail
// writes it so that it stays text.
//
// Every error is an Error.
func Name(s string) (string, error) {
	if len(s) > maxInput {
		return "", ErrTooLong
	}
	s = singleSpaced(norm.NFC.String(s))
	visible := withoutJoiners(s)
	if err := readable(visible); err != nil {
		return "", err
	}
	if utf8.RuneCountInString(s) > MaxName {
		return "", ErrTooLong
	}
	if err := checkRunes(visible); err != nil {
		return "", err
	}
	return s, nil
}

// joining are the scripts in which an invisible joiner or non-joiner changes how
// the letters beside it are written, as in Persian and in most of India.
var joining = []*unicode.RangeTable{
	unicode.Arabic, unicode.Syriac, unicode.Mongolian, unicode.Devanagari, unicode.Bengali, unicode.Gurmukhi, unicode.Gujarati,
	unicode.Oriya, unicode.Tamil, unicode.Telugu, unicode.Kannada, unicode.Malayalam, unicode.Sinhala, unicode.Khmer, unicode.Myanmar,
}

// withoutJoiners drops the joiners that stand between two letters which need
// them; all others stay, and are refused.
func withoutJoiners(s string) string {
	const nonJoiner, joiner = '\u200c', '\u200d'
	if !strings.ContainsAny(s, string(nonJoiner)+string(joiner)) {
		return s
	}
	runes := []rune(s)
	var b strings.Builder
	for i, r := range runes {
		between := i > 0 && i < len(runes)-1 && unicode.In(runes[i-1], joining...) && unicode.In(runes[i+1], joining...)
		if r != nonJoiner && r != joiner || !between {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// singleSpaced makes one space of every run of blanks, the non-breaking ones
// too, and none of those around the text. A tab is a blank only around it.
func singleSpaced(s string) string {
	s = strings.TrimFunc(s, func(r rune) bool { return r == '\t' || unicode.Is(unicode.Zs, r) })
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.Is(unicode.Zs, r) }), " ")
}

// checkRunes looks at one rune after the other. Angle brackets would make an
// address of what stands between them, and a mail program links \\host.
func checkRunes(s string) error {
	named := false
	base, marks := false, 0
	for _, r := range s {
		switch {
		case !unicode.IsPrint(r) || strings.ContainsRune(`<>\`, r):
			return ErrCharacter
		case unicode.IsMark(r):
			if marks++; !base || marks > maxMarks {
				return ErrMarks
			}
			continue
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			named = true
		}
		base, marks = r != ' ', 0
	}
	if !named {
		return ErrNoLetter
	}
	return nil
}
