package qr

import "math/bits"

// penalty is how badly a symbol is to be read, as ISO/IEC 18004 counts it: runs and
// squares of one colour, what looks like a finder pattern, and a share of dark
// modules far from a half.
func (g *grid) penalty() int {
	across := g.transposed()
	p, dark := 0, 0
	for i := range g.n {
		p += g.linePenalty(g.rows[i]) + g.linePenalty(across[i])
		dark += bits.OnesCount64(g.rows[i])
		if i > 0 {
			p += 3 * g.squares(g.rows[i-1], g.rows[i])
		}
	}
	modules := g.n * g.n
	return p + max(dark, modules-dark)*20/modules*10 - 100
}

// transposed are the columns as rows.
func (g *grid) transposed() (columns [maxModules]uint64) {
	for y, row := range g.rows[:g.n] {
		for ; row != 0; row &= row - 1 {
			columns[bits.TrailingZeros64(row)] |= 1 << y
		}
	}
	return columns
}

// linePenalty is that of one row or column: 3 for a run of five and 1 for each
// module more, 40 for each finder with four light modules on one side.
func (g *grid) linePenalty(line uint64) (p int) {
	width := 0
	for rest, left := line, g.n; left > 0; left -= width {
		width = min(left, bits.TrailingZeros64(rest^-(rest&1)))
		if width >= 5 {
			p += width - 2
		}
		rest >>= width
	}
	const finder, window = 0b101_1101, 1<<11 - 1
	for line <<= 4; line >= finder; line >>= 1 { // the quiet zone is light
		if w := line & window; w == finder || w == finder<<4 {
			p += 40
		}
	}
	return p
}

// squares counts those of two by two modules of one colour in two rows.
func (g *grid) squares(a, b uint64) int {
	dark := a & b & (a >> 1) & (b >> 1)
	light := ^(a | b | a>>1 | b>>1) & (1<<(g.n-1) - 1)
	return bits.OnesCount64(dark) + bits.OnesCount64(light)
}
