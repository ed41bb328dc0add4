package sheet

import (
	"fmt"
	"strings"

	"github.com/kiwi-ki/invitations/internal/pdf"
	"github.com/kiwi-ki/invitations/internal/wording"
)

// brush draws one page, from the top downwards.
type brush struct {
	doc   *pdf.Document
	page  *pdf.Page
	facts wording.Facts
	words language
	// y is where the next text begins.
	y float64
	// scale is 1, or less where names are so long that the page would not hold them.
	scale float64
}

// The colours: of text, however small, since printers make grey of dots; of headings;
// and of lines.
const (
	black = "0 g"
	green = "0.102 0.337 0.196 rg"
	grey  = "0.5 g"
)

// leading is how far below a line of that size the next one is.
func leading(size float64) float64 { return size * 1.36 / pdf.MM }

// gap leaves some room.
func (b *brush) gap(height float64) { b.y += height * b.scale }

func (b *brush) paragraph(x, size, width float64, spans ...pdf.Span) {
	b.element(pdf.Paragraph, x, size, width, spans...)
}

// element writes a text from x on, in lines of at most that width.
func (b *brush) element(role pdf.Role, x, size, width float64, spans ...pdf.Span) {
	size *= b.scale
	b.page.Begin(role)
	b.write(x, size, b.lines(size, width, spans...))
	b.page.End()
}

func (b *brush) lines(size, width float64, spans ...pdf.Span) []pdf.Line {
	return b.doc.Lines(string(b.words.Name), size, width*pdf.MM, spans...)
}

// write writes lines below one another.
func (b *brush) write(x, size float64, lines []pdf.Line) {
	for _, l := range lines {
		b.page.Text(l, x*pdf.MM, b.base(size))
		b.y += leading(size)
	}
}

// base is where the letters stand of a line that begins at y.
func (b *brush) base(size float64) float64 { return pdf.Height - b.y*pdf.MM - size }

// fitting writes one line, smaller where it would be too wide, and leaves y where it
// is.
func (b *brush) fitting(x, size, width float64, span pdf.Span) {
	const endless = 10
	for _, l := range b.lines(size, endless*width, span) {
		if wide := l.Width / (width * pdf.MM); wide > 1 {
			for _, l := range b.lines(size/wide, endless*width, span) {
				b.page.Text(l, x*pdf.MM, b.base(size))
			}
			return
		}
		b.page.Text(l, x*pdf.MM, b.base(size))
	}
}

// disc is a digit on a disc.
func (b *brush) disc(x, y, width float64, digit string) {
	b.draw(green, fmt.Sprintf("1 J %.2f w %.2f %.2f m %[2]f %[3]f l S", width, x+width/2, y+width/2))
	size := 10.5 * b.scale
	for _, l := range b.lines(size, width, pdf.Span{Text: digit, Font: pdf.Bold}) {
		b.page.Color("1 g")
		b.page.Text(l, (x+width/2)*pdf.MM-l.Width/2, pdf.Height-(y+width/2)*pdf.MM-size*0.36)
	}
}

// rule is a thin line.
func (b *brush) rule(x0, y0, x1, y1 float64) {
	b.draw(grey, fmt.Sprintf("0.2 w %.2f %.2f m %.2f %.2f l S", x0, y0, x1, y1))
}

// frame is a thin line around a rectangle, with round corners.
func (b *brush) frame(x0, y0, x1, y1 float64) {
	const radius, curve = 3.0, 3 * 0.4477 // the latter is what makes four curves a circle
	var path strings.Builder
	fmt.Fprintf(&path, "0.3 w %.2f %.2f m ", x0+radius, y0)
	for _, corner := range [][4]float64{{x1, y0, 0, 1}, {x1, y1, -1, 0}, {x0, y1, 0, -1}, {x0, y0, 1, 0}} {
		// A line to where the corner begins, and a curve in the direction that follows.
		x, y, dx, dy := corner[0], corner[1], corner[2], corner[3]
		fromX, fromY := x-dy*radius, y+dx*radius
		fmt.Fprintf(&path, "%.2f %.2f l %.2f %.2f %.2f %.2f %.2f %.2f c ",
			fromX, fromY, x-dy*curve, y+dx*curve, x+dx*curve, y+dy*curve, x+dx*radius, y+dy*radius)
	}
	b.draw(grey, path.String()+"s")
}

// draw draws by operators in millimetres, from the page's upper left corner.
func (b *brush) draw(color, operators string) {
	stroke := strings.NewReplacer("rg", "RG", "g", "G").Replace(color)
	b.page.Decorate([]byte("1 0 0 -1 0 297 cm "+stroke+" "+operators+"\n"), 0, 0, pdf.MM)
}

func (b *brush) decorate(operators []byte, x, y, side float64) {
	b.page.Decorate(operators, x*pdf.MM, pdf.Height-(y+side)*pdf.MM, side*pdf.MM)
}

// bold is a phrase, all of it in bold.
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
