package qr

// The code for the widths of codes is the same in every block: five bits for
// those that are rare, four for the others. widthOrder is the order of RFC 1951.
var (
	widthOrder = [...]int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
	widthCodes = func() (c [19]code) {
		for s := range c {
			c[s].width = 4
		}
		for _, rare := range [...]int{1, 12, 13, 14, 15, 16} {
			c[rare].width = 5
		}
		number(c[:])
		return c
	}()
)

// bitWriter appends to out as deflate wants it: the lowest bit of a byte first.
type bitWriter struct {
	out  []byte
	acc  uint64 // bits not yet in out, the next one lowest
	held uint   // how many
}

// width sends the width of one code, or counts it if it is zero.
func (w *bitWriter) width(n uint8, zeros int) int {
	if n == 0 {
		return zeros + 1
	}
	w.zeros(zeros)
	w.code(widthCodes[n])
	return 0
}

// zeros sends that many widths of zero.
func (w *bitWriter) zeros(n int) {
	for n > 0 {
		switch {
		case n < 3:
			w.code(widthCodes[0])
			n--
		case n <= 10:
			w.code(widthCodes[17])
			w.bits(n-3, 3)
			n = 0
		default:
			k := min(n, 138)
			w.code(widthCodes[18])
			w.bits(k-11, 7)
			n -= k
		}
	}
}

func (w *bitWriter) code(c code) { w.bits(int(c.word), uint(c.width)) }

// bits sends the lowest n bits of v, the others being zero.
func (w *bitWriter) bits(v int, n uint) {
	w.acc |= uint64(v) << w.held
	for w.held += n; w.held >= 8; w.held -= 8 {
		w.out = append(w.out, byte(w.acc))
		w.acc >>= 8
	}
}

// close fills the last byte with zeros and returns all of out.
func (w *bitWriter) close() []byte {
	w.bits(0, 7)
	w.acc, w.held = 0, 0
	return w.out
}
