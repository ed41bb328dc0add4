package qr

import (
	"math"
	"math/bits"
	"strconv"

	"github.com/yeqown/go-qrcode/v2"
)

// PDF draws text as operators of a PDF page, in a square from 0 to 1 that has the
// quiet zone in it. They leave the page's state changed: save it before, and restore
// it afterwards. o.Size is of no account. Errors and ownership are those of PNG.
func PDF(text string, o Options) ([]byte, error) {
	w := pdfWriters.Get().(*pdfWriter)
	defer pdfWriters.Put(w)
	o.Size = 0
	return w.draw(w, text, o)
}

// pdfWriter draws in module units, y downwards, as svgWriter does.
type pdfWriter struct{ canvas }

var _ qrcode.Writer = (*pdfWriter)(nil)

// Write implements qrcode.Writer.
func (w *pdfWriter) Write(m qrcode.Matrix) error {
	w.begin(&m)
	module := 1 / float64(w.grid.n+2*quietZone)
	w.matrix(module, quietZone*module, 1-quietZone*module)
	from, width := 0, 0
	if w.opts.Mark != MarkNone {
		from, width = w.grid.knockOut()
	}
	w.color(w.opts.Color.value(), "rg")
	for y, row := range w.grid.rows[:w.grid.n] {
		w.row(row, y)
	}
	w.text("f\n")
	if width > 0 {
		w.mark(from, width)
	}
	return nil
}

// row fills every run of dark modules: all of them at once, lest there are seams.
func (w *pdfWriter) row(row uint64, y int) {
	for x := 0; row != 0; {
		gap := bits.TrailingZeros64(row)
		run := bits.TrailingZeros64(^(row >> gap))
		x += gap
		w.num(float64(x)).num(float64(y)).num(float64(run)).text("1 re\n")
		row >>= gap + run
		x += run
	}
}

// PDFMark is KIWI's mark alone, as PDF draws it in the middle of a symbol.
func PDFMark() []byte {
	var w pdfWriter
	w.matrix(0.5, 0.5, 0.5)
	w.lines()
	return w.out
}

func (w *pdfWriter) mark(from, width int) {
	half := float64(width) / 2
	w.num(half).text("0 0 ").num(half).num(float64(from) + half).num(float64(from) + half).text("cm\n")
	w.lines()
}

// lines draws the mark's lines, whose ends are round, from -1 to 1.
func (w *pdfWriter) lines() {
	w.text("1 J\n")
	for _, l := range kiwiMark {
		w.color(l.color.rgb(), "RG")
		w.num(l.width).text("w\n")
		for _, s := range l.lines {
			w.num(s.x0).num(s.y0).text("m ").num(s.x1).num(s.y1).text("l S\n")
		}
	}
}

// matrix has units of that size from here on, from the left and downwards from top.
func (w *pdfWriter) matrix(unit, left, top float64) {
	w.num(unit).text("0 0 ").num(-unit).num(left).num(top).text("cm\n")
}

func (w *pdfWriter) color(c rgb, operator string) {
	for _, v := range c {
		w.num(float64(v) / 255)
	}
	w.text(operator + "\n")
}

func (w *pdfWriter) text(s string) *pdfWriter {
	w.out = append(w.out, s...)
	return w
}

func (w *pdfWriter) num(f float64) *pdfWriter {
	w.out = strconv.AppendFloat(w.out, math.Round(f*1e5)/1e5, 'f', -1, 64)
	w.out = append(w.out, ' ')
	return w
}
