package qr

import (
	"image/color"
	"math"
	"strconv"
	"strings"
	"sync/atomic"
)

// blend is a colour of the mark: so many quarters of dark green and of kiwi
// green, the rest white. All edges are smoothed to one of these, so that fifteen
// blends and the module colour make a palette of sixteen.
type blend struct{ dark, kiwi int }

var (
	skin  = blend{dark: 4}
	flesh = blend{kiwi: 4}
	halo  = blend{kiwi: 2}
	core  = blend{}
)

// layer is a set of round-capped lines of one colour. A line of no length is a
// disc. The mark's square reaches from -1 to 1, y downwards.
type layer struct {
	color blend
	width float64
	lines []line
}

type line struct{ x0, y0, x1, y1 float64 }

// kiwiMark is a slice of kiwi around a keyhole, lowest layer first.
var kiwiMark = []layer{
	{skin, 1.82, []line{{}}},
	{flesh, 1.56, []line{{}}},
	{halo, 0.90, []line{{}}},
	{skin, 0.13, seeds(12, 0.52, 0.58)},
	{core, 0.43, []line{{0, -0.10, 0, -0.10}}},
	{core, 0.20, []line{{0, 0, 0, 0.25}}},
}

// seeds returns n lines that point to the centre, between two radii.
func seeds(n int, from, to float64) []line {
	s := make([]line, n)
	for i := range s {
		sin, cos := math.Sincos((float64(i) + 0.5) / float64(n) * 2 * math.Pi)
		s[i] = line{from * cos, from * sin, to * cos, to * sin}
	}
	return s
}

func (b blend) rgb() (c rgb) {
	for i := range c {
		rest := 4 - b.dark - b.kiwi
		c[i] = uint8((b.dark*int(darkGreen[i]) + b.kiwi*int(kiwiGreen[i]) + rest*int(white[i]) + 2) / 4)
	}
	return c
}

// The palette of a PNG with the mark: white, the module colour (left open
// here), then the other blends. A PNG without it stops after the second.
const (
	lightIndex = iota
	darkIndex
	blendIndex
)

var markPalette, blendIndices = func() (p []rgb, index map[blend]uint8) {
	p = []rgb{white, {}}
	index = map[blend]uint8{{}: lightIndex}
	for dark := range 5 {
		for kiwi := range 5 - dark {
			b := blend{dark, kiwi}
			if b != (blend{}) {
				index[b] = uint8(len(p))
				p = append(p, b.rgb())
			}
		}
	}
	return p, index
}()

// maxMarkPixels is the side of the mark in the largest image: version 6, whose
// mark is seven modules wide, has the largest of all.
const maxMarkPixels = MaxSize / (maxModules + 2*quietZone) * 7

var rasters [maxMarkPixels + 1]atomic.Pointer[[]uint8]

// markColors are the palette's colours from blendIndex on.
var markColors = func() (p color.Palette) {
	for _, c := range markPalette[blendIndex:] {
		p = append(p, opaque(c))
	}
	return p
}()

// markRaster returns the mark as side × side palette indices, row by row, which
// are shared and must not be changed. Each side is drawn once per process; all
// sides that can occur take less than 7 MB.
func markRaster(side int) []uint8 {
	if p := rasters[side].Load(); p != nil {
		return *p
	}
	p := drawMark(side)
	rasters[side].Store(&p) // a race draws the same twice
	return p
}

func drawMark(side int) []uint8 {
	p := make([]uint8, side*side)
	pixel := 2 / float64(side)
	for i := range p {
		x := (float64(i%side)+0.5)*pixel - 1
		y := (float64(i/side)+0.5)*pixel - 1
		p[i] = blendIndices[blendAt(x, y, pixel)]
	}
	return p
}

// blendAt is the colour of a pixel of that width around (x, y).
func blendAt(x, y, pixel float64) blend {
	var dark, kiwi float64
	for _, l := range kiwiMark {
		a := l.coverage(x, y, pixel)
		dark += a * (float64(l.color.dark) - dark)
		kiwi += a * (float64(l.color.kiwi) - kiwi)
	}
	d := math.Round(dark)
	return blend{int(d), int(math.Min(math.Round(kiwi), 4-d))}
}

// coverage is how much of a pixel the layer hides, from 0 to 1.
func (l layer) coverage(x, y, pixel float64) float64 {
	d := math.Inf(1)
	for _, s := range l.lines {
		d = math.Min(d, s.distance(x, y))
	}
	return math.Max(0, math.Min(1, (l.width/2-d)/pixel+0.5))
}

func (s line) distance(x, y float64) float64 {
	dx, dy := s.x1-s.x0, s.y1-s.y0
	t := 0.0
	if n := dx*dx + dy*dy; n > 0 {
		t = math.Max(0, math.Min(1, ((x-s.x0)*dx+(y-s.y0)*dy)/n))
	}
	return math.Hypot(x-s.x0-t*dx, y-s.y0-t*dy)
}

// markSVG is the mark as elements of SVG in the same coordinates.
var markSVG = func() string {
	var b strings.Builder
	num := func(f float64) string { return strconv.FormatFloat(math.Round(f*1000)/1000, 'f', -1, 64) }
	for _, l := range kiwiMark {
		b.WriteString(`<path stroke="` + l.color.rgb().String() + `" stroke-width="` + num(l.width) + `" d="`)
		for _, s := range l.lines {
			b.WriteString("M" + num(s.x0) + " " + num(s.y0) + "L" + num(s.x1) + " " + num(s.y1))
		}
		b.WriteString(`"/>`)
	}
	return b.String()
}()
