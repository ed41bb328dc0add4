package sheet

import (
	"fmt"
	"strings"

	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/pdf"
	"github.com/kiwi-ki/invitations/internal/wording"
)

// Lengths are in millimetres, from the left and from the top.
const (
	left       = 25.0 // DIN 5008
	right      = 190.0
	textWidth  = right - left
	codeSide   = 56.0 // with its quiet zone; the code itself is 47
	windowLeft = 25.0 // 20 mm is the window's edge, and 5 mm its inner margin
	windowTop  = 45.0 // form B
	// addressTop is where the zone for the address begins, below that for remarks.
	addressTop  = windowTop + 17.7
	addressLine = 4.4
)

// brush draws one page, from the top downwards.
type brush struct {
	doc   *pdf.Document
	page  *pdf.Page
	lang  string
	facts wording.Facts
	words language
	// y is where the next text begins.
	y float64
	// scale makes text smaller on pages where names are so long that it would not fit.
	scale float64
}

// The colours of text.
const (
	dark  = "0.1 g"
	grey  = "0.35 g"
	green = "0.102 0.337 0.196 rg"
)

// layOut draws a sheet as large as it fits on one page.
func layOut(doc *pdf.Document, s Sheet, code []byte) *pdf.Page {
	w := words[wording.Best(s.Language)]
	organization := wording.OneLine(s.Organization.Name)
	facts := wording.Facts{
		Portal:       s.Target == invitation.TargetPortal,
		Name:         printable(s.DisplayName),
		Organization: organization,
		Short:        wording.Shorten(organization, 64),
		Contact:      wording.OneLine(s.Organization.Contact),
		Deadline:     w.Deadline(s.ExpiresAt),
	}
	for scale := 1.0; ; scale -= 0.06 {
		b := &brush{doc: doc, page: pdf.NewPage(string(w.Name)), lang: string(w.Name), facts: facts, words: w, scale: scale}
		bottom := b.footer(s.Organization)
		b.head()
		b.address(s.Address)
		b.body(s.Link.Reveal(), code)
		if b.y <= bottom || scale < 0.5 {
			return b.page
		}
	}
}

// printable leaves a name out rather than show boxes.
func printable(name string) string {
	if !CanPrint(name) {
		return ""
	}
	return wording.OneLine(name)
}

// head has the organization's name on the left and KIWI's on the right.
func (b *brush) head() {
	b.y = 20
	if b.facts.Organization != "" {
		b.page.Color(dark)
		b.element(pdf.Paragraph, 13, 110, pdf.Span{Text: b.facts.Organization, Font: pdf.Bold})
	}
}

// address fills the window of an envelope: above it who sends it, for the post to
// bring back.
func (b *brush) address(lines []string) {
	b.y = max(b.y, 38)
	if len(lines) == 0 {
		return
	}
	b.page.Color(dark)
	b.y = addressTop
	b.page.Begin(pdf.Paragraph)
	for _, line := range lines {
		b.line(left, 10.5, 80, pdf.Span{Text: wording.OneLine(line)})
		b.y += addressLine
	}
	b.page.End()
	b.y = 100
}

// body is what the reader is to know and to do.
func (b *brush) body(link string, code []byte) {
	b.page.Color(green)
	b.element(pdf.Heading, 20, textWidth, b.bold("heading"))
	b.y += 3 * b.scale
	b.page.Color(dark)
	b.element(pdf.Paragraph, 11, textWidth, b.spans("greeting")...)
	b.y += 2 * b.scale
	b.element(pdf.Paragraph, 11, textWidth, b.spans("intro")...)
	b.y += 6 * b.scale
	b.steps(code)
	b.y += 5 * b.scale
	b.element(pdf.Paragraph, 10, textWidth, b.spans("sheet-link")...)
	b.y += 1.5
	b.element(pdf.Paragraph, 9.2/b.scale, textWidth, pdf.Span{Text: link, Font: pdf.Mono})
	b.y += 5 * b.scale
	b.page.Color(grey)
	for _, phrase := range []string{"sheet-once", "expired", "sheet-questions"} {
		b.element(pdf.Paragraph, 9.5, textWidth, b.spans(phrase)...)
		b.y += 1 * b.scale
	}
}

// steps has the code on the left, and on the right what to do with it.
func (b *brush) steps(code []byte) {
	top := b.y
	b.page.Figure(b.words.phrase("sheet-code", b.facts), code, left*pdf.MM, pdf.Height-(top+codeSide)*pdf.MM, codeSide*pdf.MM)
	x := left + codeSide + 6
	b.y = top + 5
	b.page.Color(green)
	b.at(x, pdf.Paragraph, 13, right-x, b.bold("sheet-steps"))
	b.y += 2
	b.page.Color(dark)
	b.page.Begin(pdf.List)
	for i := 1; i <= 3; i++ {
		b.page.Begin(pdf.ListItem)
		b.page.Begin(pdf.Label)
		b.line(x, 11, 10, pdf.Span{Text: fmt.Sprintf("%d.", i), Font: pdf.Bold})
		b.page.End()
		b.at(x+7, pdf.ListBody, 11, right-x-7, b.spans(fmt.Sprintf("sheet-step-%d", i))...)
		b.page.End()
		b.y += 1.5
	}
	b.page.End()
	b.at(x, pdf.Paragraph, 11, right-x, b.bold("deadline"))
	b.y = max(b.y, top+codeSide)
}

// footer has contact and imprint, and returns where it begins.
func (b *brush) footer(o invitation.Organization) (top float64) {
	var text []string
	if b.facts.Contact != "" {
		text = append(text, b.words.phrase("contact", b.facts))
	}
	for _, line := range o.Imprint {
		text = append(text, wording.OneLine(line))
	}
	text = append(text, b.words.phrase("sheet-footer", b.facts))
	height := 0.0
	var all [][]pdf.Line
	for _, t := range text {
		lines := b.doc.Lines(b.lang, 7.5, textWidth*pdf.MM, pdf.Span{Text: t})
		all = append(all, lines)
		height += float64(len(lines)) * 3.4
	}
	b.y = 285 - height
	top = b.y - 4
	b.page.Color(grey)
	for _, lines := range all {
		b.page.Begin(pdf.Paragraph)
		b.write(left, 7.5, 3.4, lines)
		b.page.End()
	}
	return top
}

// element writes a paragraph at the left margin.
func (b *brush) element(role pdf.Role, size, width float64, spans ...pdf.Span) {
	b.at(left, role, size, width, spans...)
}

// at writes a paragraph at x.
func (b *brush) at(x float64, role pdf.Role, size, width float64, spans ...pdf.Span) {
	size *= b.scale
	b.page.Begin(role)
	b.write(x, size, size*1.38/pdf.MM, b.doc.Lines(b.lang, size, width*pdf.MM, spans...))
	b.page.End()
}

// write writes lines below one another.
func (b *brush) write(x, size, leading float64, lines []pdf.Line) {
	for _, l := range lines {
		b.page.Text(l, x*pdf.MM, pdf.Height-b.y*pdf.MM-size)
		b.y += leading
	}
}

// line writes one line, and leaves y where it is.
func (b *brush) line(x, size, width float64, span pdf.Span) {
	for _, l := range b.doc.Lines(b.lang, size, width*pdf.MM, span)[:1] {
		b.page.Text(l, x*pdf.MM, pdf.Height-b.y*pdf.MM-size)
	}
}

func (b *brush) bold(phrase string) pdf.Span {
	return pdf.Span{Text: strings.ReplaceAll(b.words.phrase(phrase, b.facts), strong, ""), Font: pdf.Bold}
}

// spans are a phrase, with what is strong in bold.
func (b *brush) spans(phrase string) (spans []pdf.Span) {
	for i, part := range strings.Split(b.words.phrase(phrase, b.facts), strong) {
		if part != "" {
			spans = append(spans, pdf.Span{Text: part, Font: pdf.Font(i % 2)})
		}
	}
	return spans
}
