package qr

import "math/bits"

// The library tries all eight masks at a time and, where two score the same, takes
// the one whose goroutine ends first. Its score is not ISO's either, and some
// symbols of its choice are not found by decoders. So that a link always has the same
// image, and a good one, we lift the mask that it took and choose again.

// masks are the patterns of ISO/IEC 18004 by their numbers. A module of data is
// turned over where its pattern is zero.
var masks = [8]func(x, y int) int{
	func(x, y int) int { return (x + y) % 2 },
	func(_, y int) int { return y % 2 },
	func(x, _ int) int { return x % 3 },
	func(x, y int) int { return (x + y) % 3 },
	func(x, y int) int { return (x/3 + y/2) % 2 },
	func(x, y int) int { return x*y%2 + x*y%3 },
	func(x, y int) int { return (x*y%2 + x*y%3) % 2 },
	func(x, y int) int { return ((x+y)%2 + x*y%3) % 2 },
}

// maskRows has each pattern as rows, whose bit x is set where a module is turned.
var maskRows = func() (all [8][maxModules]uint64) {
	for i, mask := range masks {
		for y := range maxModules {
			for x := range maxModules {
				if mask(x, y) == 0 {
					all[i][y] |= 1 << x
				}
			}
		}
	}
	return all
}()

// remask gives the symbol the mask of the least penalty, of several the first.
func (g *grid) remask() {
	best, least := *g, -1
	g.turn(g.mask())
	for mask := range masks {
		tried := *g
		tried.turn(mask)
		tried.setFormat(mask)
		if p := tried.penalty(); least < 0 || p < least {
			best, least = tried, p
		}
	}
	*g = best
}

// turn lays a mask over the data, or lifts it.
func (g *grid) turn(mask int) {
	for y := range g.n {
		g.rows[y] ^= maskRows[mask][y] & g.data[y]
	}
}

// formatMask hides the format, lest it be all light.
const formatMask = 0b101_0100_0001_0010

// mask reads which mask the symbol has: bits 10 to 12 of the format, the highest
// of them furthest to the left.
func (g *grid) mask() int {
	read := bits.Reverse64(g.rows[8]>>2&7)>>61 ^ formatMask>>10&7
	return int(read)
}

// setFormat writes the format of level Q and that mask, in both its places.
func (g *grid) setFormat(mask int) {
	const levelQ, generator = 0b11, 0b101_0011_0111
	format := levelQ<<3 | mask
	rest := format
	for range 10 {
		rest = rest<<1 ^ rest>>9*generator
	}
	format = (format<<10 | rest) ^ formatMask
	for i := range 15 { // from the lowest bit
		dark := format>>i&1 == 1
		switch {
		case i < 6:
			g.set(8, i, dark)
		case i < 8:
			g.set(8, i+1, dark)
		case i == 8:
			g.set(7, 8, dark)
		default:
			g.set(14-i, 8, dark)
		}
		if i < 8 {
			g.set(g.n-1-i, 8, dark)
		} else {
			g.set(8, g.n-15+i, dark)
		}
	}
}

func (g *grid) set(x, y int, dark bool) {
	g.rows[y] &^= 1 << x
	if dark {
		g.rows[y] |= 1 << x
	}
}
