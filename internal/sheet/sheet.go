// Package sheet draws info sheets: the invitation of one user on one page of A4, to
// be printed and handed over or sent by post.
//
// A page has the QR code as shapes, the link as text, what to do with them, and
// whose invitation it is. What it says is package wording's, and how a PDF is
// written package pdf's. Nothing on it is a link that a program could follow, and
// nothing in it tells who looked at it.
package sheet

import (
	"io"
	"strings"
	"text/template"
	"time"

	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/pdf"
	"github.com/kiwi-ki/invitations/internal/qr"
	"github.com/kiwi-ki/invitations/internal/wording"
)

// Sheet is what one page says.
type Sheet struct {
	Target invitation.Target
	// Language is what the reader speaks; see User.Language.
	Language invitation.Locale
	// DisplayName is the invited person's name.
	DisplayName string
	// Organization is the property manager as the reader knows it.
	Organization invitation.Organization
	Link         invitation.Link
	ExpiresAt    time.Time
	// Address has the lines that are to be seen in the window of an envelope, at
	// most MaxAddressLines; none leaves no room for a window.
	Address []string
}

// MaxAddressLines is how many lines the address zone of DIN 5008 has.
const MaxAddressLines = 6

// Document is a PDF of sheets, written page by page. It is for one goroutine.
type Document struct{ pdf *pdf.Document }

// New returns a document of invitations to one target, which writes to out from the
// first page on. The language is that of its title.
func New(out io.Writer, target invitation.Target, language invitation.Locale) *Document {
	w := words[wording.Best(language)]
	title := w.phrase("sheet-title", wording.Facts{Portal: target == invitation.TargetPortal})
	return &Document{pdf.New(out, title, string(w.Name))}
}

// Add writes the next page. It returns what qr.PDF refuses, and the writer's errors.
func (d *Document) Add(s Sheet) error {
	code, err := qr.PDF(s.Link.Reveal(), qr.Options{Color: blackCode})
	if err != nil {
		return err
	}
	return d.pdf.Add(layOut(d.pdf, s, code))
}

// CanPrint reports whether the fonts have all letters of a text.
func CanPrint(text string) bool { return pdf.CanShow(wording.OneLine(text)) }

// Pages tells how many pages there are.
func (d *Document) Pages() int { return d.pdf.Pages() }

// Close writes the end of the document. Without a page, nothing is written at all.
func (d *Document) Close() error { return d.pdf.Close() }

// blackCode is what printers print sharpest: green would be made of dots.
var blackCode = func() qr.Color {
	color, err := qr.ParseColor("#000000")
	if err != nil {
		panic(err)
	}
	return color
}()

// words are the phrases of each language, in wording's order.
var words = func() (all []language) {
	for _, l := range wording.Languages() {
		all = append(all, language{l, template.Must(parts().Parse(l.Phrases))})
	}
	return all
}()

type language struct {
	wording.Language
	template *template.Template
}

// strong is put around what is to be bold. No name has it.
const strong = "\x02"

// parts says how parts of a phrase look on a sheet.
func parts() *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{
		"together": func(s string) string { return strings.ReplaceAll(s, "-", "\u2011") },
	}).Parse(`{{define "strong"}}` + strong + `{{.}}` + strong + `{{end}}{{define "name"}}{{.}}{{end}}{{define "nowrap"}}{{together .}}{{end}}`))
}

// phrase returns one of the phrases that phrases/*.tmpl define.
func (l language) phrase(name string, facts wording.Facts) string {
	var b strings.Builder
	if err := l.template.ExecuteTemplate(&b, name, facts); err != nil {
		panic(err) // no phrase can fail on facts: every test of this package shows it
	}
	return b.String()
}
