package sheet

import (
	"fmt"
	"strings"

	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/pdf"
	"github.com/kiwi-ki/invitations/internal/qr"
	"github.com/kiwi-ki/invitations/internal/wording"
)

// Lengths are in millimetres, from the left and from the top; sizes of letters are
// in points.
const (
	left      = 25.0 // DIN 5008
	right     = 190.0
	textWidth = right - left
	headTop   = 17.0
	markSide  = 11.0
	// codeSide is that of the code with its quiet zone: the code itself has 47.
	codeSide = 56.0
	padding  = 3.0 // between the frame around code and steps, and these

	// The window of an envelope is 20 mm from the left, and its inner margin 5.
	windowTop   = 45.0 // form B
	windowWidth = 75.0
	// addressTop is where the zone for the address begins, below that for remarks.
	addressTop   = windowTop + 17.7
	addressLine  = 4.5
	belowAddress = 99.0
	belowHead    = 46.0
	footBottom   = 285.0
)

// folds are where a letter of form B is folded, and the middle, where it is punched.
var folds = []float64{105, 148.5, 210}

// layOut draws a sheet, as large as it fits on one page.
func layOut(doc *pdf.Document, s Sheet, code []byte) *pdf.Page {
	w := words[wording.Best(s.Language)]
	facts := factsOf(s, w)
	for scale := 1.0; ; scale -= 0.04 {
		b := &brush{doc: doc, page: pdf.NewPage(string(w.Name)), facts: facts, words: w, scale: 1}
		b.head()
		b.scale, b.y = scale, belowHead
		if len(s.Address) > 0 {
			b.address(s.Address)
			b.y = belowAddress
		}
		b.body(s.Link.Reveal(), code)
		if b.foot(s.Organization) || scale < smallest {
			return b.page
		}
	}
}

// smallest is the scale that fits the longest names that package mailaddr lets pass.
const smallest = 0.4

func factsOf(s Sheet, w language) wording.Facts {
	organization := printable(s.Organization.Name)
	return wording.Facts{
		Portal:       s.Target == invitation.TargetPortal,
		Name:         printable(s.DisplayName),
		Organization: organization,
		Short:        wording.Shorten(organization, 64),
		Contact:      printable(s.Organization.Contact),
		Deadline:     w.Deadline(s.ExpiresAt),
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
	const kiwi = 15.0 // as wide as the word
	b.decorate(qr.PDFMark(), right-markSide, headTop, markSide)
	b.y = headTop + 2
	b.page.Color(green)
	b.paragraph(right-markSide-kiwi-2, 17, kiwi+1, pdf.Span{Text: "KIWI", Font: pdf.Bold})
	b.y = headTop + 2.6
	if b.facts.Organization != "" {
		const width, most = 125.0, 3
		name := pdf.Span{Text: b.facts.Organization, Font: pdf.Bold}
		size := 13.0
		for len(b.lines(size, width, name)) > most {
			size--
		}
		b.page.Color(black)
		b.paragraph(left, size, width, name)
	}
}

// address fills the window of an envelope: the addressee, and above it in small
// print who sends the letter.
func (b *brush) address(lines []string) {
	if b.facts.Organization != "" {
		b.page.Color(black)
		b.y = addressTop - 4.2
		b.page.Begin(pdf.Paragraph)
		b.fitting(left, 6.5, windowWidth, pdf.Span{Text: b.facts.Short})
		b.page.End()
		b.rule(left, addressTop-0.9, left+windowWidth, addressTop-0.9)
	}
	b.page.Color(black)
	b.y = addressTop
	b.page.Begin(pdf.Paragraph)
	for _, line := range lines {
		b.fitting(left, 10.5, windowWidth, pdf.Span{Text: wording.OneLine(line)})
		b.y += addressLine
	}
	b.page.End()
	for _, fold := range folds {
		b.rule(5, fold, 9, fold)
	}
}

// body is what the reader is to know and to do.
func (b *brush) body(link string, code []byte) {
	b.page.Color(green)
	b.element(pdf.Heading, left, 21, textWidth, b.bold("heading"))
	b.gap(3)
	b.page.Color(black)
	b.paragraph(left, 11, textWidth, b.spans("greeting")...)
	b.gap(1.5)
	b.paragraph(left, 11, textWidth, b.spans("intro")...)
	b.gap(5)
	b.steps(code)
	b.gap(5)
	b.paragraph(left, 10, textWidth, b.spans("sheet-link")...)
	b.gap(1)
	b.page.Begin(pdf.Paragraph)
	b.fitting(left, 10, textWidth, pdf.Span{Text: link, Font: pdf.Mono})
	b.page.End()
	b.y += 5
	b.gap(4)
	b.page.Color(black)
	for _, phrase := range []string{"sheet-once", "expired", "sheet-questions"} {
		b.paragraph(left, 9.5, textWidth, b.spans(phrase)...)
	}
}

// steps has the code on the left, on the right what to do with it and until when,
// and a frame around both.
func (b *brush) steps(code []byte) {
	const disc = 6.0
	top := b.y
	x := left + padding + codeSide + 3
	width := right - padding - x
	b.y = top + padding + 2
	b.page.Color(green)
	b.element(pdf.Subheading, x, 13, width, b.bold("sheet-steps"))
	b.gap(3)
	b.page.Begin(pdf.List)
	for i := 1; i <= 3; i++ {
		b.page.Begin(pdf.ListItem)
		b.page.Begin(pdf.Label)
		b.disc(x, b.y-0.4, disc*b.scale, fmt.Sprint(i))
		b.page.End()
		b.page.Color(black)
		b.element(pdf.ListBody, x+disc+2.5, 10.5, width-disc-2.5, b.spans(fmt.Sprintf("sheet-step-%d", i))...)
		b.page.End()
		b.gap(2)
	}
	b.page.End()
	b.gap(1)
	b.paragraph(x, 11.5, width, b.bold("deadline"))
	b.y = max(b.y+padding, top+codeSide+2*padding)
	middle := (top + b.y) / 2
	b.page.Figure(b.words.phrase("sheet-code", b.facts), code,
		(left+padding)*pdf.MM, pdf.Height-(middle+codeSide/2)*pdf.MM, codeSide*pdf.MM)
	b.frame(left, top, right, b.y)
}

// foot has contact and imprint at the bottom of the page. It reports whether there
// was room for it below the rest.
func (b *brush) foot(o invitation.Organization) bool {
	var imprint, text []string
	for _, line := range o.Imprint {
		if line = printable(line); line != "" {
			imprint = append(imprint, line)
		}
	}
	if b.facts.Contact != "" {
		text = append(text, b.words.phrase("contact", b.facts))
	}
	if len(imprint) > 0 {
		text = append(text, strings.Join(imprint, " · "))
	}
	text = append(text, b.words.phrase("sheet-footer", b.facts))
	size := 8 * b.scale
	var paragraphs [][]pdf.Line
	bottom := b.y
	b.y = footBottom
	for _, t := range text {
		lines := b.lines(size, textWidth, pdf.Span{Text: t})
		paragraphs = append(paragraphs, lines)
		b.y -= float64(len(lines)) * leading(size)
	}
	fits := b.y-4 >= bottom
	b.rule(left, b.y-2, right, b.y-2)
	b.page.Color(black)
	for _, lines := range paragraphs {
		b.page.Begin(pdf.Paragraph)
		b.write(left, size, lines)
		b.page.End()
	}
	return fits
}
