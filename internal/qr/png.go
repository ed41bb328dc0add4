package qr

import (
	"encoding/binary"
	"hash/adler32"
	"hash/crc32"

	"github.com/yeqown/go-qrcode/v2"
)

// pngWriter draws into an indexed PNG without alpha: one bit per pixel, or four
// where there is a mark. No row is filtered. Rows are never all in memory, only
// the one being drawn and the one above.
type pngWriter struct {
	canvas
	depth  int     // bits of a pixel
	pixels []uint8 // a row of palette indices
	packed []byte  // the row above and this row, as PNG has them
	stream deflater
	sum    uint32 // Adler-32 of all rows
}

var _ qrcode.Writer = (*pngWriter)(nil)

// Write implements qrcode.Writer. It allocates only until its buffers are as
// large as the image needs them.
func (w *pngWriter) Write(m qrcode.Matrix) error {
	w.begin(&m)
	w.rewind()
	w.blank(w.left)
	if w.opts.Mark == MarkNone {
		w.modules(0, w.grid.n)
	} else {
		from, width := w.grid.knockOut()
		w.modules(0, from)
		w.mark(from, width)
		w.modules(from+width, w.grid.n)
	}
	w.blank(w.opts.Size - w.left - w.grid.n*w.side)
	w.file()
	return nil
}

func (w *pngWriter) rewind() {
	size := w.opts.Size
	w.depth = 1
	if w.opts.Mark != MarkNone {
		w.depth = 4
	}
	row := 1 + (size*w.depth+7)/8
	w.pixels = zeroed(w.pixels, size+7) // pack may look beyond the row
	w.packed = zeroed(w.packed, 2*row)
	w.stream.reset(row)
	w.sum = 1
}

// zeroed returns n zero bytes, in b if they fit.
func zeroed(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	b = b[:n]
	clear(b)
	return b
}

// blank appends light rows.
func (w *pngWriter) blank(rows int) {
	clear(w.packed)
	w.stream.literal(0)
	w.stream.copy(near, w.stream.dist*rows-1)
	w.addSum(rows)
}

// modules appends the rows of modules from y to end.
func (w *pngWriter) modules(y, end int) {
	for ; y < end; y++ {
		w.drawRow(w.grid.rows[y])
		w.pack(0, w.opts.Size)
		w.appendRow(w.side)
	}
}

// mark appends the rows of modules that the mark is in.
func (w *pngWriter) mark(from, width int) {
	side := width * w.side
	raster := markRaster(side)
	start := w.left + from*w.side
	for i := range side {
		if i%w.side == 0 {
			w.drawRow(w.grid.rows[from+i/w.side])
			w.pack(0, w.opts.Size)
		}
		copy(w.pixels[start:], raster[i*side:(i+1)*side])
		w.pack(start, start+side)
		w.appendRow(1)
	}
}

// drawRow sets the pixels between the margins.
func (w *pngWriter) drawRow(row uint64) {
	p := w.pixels[w.left:]
	for range w.grid.n {
		for i := range p[:w.side] {
			p[i] = uint8(row & 1)
		}
		p = p[w.side:]
		row >>= 1
	}
}

// pack takes the pixels from start to end over into the packed row.
func (w *pngWriter) pack(start, end int) {
	row := w.packed[len(w.packed)/2+1:]
	if w.depth == 4 {
		for i := start / 2; i < (end+1)/2; i++ {
			row[i] = w.pixels[2*i]<<4 | w.pixels[2*i+1]
		}
		return
	}
	for i := start / 8; i < (end+7)/8; i++ {
		var b byte
		for _, p := range w.pixels[8*i : 8*i+8] {
			b = b<<1 | p
		}
		row[i] = b
	}
}

// appendRow appends the packed row that many times.
func (w *pngWriter) appendRow(times int) {
	w.stream.scan(w.packed)
	if times > 1 {
		w.stream.copy(far, (times-1)*w.stream.dist)
	}
	w.addSum(times)
	copy(w.packed, w.packed[len(w.packed)/2:])
}

// addSum adds the packed row that many times to the checksum, looking at its
// bytes but once: from the sums of two texts follows that of both together.
func (w *pngWriter) addSum(times int) {
	const mod = 65521
	row := w.packed[len(w.packed)/2:]
	sum := adler32.Checksum(row)
	rowA, rowB := sum&0xffff, sum>>16
	a, b := w.sum&0xffff, w.sum>>16
	n := uint32(len(row))
	for range times {
		b = (b + rowB + n*(a+mod-1)) % mod
		a = (a + rowA + mod - 1) % mod
	}
	w.sum = b<<16 | a
}

// file writes the chunks around the rows.
func (w *pngWriter) file() {
	w.out = append(w.out, "\x89PNG\r\n\x1a\n"...)

	start := w.chunk("IHDR")
	w.put32(uint32(w.opts.Size))
	w.put32(uint32(w.opts.Size))
	w.out = append(w.out, byte(w.depth), 3, 0, 0, 0) // 3: indexed
	w.endChunk(start)

	start = w.chunk("PLTE")
	w.palette()
	w.endChunk(start)

	start = w.chunk("IDAT")
	w.out = append(w.out, 0x78, 0x9c) // zlib, window of 32 KB
	w.out = w.stream.appendTo(w.out)
	w.put32(w.sum)
	w.endChunk(start)

	w.endChunk(w.chunk("IEND"))
}

func (w *pngWriter) palette() {
	dark := w.opts.Color.value()
	w.out = append(append(w.out, white[:]...), dark[:]...)
	if w.opts.Mark != MarkNone {
		for _, c := range markPalette[blendIndex:] {
			w.out = append(w.out, c[:]...)
		}
	}
}

// chunk begins a chunk and returns where its type is.
func (w *pngWriter) chunk(kind string) (start int) {
	w.put32(0) // the length, once known
	w.out = append(w.out, kind...)
	return len(w.out) - len(kind)
}

func (w *pngWriter) endChunk(start int) {
	body := w.out[start:]
	binary.BigEndian.PutUint32(w.out[start-4:], uint32(len(body)-4))
	w.put32(crc32.ChecksumIEEE(body))
}

func (w *pngWriter) put32(v uint32) {
	w.out = binary.BigEndian.AppendUint32(w.out, v)
}
