package wording

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName is how much of a name is shown, in runes. Package mailaddr lets none
// through that is longer; this is for names that came another way.
const maxName = 200

// OneLine makes plain text on one line of a name: a blank for whatever breaks
// lines, is invisible or changes the direction of writing.
func OneLine(name string) string {
	name = strings.ToValidUTF8(name, "\ufffd")
	previous := ' '
	name = strings.Map(func(r rune) rune {
		joins := (r == '\u200c' || r == '\u200d') && unicode.IsLetter(previous) && previous > unicode.MaxLatin1
		if previous = r; joins || unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, name)
	return Shorten(strings.Join(strings.Fields(name), " "), maxName)
}

// Shorten cuts a name off between what its reader sees as characters.
func Shorten(name string, limit int) string {
	if utf8.RuneCountInString(name) <= limit {
		return name
	}
	runes := []rune(name)
	end := limit - 1
	for end > 0 && (unicode.IsMark(runes[end]) || !unicode.IsPrint(runes[end])) {
		end--
	}
	return strings.TrimRight(string(runes[:end]), " ") + "…"
}
