package mail

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxShort is how much of it a subject shows, and the head of a mail.
const maxShort = 64

// What mail programs look for, in every width that Unicode has it.
const (
	dots    = ".。．｡․﹒"
	colons  = ":：﹕"
	slashes = "/／"
	ats     = "@＠﹫"
)

// asText puts a blank where a mail program would take a part of a name for a web
// or mail address: behind the dot in "Wohnen. de GmbH". German wants one there
// anyway, as in "Dr. Müller" and "e. V.". What can't be seen would do too, but is
// what spam filters look for.
func asText(name string) string {
	runes := []rune(name)
	at := func(i int) rune {
		if i < 0 || i >= len(runes) {
			return ' '
		}
		return runes[i]
	}
	var b strings.Builder
	for i, r := range runes {
		previous, next := at(i-1), at(i+1)
		if strings.ContainsRune(ats, r) && previous != ' ' {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
		switch {
		case strings.ContainsRune(dots, r) && (unicode.IsLetter(next) || unicode.IsMark(next) || unicode.IsNumber(next)),
			strings.ContainsRune(colons, r) && next != ' ' && (!unicode.IsNumber(previous) || !unicode.IsNumber(next)),
			strings.ContainsRune(slashes, r) && strings.ContainsRune(slashes, next):
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// number is what a telephone number is made of.
var number = regexp.MustCompile(`\+?\(?\p{Nd}[\p{Nd} ()./-]*\p{Nd}`)

// noNumber writes the numbers of a name so that no phone offers to call them.
func noNumber(name string) string {
	return number.ReplaceAllStringFunc(name, func(number string) string {
		digits := strings.Map(func(r rune) rune {
			if unicode.IsDigit(r) {
				return r
			}
			return -1
		}, number)
		if utf8.RuneCountInString(digits) < 7 {
			return number
		}
		return spaced(number)
	})
}

// spaced has no-break blanks between the digits, three by three.
func spaced(number string) string {
	const noBreak = '\u00a0'
	var b strings.Builder
	run := 0
	for _, r := range number {
		switch {
		case r == ' ':
			r, run = noBreak, 0
		case r == '-':
			r, run = '–', 0
		case !unicode.IsDigit(r):
			run = 0
		default:
			if run > 0 && run%3 == 0 {
				b.WriteRune(noBreak)
			}
			run++
		}
		b.WriteRune(r)
	}
	return b.String()
}
