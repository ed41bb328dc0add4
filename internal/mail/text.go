package mail

import (
	"strings"
	"unicode/utf8"
)

// width is how long a line of plain text gets, in runes (RFC 5322, section
// 2.1.1). What has no blank and is longer, such as the link, has a line of its own.
const width = 78

// In plain text a name never begins a line, where it could pass for one of ours:
// its blanks, and the one before it, break no line.
const (
	begins = "\x01"
	kept   = "\x00"
)

// whole marks a name for wrap.
func whole(name string) string { return begins + strings.ReplaceAll(name, " ", kept) }

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
	text = strings.NewReplacer(" "+begins, kept, begins, "").Replace(text)
	var b strings.Builder
	for line := range strings.Lines(text) {
		indent := ""
		if strings.HasPrefix(line, "- ") {
			indent = "  "
		}
		used := 0
		for word := range strings.SplitSeq(strings.TrimRight(line, "\n"), " ") {
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
	return strings.ReplaceAll(b.String(), kept, " ")
}
