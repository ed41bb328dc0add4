package qr

import (
	"fmt"
	"image"
	"image/color"
	"testing"

	"github.com/yeqown/go-qrcode/v2"
)

// recorder is a Writer that keeps the modules.
type recorder struct{ canvas }

// Write implements qrcode.Writer.
func (r *recorder) Write(m qrcode.Matrix) error {
	r.grid.read(&m)
	return nil
}

// drawing is one symbol, its modules and the PNG made of it.
type drawing struct {
	grid
	image *image.Paletted
}

func draw(t *testing.T, text string, o Options) drawing {
	t.Helper()
	symbol, err := encode(text)
	if err != nil {
		t.Fatal(err)
	}
	w := &pngWriter{canvas: canvas{opts: o}}
	r := &recorder{}
	for _, err := range []error{symbol.Save(w), symbol.Save(r)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	img, ok := decodePNG(t, w.out).(*image.Paletted)
	if !ok {
		t.Fatal("PNG has no palette")
	}
	return drawing{r.grid, img}
}

// TestPNGIsTheSymbol compares every pixel with the module it belongs to.
func TestPNGIsTheSymbol(t *testing.T) {
	t.Parallel()
	blue, err := ParseColor("#0000ff")
	if err != nil {
		t.Fatal(err)
	}
	for _, length := range versions {
		for _, size := range []int{128, 129, 150, 151, 255, 300, 400, 401, 512} {
			for _, mark := range []Mark{MarkKiwi, MarkNone} {
				o := Options{Size: size, Mark: mark, Color: blue}
				d := draw(t, textOf(length), o)
				if want := image.Rect(0, 0, size, size); d.image.Rect != want {
					t.Fatalf("image is %v, want %v", d.image.Rect, want)
				}
				if bad := d.wrongPixels(o); bad > 0 {
					t.Errorf("%d characters, %+v: %d wrong pixels", length, o, bad)
				}
			}
		}
	}
}

// wrongPixels counts the pixels that are neither right nor the mark's.
func (d drawing) wrongPixels(o Options) (bad int) {
	side := o.Size / (d.n + 8)
	left := (o.Size - d.n*side) / 2
	left -= left % 2
	for i, got := range d.image.Pix {
		x, y := i%o.Size-left, i/o.Size-left
		want := uint8(lightIndex)
		if x >= 0 && y >= 0 && x < d.n*side && y < d.n*side {
			x, y = x/side, y/side
			if o.Mark == MarkKiwi && d.inMark(x) && d.inMark(y) {
				continue
			}
			want = uint8(d.rows[y] >> x & 1)
		}
		if got != want {
			bad++
		}
	}
	return bad
}

func (d drawing) inMark(module int) bool {
	w := markWidth(d.n)
	return module >= (d.n-w)/2 && module < (d.n+w)/2
}

func TestQuietZone(t *testing.T) {
	t.Parallel()
	for _, length := range versions {
		for size := MinSize; size <= 300; size += 13 {
			v := variant{MarkKiwi, size, "", length}
			quietZoneOf(t, v, v.png(t).Image)
		}
		v := variant{MarkKiwi, 200, "", length}
		quietZoneOf(t, v, v.svg(t).Image)
	}
}

func quietZoneOf(t *testing.T, v variant, img image.Image) {
	t.Helper()
	var symbol image.Rectangle
	for y := range v.size {
		for x := range v.size {
			if img.At(x, y) != img.At(0, 0) {
				symbol = symbol.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	if color.GrayModel.Convert(img.At(0, 0)) != (color.Gray{Y: 255}) {
		t.Errorf("%+v: margin is %v", v, img.At(0, 0))
	}
	side := symbol.Dx() / (17 + 4*versionOf(v.length))
	margin := min(symbol.Min.X, symbol.Min.Y, v.size-symbol.Max.X, v.size-symbol.Max.Y)
	if symbol.Dx() != symbol.Dy() || margin < 4*side {
		t.Errorf("%+v: symbol at %v, quiet zone of %d pixels, want 4 modules of %d", v, symbol, margin, side)
	}
}

func TestMark(t *testing.T) {
	t.Parallel()
	for _, size := range []int{192, 300, 1024} {
		with := draw(t, textOf(typical), Options{Size: size})
		without := draw(t, textOf(typical), Options{Size: size, Mark: MarkNone})
		if got := share(with.image, kiwiGreen); got < 0.0015 {
			t.Errorf("size %d: %.4f of the image is the mark's green", size, got)
		}
		if got := share(without.image, kiwiGreen); got > 0 {
			t.Errorf("size %d: without mark, %.4f of the image is its green", size, got)
		}
		if got := with.image.At(size/2, size/2-size/100); got != opaque(white) {
			t.Errorf("size %d: the keyhole is %v", size, got)
		}
	}
}

// share is how much of an image has that colour.
func share(img image.Image, c rgb) float64 {
	n := 0
	b := img.Bounds()
	for y := range b.Dy() {
		for x := range b.Dx() {
			if img.At(x, y) == opaque(c) {
				n++
			}
		}
	}
	return float64(n) / float64(b.Dx()*b.Dy())
}

func TestPaletteOfMark(t *testing.T) {
	t.Parallel()
	if len(markPalette) != 16 {
		t.Errorf("%d colours, four bits have 16", len(markPalette))
	}
	for b, i := range blendIndices {
		if b.rgb() != markPalette[i] {
			t.Errorf("%+v is %v in the palette, want %v", b, markPalette[i], b.rgb())
		}
	}
}

func TestPNGIsSmall(t *testing.T) {
	t.Parallel()
	for i := range 50 {
		file, err := PNG(fmt.Sprint(textOf(typical-4), 1000+37*i), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if len(file) > 2500 {
			t.Errorf("PNG of %d bytes", len(file))
		}
	}
}

// TestLargestMark is for the table of rasters, whose length is fixed.
func TestLargestMark(t *testing.T) {
	t.Parallel()
	for _, length := range versions {
		if _, err := PNG(textOf(length), Options{Size: MaxSize}); err != nil {
			t.Error(err)
		}
	}
}
