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

	"github.com/kiwi-ki/invitations/internal/invitation"
)

//go:embed templates
var files embed.FS

// language is what it takes to write in one language.
type language struct {
	text     *text.Template
	html     *html.Template
	deadline deadline
}

// languages are parsed when the program starts: a broken template is a broken
// build, and every test of this package shows it.
var languages = map[invitation.Locale]language{
	invitation.German:  load(invitation.German, germanDeadline),
	invitation.English: load(invitation.English, englishDeadline),
}

func load(locale invitation.Locale, deadline deadline) language {
	phrases := "templates/" + string(locale) + ".tmpl"
	return language{
		text:     text.Must(text.ParseFS(files, "templates/layout.txt", phrases)),
		html:     html.Must(html.ParseFS(files, "templates/layout.html", phrases)),
		deadline: deadline,
	}
}

// content is what the templates see.
type content struct {
	Locale       invitation.Locale
	Portal       bool
	Reminder     bool
	Name         string
	Organization string
	Link         string
	Deadline     string
	Subject      string
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

// Render writes the message of one mail. An unknown locale gets German. It
// trusts no name: what isn't plain text on one line becomes that first.
//
// It returns ErrLink for a link that is no absolute http or https URL, and no
// error has the link or a name in it. Safe for concurrent use.
func Render(m invitation.Mail) (invitation.Message, error) {
	locale := m.Locale
	lang, ok := languages[locale]
	if !ok {
		locale = invitation.German
		lang = languages[locale]
	}
	if !followable(m.Link.Reveal()) {
		return invitation.Message{}, ErrLink
	}
	c := content{
		Locale:       locale,
		Portal:       m.Target == invitation.TargetPortal,
		Reminder:     m.Reminder,
		Name:         oneLine(m.DisplayName),
		Organization: oneLine(m.OrganizationName),
		Link:         m.Link.Reveal(),
		Deadline:     lang.deadline(m.ExpiresAt.In(berlin)),
		GhostOpen:    ghostOpen,
		GhostClose:   ghostClose,
	}
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
		DeliveryID:   m.DeliveryID,
		InvitationID: m.InvitationID,
		To:           m.To,
		ToName:       c.Name,
		Subject:      c.Subject,
		Text:         wrap(plain.String()),
		HTML:         rich.String(),
	}, nil
}
