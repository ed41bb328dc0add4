package qr

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
)

// MinContrast is the least contrast to white of a module colour, as WCAG 2
// counts it. Decoders begin to fail below 3.9:1.
const MinContrast = 4.5

// Refusals of ParseColor.
var (
	ErrColor       = errors.New("qr: colour is not of the form #1a5632")
	ErrLowContrast = errors.New("qr: too little contrast")
)

// DefaultColor is KIWI green as ParseColor reads it: what the zero Color is.
const DefaultColor = "#1a5632"

type rgb [3]uint8

var (
	white     = rgb{0xff, 0xff, 0xff}
	darkGreen = rgb{0x1a, 0x56, 0x32} // of modules, skin and seeds: 8.6:1 to white
	kiwiGreen = rgb{0x7a, 0xb9, 0x29} // of the mark's flesh only: 2.4:1
)

// Color is a colour that stands out enough from white. The zero value is KIWI
// green, #1a5632; ParseColor makes all others, so that none goes unchecked.
type Color struct {
	rgb rgb
	set bool
}

// ParseColor reads # and six hexadecimal digits of either case. It returns
// ErrColor for any other form and ErrLowContrast, wrapped with the measured
// ratio, under MinContrast.
func ParseColor(s string) (Color, error) {
	var c rgb
	if len(s) != 7 || s[0] != '#' {
		return Color{}, ErrColor
	}
	if _, err := hex.Decode(c[:], []byte(s[1:])); err != nil {
		return Color{}, ErrColor
	}
	if ratio := c.contrast(); ratio < MinContrast {
		// Rounded down, lest 4.499 be refused as 4.50.
		return Color{}, fmt.Errorf("%w: %s has %.2f:1 to white, %.1f:1 is needed",
			ErrLowContrast, c, math.Floor(ratio*100)/100, MinContrast)
	}
	return Color{rgb: c, set: true}, nil
}

// String returns the form that ParseColor reads.
func (c Color) String() string { return c.value().String() }

func (c Color) value() rgb {
	if !c.set {
		return darkGreen
	}
	return c.rgb
}

func (c rgb) String() string { return "#" + hex.EncodeToString(c[:]) }

// contrast is the WCAG 2 contrast ratio of c to white.
func (c rgb) contrast() float64 {
	l := 0.2126*linear(c[0]) + 0.7152*linear(c[1]) + 0.0722*linear(c[2])
	return 1.05 / (l + 0.05)
}

// linear undoes the sRGB transfer curve.
func linear(v uint8) float64 {
	f := float64(v) / 255
	if f <= 0.04045 {
		return f / 12.92
	}
	return math.Pow((f+0.055)/1.055, 2.4)
}
