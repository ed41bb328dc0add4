// Package wording has what mails and info sheets say: the languages that there are,
// their phrases and dates, and names made plain text.
//
// There is one file of phrases for each language (phrases/de.tmpl, en.tmpl): text
// templates, which are given Facts. Whoever has them parsed also defines "strong",
// "name" and "nowrap", which say how such a part of a phrase looks there.
package wording

import (
	"embed"
	"time"

	tags "golang.org/x/text/language"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

//go:embed phrases
var files embed.FS

// Language is what it takes to write in one language.
type Language struct {
	Name invitation.Locale
	// Phrases are templates, to be parsed by text/template or html/template.
	Phrases string
	// Deadline writes the moment at which a link expires, as clocks in Berlin show it.
	Deadline func(time.Time) string
}

// languages are all that there are. The first is for readers whose own is none of
// them.
var languages = []Language{
	load(invitation.German, germanDeadline),
	load(invitation.English, englishDeadline),
}

func load(name invitation.Locale, deadline func(time.Time) string) Language {
	phrases, err := files.ReadFile("phrases/" + string(name) + ".tmpl")
	if err != nil {
		panic(err) // a broken build, which every test shows
	}
	return Language{name, string(phrases), func(t time.Time) string { return deadline(t.In(berlin)) }}
}

// Languages lists the languages that there are, in an order that Best knows.
func Languages() []Language { return languages }

var matcher = func() tags.Matcher {
	var all []tags.Tag
	for _, l := range languages {
		all = append(all, tags.MustParse(string(l.Name)))
	}
	return tags.NewMatcher(all)
}()

// Best finds the language that a reader of another one understands best, by its
// place in Languages.
func Best(locale invitation.Locale) int {
	tag, err := tags.Parse(string(locale))
	if err != nil {
		return 0
	}
	_, i, _ := matcher.Match(tag)
	return i
}

// Facts are what the phrases are about. Names are plain text on one line.
type Facts struct {
	Portal bool
	// Reminder says that an earlier mail carried the same link.
	Reminder     bool
	Name         string
	Organization string
	// Short is the organization's name where there is little room.
	Short    string
	Contact  string
	Deadline string
}
