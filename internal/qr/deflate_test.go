package qr

import (
	"bytes"
	"compress/flate"
	"io"
	"testing"
)

// FuzzDeflate compresses data, cut into rows, as the PNG writer would.
func FuzzDeflate(f *testing.F) {
	f.Add([]byte("\x00\x11\x11\x11\x10\x00\x00\x11"), uint16(17), uint8(3))
	f.Add(bytes.Repeat([]byte("kiwi"), 600), uint16(200), uint8(9))
	f.Add(bytes.Repeat([]byte{7}, 5000), uint16(1025), uint8(41))
	f.Add([]byte{}, uint16(4), uint8(1))
	var all []byte
	for i := range 4096 {
		all = append(all, byte(i*i>>4))
	}
	f.Add(all, uint16(65), uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, row uint16, times uint8) {
		if row < 4 || row > 1025 || times == 0 {
			return
		}
		want, packed := deflate(data, int(row), int(times))
		got, err := io.ReadAll(flate.NewReader(bytes.NewReader(packed)))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes came back as %d, error %v", len(want), len(got), err)
		}
	})
}

// deflate returns a blank row and then each row of data that many times, plain
// and compressed.
func deflate(data []byte, row, times int) (plain, packed []byte) {
	var d deflater
	d.reset(row)
	d.literal(0)
	d.copy(near, row-1)
	plain = make([]byte, row)
	for len(data) > row {
		d.scan(append(plain[len(plain)-row:len(plain):len(plain)], data[:row]...))
		if times > 1 {
			d.copy(far, row*(times-1))
		}
		for range times {
			plain = append(plain, data[:row]...)
		}
		data = data[row:]
	}
	return plain, d.appendTo(nil)
}

// TestHuffmanIsLimited takes counts that make Huffman's tree as deep as can be.
func TestHuffmanIsLimited(t *testing.T) {
	t.Parallel()
	var h huffman
	a, b := uint32(1), uint32(1)
	for s := range 30 {
		h.count[s*9] = a
		a, b = b, a+b
	}
	h.build()
	sum := 0
	for s, c := range h.codes {
		if c.width > longestCode || (c.width > 0) != (s%9 == 0 && s < 270) {
			t.Errorf("symbol %d has %d bits", s, c.width)
		}
		if c.width > 0 {
			sum += 1 << (longestCode - c.width)
		}
	}
	if sum != 1<<longestCode {
		t.Errorf("the code fills %d of %d", sum, 1<<longestCode)
	}
}

// TestHuffmanIsOptimal uses the counts of a text-book example, whose best code
// takes 224 bits.
func TestHuffmanIsOptimal(t *testing.T) {
	t.Parallel()
	var h huffman
	copy(h.count[:], []uint32{45, 13, 12, 16, 9, 5})
	h.build()
	bits := uint32(0)
	for s, c := range h.codes {
		bits += h.count[s] * uint32(c.width)
	}
	if bits != 224 {
		t.Errorf("code takes %d bits", bits)
	}
}
