package qr

import (
	"bytes"
	"fmt"
	"image/png"
	"math/rand/v2"
	"testing"

	"github.com/kiwi-ki/invitations/internal/dev/qrtest"
)

// TestDamage turns 2 % of the modules over: at least three links in four must be
// read all the same, by each decoder for itself.
func TestDamage(t *testing.T) {
	t.Parallel()
	const links = 200
	var damaged []qrtest.Picture
	for i := range links {
		damaged = append(damaged, flipped(t, i))
	}
	read := map[string]int{"zbar": 0, "gozxing": 0}
	texts := qrtest.ZBar(t, damaged)
	for _, p := range damaged {
		if texts[p.Name] == p.Text {
			read["zbar"]++
		}
		if got, err := qrtest.ZXing(p.Image); err == nil && got == p.Text {
			read["gozxing"]++
		}
	}
	for decoder, n := range read {
		t.Logf("%s reads %d of %d", decoder, n, links)
		if n*4 < links*3 {
			t.Errorf("%s reads %d of %d, want three in four", decoder, n, links)
		}
	}
}

// flipped draws the i-th link at eight pixels a module and turns over 2 % of the
// modules that are no finder pattern's. The mark hides those that it hits.
func flipped(t *testing.T, i int) qrtest.Picture {
	t.Helper()
	const side = 8
	d := draw(t, linkOf(i), Options{Size: side * (maxModules + 2*quietZone)})
	random := rand.New(rand.NewPCG(2, uint64(i)))
	done := map[[2]int]bool{}
	for len(done) < (d.n*d.n-3*8*8)/50 {
		at := [2]int{random.IntN(d.n), random.IntN(d.n)}
		if done[at] || d.inFinder(at[0], at[1]) {
			continue
		}
		done[at] = true
		if d.inMark(at[0]) && d.inMark(at[1]) {
			continue
		}
		for p := range side * side {
			x, y := (quietZone+at[0])*side+p%side, (quietZone+at[1])*side+p/side
			d.image.SetColorIndex(x, y, lightIndex+darkIndex-d.image.ColorIndexAt(x, y))
		}
	}
	var file bytes.Buffer
	if err := png.Encode(&file, d.image); err != nil {
		t.Fatal(err)
	}
	return qrtest.Picture{Name: fmt.Sprintf("%d.png", i), Text: linkOf(i), Image: d.image, File: file.Bytes()}
}

// inFinder tells of a module of a finder pattern or its light border.
func (d drawing) inFinder(x, y int) bool {
	return x < 8 && y < 8 || x >= d.n-8 && y < 8 || x < 8 && y >= d.n-8
}
