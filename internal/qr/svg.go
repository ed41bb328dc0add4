package qr

import (
	"encoding/hex"
	"math/bits"
	"strconv"

	"github.com/yeqown/go-qrcode/v2"
)

// svgWriter draws in module units, which one transformation turns into pixels.
type svgWriter struct{ canvas }

var _ qrcode.Writer = (*svgWriter)(nil)

// Write implements qrcode.Writer. It allocates only until its buffer is as large
// as the image needs it.
func (w *svgWriter) Write(m qrcode.Matrix) error {
	w.begin(&m)
	w.head()
	if w.opts.Mark == MarkNone {
		w.modules()
	} else {
		from, width := w.grid.knockOut()
		w.modules()
		w.mark(from, width)
	}
	w.text("</g></svg>\n")
	return nil
}

func (w *svgWriter) head() {
	size := w.opts.Size
	w.text(`<svg xmlns="http://www.w3.org/2000/svg" width="`).num(size)
	w.text(`" height="`).num(size)
	w.text(`" viewBox="0 0 `).num(size).text(" ").num(size)
	w.text(`"><path fill="#fff" d="M0 0h`).num(size).text("v").num(size).text(`H0z"/>`)
	w.text(`<g fill="none" transform="translate(`).num(w.left).text(" ").num(w.left)
	w.text(")scale(").num(w.side).text(`)">`)
}

// modules draws every run of dark modules in a row as one stroke through its
// middle, all in one path.
func (w *svgWriter) modules() {
	color := w.opts.Color.value()
	w.text(`<path shape-rendering="crispEdges" stroke="#`)
	w.out = hex.AppendEncode(w.out, color[:])
	w.text(`" d="`)
	for y, row := range w.grid.rows[:w.grid.n] {
		w.row(row, y)
	}
	w.text(`"/>`)
}

func (w *svgWriter) row(row uint64, y int) {
	for move := "M"; row != 0; move = "m" {
		gap := bits.TrailingZeros64(row)
		run := bits.TrailingZeros64(^(row >> gap))
		w.text(move).num(gap)
		if move == "M" {
			w.text(" ").num(y).text(".5")
		} else {
			w.text(" 0")
		}
		w.text("h").num(run)
		row >>= gap + run
	}
}

func (w *svgWriter) mark(from, width int) {
	centre := 2*from + width // in half modules
	w.text(`<g stroke-linecap="round" transform="translate(`).half(centre)
	w.text(" ").half(centre).text(")scale(").half(width).text(`)">`)
	w.text(markSVG).text("</g>")
}

func (w *svgWriter) text(s string) *svgWriter {
	w.out = append(w.out, s...)
	return w
}

func (w *svgWriter) num(n int) *svgWriter {
	w.out = strconv.AppendInt(w.out, int64(n), 10)
	return w
}

// half writes n/2 for an odd n.
func (w *svgWriter) half(n int) *svgWriter { return w.num(n / 2).text(".5") }
