package mail

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName is where a name is cut, in runes. Package mailaddr lets none through
// that is longer; this is for names that came another way.
const maxName = 64

// width is how long a line of plain text gets, in runes (RFC 5322, section
// 2.1.1). A word that is longer, such as the link, has a line of its own.
const width = 78

// oneLine makes plain text on one line of a name: a blank for whatever breaks
// lines, is invisible or changes the direction of writing.
func oneLine(name string) string {
	name = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(name, "\ufffd"))
	name = strings.Join(strings.Fields(name), " ")
	if utf8.RuneCountInString(name) > maxName {
		name = string([]rune(name)[:maxName-1]) + "…"
	}
	return name
}

// followable reports whether a mail program can open the link: an absolute
// http or https URL, in printable ASCII without a blank or a quote.
func followable(link string) bool {
	scheme, rest, found := strings.Cut(link, "://")
	if !found || rest == "" || !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
		return false
	}
	return !strings.ContainsFunc(link, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune("\"'<>\\^`{|}", r)
	})
}

// wrap breaks the lines of a text between words. What follows the first line
// of a list's item is indented like it.
func wrap(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		indent := ""
		if strings.HasPrefix(line, "- ") {
			indent = "  "
		}
		used := 0
		for word := range strings.FieldsSeq(line) {
			n := utf8.RuneCountInString(word)
			switch {
			case used == 0:
			case used+1+n > width:
				b.WriteString("\n" + indent)
				used = len(indent)
			default:
				b.WriteByte(' ')
				used++
			}
			b.WriteString(word)
			used += n
		}
		b.WriteByte('\n')
	}
	return b.String()
}
