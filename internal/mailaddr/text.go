package mailaddr

import (
	"unicode"
	"unicode/utf8"
)

// maxInput is how many bytes are looked at at all. It bounds the work of
// normalising; no address or name within its own limit reaches it.
const maxInput = 1024

// readable refuses what can't be text on one line. Blanks are left to the
// caller.
func readable(s string) error {
	switch {
	case s == "":
		return ErrEmpty
	case len(s) > maxInput:
		return ErrTooLong
	case !utf8.ValidString(s):
		return ErrEncoding
	}
	for _, r := range s {
		switch {
		case unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp):
			return ErrControl
		case invisible(r):
			return ErrInvisible
		}
	}
	return nil
}

// invisible reports whether a reader can't see that r is there. Category Cf
// holds the bidi controls and the zero-width characters, the joiners among
// them; the others are blanks and selectors filed as letters, marks or symbols.
func invisible(r rune) bool {
	const brailleBlank = '\u2800'
	return r == brailleBlank || unicode.In(r,
		unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
}
