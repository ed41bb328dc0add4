// Package mail writes the mails that carry an invitation: subject, plain text
// and HTML, in German and English, to the app and to the portal.
//
// There is one layout for HTML and one for plain text (templates/layout.*); the
// phrases are package wording's. The HTML loads nothing: no image, no font, no pixel.
package mail

import (
	"embed"
	"errors"
	"fmt"
	html "html/template"
	"strings"
	text "text/template"

	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/wording"
)

//go:embed templates
var files embed.FS

// language is what it takes to write a mail in one language.
type language struct {
	wording.Language
	text *text.Template
	html *html.Template
}

// languages are parsed when the program starts: a broken template is a broken
// build, and every test of this package shows it. Their order is wording's.
var languages = func() (all []language) {
	for _, l := range wording.Languages() {
		all = append(all, load(l))
	}
	return all
}()

func load(l wording.Language) language {
	plain := text.Must(text.New("").Funcs(text.FuncMap{"whole": whole}).ParseFS(files, "templates/layout.txt"))
	rich := html.Must(html.ParseFS(files, "templates/layout.html"))
	return language{l, text.Must(plain.Parse(l.Phrases)), html.Must(rich.Parse(l.Phrases))}
}

// content is what the templates see.
type content struct {
	wording.Facts
	Language invitation.Locale
	Imprint  []string
	Link     string
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
	lang := languages[wording.Best(m.Language)]
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
		ToName:        wording.Shorten(c.Name, maxShort),
		ReplyTo:       m.Organization.ReplyTo,
		DespiteBounce: m.DespiteBounce,
		Subject:       c.Subject,
		Text:          wrap(plain.String()),
		HTML:          rich.String(),
	}, nil
}

func contentOf(m invitation.Mail, lang language) content {
	organization := noNumber(plain(m.Organization.Name))
	c := content{
		Facts: wording.Facts{
			Portal:       m.Target == invitation.TargetPortal,
			Reminder:     m.Reminder,
			Name:         noNumber(plain(m.DisplayName)),
			Organization: organization,
			Short:        wording.Shorten(organization, maxShort),
			Contact:      plain(m.Organization.Contact),
			Deadline:     lang.Deadline(m.ExpiresAt),
		},
		Language:   lang.Name,
		Link:       m.Link.Reveal(),
		GhostOpen:  ghostOpen,
		GhostClose: ghostClose,
	}
	for _, line := range m.Organization.Imprint {
		c.Imprint = append(c.Imprint, plain(line))
	}
	return c
}

// plain makes text of a name that no mail program takes a part of for a link.
func plain(name string) string { return asText(wording.OneLine(name)) }
