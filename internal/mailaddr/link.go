package mailaddr

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
	"golang.org/x/text/unicode/norm"
)

// hasLink reports whether a mail program would make a link of a part of s. It
// looks at the compatibility form, in which ｗｗｗ．ｅｖｉｌ is www.evil.
func hasLink(s string) bool {
	s = strings.ReplaceAll(norm.NFKC.String(s), "。", ".")
	if strings.Contains(s, "@") || strings.Contains(s, "://") ||
		strings.Contains(strings.ToLower(s), "mailto:") {
		return true
	}
	for s != "" {
		start := strings.IndexFunc(s, inHost)
		if start < 0 {
			return false
		}
		s = s[start:]
		end := strings.IndexFunc(s, func(r rune) bool { return !inHost(r) })
		if end < 0 {
			end = len(s)
		}
		if hostLike(s[:end], strings.HasPrefix(s[end:], "/")) {
			return true
		}
		s = s[end:]
	}
	return false
}

func inHost(r rune) bool {
	return r == '.' || r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r)
}

// hostLike reports whether a run of host characters has a web address in it:
// www and a dot, four numbers, or two neighbours that are one.
func hostLike(run string, path bool) bool {
	if strings.Contains(strings.ToLower(run), "www.") {
		return true
	}
	labels := strings.Split(strings.Trim(run, ".-"), ".")
	if len(labels) == 4 && !strings.ContainsFunc(run, func(r rune) bool { return r != '.' && !unicode.IsDigit(r) }) {
		return true
	}
	for i := range len(labels) - 1 {
		last := i == len(labels)-2
		if linkable(labels[i], labels[i+1], path && last) {
			return true
		}
	}
	return false
}

// linkable decides on two words with a dot and no blank between them. Where
// German writes abbreviations this way (Dr.Schmidt, Co.KG, 1.UG), the second
// word may well be a top-level domain. So:
//
//   - before one that everybody knows, it is a link (dr.de);
//   - else, after an abbreviation or an initial, it is none, unless a path
//     follows;
//   - else it is one if the second word is a top-level domain, or if both
//     words are in lower case (evil.example): the list of those grows.
//
// Who is refused wrongly can put a blank after the dot, as ErrLink says.
func linkable(host, top string, path bool) bool {
	if host == "" {
		return false
	}
	if !strings.HasPrefix(strings.ToLower(top), "xn--") {
		top, _, _ = strings.Cut(top, "-")
		top, _, _ = strings.Cut(top, "_")
	}
	lower := strings.ToLower(top)
	switch {
	case wellKnown[lower]:
		return true
	case abbreviated(host) && !path:
		return false
	case topLevel(lower):
		return true
	}
	return utf8.RuneCountInString(host) > 1 && utf8.RuneCountInString(top) > 1 &&
		lowerLetters(top) && host == strings.ToLower(host)
}

// topLevel asks the Public Suffix List.
func topLevel(lower string) bool {
	ascii, err := idna.Lookup.ToASCII(lower)
	if err != nil || len(ascii) < 2 {
		return false
	}
	_, icann := publicsuffix.PublicSuffix(ascii)
	return icann
}

func lowerLetters(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsLower(r) })
}

// abbreviated reports whether a dot belongs after the word: an initial, the
// number of a floor, or one of the usual abbreviations.
func abbreviated(word string) bool {
	if utf8.RuneCountInString(word) == 1 || len(word) == 2 && strings.Trim(word, "0123456789") == "" {
		return true
	}
	return abbreviations[strings.ToLower(word)]
}

var abbreviations = setOf(`ag co cie dent dipl dr fa fam fr frl geb gebr gmbh hbg hl hr hs ing inh
	jr jur med nat nr obj og ph phil pol prof rer sen sr st str ug verw vet we whg wng`)

// wellKnown are the top-level domains that a reader takes for a link after any
// word, and under which every short name has an owner.
var wellKnown = setOf(`app at biz ch click com de dev eu info io link live me net online org shop site
	store top uk xyz`)

func setOf(words string) map[string]bool {
	set := make(map[string]bool)
	for word := range strings.FieldsSeq(words) {
		set[word] = true
	}
	return set
}
