package qr

import (
	"encoding/binary"
	"math/bits"
)

// deflater compresses rows of pixels into a block of RFC 1951. It looks for
// repetition in two places only, the byte before and the row above, and has no
// need to look at all at rows that its caller knows to be equal. That makes it
// many times faster than compress/zlib, for a third more bytes.
type deflater struct {
	tokens  []token
	pending int   // bytes of the copy not yet in tokens
	from    token // where the pending copy is from: near or far

	lit  huffman
	dist int // what a far copy goes back, the bytes of a row

	bitWriter
}

// token is a literal byte or, beside near or far, a length less minCopy.
type token uint16

const (
	near token = 0x100 // a copy of the byte before
	far  token = 0x200 // a copy of the row above

	minCopy, maxCopy = 3, 258
	minFar           = 6 // shorter ones take more bits than their literals
	endOfBlock       = 256
)

// reset begins a stream whose rows have that many bytes, more than minCopy.
func (d *deflater) reset(row int) {
	d.tokens = d.tokens[:0]
	d.lit.count = [symbols]uint32{endOfBlock: 1}
	d.pending, d.dist = 0, row
}

func (d *deflater) literal(b byte) {
	d.flush()
	d.add(token(b), int(b))
}

// copy appends n bytes from near or far. At least minCopy, unless the last call
// was a copy from the same place: both then become one.
func (d *deflater) copy(from token, n int) {
	if from != d.from {
		d.flush()
		d.from = from
	}
	d.pending += n
}

// flush turns the pending copy into tokens, none shorter than minCopy.
func (d *deflater) flush() {
	for d.pending > 0 {
		n := min(d.pending, maxCopy)
		if rest := d.pending - n; rest > 0 && rest < minCopy {
			n -= minCopy
		}
		symbol, _, _ := lengthCode(n)
		d.add(d.from|token(n-minCopy), symbol)
		d.pending -= n
	}
	d.from = 0
}

func (d *deflater) add(t token, symbol int) {
	d.tokens = append(d.tokens, t)
	d.lit.count[symbol]++
}

// scan appends the last row of b, which begins with the row above.
func (d *deflater) scan(b []byte) {
	for i := d.dist; i < len(b); {
		run := matching(b[i:], b[i-1:])
		above := matching(b[i:], b[i-d.dist:])
		switch {
		case above >= minFar && above > run, above > 0 && d.from == far && above >= run:
			d.copy(far, above)
			i += above
		case run >= minCopy, run > 0 && d.from == near:
			d.copy(near, run)
			i += run
		default:
			d.literal(b[i])
			i++
		}
	}
}

// matching counts the equal bytes that a and b begin with; a is the shorter.
func matching(a, b []byte) int {
	n := 0
	for ; len(a)-n >= 8; n += 8 {
		x := binary.LittleEndian.Uint64(a[n:]) ^ binary.LittleEndian.Uint64(b[n:])
		if x != 0 {
			return n + bits.TrailingZeros64(x)/8
		}
	}
	for n < len(a) && a[n] == b[n] {
		n++
	}
	return n
}

// appendTo ends the stream and appends it, a single block, to out.
func (d *deflater) appendTo(out []byte) []byte {
	d.flush()
	d.out = out
	d.lit.build()
	farCode, extra, value := distanceCode(d.dist)
	d.header(farCode)
	for _, t := range d.tokens {
		if t < near {
			d.code(d.lit.codes[t])
			continue
		}
		symbol, lengthExtra, length := lengthCode(int(t&0xff) + minCopy)
		d.code(d.lit.codes[symbol])
		d.bits(length, lengthExtra)
		if t < far {
			d.bits(0, 1)
		} else {
			d.bits(1|value<<1, 1+extra)
		}
	}
	d.code(d.lit.codes[endOfBlock])
	return d.close()
}

// header begins the last block of a stream. Its distance code has two words of
// one bit: 0 for near, whose symbol is 0, and 1 for far.
func (d *deflater) header(farCode int) {
	d.bits(1|2<<1, 3) // last block, own codes
	d.bits(symbols-257, 5)
	d.bits(farCode, 5)
	d.bits(len(widthOrder)-4, 4)
	for _, s := range widthOrder {
		d.bits(int(widthCodes[s].width), 3)
	}
	zeros := 0
	for _, c := range d.lit.codes {
		zeros = d.width(c.width, zeros)
	}
	d.zeros(zeros)
	d.code(widthCodes[1])
	d.zeros(farCode - 1)
	d.code(widthCodes[1])
}

// lengthCode returns the symbol for a copy of n bytes, and its extra bits.
func lengthCode(n int) (symbol int, extra uint, value int) {
	if n == maxCopy {
		return 285, 0, 0
	}
	n -= minCopy
	extra = uint(max(0, bits.Len(uint(n))-3))
	return 257 + 4*int(extra) + n>>extra, extra, n & (1<<extra - 1)
}

// distanceCode returns the symbol for going back n bytes, and its extra bits.
func distanceCode(n int) (symbol int, extra uint, value int) {
	n--
	extra = uint(max(0, bits.Len(uint(n))-2))
	return 2*int(extra) + n>>extra, extra, n & (1<<extra - 1)
}
