package qr

import (
	"testing"

	"github.com/yeqown/go-qrcode/v2"
)

// BenchmarkMatrix is what every image costs before a pixel is drawn.
func BenchmarkMatrix(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := encode(textOf(typical)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPNG(b *testing.B) { benchmarkDraw(b, PNG) }
func BenchmarkSVG(b *testing.B) { benchmarkDraw(b, SVG) }

func benchmarkDraw(b *testing.B, draw func(string, Options) ([]byte, error)) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := draw(textOf(typical), Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// The writers alone, without the library's symbol.
func BenchmarkPNGWriter(b *testing.B) { benchmarkWriter(b, &pngWriter{canvas: defaults}) }
func BenchmarkSVGWriter(b *testing.B) { benchmarkWriter(b, &svgWriter{canvas: defaults}) }

var defaults = canvas{opts: Options{Size: DefaultSize}}

func benchmarkWriter(b *testing.B, w qrcode.Writer) {
	symbol, err := encode(textOf(typical))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := symbol.Save(w); err != nil {
			b.Fatal(err)
		}
	}
}
