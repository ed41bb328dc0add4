package pdf_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kiwi-ki/invitations/internal/dev/harness"
	"github.com/kiwi-ki/invitations/internal/dev/qrtest"
	"github.com/kiwi-ki/invitations/internal/pdf"
)

var must = harness.Must

// shown writes each text as a line of a page of its own, and returns what poppler
// reads on it.
func shown(t *testing.T, font pdf.Font, texts ...string) (read []string) {
	t.Helper()
	var out bytes.Buffer
	d := pdf.New(&out, "Title", "de")
	for _, text := range texts {
		p := pdf.NewPage("de")
		p.Begin(pdf.Paragraph)
		for i, l := range d.Lines("de", 12, 170*pdf.MM, pdf.Span{Text: text, Font: font}) {
			p.Text(l, 20*pdf.MM, 250*pdf.MM-float64(i)*16)
		}
		p.End()
		must(t, d.Add(p))
	}
	must(t, d.Close())
	path := filepath.Join(t.ArtifactDir(), "texts.pdf")
	must(t, os.WriteFile(path, out.Bytes(), 0o600))
	cmd := exec.CommandContext(t.Context(), qrtest.Tool(t, "pdftotext", "poppler-utils"), path, "-")
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	all, err := cmd.Output()
	if err != nil || complaints.Len() > 0 {
		t.Fatalf("pdftotext: %v: %s", err, complaints.String())
	}
	for page := range strings.SplitSeq(strings.TrimSuffix(string(all), "\f"), "\f") {
		read = append(read, strings.Trim(strings.Join(strings.Fields(page), " "), "\u202a\u202b\u202c"))
	}
	return read
}

// TestEveryLetter: whatever is on a page is read from it again, letter by letter, in
// every script and font that there is.
func TestEveryLetter(t *testing.T) {
	t.Parallel()
	for font, ranges := range map[pdf.Font][][2]rune{
		pdf.Regular: {{'!', '~'}, {0xc0, 0x17f}, {0x386, 0x3ce}, {0x400, 0x45f}, {0x1e00, 0x1e99}, {0x1ea0, 0x1ef9}},
		pdf.Bold:    {{'!', '~'}, {0xc0, 0x17f}, {0x410, 0x44f}},
		pdf.Mono:    {{'!', '~'}},
	} {
		t.Run(fmt.Sprint(font), func(t *testing.T) {
			t.Parallel()
			var texts []string
			for _, r := range ranges {
				var letters []string
				for c := r[0]; c <= r[1]; c++ {
					if font == pdf.Mono || pdf.CanShow(string(c)) {
						letters = append(letters, string(c))
					}
				}
				texts = append(texts, strings.Join(letters, " "))
			}
			for i, read := range shown(t, font, texts...) {
				// Poppler takes letters at even distances for one word.
				if strings.ReplaceAll(read, " ", "") != strings.ReplaceAll(texts[i], " ", "") {
					t.Errorf("%q is read as %q", texts[i], read)
				}
			}
		})
	}
}

// TestScripts: letters that join, that have marks, and that are written from right to
// left are read in the order in which they are spoken.
func TestScripts(t *testing.T) {
	t.Parallel()
	texts := []string{
		"محمد علي الأحمد", "نرگس می\u200cخواهد", "پژمان گچ\u200cپژ", "Ελευθέριος Ἀθηνᾶ", "Наталія Ґалаґан", "Đặng Thị Ngọc",
	}
	for i, read := range shown(t, pdf.Regular, texts...) {
		if read != texts[i] {
			t.Errorf("%q is read as %q", texts[i], read)
		}
	}
}

// TestLines: a paragraph keeps to its width, breaks between words, and loses none; a
// word that is too long is broken all the same.
func TestLines(t *testing.T) {
	t.Parallel()
	d := pdf.New(&bytes.Buffer{}, "", "de")
	const width = 200
	if lines := d.Lines("de", 12, width, pdf.Span{}); len(lines) > 0 {
		t.Errorf("no text has lines: %v", lines)
	}
	for text, least := range map[string]int{
		"": 0, "kurz": 1, strings.Repeat("Hausverwaltung ", 20): 8, strings.Repeat("W", 100): 6, strings.Repeat("م", 400): 2,
	} {
		lines := d.Lines("de", 12, width, pdf.Span{Text: text}, pdf.Span{Text: " fett", Font: pdf.Bold})
		if len(lines) < max(1, least) {
			t.Errorf("%.20q has %d lines", text, len(lines))
		}
		for _, l := range lines {
			if l.Width <= 0 || l.Width > width+0.01 {
				t.Errorf("%.20q has a line of %.1f", text, l.Width)
			}
		}
	}
}

// TestWriterFails: the first error of the writer is what Add and Close return.
func TestWriterFails(t *testing.T) {
	t.Parallel()
	full := errors.New("disk full")
	d := pdf.New(broken{full}, "", "de")
	if err := d.Add(pdf.NewPage("de")); !errors.Is(err, full) {
		t.Errorf("Add returns %v", err)
	}
	if err := d.Close(); !errors.Is(err, full) {
		t.Errorf("Close returns %v", err)
	}
}

type broken struct{ err error }

// Write implements io.Writer.
func (b broken) Write([]byte) (int, error) { return 0, b.err }
