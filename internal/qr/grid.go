package qr

import "github.com/yeqown/go-qrcode/v2"

const (
	maxModules = 41 // version 6
	quietZone  = 4  // modules, ISO/IEC 18004
)

// grid is a symbol without its quiet zone. Bit x of row y is set where the
// module is dark.
type grid struct {
	rows [maxModules]uint64
	data [maxModules]uint64 // which modules are under the mask
	n    int                // modules each way
}

// read takes over the modules of m, which has at most maxModules and level Q.
func (g *grid) read(m *qrcode.Matrix) {
	g.n = m.Width()
	clear(g.rows[:])
	clear(g.data[:])
	for x := range g.n {
		for y, v := range m.Col(x) { // the matrix's own column, no copy
			if v.IsSet() {
				g.rows[y] |= 1 << x
			}
			if v.Type() == qrcode.QRType_DATA {
				g.data[y] |= 1 << x
			}
		}
	}
	if g.n > 21 {
		// The alignment pattern, which the library calls data, is not masked.
		for y := g.n - 9; y < g.n-4; y++ {
			g.data[y] &^= 0b11111 << (g.n - 9)
		}
	}
	g.remask()
}

// knockOut makes the place of the mark light and returns its first module and
// its width, the same in both directions.
func (g *grid) knockOut() (from, width int) {
	width = markWidth(g.n)
	from = (g.n - width) / 2
	for y := from; y < from+width; y++ {
		g.rows[y] &^= (1<<width - 1) << from
	}
	return from, width
}

// markWidth is the largest odd number of modules within 18 % of n: of wider ones,
// level Q has too little left to repair damage with. Up to version 6 the one
// alignment pattern is out of reach.
func markWidth(n int) int {
	return (n*18/100+1)/2*2 - 1
}
