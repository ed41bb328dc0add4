package qr

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/kiwi-ki/invitations/internal/dev/qrtest"
)

// textOf returns a link of n characters, the same each time.
func textOf(n int) string {
	const link = "https://app.kiwi.example/i/K7qZ2xnJ4wTDm6VyBHc3RfEALg5PsOiu7Qk2jZx4NdWtM6VYhb3crefl"
	return link[:n]
}

// linkOf returns the i-th of many links that are as long as the longest, the same
// each time.
func linkOf(i int) string {
	const digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	random := rand.New(rand.NewPCG(42, uint64(i)))
	link := []byte(textOf(MaxText))
	for j := len(link) - 46; j < len(link); j++ {
		link[j] = digits[random.IntN(len(digits))]
	}
	return string(link)
}

const typical = 73 // characters of a real link

// versions are the longest texts of version 1 to 6.
var versions = []int{11, 20, 32, 46, 60, MaxText}

func versionOf(length int) int {
	return 1 + slices.IndexFunc(versions, func(most int) bool { return length <= most })
}

// colours are KIWI green, the darkest there is, the lightest grey that is
// accepted, and two hues that cameras see badly.
var colours = []string{"", "#000000", "#767676", "#c00000", "#0000ff"}

// variant is one way to draw.
type variant struct {
	mark   Mark
	size   int
	colour string
	length int
}

// variants crosses mark and size with every colour and with every version, the
// largest image aside.
func variants() (v []variant) {
	for _, mark := range []Mark{MarkKiwi, MarkNone} {
		for _, size := range []int{MinSize, 150, 300, 512} {
			for _, colour := range colours {
				v = append(v, variant{mark, size, colour, typical})
			}
			for _, length := range append(versions, 1) {
				v = append(v, variant{mark, size, "", length})
			}
		}
		v = append(v, variant{mark, MaxSize, "", typical})
	}
	return v
}

func (v variant) options(t *testing.T) Options {
	o := Options{Size: v.size, Mark: v.mark}
	if v.colour == "" {
		return o
	}
	var err error
	if o.Color, err = ParseColor(v.colour); err != nil {
		t.Fatal(err)
	}
	return o
}

func (v variant) png(t *testing.T) qrtest.Picture {
	file, err := PNG(textOf(v.length), v.options(t))
	if err != nil {
		t.Fatalf("%+v: %v", v, err)
	}
	return v.picture(t, file)
}

func (v variant) svg(t *testing.T) qrtest.Picture {
	file, err := SVG(textOf(v.length), v.options(t))
	if err != nil {
		t.Fatalf("%+v: %v", v, err)
	}
	return v.picture(t, rasterise(t, file))
}

func (v variant) picture(t *testing.T, file []byte) qrtest.Picture {
	name := fmt.Sprintf("%d-%d-%s-%d.png", v.mark, v.size, strings.TrimPrefix(v.colour, "#"), v.length)
	return qrtest.Picture{Name: name, Text: textOf(v.length), Image: decodePNG(t, file), File: file}
}

func TestEveryVariantIsRead(t *testing.T) {
	t.Parallel()
	formats := map[string]func(variant, *testing.T) qrtest.Picture{"png": variant.png, "svg": variant.svg}
	for format, draw := range formats {
		for _, mark := range []Mark{MarkKiwi, MarkNone} {
			t.Run(fmt.Sprintf("%s/mark %d", format, mark), func(t *testing.T) {
				t.Parallel()
				var all []qrtest.Picture
				for _, v := range variants() {
					if v.mark == mark {
						all = append(all, damaged(t, draw(v, t))...)
					}
				}
				qrtest.MustRead(t, all)
			})
		}
	}
}

// damaged returns p as drawn, as a JPEG of quality 30 and shrunk to 150 pixels.
// The large images are left as they are, to save time.
func damaged(t *testing.T, p qrtest.Picture) []qrtest.Picture {
	all := []qrtest.Picture{p}
	size := p.Image.Bounds().Dx()
	if size <= 300 {
		all = append(all, asJPEG(t, p))
	}
	if size == 300 || size == 512 {
		all = append(all, shrunk(t, p, 150))
	}
	return all
}
