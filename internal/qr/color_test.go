package qr

import (
	"errors"
	"math"
	"strings"
	"testing"
)

func TestParseColor(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		want string
		err  error
	}{
		{"#1a5632", "#1a5632", nil},
		{"#1A5632", "#1a5632", nil},
		{"#000000", "#000000", nil}, // not the zero Color, which is green
		{"#767676", "#767676", nil}, // 4.54:1, the lightest grey
		{"#777777", "", ErrLowContrast},
		{"#7ab929", "", ErrLowContrast},
		{"#ffffff", "", ErrLowContrast},
		{"", "", ErrColor},
		{"#", "", ErrColor},
		{"#fff", "", ErrColor},
		{"1a5632", "", ErrColor},
		{"#1a56322", "", ErrColor},
		{"#1a563g", "", ErrColor},
		{"#1a5632ff", "", ErrColor},
		{" #1a563", "", ErrColor},
		{"#+a5632", "", ErrColor},
	} {
		got, err := ParseColor(tt.in)
		if !errors.Is(err, tt.err) {
			t.Errorf("ParseColor(%q): error %v, want %v", tt.in, err, tt.err)
		}
		if err == nil && got.String() != tt.want {
			t.Errorf("ParseColor(%q) = %v, want %v", tt.in, got, tt.want)
		}
	}
}

func TestZeroColorIsKiwiGreen(t *testing.T) {
	t.Parallel()
	if got := (Color{}).String(); got != "#1a5632" {
		t.Errorf("zero Color is %s", got)
	}
	if got := darkGreen.contrast(); got < MinContrast {
		t.Errorf("KIWI green has %.2f:1", got)
	}
}

func TestLowContrastSaysHowMuch(t *testing.T) {
	t.Parallel()
	_, err := ParseColor("#777777")
	if err == nil || !strings.Contains(err.Error(), "4.47:1") || !strings.Contains(err.Error(), "4.5:1") {
		t.Errorf("error %q lacks the measured or the needed ratio", err)
	}
}

// The values are those of other implementations of WCAG 2.
func TestContrast(t *testing.T) {
	t.Parallel()
	for c, want := range map[rgb]float64{
		{}:                 21,
		white:              1,
		{0xff, 0, 0}:       3.998,
		{0, 0, 0xff}:       8.592,
		{0x77, 0x77, 0x77}: 4.478,
		{0x05, 0x05, 0x05}: 20.38, // on the straight part of the curve
		kiwiGreen:          2.39,
	} {
		if got := c.contrast(); math.Abs(got-want) > 0.005 {
			t.Errorf("contrast of %s = %.3f, want %.3f", c, got, want)
		}
	}
}
