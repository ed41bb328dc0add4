package qr

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"sync"

	"github.com/yeqown/go-qrcode/v2"
)

// pngWriter draws into an indexed PNG without alpha: one bit per pixel, or four
// where there is a mark.
type pngWriter struct {
	canvas
	image image.Paletted
}

var _ qrcode.Writer = (*pngWriter)(nil)

// Write implements qrcode.Writer.
func (w *pngWriter) Write(m qrcode.Matrix) error {
	w.begin(&m)
	w.blank()
	if w.opts.Mark == MarkNone {
		w.modules()
	} else {
		from, width := w.grid.knockOut()
		w.modules()
		w.mark(from, width)
	}
	out := bytes.NewBuffer(w.out)
	err := encoder.Encode(out, &w.image)
	w.out = out.Bytes()
	return err
}

// blank makes the image as large as it is to be, and light.
func (w *pngWriter) blank() {
	size := w.opts.Size
	if cap(w.image.Pix) < size*size {
		w.image.Pix = make([]uint8, size*size)
	}
	w.image.Pix = w.image.Pix[:size*size]
	clear(w.image.Pix)
	w.image.Stride, w.image.Rect = size, image.Rect(0, 0, size, size)
	w.image.Palette = append(w.image.Palette[:0], opaque(white), opaque(w.opts.Color.value()))
	if w.opts.Mark != MarkNone {
		w.image.Palette = append(w.image.Palette, markColors...)
	}
}

// modules draws every row of modules once and repeats its pixels.
func (w *pngWriter) modules() {
	size := w.opts.Size
	for y, row := range w.grid.rows[:w.grid.n] {
		first := w.image.Pix[(w.left+y*w.side)*size:]
		for x := range w.grid.n * w.side {
			first[w.left+x] = uint8(row >> (x / w.side) & 1)
		}
		for i := 1; i < w.side; i++ {
			copy(first[i*size:], first[:size])
		}
	}
}

func (w *pngWriter) mark(from, width int) {
	side := width * w.side
	raster := markRaster(side)
	start := w.left + from*w.side
	for y := range side {
		copy(w.image.Pix[(start+y)*w.opts.Size+start:], raster[y*side:(y+1)*side])
	}
}

func opaque(c rgb) color.Color { return color.RGBA{c[0], c[1], c[2], 0xff} }

// encoder keeps its buffers, of which a compressor takes the most.
var encoder = png.Encoder{BufferPool: new(encoderBuffers)}

type encoderBuffers struct{ pool sync.Pool }

// Get implements png.EncoderBufferPool.
func (b *encoderBuffers) Get() *png.EncoderBuffer {
	buffer, _ := b.pool.Get().(*png.EncoderBuffer)
	return buffer
}

// Put implements png.EncoderBufferPool.
func (b *encoderBuffers) Put(buffer *png.EncoderBuffer) { b.pool.Put(buffer) }
