package sheet_test

import (
	"encoding/xml"
	"testing"
)

// word is a word on a page, in points from the upper left corner.
type word struct {
	Left   float64 `xml:"xMin,attr"`
	Top    float64 `xml:"yMin,attr"`
	Right  float64 `xml:"xMax,attr"`
	Bottom float64 `xml:"yMax,attr"`
	Text   string  `xml:",chardata"`
}

// middle is the part of a line that its letters fill: below, lines may overlap.
func (w word) middle() (top, bottom float64) {
	height := w.Bottom - w.Top
	return w.Top + 0.3*height, w.Bottom - 0.25*height
}

// TestNothingOverlaps: however long the names are, every word has its own place within
// the margins.
func TestNothingOverlaps(t *testing.T) {
	t.Parallel()
	const mm = 72 / 25.4
	var doc struct {
		Pages []struct {
			Words []word `xml:"word"`
		} `xml:"body>doc>page"`
	}
	must(t, xml.Unmarshal([]byte(run(t, "pdftotext", "-bbox", file(t, document(t, samples()...)), "-")), &doc))
	if len(doc.Pages) != len(samples()) {
		t.Fatalf("there are %d pages", len(doc.Pages))
	}
	for n, page := range doc.Pages {
		for i, w := range page.Words {
			if w.Left < 24.9*mm || w.Right > 190.5*mm || w.Top < 15*mm || w.Bottom > 288*mm {
				t.Errorf("page %d: %q is in the margin: %+v", n+1, w.Text, w)
			}
			for _, other := range page.Words[:i] {
				top, bottom := w.middle()
				otherTop, otherBottom := other.middle()
				if w.Left+0.5 < other.Right && other.Left+0.5 < w.Right && top < otherBottom && otherTop < bottom {
					t.Errorf("page %d: %q and %q overlap", n+1, w.Text, other.Text)
				}
			}
		}
	}
}
