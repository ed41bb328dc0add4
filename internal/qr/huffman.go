package qr

import (
	"math/bits"
	"slices"
)

const (
	symbols     = 286 // RFC 1951's literals, end of block and lengths
	longestCode = 15
)

// code is a Huffman code word of that many bits, reversed as deflate sends it.
type code struct {
	word  uint16
	width uint8
}

// huffman builds the code of one block.
type huffman struct {
	count  [symbols]uint32
	codes  [symbols]code
	leaves []uint32        // count << 9 | symbol, rarest first
	weight [symbols]uint32 // of inner nodes, in the order of their making
	parent [2 * symbols]int
}

// build assigns codes to the symbols counted, at least two of them. The others
// get no width.
func (h *huffman) build() {
	for !h.assignWidths() {
		for s, n := range h.count {
			h.count[s] = (n + 1) / 2 // flatter, until no code is too long
		}
	}
	number(h.codes[:])
}

// assignWidths is Huffman's algorithm with two queues: leaves in order, and
// inner nodes, which are made in order. It reports whether all codes are short
// enough for deflate.
func (h *huffman) assignWidths() bool {
	h.sortLeaves()
	n := len(h.leaves)
	leaf, inner := 0, 0
	for made := range n - 1 {
		h.weight[made] = 0
		for range 2 {
			node := leaf
			if leaf < n && (inner == made || h.leaves[leaf]>>9 <= h.weight[inner]) {
				h.weight[made] += h.leaves[leaf] >> 9
				leaf++
			} else {
				node = n + inner
				h.weight[made] += h.weight[inner]
				inner++
			}
			h.parent[node] = n + made
		}
	}
	return h.descend(n)
}

func (h *huffman) sortLeaves() {
	h.leaves = h.leaves[:0]
	for s, n := range h.count {
		if n > 0 {
			h.leaves = append(h.leaves, n<<9|uint32(s))
		}
	}
	slices.Sort(h.leaves)
}

// descend turns the tree over n leaves into widths, from the root down.
func (h *huffman) descend(n int) bool {
	var depth [2 * symbols]uint8
	for node := 2*n - 3; node >= 0; node-- {
		depth[node] = depth[h.parent[node]] + 1
	}
	h.codes = [symbols]code{}
	for i, leaf := range h.leaves {
		h.codes[leaf&511].width = depth[i]
	}
	return slices.Max(depth[:n]) <= longestCode
}

// number gives words to codes whose widths are set, in the order of RFC 1951,
// section 3.2.2.
func number(codes []code) {
	var next [longestCode + 2]uint16
	for _, c := range codes {
		if c.width > 0 {
			next[c.width+1]++
		}
	}
	for w := 1; w < len(next); w++ {
		next[w] = (next[w] + next[w-1]) << 1
	}
	for i, c := range codes {
		if c.width > 0 {
			codes[i].word = bits.Reverse16(next[c.width]) >> (16 - c.width)
			next[c.width]++
		}
	}
}
