package qr

import (
	"bytes"
	"image"
	"testing"

	"github.com/makiuchi-d/gozxing"

	"github.com/kiwi-ki/invitations/internal/dev/qrtest"
)

// under returns the symbol of text under a mask of our choice.
func under(t *testing.T, text string, mask int) grid {
	t.Helper()
	g := draw(t, text, Options{Size: MinSize}).grid
	g.turn(g.mask())
	g.turn(mask)
	g.setFormat(mask)
	return g
}

// TestEveryMask: a symbol is valid under each mask, none of which decides what the
// image is.
func TestEveryMask(t *testing.T) {
	t.Parallel()
	for _, length := range versions {
		text := textOf(length)
		want := draw(t, text, Options{Size: MinSize}).grid
		for mask := range masks {
			g := under(t, text, mask)
			if got := g.mask(); got != mask {
				t.Errorf("%d characters: mask %d reads as %d", length, mask, got)
			}
			if got, err := qrtest.ZXing(g.image(4), gozxing.DecodeHintType_PURE_BARCODE); got != text {
				t.Errorf("%d characters: mask %d reads as %q: %v", length, mask, got, err)
			}
			if g.remask(); g != want {
				t.Errorf("%d characters: mask %d leads to another image", length, mask)
			}
		}
	}
}

// TestSameTextSameImage: a printed code and the one on the screen can be compared,
// and writers keep nothing of the image before.
func TestSameTextSameImage(t *testing.T) {
	t.Parallel()
	for i := range 40 {
		text := linkOf(i)
		want, err := PNG(text, Options{Size: MinSize})
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			if _, err := PNG(textOf(11+i), Options{Size: MinSize + i}); err != nil {
				t.Fatal(err)
			}
			if got, err := PNG(text, Options{Size: MinSize}); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%s has two images (%v)", text, err)
			}
		}
	}
}

// image draws the modules that large, in a quiet zone.
func (g *grid) image(side int) image.Image {
	width := (g.n + 2*quietZone) * side
	img := image.NewGray(image.Rect(0, 0, width, width))
	for i := range img.Pix {
		x, y := i%width/side-quietZone, i/width/side-quietZone
		if x < 0 || y < 0 || x >= g.n || y >= g.n || g.rows[y]>>x&1 == 0 {
			img.Pix[i] = 0xff
		}
	}
	return img
}
