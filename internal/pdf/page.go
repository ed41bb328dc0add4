package pdf

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
)

// Width and Height are those of a page, A4, in points. Places on a page are in
// points from its left and its bottom edge.
const (
	Width  = 210 * MM
	Height = 297 * MM
	// MM is a millimetre.
	MM = 72 / 25.4
)

// Page is a page that is being drawn. Every text belongs to an element, which says
// what it is to those who have the page read out to them; what does not is
// decoration.
type Page struct {
	content  bytes.Buffer
	elements []element
	open     int   // the element that has been begun last and not ended
	marked   []int // the element of each piece of marked content
}

// element is a node of the tree of what is on a page.
type element struct {
	role   Role
	entry  string // of its dictionary
	parent int
	kids   []kid
}

// kid is an element, or a piece of marked content.
type kid struct {
	index  int
	marked bool
}

// Role is what an element is.
type Role string

// The roles.
const (
	Heading    Role = "H1"
	Subheading Role = "H2"
	Paragraph  Role = "P"
	List       Role = "L"
	ListItem   Role = "LI"
	Label      Role = "Lbl"
	ListBody   Role = "LBody"
	figure     Role = "Figure"
	section    Role = "Sect"
)

// NewPage returns an empty page in that language, a BCP 47 tag.
func NewPage(lang string) *Page {
	return &Page{elements: []element{{role: section, entry: "/Lang(" + lang + ")"}}}
}

// Begin begins an element inside of the one that is open.
func (p *Page) Begin(role Role) {
	entry := ""
	if role == List {
		entry = "/A<</O/List/ListNumbering/Decimal>>"
	}
	p.begin(role, entry)
}

func (p *Page) begin(role Role, entry string) {
	n := len(p.elements)
	p.elements[p.open].kids = append(p.elements[p.open].kids, kid{index: n})
	p.elements = append(p.elements, element{role: role, entry: entry, parent: p.open})
	p.open = n
}

// End ends the element that was begun last.
func (p *Page) End() { p.open = p.elements[p.open].parent }

// Text writes a line whose first letter stands at x on the base line y.
func (p *Page) Text(l Line, x, y float64) {
	p.mark(func() {
		for _, r := range l.runs {
			fmt.Fprintf(&p.content, "BT /F%d %s Tf %s %s Td %s ET\n", r.face, number(l.size), number(x+r.x), number(y), r.show)
		}
	})
}

// mark makes what draw writes a part of the open element.
func (p *Page) mark(draw func()) {
	open := &p.elements[p.open]
	fmt.Fprintf(&p.content, "/%s<</MCID %d>>BDC\n", open.role, len(p.marked))
	open.kids = append(open.kids, kid{index: len(p.marked), marked: true})
	p.marked = append(p.marked, p.open)
	draw()
	p.content.WriteString("EMC\n")
}

// Figure draws by operators what alt puts into words, within a square of that side
// whose lower left corner is (x, y): to the operators it reaches from 0 to 1.
func (p *Page) Figure(alt string, operators []byte, x, y, side float64) {
	box := fmt.Sprintf("%s %s %s %s", number(x), number(y), number(x+side), number(y+side))
	p.begin(figure, "/Alt"+utf16String(alt)+"/A<</O/Layout/Placement/Block/BBox["+box+"]>>")
	p.mark(func() { p.place(operators, x, y, side) })
	p.End()
}

// Decorate is Figure for what says nothing.
func (p *Page) Decorate(operators []byte, x, y, side float64) {
	p.content.WriteString("/Artifact BMC\n")
	p.place(operators, x, y, side)
	p.content.WriteString("EMC\n")
}

func (p *Page) place(operators []byte, x, y, side float64) {
	fmt.Fprintf(&p.content, "q %s 0 0 %[1]s %s %s cm\n", number(side), number(x), number(y))
	p.content.Write(operators)
	p.content.WriteString("Q\n")
}

// Color has all text from here on in that colour, as an operator sets it.
func (p *Page) Color(operator string) { p.content.WriteString(operator + "\n") }

// structure writes a page's elements, and returns the number of the outermost.
func (d *Document) structure(p *Page, objects pageObjects) (section int) {
	numbers := make([]int, len(p.elements))
	for i := range p.elements {
		numbers[i] = d.newObject()
	}
	for i, e := range p.elements {
		parent := documentObject
		if i > 0 {
			parent = numbers[e.parent]
		}
		var kids strings.Builder
		for _, k := range e.kids {
			if k.marked {
				fmt.Fprintf(&kids, "%d ", k.index)
			} else {
				fmt.Fprintf(&kids, "%d 0 R ", numbers[k.index])
			}
		}
		d.object(numbers[i], "<</Type/StructElem/S/%s/P %d 0 R/Pg %d 0 R%s/K[%s]>>", e.role, parent, objects.page, e.entry, kids.String())
	}
	var parents strings.Builder
	for _, i := range p.marked {
		fmt.Fprintf(&parents, "%d 0 R ", numbers[i])
	}
	d.object(objects.parents, "[%s]", parents.String())
	return numbers[0]
}

// number writes a number with as many digits as a printer can tell apart.
func number(f float64) string {
	s := strings.TrimRight(strconv.FormatFloat(f, 'f', 3, 64), "0")
	return strings.TrimSuffix(s, ".")
}

// utf16String writes a text as PDF has it in dictionaries.
func utf16String(s string) string { return "<FEFF" + utf16Hex(s) + ">" }

func utf16Hex(s string) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(s)) {
		fmt.Fprintf(&b, "%04X", unit)
	}
	return b.String()
}
