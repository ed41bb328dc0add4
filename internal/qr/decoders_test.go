package qr

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os/exec"
	"testing"

	"github.com/kiwi-ki/invitations/internal/dev/qrtest"
)

// rasterise renders a document of SVG in its own size.
func rasterise(t *testing.T, svg []byte) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), qrtest.Tool(t, "rsvg-convert", "librsvg2-bin"))
	cmd.Stdin = bytes.NewReader(svg)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("rsvg-convert: %v", err)
	}
	return out
}

func decodePNG(t *testing.T, file []byte) image.Image {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatalf("not a PNG: %v", err)
	}
	return img
}

// asJPEG is p after a messenger's worst compression.
func asJPEG(t *testing.T, p qrtest.Picture) qrtest.Picture {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, p.Image, &jpeg.Options{Quality: 30}); err != nil {
		t.Fatal(err)
	}
	img, err := jpeg.Decode(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return qrtest.Picture{Name: p.Name + "-q30.jpg", Text: p.Text, Image: img, File: b.Bytes()}
}

// shrunk is p at side × side pixels, each the mean of those that it covers.
func shrunk(t *testing.T, p qrtest.Picture, side int) qrtest.Picture {
	t.Helper()
	small := image.NewGray(image.Rect(0, 0, side, side))
	size := p.Image.Bounds().Dx()
	for y := range side {
		for x := range side {
			area := image.Rect(x*size/side, y*size/side, (x+1)*size/side, (y+1)*size/side)
			small.SetGray(x, y, mean(p.Image, area))
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, small); err != nil {
		t.Fatal(err)
	}
	return qrtest.Picture{Name: p.Name + "-small.png", Text: p.Text, Image: small, File: b.Bytes()}
}

func mean(img image.Image, area image.Rectangle) color.Gray {
	sum := 0
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			sum += int(color.GrayModel.Convert(img.At(x, y)).(color.Gray).Y)
		}
	}
	return color.Gray{Y: uint8(sum / (area.Dx() * area.Dy()))}
}
