// Package qrtest reads pictures of QR codes with two decoders that know nothing of
// one another, and of the package that drew the code.
package qrtest

import (
	"encoding/xml"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// Picture is something that both decoders must read as text.
type Picture struct {
	Name  string // of a file
	Text  string
	Image image.Image
	File  []byte // the image as PNG or JPEG
}

// MustRead fails for every picture that either decoder does not read.
func MustRead(t *testing.T, pictures []Picture) {
	t.Helper()
	read := ZBar(t, pictures)
	for _, p := range pictures {
		if got := read[p.Name]; got != p.Text {
			t.Errorf("zbar reads %s as %q, want %q", p.Name, got, p.Text)
		}
		if got, err := ZXing(p.Image); err != nil || got != p.Text {
			t.Errorf("gozxing reads %s as %q (%v), want %q", p.Name, got, err, p.Text)
		}
	}
}

// ZXing reads one picture.
func ZXing(img image.Image, more ...gozxing.DecodeHintType) (string, error) {
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

// ZBar reads all pictures in one run of zbarimg, and returns texts by name.
func ZBar(t *testing.T, pictures []Picture) map[string]string {
	t.Helper()
	dir := t.TempDir()
	args := []string{"--quiet", "--nodbus", "--xml", "-Sdisable", "-Sqrcode.enable"}
	for _, p := range pictures {
		if err := os.WriteFile(filepath.Join(dir, p.Name), p.File, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, p.Name)
	}
	cmd := exec.CommandContext(t.Context(), Tool(t, "zbarimg", "zbar-tools"), args...)
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

// Tool fails, and never skips, where a program is missing: without it nothing would
// be tested.
func Tool(t *testing.T, name, debianPackage string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is missing; install the Debian package %s", name, debianPackage)
	}
	return path
}
