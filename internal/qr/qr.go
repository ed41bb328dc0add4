// Package qr draws activation links as QR codes in KIWI's colours.
//
// Every symbol holds its text as it is, in byte mode, with error correction Q and at
// most version 6 (41 × 41 modules): 74 characters. A smaller code of capitals is
// not to be had, because Android takes a link's scheme and host for what they are
// in lower case only. The reserve of level Q pays for the mark in the centre, which
// covers at most 18 % of the width. The modules are dark on white inside a quiet
// zone of at least four modules.
//
// The symbol comes from yeqown/go-qrcode; the Writers are this package's own, and
// so is the choice of the mask, whence one text with one Options always gives the
// same image.
//
// The text is a secret: no error repeats it.
package qr

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/yeqown/go-qrcode/v2"
)

const (
	// MaxText is how many characters fit version 6 at level Q.
	MaxText = 74

	// MinSize is the least side of an image in pixels: a module of the largest
	// symbol still is two pixels wide then, the least that every decoder we
	// tried could read.
	MinSize = 128
	// MaxSize is the greatest side of an image in pixels.
	MaxSize = 2048

	// DefaultSize is the side of an image whose Options give none: eight pixels
	// per module of the largest symbol, and a little margin.
	DefaultSize = 400
)

// Refusals of PNG and SVG. Nothing else goes wrong with a text and options that
// pass these checks.
var (
	ErrText        = errors.New("qr: text is empty or has a character that no URL has")
	ErrTextTooLong = fmt.Errorf("qr: text is longer than %d characters", MaxText)
	ErrSize        = fmt.Errorf("qr: size is not between %d and %d pixels", MinSize, MaxSize)
	ErrMark        = errors.New("qr: unknown mark")
)

// Mark is what is drawn in the centre of a symbol.
type Mark int

// The marks: a slice of kiwi with a keyhole, and nothing, which keeps all
// modules.
const (
	MarkKiwi Mark = iota
	MarkNone
)

// Options say how to draw. The zero value is good: 400 pixels, KIWI green, with
// the mark.
type Options struct {
	Size  int   // side of the image in pixels; 0 is DefaultSize
	Color Color // of the dark modules; the mark keeps its own colours
	Mark  Mark
}

// PNG draws text as a PNG of exactly o.Size pixels each way. Modules are whole
// pixels, as large as fits; what is left over widens the quiet zone.
//
// It returns ErrText, ErrTextTooLong, ErrSize or ErrMark. The caller owns the
// result.
func PNG(text string, o Options) ([]byte, error) {
	w := pngWriters.Get().(*pngWriter)
	defer pngWriters.Put(w)
	return w.draw(w, text, o)
}

// SVG draws text as an SVG document whose width and height are o.Size, laid out
// like the PNG. Errors and ownership are those of PNG.
func SVG(text string, o Options) ([]byte, error) {
	w := svgWriters.Get().(*svgWriter)
	defer svgWriters.Put(w)
	return w.draw(w, text, o)
}

var (
	pngWriters = sync.Pool{New: func() any { return new(pngWriter) }}
	svgWriters = sync.Pool{New: func() any { return new(svgWriter) }}
	pdfWriters = sync.Pool{New: func() any { return new(pdfWriter) }}
)

// canvas is what all writers share. They are used again and again, and so keep
// their buffers.
type canvas struct {
	opts Options // checked
	out  []byte  // the image last written
	grid grid
	side int // pixels of a module
	left int // pixels beside and above the symbol
}

// begin takes over the modules of m and lays them out. A module is the same
// number of whole pixels everywhere: where widths differ by a pixel, decoders
// misjudge the size of a small symbol.
func (c *canvas) begin(m *qrcode.Matrix) {
	c.out = c.out[:0]
	c.grid.read(m)
	c.side = c.opts.Size / (c.grid.n + 2*quietZone)
	c.left = (c.opts.Size - c.grid.n*c.side) / 2 &^ 1 // even, so that edges stay sharp in an image of half the size
}

// Close implements qrcode.Writer.
func (*canvas) Close() error { return nil }

// draw makes w, which is the writer around c, write the symbol of text.
func (c *canvas) draw(w qrcode.Writer, text string, o Options) ([]byte, error) {
	if o.Size == 0 {
		o.Size = DefaultSize
	}
	if err := check(text, o); err != nil {
		return nil, err
	}
	symbol, err := encode(text)
	if err != nil {
		return nil, fmt.Errorf("qr: encode: %w", err)
	}
	c.opts = o
	if err := symbol.Save(w); err != nil {
		return nil, fmt.Errorf("qr: write: %w", err)
	}
	return bytes.Clone(c.out), nil
}

// check refuses what yeqown would panic on or silently draw too large.
func check(text string, o Options) error {
	switch {
	case len(text) > MaxText:
		return ErrTextTooLong
	case text == "" || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }):
		return ErrText
	case o.Size < MinSize || o.Size > MaxSize:
		return ErrSize
	case o.Mark != MarkKiwi && o.Mark != MarkNone:
		return ErrMark
	}
	return nil
}

// encode wants a checked text. The length alone decides the version.
func encode(text string) (*qrcode.QRCode, error) {
	return qrcode.NewWith(text,
		qrcode.WithEncodingMode(qrcode.EncModeByte),
		qrcode.WithErrorCorrectionLevel(qrcode.ErrorCorrectionQuart))
}
