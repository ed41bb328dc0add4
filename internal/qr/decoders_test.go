package qr

import (
	"bytes"
	"encoding/xml"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// picture is something that both decoders must read as text.
type picture struct {
	name  string // of a file
	text  string
	image image.Image
	file  []byte // the image as PNG or JPEG
}

// mustRead fails for every picture that either decoder does not read.
func mustRead(t *testing.T, pictures []picture) {
	t.Helper()
	read := zbar(t, pictures)
	for _, p := range pictures {
		if got := read[p.name]; got != p.text {
			t.Errorf("zbar reads %s as %q, want %q", p.name, got, p.text)
		}
		if got, err := zxing(p.image); err != nil || got != p.text {
			t.Errorf("gozxing reads %s as %q (%v), want %q", p.name, got, err, p.text)
		}
	}
}

func zxing(img image.Image, more ...gozxing.DecodeHintType) (string, error) {
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		return "", err
	}
	hints := map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true}
	for _, hint := range more {
		hints[hint] = true
	}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, hints)
	if err != nil {
		return "", err
	}
	return result.GetText(), nil
}

// zbar reads all pictures in one run of zbarimg, and returns texts by name.
func zbar(t *testing.T, pictures []picture) map[string]string {
	t.Helper()
	dir := t.TempDir()
	args := []string{"--quiet", "--nodbus", "--xml", "-Sdisable", "-Sqrcode.enable"}
	for _, p := range pictures {
		if err := os.WriteFile(filepath.Join(dir, p.name), p.file, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, p.name)
	}
	cmd := exec.CommandContext(t.Context(), tool(t, "zbarimg", "zbar-tools"), args...)
	cmd.Dir = dir
	out, err := cmd.Output() // fails if one image is not read, which we report by name
	var found struct {
		Sources []struct {
			Name string `xml:"href,attr"`
			Text string `xml:"index>symbol>data"`
		} `xml:"source"`
	}
	if xmlErr := xml.Unmarshal(out, &found); xmlErr != nil {
		t.Fatalf("zbarimg: %v, and its answer: %v", err, xmlErr)
	}
	texts := make(map[string]string)
	for _, s := range found.Sources {
		texts[s.Name] = s.Text
	}
	return texts
}

// rasterise renders a document of SVG in its own size.
func rasterise(t *testing.T, svg []byte) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), tool(t, "rsvg-convert", "librsvg2-bin"))
	cmd.Stdin = bytes.NewReader(svg)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("rsvg-convert: %v", err)
	}
	return out
}

// tool fails, and never skips, where a binary is missing: without decoders this
// package is not tested.
func tool(t *testing.T, name, debianPackage string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is missing; install the Debian package %s", name, debianPackage)
	}
	return path
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
func asJPEG(t *testing.T, p picture) picture {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, p.image, &jpeg.Options{Quality: 30}); err != nil {
		t.Fatal(err)
	}
	img, err := jpeg.Decode(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return picture{p.name + "-q30.jpg", p.text, img, b.Bytes()}
}

// shrunk is p at side × side pixels, each the mean of those that it covers.
func shrunk(t *testing.T, p picture, side int) picture {
	t.Helper()
	small := image.NewGray(image.Rect(0, 0, side, side))
	size := p.image.Bounds().Dx()
	for y := range side {
		for x := range side {
			area := image.Rect(x*size/side, y*size/side, (x+1)*size/side, (y+1)*size/side)
			small.SetGray(x, y, mean(p.image, area))
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, small); err != nil {
		t.Fatal(err)
	}
	return picture{p.name + "-small.png", p.text, small, b.Bytes()}
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
