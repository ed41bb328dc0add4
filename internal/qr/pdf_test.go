package qr

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/kiwi-ki/invitations/internal/dev/qrtest"
	"github.com/kiwi-ki/invitations/internal/pdf"
)

// TestPDFIsRead: symbols of every version, with the mark and without, printed 35 mm
// wide at 150 dots to the inch.
func TestPDFIsRead(t *testing.T) {
	t.Parallel()
	var file bytes.Buffer
	d := pdf.New(&file, "", "de")
	var texts []string
	for _, mark := range []Mark{MarkKiwi, MarkNone} {
		for _, length := range versions {
			operators, err := PDF(textOf(length), Options{Mark: mark})
			if err != nil {
				t.Fatal(err)
			}
			p := pdf.NewPage("de")
			p.Figure("", operators, 20*pdf.MM, 20*pdf.MM, 35*pdf.MM)
			if err := d.Add(p); err != nil {
				t.Fatal(err)
			}
			texts = append(texts, textOf(length))
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), qrtest.Tool(t, "pdftoppm", "poppler-utils"),
		"-r", "150", "-x", "80", "-y", "1390", "-W", "290", "-H", "290", "-png", "-", filepath.Join(dir, "page"))
	cmd.Stdin = &file
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("pdftoppm: %v: %s", err, out)
	}
	var all []qrtest.Picture
	for i, text := range texts {
		name := fmt.Sprintf("page-%02d.png", i+1)
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, qrtest.Picture{Name: name, Text: text, Image: decodePNG(t, content), File: content})
	}
	qrtest.MustRead(t, all)
}

// TestPDFRefuses what PNG does, but no size: that is of no account.
func TestPDFRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{"": ErrText, "ä": ErrText, textOf(MaxText) + "x": ErrTextTooLong} {
		if got, err := PDF(text, Options{}); !errors.Is(err, want) || got != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := PDF(textOf(20), Options{Size: 1}); err != nil {
		t.Error(err)
	}
	if _, err := PDF(textOf(20), Options{Mark: 7}); !errors.Is(err, ErrMark) {
		t.Error(err)
	}
}
