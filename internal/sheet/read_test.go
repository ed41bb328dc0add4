package sheet_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/kiwi-ki/invitations/internal/dev/qrtest"
	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/sheet"
)

// scans rasterises a document, as a printer or scanner of that many dots to the inch,
// and keeps the part where the code is, as whoever holds a camera does.
func scans(t *testing.T, document []byte, dpi int, more ...string) (all []qrtest.Picture) {
	t.Helper()
	prefix := filepath.Join(t.TempDir(), "page")
	dots := func(mm int) string { return fmt.Sprint(mm * dpi * 10 / 254) }
	run(t, "pdftoppm", append(more, "-r", fmt.Sprint(dpi), "-x", dots(20), "-y", dots(60), "-W", dots(80), "-H", dots(140), "-png", file(t, document), prefix)...)
	files, err := filepath.Glob(prefix + "*")
	must(t, err)
	slices.Sort(files)
	for i, name := range files {
		content, err := os.ReadFile(name)
		must(t, err)
		img, err := png.Decode(bytes.NewReader(content))
		must(t, err)
		all = append(all, qrtest.Picture{Name: fmt.Sprintf("%d-%d.png", dpi, i), Text: linkOf(i), Image: img, File: content})
	}
	return all
}

// TestRead: both decoders read every page, printed in black and white.
func TestRead(t *testing.T) {
	t.Parallel()
	written := document(t, samples()...)
	for _, dpi := range []int{300, 150} {
		t.Run(fmt.Sprint(dpi), func(t *testing.T) {
			t.Parallel()
			all := scans(t, written, dpi, "-mono")
			if len(all) != len(samples()) {
				t.Errorf("there are %d pages", len(all))
			}
			qrtest.MustRead(t, all)
		})
	}
}

// TestReadDistorted: also as paper and cameras leave it.
func TestReadDistorted(t *testing.T) {
	t.Parallel()
	one := sample(func(s *sheet.Sheet) { s.Link = invitation.NewLink(linkOf(0)) })
	scan := scans(t, document(t, one), 150)[0].Image
	page := image.NewGray(scan.Bounds())
	draw.Draw(page, page.Rect, scan, image.Point{}, draw.Src)
	var all []qrtest.Picture
	for name, distort := range map[string]func(*image.Gray) *image.Gray{
		"turned":         func(img *image.Gray) *image.Gray { return turned(img, 4) },
		"turned-back":    func(img *image.Gray) *image.Gray { return turned(img, -7) },
		"blurred":        func(img *image.Gray) *image.Gray { return blurred(img, 2) },
		"noisy":          func(img *image.Gray) *image.Gray { return noisy(img, 35) },
		"faded":          faded,
		"all-of-it":      func(img *image.Gray) *image.Gray { return noisy(faded(blurred(turned(img, 3), 1)), 8) },
		"copied-too-dim": func(img *image.Gray) *image.Gray { return noisy(blurred(img, 1), 40) },
	} {
		img := distort(page)
		var content bytes.Buffer
		must(t, png.Encode(&content, img))
		all = append(all, qrtest.Picture{Name: name + ".png", Text: linkOf(0), Image: img, File: content.Bytes()})
	}
	qrtest.MustRead(t, all)
}

// shaded makes an image whose every pixel is at(x, y).
func shaded(like *image.Gray, at func(x, y int) float64) *image.Gray {
	img := image.NewGray(like.Rect)
	for y := range like.Rect.Dy() {
		for x := range like.Rect.Dx() {
			img.SetGray(x, y, color.Gray{Y: uint8(max(0, min(255, at(x, y))))})
		}
	}
	return img
}

// turned is img turned by so many degrees around its middle.
func turned(img *image.Gray, degrees float64) *image.Gray {
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	midX, midY := float64(img.Rect.Dx())/2, float64(img.Rect.Dy())/2
	return shaded(img, func(x, y int) float64 {
		dx, dy := float64(x)-midX, float64(y)-midY
		from := image.Pt(int(math.Round(midX+cos*dx-sin*dy)), int(math.Round(midY+sin*dx+cos*dy)))
		if !from.In(img.Rect) {
			return 255
		}
		return float64(img.GrayAt(from.X, from.Y).Y)
	})
}

// blurred has the mean of all pixels within a distance.
func blurred(img *image.Gray, distance int) *image.Gray {
	return shaded(img, func(x, y int) float64 {
		sum, n := 0, 0
		for dy := -distance; dy <= distance; dy++ {
			for dx := -distance; dx <= distance; dx++ {
				if at := image.Pt(x+dx, y+dy); at.In(img.Rect) {
					sum, n = sum+int(img.GrayAt(at.X, at.Y).Y), n+1
				}
			}
		}
		return float64(sum) / float64(n)
	})
}

// noisy has pixels that are off by up to so many shades of 255.
func noisy(img *image.Gray, shades float64) *image.Gray {
	random := rand.New(rand.NewPCG(1, 2))
	return shaded(img, func(x, y int) float64 { return float64(img.GrayAt(x, y).Y) + (random.Float64()*2-1)*shades })
}

// faded is grey on grey, and darker to one side.
func faded(img *image.Gray) *image.Gray {
	return shaded(img, func(x, y int) float64 {
		return 90 + float64(img.GrayAt(x, y).Y)*0.35 + 40*float64(x)/float64(img.Rect.Dx())
	})
}
