// Package mail writes the mails that carry an invitation: subject, plain text
// and HTML, in German and English, to the app and to the portal.
//
// There is one layout for HTML and one for plain text (templates/layout.*),
// and one file of phrases for each language (templates/de.tmpl, en.tmpl) that
// both layouts use. The HTML loads nothing: no image, no font, no pixel.
package mail

import (
	"embed"
	"errors"
	"fmt"
	html "html/template"
	"strings"
	text "text/template"

	tags "golang.org/x/text/language"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

//go:embed templates
var files embed.FS

// language is what it takes to write in one language.
type language struct {
	name     invitation.Locale
	text     *text.Template
	html     *html.Template
	deadline deadline
}

// languages are parsed when the program starts: a broken template is a broken
// build, and every test of this package shows it. The first is for readers whose
// own is none of them.
var languages = []language{
	load(invitation.German, germanDeadline),
	load(invitation.English, englishDeadline),
}

func load(name invitation.Locale, deadline deadline) language {
	phrases := "templates/" + string(name) + ".tmpl"
	plain := text.New("").Funcs(text.FuncMap{"whole": whole})
	return language{
		name:     name,
		text:     text.Must(plain.ParseFS(files, "templates/layout.txt", phrases)),
		html:     html.Must(html.ParseFS(files, "templates/layout.html", phrases)),
		deadline: deadline,
	}
}

// Languages lists the languages that mails are written in.
func Languages() (all []invitation.Locale) {
	for _, l := range languages {
		all = append(all, l.name)
	}
	return all
}

var matcher = func() tags.Matcher {
	var all []tags.Tag
	for _, name := range Languages() {
		all = append(all, tags.MustParse(string(name)))
	}
	return tags.NewMatcher(all)
}()

// match finds the language that a reader of another one understands best.
func match(locale invitation.Locale) language {
	tag, err := tags.Parse(string(locale))
	if err != nil {
		return languages[0]
	}
	_, i, _ := matcher.Match(tag)
	return languages[i]
}

// content is what the templates see.
type content struct {
	Language     invitation.Locale
	Portal       bool
	Reminder     bool
	Name         string
	Organization string
	// Short is the organization's name as subjects have room for it.
	Short    string
	Contact  string
	Imprint  []string
	Link     string
	Deadline string
	Subject  string
	// GhostOpen and GhostClose hold the card's width in Outlook, which knows
	// no max-width. html/template drops comments, so they come from here.
	GhostOpen, GhostClose html.HTML
}

const (
	ghostOpen  = `<!--[if mso]><table role="presentation" width="600" align="center" cellpadding="0" cellspacing="0" border="0"><tr><td><![endif]-->`
	ghostClose = `<!--[if mso]></td></tr></table><![endif]-->`
)

// ErrLink is the refusal to write a mail whose link nobody could follow.
var ErrLink = errors.New("no absolute http link")

// Render writes the message of one mail, in the best match of the reader's
// language. It trusts no name: what isn't plain text on one line becomes that
// first.
//
// It returns ErrLink for a link that is no absolute http or https URL, and no
// error has the link or a name in it. Safe for concurrent use.
func Render(m invitation.Mail) (invitation.Message, error) {
	if !followable(m.Link.Reveal()) {
		return invitation.Message{}, ErrLink
	}
	lang := match(m.Language)
	c := contentOf(m, lang)
	var subject, plain, rich strings.Builder
	if err := lang.text.ExecuteTemplate(&subject, "subject", c); err != nil {
		return invitation.Message{}, fmt.Errorf("write subject: %w", err)
	}
	c.Subject = subject.String()
	if err := lang.text.ExecuteTemplate(&plain, "text", c); err != nil {
		return invitation.Message{}, fmt.Errorf("write text: %w", err)
	}
	if err := lang.html.ExecuteTemplate(&rich, "html", c); err != nil {
		return invitation.Message{}, fmt.Errorf("write HTML: %w", err)
	}
	return invitation.Message{
		DeliveryID:    m.DeliveryID,
		InvitationID:  m.InvitationID,
		To:            m.To,
		ToName:        shorten(c.Name, maxShort),
		ReplyTo:       m.Organization.ReplyTo,
		DespiteBounce: m.DespiteBounce,
		Subject:       c.Subject,
		Text:          wrap(plain.String()),
		HTML:          rich.String(),
	}, nil
}

func contentOf(m invitation.Mail, lang language) content {
	organization := noNumber(asText(oneLine(m.Organization.Name)))
	c := content{
		Language:     lang.name,
		Portal:       m.Target == invitation.TargetPortal,
		Reminder:     m.Reminder,
		Name:         noNumber(asText(oneLine(m.DisplayName))),
		Organization: organization,
		Short:        shorten(organization, maxShort),
		Contact:      asText(oneLine(m.Organization.Contact)),
		Link:         m.Link.Reveal(),
		Deadline:     lang.deadline(m.ExpiresAt.In(berlin)),
		GhostOpen:    ghostOpen,
		GhostClose:   ghostClose,
	}
	for _, line := range m.Organization.Imprint {
		c.Imprint = append(c.Imprint, asText(oneLine(line)))
	}
	return c
}
